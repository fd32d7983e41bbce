import { setTimeout as pause } from 'node:timers/promises';
import { RedisError, refusal } from '../redis/errors.ts';
import { infoWithCommands, withCommands } from '../redis/info.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';
import {
  type Canary,
  canaryTtlSeconds,
  type Clock,
  millisSince,
  isLoading,
  type NodeFacts,
  type Refusal,
  type Stop,
} from './facts.ts';
import { lookupCountersOf } from './lookups/counters.ts';
import { asBytes } from '../support/bytes.ts';

/** The way in: how far it led, and what each node says of itself. */
interface Entry {
  /** Null where no connection could be opened. */
  readonly server: RedisServer | null;
  readonly stop: Stop | null;
  readonly connectMillis: number;
  readonly loginMillis: number;
  readonly nodes: readonly NodeFacts[];
}

export interface Gate {
  /** Opens a new connection. @throws RedisError */
  readonly open: () => Promise<RedisServer>;
  readonly clock: Clock;
  /** Where lookups of earlier runs are remembered; null: nowhere. */
  readonly ledgerFolder: string | null;
  readonly signal: AbortSignal;
}

const firstPauseMillis = 100;
const longestPauseMillis = 1000;

/**
 * Enters again and again until the server takes connections and has loaded its dataset, or `waitMillis` have passed, or
 * the signal is aborted; gives the last attempt. Wrong credentials end it at once: they get no better by waiting.
 * `onWait` is called once, before the first pause. An attempt that was begun is not cut short.
 */
export async function enterWhenReady(
  gate: Gate,
  waitMillis: number,
  onWait: () => void,
): Promise<Entry & { readonly waitedMillis: number }> {
  const { clock, signal } = gate;
  const startedAt = clock();
  let pauseMillis = firstPauseMillis;
  for (let attempt = 1; ; attempt++) {
    const waitedMillis = attempt === 1 ? 0 : millisSince(startedAt, clock);
    const entry = await enter(gate);
    const leftMillis = startedAt + waitMillis - clock();
    if (!isWorthWaiting(entry) || leftMillis <= 0 || signal.aborted) {
      return { ...entry, waitedMillis };
    }
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

function isWorthWaiting({ stop, nodes }: Entry): boolean {
  return stop === null
    ? isLoading({ nodes })
    : stop.error.failure === 'connect' || stop.error.failure === 'lost';
}

async function enter(gate: Gate): Promise<Entry> {
  const { open, clock } = gate;
  const nowhere: Entry = { server: null, stop: null, connectMillis: 0, loginMillis: 0, nodes: [] };
  let startedAt = clock();
  let server: RedisServer;
  try {
    server = await open();
  } catch (error) {
    return { ...nowhere, stop: stopAtDoor(error), connectMillis: millisSince(startedAt, clock) };
  }
  const connected = { ...nowhere, server, connectMillis: millisSince(startedAt, clock) };
  startedAt = clock();
  try {
    const greetings = await Promise.all(server.nodes.map(greet));
    const loginMillis = millisSince(startedAt, clock);
    const rejected = greetings.find((greeting) => greeting?.failure === 'login');
    if (rejected) return { ...connected, loginMillis, stop: { at: 'login', error: rejected } };
    const nodes = await Promise.all(
      server.nodes.map((node, index) => describe(node, greetings[index] ?? null, gate)),
    );
    return { ...connected, loginMillis, nodes };
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

async function describe(
  node: RedisNode,
  greeting: RedisError | null,
  { clock, ledgerFolder }: Gate,
): Promise<NodeFacts> {
  const askedAt = clock();
  const [reply, commands] = await node.batch(infoWithCommands);
  const refusals: Refusal[] = greeting === null ? [] : [{ command: 'PING', error: greeting }];
  if (reply instanceof ReplyError)
    refusals.push({ command: 'INFO', error: refusal(reply, '`INFO`', node.address) });
  const info = reply === undefined || reply instanceof ReplyError ? null : withCommands(reply, commands);
  return {
    address: node.address,
    info,
    infoMillis: millisSince(askedAt, clock),
    lookups: info && lookupCountersOf(info, node, ledgerFolder),
    windowLookups: null,
    pingMillis: [],
    refusals,
  };
}

/**
 * Writes a key of its own, reads it back and removes it. The read is the one lookup a check adds to the server's hits.
 * @throws RedisError when the connection is lost
 */
export async function tryCanary(
  server: RedisServer,
  surroundings: { readonly clock: Clock; readonly random: () => number },
): Promise<Canary> {
  const { clock, random } = surroundings;
  const randomBytes = (length: number) =>
    Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 256))).join('');
  const name = Buffer.from(randomBytes(8), 'latin1').toString('hex');
  const key = asBytes(`cachectl:check:${name}`);
  // Bytes that a relay which treats values as text would change.
  const value = asBytes(`\r\n\0\xff${randomBytes(60)}`);
  const node = server.nodeFor(key);
  const startedAt = clock();
  const ask = async (...command: RedisCommand) => (await node.batch([command]))[0];
  const errorOf = (command: string, reply: ReplyError) => refusal(reply, `\`${command}\``, node.address);
  const refused = (command: 'SET' | 'GET', reply: ReplyError): Canary => {
    const error = errorOf(command, reply);
    return { outcome: 'refused', command, error, durationMillis: millisSince(startedAt, clock) };
  };

  const written = await ask('SET', key, value, 'PX', canaryTtlSeconds * 1000);
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
