import { infoOf, isFrom, productOf, survivesNoTouch } from '../../redis/info.ts';
import { RedisError } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { InputError } from '../../support/failure.ts';
import { asBytes } from '../../support/bytes.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { aclLine, type Granted, grantedTo, readAsked, requireAclWord, rulesFor } from './line.ts';
import { keyAccess, type Right, rightsWhere, sentinelRights, since } from './rights.ts';
import { type AclResult, viewOf } from './view.ts';

export interface AclInput {
  readonly words: readonly string[];
  readonly user: string;
  readonly keys?: readonly string[];
  readonly requiredOnly?: true;
}

/** `acl` from its input to its result. */
export function aclExecution(input: AclInput): Execution<AclResult> {
  return {
    blank: blankOf<AclResult>()(
      'user patterns[] commandLines[] line sentinelLine server missingCommands[] rights[]',
    ),
    rows: 'rights',
    oneTable: true,
    // Where no server can be asked, the rights are those of the oldest that is supported.
    connects: false,
    run: (context) => describe(context, input),
    view: (result, _own, { isPerson }) => viewOf(result, isPerson),
  };
}

async function describe(context: Context, input: AclInput): Promise<Outcome<AclResult>> {
  const asked = readAsked(input.words);
  const user = requireAclWord('--user', input.user);
  const patterns = (input.keys ?? ['*']).map((pattern) => requireAclWord('--keys', pattern));
  const wanted = asked.flatMap(grantedTo);
  const topology = settingOf(context, 'topology');
  const known = [...wanted, ...byConnection(context, topology, wanted)].filter(
    ({ loses }) => loses === null || input.requiredOnly !== true,
  );
  const server = await askServer(context, [...new Set(known.map(({ command }) => command))]);
  const rights = known.filter(({ command }) => server.has(command));
  const isSentinel = topology.startsWith('Sentinels');
  return {
    result: {
      ...{ user, patterns, commandLines: [...new Set(wanted.map(({ by }) => by))] },
      line: aclLine(user, rulesFor(rights, patterns)),
      sentinelLine: isSentinel ? aclLine(user, rulesFor(sentinelRights, [])) : null,
      server: server.facts,
      missingCommands: [...new Set(known.map(({ command }) => command))].filter(
        (command) => isIn(server.facts, command) && !server.has(command),
      ),
      rights: rights.map(({ command, by, loses }) => ({ right: `+${command}`, command: by, loses })),
    },
  };
}

const settingOf = ({ settings }: Context, name: string) =>
  settings.find((setting) => setting.name === name)?.value ?? '';

/** What the way to the server needs, and what protects it. */
function byConnection(context: Context, topology: string, wanted: readonly Right[]): Granted[] {
  const given = (by: string, rights: readonly Right[]) => rights.map((right) => ({ ...right, by }));
  const writes = wanted.some(({ command }) => keyAccess.get(command)?.includes('W') === true);
  const hasProtections = Object.values(context.profiles).some(
    (profile) => profile.protected === true || profile.readOnly === true,
  );
  const { cluster, database, sentinel, protections } = rightsWhere;
  return [
    ...(Number(settingOf(context, 'database')) > 0 ? given('database', database) : []),
    ...(topology === 'cluster'
      ? given('cluster', writes ? cluster : cluster.filter(({ command }) => command !== 'asking'))
      : []),
    ...(topology.startsWith('Sentinels') ? given('Sentinels', sentinel) : []),
    ...(writes && hasProtections ? given('protections', protections) : []),
  ];
}

/** The oldest version that is supported. */
const floor = { product: 'redis', version: '7.0' };

interface AskedServer {
  readonly facts: AclResult['server'];
  /** Whether the server has the command. */
  readonly has: (command: string) => boolean;
}

/** Asks the server which commands it has, where one answers; a command that is renamed or blocked is not there. */
async function askServer(context: Context, commands: readonly string[]): Promise<AskedServer> {
  const address = settingOf(context, 'url');
  try {
    const server = await context.connect();
    return await readCommands(server.nodes[0], server.address, commands);
  } catch (error) {
    if (!(error instanceof RedisError || error instanceof InputError)) throw error;
    context.warnOfResult(`${error.message}; the rights are those for Redis ${floor.version}`);
    return { facts: { address, product: null, version: null }, has: (command) => isIn(floor, command) };
  }
}

async function readCommands(
  node: RedisNode,
  address: string,
  commands: readonly string[],
): Promise<AskedServer> {
  const [info, known] = await node.batch([
    ['INFO', 'SERVER'],
    ['COMMAND', 'INFO', ...commands.map(asBytes)],
  ]);
  const facts = infoOf(info);
  const reported = facts === null ? null : productOf(facts);
  const shown = { address, product: reported?.product ?? null, version: reported?.version ?? null };
  if (known instanceof ReplyError || !Array.isArray(known))
    return { facts: shown, has: (command) => isIn(shown, command) };
  const there = new Set(commands.filter((_, index) => Array.isArray(known[index])));
  const isHarmful = (command: string) => command === noTouch && !isIn(shown, command);
  return { facts: shown, has: (command) => there.has(command) && !isHarmful(command) };
}

const noTouch = 'client|no-touch';

/** Whether a version has the command, and is sent it; one that is not known is the oldest. */
function isIn(server: Pick<AclResult['server'], 'product' | 'version'>, command: string): boolean {
  const release = { product: server.product ?? floor.product, version: server.version ?? floor.version };
  if (command === noTouch) return survivesNoTouch(release);
  const first = since[command]?.[release.product === 'valkey' ? 'valkey' : 'redis'];
  return first === undefined || isFrom(release, first);
}
