import { type Info, infoNumber, infoOf } from '../../redis/info.ts';
import { refusal } from '../../redis/errors.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../../redis/server.ts';
import { asBytes } from '../../support/bytes.ts';
import { count, say } from '../../support/phrase.ts';
import type { Facts } from '../facts.ts';
import { type Known, Missing, withoutInfo } from './rule.ts';

/** What a node says of itself beyond what `check` reads. Each answer may be missing, with the reason. */
export interface ServerFacts {
  readonly address: string;
  /** INFO with calls and latencies by command. */
  readonly info: Known<Info>;
  /** Those settings that the rules read. */
  readonly settings: Known<ReadonlyMap<string, string>>;
  readonly slowlog: Known<readonly SlowCommand[]>;
  readonly latency: Known<readonly LatencyEvent[]>;
  readonly clients: Known<readonly Client[]>;
  readonly users: Known<UserFacts>;
}

/** An entry of SLOWLOG, without its arguments: these are keys and values. */
export interface SlowCommand {
  readonly command: string;
  readonly atSeconds: number;
  readonly micros: number;
}

export interface LatencyEvent {
  readonly event: string;
  readonly atSeconds: number;
  readonly latestMillis: number;
  readonly maxMillis: number;
}

/** A line of CLIENT LIST, by its fields; this program's own are left out. */
export type Client = Readonly<Record<string, string>>;

/** False for replicas, primaries and Sentinels, which are logged in as whoever may do all that they need. */
export const isApplication = ({ flags = '', name = '' }: Client): boolean =>
  !/[SM]/.test(flags) && !/^sentinel-.*-cmd$/.test(name) && !isSentinelListener({ name });

/** Sentinels find each other by one channel of each server that they watch. */
export const isSentinelListener = ({ name = '' }: Client): boolean => /^sentinel-.*-pubsub$/.test(name);

export interface UserFacts {
  /** Of the default user; null: it may not be asked. */
  readonly openDefaultUser: boolean | null;
  /** Users that the applications are logged in as, with the dangerous commands that each may call. */
  readonly dangerous: readonly { readonly user: string; readonly commands: readonly string[] }[];
}

const settingNames = [
  'BIND',
  'PROTECTED-MODE',
  'NOTIFY-KEYSPACE-EVENTS',
  'LATENCY-MONITOR-THRESHOLD',
] as const;

/** So many of the latest. */
const slowCommands = 128;

/** A list of more takes the server a while to write. */
const mostClients = 10_000;

/** Each costs a question for each command. */
const mostUsers = 20;

/** Those that block a server, empty it or end it, with arguments that DRYRUN takes. */
const dangerousCommands: readonly RedisCommand[] = [
  ['KEYS', asBytes('*')],
  ['FLUSHALL'],
  ['FLUSHDB'],
  ['SHUTDOWN'],
];

/** Asks every node, with a few questions that are cheap for it. @throws RedisError when the connection is lost */
export function readServerFacts(server: RedisServer, facts: Facts): Promise<ServerFacts[]> {
  return Promise.all(
    server.nodes.map((node, index) => readNode(node, facts.nodes[index]?.info ?? null, facts)),
  );
}

async function readNode(node: RedisNode, known: Info | null, facts: Facts): Promise<ServerFacts> {
  const many = known === null ? null : infoNumber(known, 'connected_clients');
  const isCrowded = many !== null && many > mostClients;
  const [latencies, slow, latency, list, ...settings] = await node.batch([
    ['INFO', 'LATENCYSTATS'],
    ['SLOWLOG', 'GET', slowCommands],
    ['LATENCY', 'LATEST'],
    isCrowded ? ['PING'] : ['CLIENT', 'LIST'],
    ...settingNames.map((name) => ['CONFIG', 'GET', name] as const),
  ]);
  const reply = <Value>(command: string, given: Reply | undefined, read: (reply: Reply) => Value) =>
    given instanceof ReplyError ? refused(given, command, node) : read(given ?? null);
  const clients = isCrowded
    ? new Missing(say`${count(many, 'client')} are too many to list`)
    : reply('CLIENT LIST', list, clientsOf);
  return {
    address: node.address,
    info: known === null ? withoutInfo(facts) : { ...known, ...infoOf(latencies) },
    settings: settingsOf(settings, node),
    slowlog: reply('SLOWLOG', slow, slowCommandsOf),
    latency: reply('LATENCY', latency, latencyEventsOf),
    clients,
    users: await readUsers(node, clients instanceof Missing ? [] : clients),
  };
}

const refused = (reply: ReplyError, command: string, { address }: Pick<RedisNode, 'address'>) =>
  new Missing(say`\`${command}\` is refused (${refusal(reply, command, address).code})`);

function settingsOf(replies: readonly Reply[], node: RedisNode): Known<ReadonlyMap<string, string>> {
  const first = replies[0];
  if (first instanceof ReplyError) return refused(first, 'CONFIG GET', node);
  return new Map(
    listOf([...replies]).flatMap(([name, value]) =>
      name === undefined || value === undefined ? [] : [[replyText(name).toLowerCase(), replyText(value)]],
    ),
  );
}

/** What has another form is left out. */
const listOf = (reply: Reply): Reply[][] =>
  Array.isArray(reply) ? reply.filter((each) => Array.isArray(each)) : [];

function slowCommandsOf(reply: Reply): SlowCommand[] {
  return listOf(reply).flatMap(([, at, micros, words]) => {
    const name: unknown = Array.isArray(words) ? words[0] : null;
    return typeof at === 'number' && typeof micros === 'number' && typeof name === 'string'
      ? { command: name.toUpperCase(), atSeconds: at, micros }
      : [];
  });
}

function latencyEventsOf(reply: Reply): LatencyEvent[] {
  return listOf(reply).flatMap(([event, at, latest, max]) =>
    typeof event === 'string' &&
    typeof at === 'number' &&
    typeof latest === 'number' &&
    typeof max === 'number'
      ? { event, atSeconds: at, latestMillis: latest, maxMillis: max }
      : [],
  );
}

function clientsOf(reply: Reply): Client[] {
  const lines = typeof reply === 'string' ? reply.split('\n').filter((line) => line !== '') : [];
  const fields = (line: string): Client =>
    Object.fromEntries(line.split(' ').map((pair) => pair.split(/=(.*)/s, 2) as [string, string]));
  return lines.map(fields).filter((client) => client['name'] !== 'cachectl');
}

async function readUsers(node: RedisNode, clients: readonly Client[]): Promise<Known<UserFacts>> {
  const names = [...new Set(clients.flatMap(({ user }) => user ?? []))].slice(0, mostUsers);
  const questions = names.flatMap((user) =>
    dangerousCommands.map((command) => ['ACL', 'DRYRUN', asBytes(user), ...command] as const),
  );
  const [user, ...answers] = await node.batch([['ACL', 'GETUSER', asBytes('default')], ...questions]);
  const isKnown = user !== undefined && !(user instanceof ReplyError);
  const refusedRun = answers.find((each) => each instanceof ReplyError);
  if (!isKnown && (refusedRun !== undefined || answers.length === 0))
    return user instanceof ReplyError ? refused(user, 'ACL GETUSER', node) : new Missing(['no answer']);
  return {
    openDefaultUser: isKnown ? isOpen(user) : null,
    dangerous: names.flatMap((user, index) => {
      const of = answers.slice(index * dangerousCommands.length, (index + 1) * dangerousCommands.length);
      const commands = dangerousCommands.flatMap(([name], at) => (of[at] === 'OK' ? [String(name)] : []));
      return commands.length === 0 ? [] : { user, commands };
    }),
  };
}

/** True for a user who may log in, and needs no password for it. */
function isOpen(user: Reply): boolean {
  const fields: readonly unknown[] = Array.isArray(user) ? user : [];
  const flags = fields[fields.indexOf('flags') + 1];
  return Array.isArray(flags) && flags.includes('on') && flags.includes('nopass');
}
