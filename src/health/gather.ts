import { setTimeout as pause } from 'node:timers/promises';
import { asBytes } from '../support/bytes.ts';
import { pick, sumOrNull } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';
import { isAboutOneKey, RedisError, refusal } from '../redis/errors.ts';
import { infoWithCommands, withCommands } from '../redis/info.ts';
import { permittedName } from '../redis/permitted-keys.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';
import {
  type Canary,
  canaryTtlSeconds,
  type Clock,
  type Facts,
  isLoading,
  millisSince,
  type NodeFacts,
  type Refusal,
  type Stop,
} from './facts.ts';
import { growth } from '../traffic/figures/window.ts';
import { lookupCountersOf, lookupsSince } from './lookups/counters.ts';
import { readCounters } from './lookups/differences.ts';
import { rememberedLookups } from './lookups/ledger.ts';

/** What to find out, and where. */
export interface GatherRequest extends Pick<Facts, 'address' | 'username' | 'database'> {
  /** How many round trips of PING to measure on each node. */
  readonly pings: number;
  /** `no-write`: no key is to be written. */
  readonly canary: 'write' | 'no-write';
  /** Longest wait for a server that is not ready. */
  readonly waitMillis: number;
  /** How long to measure the traffic; null: not at all. */
  readonly windowSeconds: number | null;
}

interface Surroundings {
  /** Opens a new connection. @throws RedisError */
  readonly open: () => Promise<RedisServer>;
  readonly clock: Clock;
  /** Where lookups of earlier runs are remembered; null: nowhere. */
  readonly ledgerFolder: string | null;
  readonly signal: AbortSignal;
  /** True where a profile of the server allows no key to be written. @throws RedisError where the connection is lost */
  readonly isReadOnly: (server: RedisServer) => Promise<boolean>;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly progress: Progress;
}

/**
 * Asks the server everything that the checks need, once; with a window, INFO again at its end. The lookup of the canary
 * is taken off as one of this program's own. A refusal, a lost connection and an abort are facts, not exceptions.
 */
export async function gatherFacts(request: GatherRequest, surroundings: Surroundings): Promise<Facts> {
  const { signal, progress, clock } = surroundings;
  const entry = await enterWhenReady(surroundings, request.waitMillis, () =>
    progress.start(`waiting for ${request.address}`, 'attempts', null),
  );
  progress.stop();
  // INFO was read just now.
  const begunAt = clock();
  const { server, ...entered } = entry;
  const found: { -readonly [Name in keyof Facts]: Facts[Name] } = {
    ...pick(request, ['address', 'username', 'database']),
    ...entered,
    ...{ interrupted: false, windowSeconds: null, evictionWindow: null },
    canary: request.canary === 'write' ? null : { outcome: 'left-out', reason: request.canary },
  };
  if (server !== null && entry.stop === null && !isLoading(entry) && !signal.aborted) {
    try {
      found.canary ??= (await surroundings.isReadOnly(server))
        ? { outcome: 'left-out', reason: 'read-only-profile' }
        : await tryCanary(server, surroundings);
      found.nodes = await measurePings(server, found.nodes, request.pings, surroundings);
      if (request.windowSeconds !== null) {
        const endsAt = begunAt + request.windowSeconds * 1000;
        const measured = await measureWindow(server, found.nodes, endsAt, surroundings);
        const windowSeconds = millisSince(begunAt, clock) / 1000;
        const evictedKeys = sumOrNull(measured.map((each) => each.evictedKeys));
        found.nodes = measured.map(({ facts }) => facts);
        found.windowSeconds = windowSeconds;
        found.evictionWindow = evictedKeys === null ? null : { evictedKeys, windowSeconds };
      }
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      found.stop = { at: 'work', error };
    }
  }
  return { ...found, interrupted: signal.aborted };
}

/** The way in: how far it led, and what each node says of itself. */
interface Entry extends Pick<Facts, 'stop' | 'connectMillis' | 'loginMillis' | 'waitedMillis' | 'nodes'> {
  /** Null where no connection could be opened. */
  readonly server: RedisServer | null;
}

const firstPauseMillis = 100;
const longestPauseMillis = 1000;

/**
 * Enters again and again until the server takes connections and has loaded its dataset, or `waitMillis` have passed, or
 * the signal is aborted; gives the last attempt. Wrong credentials end it at once: they get no better by waiting.
 * `onWait` is called once, before the first pause. An attempt that was begun is not cut short.
 */
async function enterWhenReady(
  surroundings: Surroundings,
  waitMillis: number,
  onWait: () => void,
): Promise<Entry> {
  const { clock, signal } = surroundings;
  const startedAt = clock();
  let pauseMillis = firstPauseMillis;
  for (let attempt = 1; ; attempt++) {
    const waitedMillis = attempt === 1 ? 0 : millisSince(startedAt, clock);
    const entry = { ...(await enter(surroundings)), waitedMillis };
    const leftMillis = startedAt + waitMillis - clock();
    if (!isWorthWaiting(entry) || leftMillis <= 0 || signal.aborted) return entry;
    if (attempt === 1) onWait();
    entry.server?.close();
    const cutShort = await pause(Math.min(pauseMillis, leftMillis), false, { signal }).catch(() => true);
    if (cutShort) {
      const stop = entry.stop && interrupted(entry.stop);
      return { ...entry, stop, waitedMillis: millisSince(startedAt, clock) };
    }
    pauseMillis = Math.min(pauseMillis * 2, longestPauseMillis);
  }
}

/** What was found last, with a word of why nothing came after it. */
function interrupted({ at, error }: Stop): Stop {
  const { failure, code, message, hint, refused } = error;
  const text = `interrupted while waiting for the server: ${message}`;
  return { at, error: new RedisError(failure, code, text, hint, refused) };
}

const isWorthWaiting = ({ stop, nodes }: Entry) =>
  stop === null ? isLoading({ nodes }) : ['connect', 'lost'].includes(stop.error.failure);

async function enter({ open, clock, ledgerFolder }: Surroundings): Promise<Entry> {
  const entry = { server: null, stop: null, connectMillis: 0, loginMillis: 0, waitedMillis: 0, nodes: [] };
  let startedAt = clock();
  let server: RedisServer;
  try {
    server = await open();
  } catch (error) {
    return { ...entry, stop: stopAtDoor(error), connectMillis: millisSince(startedAt, clock) };
  }
  const connected = { ...entry, server, connectMillis: millisSince(startedAt, clock) };
  startedAt = clock();
  try {
    const greetings = await Promise.all(server.nodes.map(greet));
    const loginMillis = millisSince(startedAt, clock);
    const rejected = greetings.find((greeting) => greeting?.failure === 'login');
    if (rejected) return { ...connected, loginMillis, stop: { at: 'login', error: rejected } };
    const describe = (node: RedisNode, index: number) =>
      describeNode(node, greetings[index] ?? null, clock, ledgerFolder);
    return { ...connected, loginMillis, nodes: await Promise.all(server.nodes.map(describe)) };
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    return { ...connected, stop: { at: 'work', error } };
  }
}

/** Which step of the way in an error belongs to. */
function stopAtDoor(error: unknown): Stop {
  if (!(error instanceof RedisError)) throw error;
  if (error.failure === 'connect' || error.failure === 'lost') return { at: 'connect', error };
  if (error.failure === 'login') return { at: 'login', error };
  if (error.refused?.subject === '`SELECT`') return { at: 'database', error };
  // What a server refuses before it has let anybody in is a refused login, whatever its words.
  return {
    at: 'login',
    error: new RedisError('login', error.code, error.message, hintAtDoor(error), error.refused),
  };
}

/** The usual hint to a missing permission sends people to `check`, which is what runs here. */
const hintAtDoor = ({ code, hint }: RedisError) =>
  code === 'NOPERM' ? 'an administrator can grant it with `ACL SETUSER`' : hint;

/** PING, for a server that asks for a password lets anybody connect. Gives the refusal, or null. */
async function greet(node: RedisNode): Promise<RedisError | null> {
  const [reply] = await node.batch([['PING']]);
  if (!(reply instanceof ReplyError)) return null;
  const refused = refusal(reply, '`PING`', node.address);
  return refused.failure === 'login' ? refusal(reply, 'logging in', node.address) : refused;
}

async function describeNode(
  node: RedisNode,
  greeting: RedisError | null,
  clock: Clock,
  ledgerFolder: string | null,
): Promise<NodeFacts> {
  const askedAt = clock();
  const [reply, commands] = await node.batch(infoWithCommands);
  const refusals: Refusal[] = greeting === null ? [] : [{ command: 'PING', error: greeting }];
  if (reply instanceof ReplyError)
    refusals.push({ command: 'INFO', error: refusal(reply, '`INFO`', node.address) });
  const info = reply === undefined || reply instanceof ReplyError ? null : withCommands(reply, commands);
  return {
    ...{ address: node.address, info, infoMillis: millisSince(askedAt, clock) },
    lookups: info && lookupCountersOf(info, node, rememberedLookups(ledgerFolder, info)),
    ...{ windowLookups: null, pingMillis: [], refusals },
  };
}

/**
 * Writes a key of its own, reads it back and removes it. The read is the one lookup a check adds to the server's hits.
 * @throws RedisError when the connection is lost
 */
async function tryCanary(server: RedisServer, { clock, random }: Surroundings): Promise<Canary> {
  const randomBytes = (length: number) =>
    Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 256))).join('');
  const name = Buffer.from(randomBytes(8), 'latin1').toString('hex');
  let key = asBytes(`cachectl:check:${name}`);
  // Bytes that a relay which treats values as text would change.
  const value = asBytes(`\r\n\0\xff${randomBytes(60)}`);
  const startedAt = clock();
  let node = server.nodeFor(key);
  const ask = async (...command: RedisCommand) => (await node.batch([command]))[0];
  const errorOf = (command: string, reply: ReplyError) => refusal(reply, `\`${command}\``, node.address);
  const refused = (command: 'SET' | 'GET', reply: ReplyError): Canary => {
    const error = errorOf(command, reply);
    return { outcome: 'refused', command, error, durationMillis: millisSince(startedAt, clock) };
  };

  const write = () => ask('SET', key, value, 'PX', canaryTtlSeconds * 1000);
  let written = await write();
  if (written instanceof ReplyError && isAboutOneKey(written)) {
    const within = await permittedName((commands) => node.batch(commands), 'read and write');
    if (within !== null) {
      key = within(key);
      node = server.nodeFor(key);
      written = await write();
    }
  }
  if (written instanceof ReplyError) return refused('SET', written);
  const read = await ask('GET', key);
  const removed = await ask('UNLINK', key);
  if (read instanceof ReplyError) return refused('GET', read);
  return {
    outcome: 'returned',
    sameBytes: read === value,
    valueBytes: value.length,
    notRemoved: removed instanceof ReplyError ? errorOf('UNLINK', removed) : null,
    durationMillis: millisSince(startedAt, clock),
  };
}

async function measurePings(
  server: RedisServer,
  nodes: readonly NodeFacts[],
  pings: number,
  { clock, signal }: Surroundings,
): Promise<NodeFacts[]> {
  const measured: NodeFacts[] = [];
  // One node after the other: together they would measure this process.
  for (const [index, facts] of nodes.entries()) {
    const node = server.nodes[index];
    const pingMillis: number[] = [];
    const isRefused = facts.refusals.some(({ command }) => command === 'PING');
    while (node && !isRefused && pingMillis.length < pings && !signal.aborted) {
      const sentAt = clock();
      const [reply] = await node.batch([['PING']]);
      if (reply instanceof ReplyError) break;
      pingMillis.push(millisSince(sentAt, clock));
    }
    measured.push({ ...facts, pingMillis });
  }
  return measured;
}

/** The lookups and evictions of each node since INFO was read first. @param endsAt by the clock; an abort ends it sooner */
async function measureWindow(
  server: RedisServer,
  nodes: readonly NodeFacts[],
  endsAt: number,
  { clock, signal, progress, ledgerFolder }: Surroundings,
): Promise<{ readonly facts: NodeFacts; readonly evictedKeys: number | null }[]> {
  const leftMillis = Math.max(0, endsAt - clock());
  progress.start('measuring the traffic', 'seconds', null);
  await pause(leftMillis, undefined, { signal }).catch(() => undefined);
  progress.stop();
  return Promise.all(
    nodes.map(async (facts, index) => {
      const node = server.nodes[index];
      if (node === undefined || facts.lookups === null) return { facts, evictedKeys: null };
      const { lookups, info } = await readCounters(node, ledgerFolder);
      const [windowLookups = null] = lookups === null ? [] : lookupsSince([facts.lookups], [lookups]);
      const evictedKeys = facts.info && growth(facts.info, info, 'evicted_keys');
      return { facts: { ...facts, windowLookups }, evictedKeys };
    }),
  );
}
