import { setTimeout as pause } from 'node:timers/promises';
import { RedisError } from '../redis/errors.ts';
import { modeOf, readInfoIfPermitted } from '../redis/info.ts';
import { isWorthARecord, type OwnLookups, sumLookups } from '../redis/lookups.ts';
import { replyText } from '../redis/reply.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { type ConnectTarget, retryMillisOf } from '../redis/target.ts';
import { fileFailureText, InputError } from '../support/failure.ts';
import type { Trace } from '../redis/trace.ts';
import { given } from '../support/collections.ts';
import type { Io } from './io.ts';
import { counted, formatSeconds } from '../render/units.ts';
import { processFacts } from './process-facts.ts';

/** How long a result may wait for a remark that is still on its way. */
const remarkMillis = 200;

/** Fewer lookups change no rate that is judged, for that takes 100 reads. */
const fewestNamed = 100;

/** The servers that a run is connected to. */
export class Connections {
  private readonly open: RedisServer[] = [];
  private remark: Promise<void> | undefined;
  /** Gets what is sent over connections that are opened from now on. */
  trace: Trace | undefined;

  constructor(private readonly io: Io) {}

  /** What the run has looked up, on all of them. */
  get lookups(): OwnLookups {
    return sumLookups(this.nodes.map(({ lookups }) => lookups));
  }

  /**
   * Says once that the rest of a cluster is not seen, while the command is at work already.
   * @throws RedisError; InputError where a Sentinel is in place of a server
   */
  async connect(
    target: ConnectTarget,
    warn: (text: string) => void,
    signal = this.io.signal,
  ): Promise<RedisServer> {
    // The client library is the heaviest thing the program loads; what needs no server never pays for it.
    const { connect } = await import('../redis/connect.ts');
    const server = await connect({ ...target, ...given({ trace: this.trace }) }, signal, ({ message }) =>
      warn(`${message}; trying again for ${formatSeconds(retryMillisOf(target) / 1000)}`),
    ).catch(async (error: unknown) => {
      throw (await sentinelBehind(error, target, signal)) ?? error;
    });
    this.open.push(server);
    if (target.topology !== undefined) return server;
    // Sent before anything that the command asks, which may count the commands of the server.
    const [node] = server.nodes;
    const mode = modeOf(await readInfoIfPermitted(node, 'SERVER'));
    if (mode === 'sentinel') throw await givenForServer(node, target);
    if (mode === 'cluster') this.remark ??= remarkOnCluster(server, warn);
    return server;
  }

  /** Waits for a remark that is on its way, for a moment. */
  async settle(): Promise<void> {
    await Promise.race([this.remark, pause(remarkMillis, undefined, { ref: false })]);
  }

  /** Remembers what was looked up. Where that fails the command does not, and a warning says so. */
  async close(command: string, warn: (text: string) => void): Promise<void> {
    const { hits, misses, lost } = this.lookups;
    const made = hits + misses + lost;
    if (this.nodes.some(({ lookups }) => isWorthARecord(lookups))) {
      const { ledgerFolder, rememberLookups } = await import('../health/lookups/ledger.ts');
      const { variables, now } = this.io;
      const terms = { command, folder: ledgerFolder(variables), processes: processFacts(), now };
      await rememberLookups(this.nodes, terms).catch((error: unknown) => {
        if (made >= fewestNamed)
          warn(
            `${counted(made, 'lookup')} of this run could not be remembered, so the hit rate of \`stats\` and \`check\` may include them: ${fileFailureText(error)}`,
          );
      });
    }
    for (const server of this.open) server.close();
  }

  private get nodes() {
    return this.open.flatMap((server) => server.nodes);
  }
}

/** Its failure fails nothing else. */
async function remarkOnCluster({ address, nodes }: RedisServer, warn: (text: string) => void): Promise<void> {
  const { countPrimaries } = await import('../redis/cluster.ts');
  const primaries = await countPrimaries(nodes[0]).catch(() => null);
  if (primaries === null || primaries < 2) return;
  warn(`${address} is one node of a cluster of ${primaries} primaries: --cluster covers all of them`);
}

/** Where a Sentinel is why a connection failed: it knows neither SELECT nor CLUSTER. */
async function sentinelBehind(
  error: unknown,
  target: ConnectTarget,
  signal: AbortSignal,
): Promise<InputError | undefined> {
  const isUnknown = error instanceof RedisError && /unknown command/i.test(error.refused?.answer ?? '');
  if (!isUnknown || target.topology?.kind === 'sentinel') return undefined;
  const { askOnce } = await import('../redis/node.ts');
  const ask = async (node: RedisNode) =>
    modeOf(await readInfoIfPermitted(node, 'SERVER')) === 'sentinel'
      ? givenForServer(node, target)
      : undefined;
  return askOnce({ ...target, database: 0 }, ask, signal).catch(() => undefined);
}

/** For a Sentinel in place of the server that it watches. */
async function givenForServer(node: RedisNode, { tls }: ConnectTarget): Promise<InputError> {
  // `sentinel`, and the list of names.
  const [role] = await node.batch([['ROLE']]);
  const names = Array.isArray(role) && Array.isArray(role[1]) ? role[1].map(replyText) : [];
  const [name = 'NAME'] = names;
  const watched = names.length === 0 ? '' : `; it watches ${names.slice(0, 5).join(', ')}`;
  const url = `${tls ? 'rediss' : 'redis'}://${node.address}`;
  // The blank ends the URL for what masks passwords.
  const profile = `"sentinel": {"name": ${JSON.stringify(name)}, "nodes": [ "${url}" ]}`;
  return new InputError(
    `${node.address} is a Sentinel, which has no keys of its own${watched}`,
    `put \`"profiles": {"main": {${profile}}}\` into the map (cachectl.config.json) and use \`--profile main\``,
  );
}
