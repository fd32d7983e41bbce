import { bytesOf } from '../support/bytes.ts';
import { Connection } from './connection.ts';
import { RedisError } from './errors.ts';
import { LookupTally } from './lookups.ts';
import { askInTurn, askOnce, nodeOnDemand, type OpenNode, openNode } from './node.ts';
import { mayReturn, onceReady, type Waiting } from './readiness.ts';
import { type Reply, replyText } from './reply.ts';
import type { RedisNode, RedisServer } from './server.ts';
import { addressOf, type ConnectTarget, type Place, publicUrlOf, targetAt, type Topology } from './target.ts';

type SentinelTopology = Extract<Topology, { kind: 'sentinel' }>;

/**
 * Asks the Sentinels in turn for the primary, and connects to it. One that names a server which is gone or is a replica
 * by now has not heard of a failover yet: then the next one is asked.
 * @see https://redis.io/docs/latest/develop/reference/sentinel-clients/
 * @throws RedisError
 */
export async function connectWatched(
  target: ConnectTarget,
  topology: SentinelTopology,
  waiting: Waiting,
): Promise<RedisServer> {
  const { name, sentinels } = topology;
  const { signal } = waiting;
  const lookups = new LookupTally();
  const openAt = (place: Place, sentinel: Place) =>
    openAsPrimary(targetAt(place, target), addressOf(sentinel), name, lookups, signal);
  let isNamed = false;
  const first = async (sentinel: Place) => {
    const place = await askForPrimary(sentinel, target, topology, signal);
    isNamed = true;
    return { place, opened: await openAt(place, sentinel) };
  };
  const find = () => askInTurn(sentinels, first, `Sentinels leads to the primary of \`${name}\``);
  const found = await onceReady(target, find, waiting, () => isNamed);
  let { place } = found;
  const current = () => targetAt(place, target);

  /** Follows the Sentinel with the latest word. One that leads a failover knows of it before all others. */
  const refresh = async () => {
    const answered = await askAll(target, topology, signal);
    const [latest] = answered.sort(
      (left, right) => right.epoch - left.epoch || Number(right.failsOver) - Number(left.failsOver),
    );
    if (latest === undefined) throw new Error('there is no Sentinel to ask');
    if (addressOf(latest.place) !== addressOf(place)) {
      const at = await openAt(latest.place, latest.sentinel);
      at.close();
      place = latest.place;
      node.forget();
    } else if (answered.some(({ failsOver }) => failsOver)) {
      throw new RedisError(
        'lost',
        'EFAILOVER',
        `the Sentinels are about to choose another primary of \`${name}\` than ${addressOf(place)}`,
        'run it again in a few seconds',
      );
    }
  };
  const openHere = async () => {
    const connection = await Connection.open(current(), lookups, signal);
    const [reply] = await connection.exchange([['ROLE']]);
    connection.commandsSent = 0;
    if (!isReplica(reply)) return connection;
    connection.close();
    throw new RedisError(
      'connect',
      'ENOPRIMARY',
      `${addressOf(place)} is no longer the primary of \`${name}\``,
    );
  };
  const openConnection = () =>
    openHere().catch(async (error: unknown) => {
      if (!mayReturn(error)) throw error;
      await refresh();
      return openHere();
    });
  const open = () => openNode(current(), signal, lookups);
  const findSuccessor = async () => {
    await refresh();
    return undefined;
  };
  const way = { place: current, lookups, open, openConnection, signal, findSuccessor };
  const node = nodeOnDemand(way, found.opened);
  return {
    get address() {
      return `${publicUrlOf(current())} (primary of \`${name}\`)`;
    },
    watched: { name, sentinels: sentinels.map(addressOf) },
    ...{ nodes: [node], nodeFor: () => node, refresh, close: () => node.close() },
  };
}

/** Where the first Sentinel that answers says that the primary is; nothing is sent there. @throws RedisError */
export async function findPrimary(target: ConnectTarget, topology: SentinelTopology): Promise<Place> {
  let failure: unknown;
  for (const sentinel of topology.sentinels) {
    try {
      return await askForPrimary(sentinel, target, topology, undefined);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** @throws RedisError */
const askForPrimary = (
  sentinel: Place,
  target: ConnectTarget,
  topology: SentinelTopology,
  signal: AbortSignal | undefined,
): Promise<Place> =>
  askSentinel(sentinel, target, topology, signal, (node) => readPrimary(node, topology.name));

/** What a Sentinel says of the primary. */
interface SentinelAnswer {
  readonly sentinel: Place;
  readonly place: Place;
  /** Counts the failovers: of two that disagree, the one with the higher one is right. */
  readonly epoch: number;
  /** It has begun to put another in its place, or is about to. */
  readonly failsOver: boolean;
}

/** The answers of all Sentinels that give one. One that is out of reach may not hold up the others. @throws RedisError where none does */
async function askAll(
  target: ConnectTarget,
  topology: SentinelTopology,
  signal: AbortSignal | undefined,
): Promise<SentinelAnswer[]> {
  const hurried = { ...target, timeoutMillis: Math.min(target.timeoutMillis, mostSentinelMillis) };
  const ask = (sentinel: Place) =>
    askSentinel(sentinel, hurried, topology, signal, async (node): Promise<SentinelAnswer> => {
      const place = await readPrimary(node, topology.name);
      const [state] = await node.batch([['SENTINEL', 'MASTER', bytesOf(topology.name)]]);
      const fields = Array.isArray(state) ? state.map(replyText) : [];
      const field = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
      const failsOver = /\b(?:o_down|failover_in_progress)\b/.test(field('flags'));
      return { sentinel, place, failsOver, epoch: Number(field('config-epoch')) || 0 };
    });
  const answers = await Promise.allSettled(topology.sentinels.map(ask));
  const answered = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (answered.length === 0 && failed !== undefined) throw failed.reason;
  return answered;
}

const mostSentinelMillis = 2000;

/** @throws RedisError */
async function askSentinel<T>(
  sentinel: Place,
  target: ConnectTarget,
  { username, password }: SentinelTopology,
  signal: AbortSignal | undefined,
  ask: (node: RedisNode) => Promise<T>,
): Promise<T> {
  const { username: _username, password: _password, ...access } = targetAt(sentinel, target);
  const credentials = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
  try {
    return await askOnce({ ...access, ...credentials, database: 0 }, ask, signal);
  } catch (error) {
    throw error instanceof RedisError ? explained(error, addressOf(sentinel)) : error;
  }
}

/** @throws RedisError */
async function readPrimary(node: RedisNode, name: string): Promise<Place> {
  const reply = await node.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', bytesOf(name));
  if (Array.isArray(reply)) return { host: replyText(reply[0]), port: Number(replyText(reply[1])) };
  throw new RedisError(
    'connect',
    'ENOPRIMARY',
    `the Sentinel at ${node.address} watches no primary named \`${name}\``,
    'check "name" in the profile; `SENTINEL MASTERS` lists the names',
  );
}

/** What a failure means that comes from a Sentinel, or from what was taken for one: the options of a server are no way out. */
function explained(error: RedisError, address: string): RedisError {
  const { failure, code, message, refused } = error;
  if (failure === 'login')
    return new RedisError(failure, code, `${message} (a Sentinel)`, loginHint(code), refused);
  if (placeFailures.has(code)) {
    const hint =
      'check "nodes" of the profile, and that a Sentinel runs there; it listens on 26379 by default';
    return new RedisError(failure, code, `${message} (a Sentinel)`, hint);
  }
  if (!/unknown command/i.test(error.refused?.answer ?? '')) return error;
  return new RedisError(
    'connect',
    'ENOSENTINEL',
    `${address} is no Sentinel: it does not know the command \`SENTINEL\``,
    'check the ports in "nodes" of the profile; a Sentinel listens on 26379 by default',
  );
}

const loginHint = (code: string) =>
  code === 'NOAUTH'
    ? 'name the password of the Sentinels with "sentinelPasswordEnv" in the profile'
    : 'check the user and password of the Sentinels: in "nodes" of the profile, or in the variable that "sentinelPasswordEnv" names';

/** Where the place is wrong, or no one is there. */
const placeFailures: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
]);

/** @throws RedisError */
async function openAsPrimary(
  target: ConnectTarget,
  sentinel: string,
  name: string,
  lookups: LookupTally,
  signal: AbortSignal | undefined,
): Promise<OpenNode> {
  let node: OpenNode;
  try {
    node = await openNode(target, signal, lookups);
  } catch (error) {
    if (!(error instanceof RedisError) || error.failure !== 'connect') throw error;
    const { code, message, hint } = error;
    const by = `; the Sentinel at ${sentinel} named it as the primary of \`${name}\``;
    throw new RedisError(
      'connect',
      code,
      message + (code === 'EINTR' ? '' : by),
      placeFailures.has(code) ? 'a failover may be under way: run it again in a few seconds' : hint,
    );
  }
  const [reply] = await node.batch([['ROLE']]);
  if (!isReplica(reply)) return node;
  node.close();
  throw new RedisError(
    'connect',
    'ENOPRIMARY',
    `${node.address}, which the Sentinel at ${sentinel} named as the primary of \`${name}\`, is a replica`,
    'a failover may be under way: run it again in a few seconds',
  );
}

/** By its reply to ROLE. A user who may not ask takes the Sentinel's word for it. */
const isReplica = (role: Reply | undefined): boolean => Array.isArray(role) && role[0] !== 'master';
