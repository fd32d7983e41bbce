import { setTimeout as pause } from 'timers/promises';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import { RedisError } from '../../redis/errors.ts';
import { infoNumber, infoOf } from '../../redis/info.ts';
import { type Reply, ReplyError, ReplyParser } from '../../redis/reply.ts';
import { type ByteString, asBytes } from '../../support/bytes.ts';

/**
 * The value of `notify-keyspace-events` is a set of letters: `K` and `E` for the channels, the others for classes of events.
 * @see https://redis.io/docs/latest/develop/pubsub/keyspace-notifications/
 */
export interface WantedFlags {
  /** Without these nothing is worth observing. */
  readonly required: string;
  /** Letters that older servers refuse. */
  readonly optional: string;
}

/** Events that tell of misses (6.0 and later) and of their causes: expired, evicted, generic, and new (7.0 and later). */
export const hitFlags: WantedFlags = { required: 'Emxeg', optional: 'n' };

/** What `A` stands for. Servers before 7.0 do not know `d`, and answer `A` for the others. */
const allClasses = 'g$lshzxetd';

/**
 * Classes outside `A` that CONFIG GET leaves out beside it: `KEAn` is answered as `AKE`, though `n` is on.
 * @see keyspaceEventsFlagsToString in src/notify.c of Redis 7.0 to 8.8 and Valkey 8.0
 */
const hiddenBesideAll = 'nocr';

/** True where the answer of a server hides whether `n` is on. */
export function hidesNew(answered: string): boolean {
  return answered.includes('A');
}

/** The letters of `wanted` that `found` does not turn on, in the order of `wanted`. */
export function missingFlags(found: string, wanted: string): string {
  const on = expand(found);
  return Array.from(expand(wanted))
    .filter((flag) => !on.has(flag))
    .join('');
}

/** The union: `found` as it is written, and after it what is missing. */
export function withFlags(found: string, wanted: string): string {
  return found + missingFlags(found, wanted);
}

/** True where a server gives the same answer for both; the order does not count, nor what it leaves out of its answer. */
export function sameFlags(left: string, right: string): boolean {
  return canonical(left) === canonical(right);
}

function expand(flags: string): Set<string> {
  return new Set(flags.replaceAll('A', allClasses));
}

function canonical(flags: string): string {
  const on = expand(flags);
  if (Array.from(allClasses).every((flag) => on.has(flag)))
    for (const flag of hiddenBesideAll) on.delete(flag);
  return Array.from(on).sort().join('');
}
const setting: ByteString = asBytes('notify-keyspace-events');
const askFlags: RedisCommand = ['CONFIG', 'GET', setting];
const askServer: RedisCommand = ['INFO', 'SERVER'];

/** What of a node is used here. */
export type FlagsNode = Pick<RedisNode, 'address' | 'batch'>;

export interface ServerFlags {
  readonly address: string;
  /** The process of the server; null where INFO is refused. */
  readonly runId: string | null;
  /** By our clock, in milliseconds since the epoch, to the second; null where INFO does not tell. */
  readonly startedAt: number | null;
  /** The letters as the server writes them, or its refusal. */
  readonly flags: string | ReplyError;
}

/** @param now Milliseconds since the epoch. @throws RedisError when the connection is lost */
export async function readServerFlags(node: FlagsNode, now: number): Promise<ServerFlags> {
  const [info, flags] = await node.batch([askServer, askFlags]);
  const facts = infoOf(info) ?? {};
  const uptimeSeconds = infoNumber(facts, 'uptime_in_seconds');
  return {
    address: node.address,
    runId: facts['run_id'] ?? null,
    startedAt: uptimeSeconds === null ? null : now - 1000 * uptimeSeconds,
    flags: flagsOf(flags),
  };
}

/** Changes the flags, and gives what the server answers to CONFIG GET after it, or its refusal. @throws RedisError when the connection is lost */
export async function setServerFlags(node: FlagsNode, flags: string): Promise<string | ReplyError> {
  const [changed, after] = await node.batch([['CONFIG', 'SET', setting, asBytes(flags)], askFlags]);
  return changed instanceof ReplyError ? changed : flagsOf(after);
}

function flagsOf(reply: Reply | undefined): string | ReplyError {
  if (reply instanceof ReplyError) return reply;
  const value = Array.isArray(reply) ? reply[1] : undefined;
  if (typeof value === 'string') return value;
  // A service that hides the setting answers with an empty list.
  return value instanceof ReplyError ? value : new ReplyError(`ERR there is no setting ${setting}`);
}

/**
 * Opens a node and works with it for no longer than so many milliseconds, however long its own connection would wait.
 * @throws RedisError where the time is over, or the connection is lost
 */
export async function withinMillis<T>(
  address: string,
  millis: number,
  open: () => Promise<FlagsNode>,
  work: (node: FlagsNode) => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const late = new RedisError('lost', 'ETIMEDOUT', `lost the connection to ${address}: no answer in time`);
    timer = setTimeout(() => reject(late), millis);
  });
  over.catch(() => undefined);
  try {
    const node = await Promise.race([open(), over]);
    return await work({
      address: node.address,
      batch: (commands) => Promise.race([node.batch(commands), over]),
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The events of the classes that a server does not show beside `A`. */
const hiddenEvents = [
  ['n', asBytes('__keyevent@*__:new')],
  ['o', asBytes('__keyevent@*__:overwritten')],
  ['c', asBytes('__keyevent@*__:type_changed')],
] as const;
const listenMillis = 300;

/**
 * Which of the classes that CONFIG GET leaves out beside `A` are on, told by the events that come: to change the flags
 * without them would take them away from those who listen. Empty where none comes in 0.3 s, where events by name are off
 * (no `E`), or where listening is not permitted.
 */
export async function hearHiddenFlags(node: RedisNode, found: string): Promise<string> {
  if (!found.includes('E')) return '';
  const heard = new Set<string>();
  const parser = new ReplyParser((reply) => {
    const [kind, pattern] = Array.isArray(reply) ? reply : [];
    const event = hiddenEvents.find((each) => each[1] === pattern);
    if (kind === 'pmessage' && event) heard.add(event[0]);
  });
  try {
    const lane = await node.openLane();
    try {
      lane.stream(['PSUBSCRIBE', ...hiddenEvents.map(([, pattern]) => pattern)], {
        bytes: (chunk) => parser.push(chunk),
        ended: () => undefined,
      });
      await pause(listenMillis);
    } finally {
      lane.close();
    }
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
  }
  return [...heard].join('');
}

/** What may be set, the first choice first: servers before 7.0 refuse a line with `n`. */
export function targetsOf(base: string, { required, optional }: WantedFlags): string[] {
  return [...new Set([withFlags(base, required + optional), withFlags(base, required)])];
}

export type Application =
  /** What was asked for is on. */
  | { readonly kind: 'on'; readonly value: string; readonly newKeys: boolean | null }
  | { readonly kind: 'refused'; readonly reply: ReplyError }
  /** The server answered with OK, and has something else. */
  | { readonly kind: 'ignored'; readonly value: string };

/**
 * Sets the first of the targets that the server accepts, and looks whether it took it.
 * @throws RedisError when the connection is lost: nothing is known then
 */
export async function applyFlags(
  node: FlagsNode,
  targets: readonly string[],
  wanted: WantedFlags,
): Promise<Application> {
  let refusal = new ReplyError('ERR nothing was asked for');
  for (const target of targets) {
    const answer = await setServerFlags(node, target);
    if (typeof answer === 'string')
      return missingFlags(answer, wanted.required) === ''
        ? { kind: 'on', value: answer, newKeys: newKeysOf(target, wanted) }
        : { kind: 'ignored', value: answer };
    refusal = answer;
    if (answer.code === 'NOPERM') break;
  }
  return { kind: 'refused', reply: refusal };
}

/** `n` is not shown beside `A`: what was asked for and taken is on, what was refused is off. */
function newKeysOf(target: string, wanted: WantedFlags): boolean | null {
  if (missingFlags(target, 'n') === '') return true;
  return hidesNew(target) && !wanted.optional.includes('n') ? null : false;
}
