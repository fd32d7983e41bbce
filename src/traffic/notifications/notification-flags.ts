import { setTimeout as pause } from 'node:timers/promises';
import { RedisError } from '../../redis/errors.ts';
import { infoNumber, infoOf } from '../../redis/info.ts';
import { type Reply, ReplyError, ReplyParser } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import { asBytes } from '../../support/bytes.ts';

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

/** Events that report misses (6.0 and later) and their causes: expired, evicted, generic, and new (7.0 and later). */
export const hitFlags: WantedFlags = { required: 'Emxeg', optional: 'n' };

/** What `A` means. Servers before 7.0 do not know `d`, and answer `A` for the others. */
const allClasses = 'g$lshzxetd';

/**
 * Classes outside `A` that CONFIG GET leaves out next to it: `KEAn` is answered as `AKE`, though `n` is on.
 * @see keyspaceEventsFlagsToString in src/notify.c of Redis 7.0 to 8.8 and Valkey 8.0
 */
const hiddenBesideAll = 'nocr';

/** True where the answer of a server hides whether `n` is on. */
export const hidesNew = (answered: string) => answered.includes('A');

/** The letters of `wanted` that `found` does not turn on, in the order of `wanted`. */
export function missingFlags(found: string, wanted: string): string {
  const on = expand(found);
  return [...expand(wanted)].filter((flag) => !on.has(flag)).join('');
}

/** The union: `found` as it is written, and after it what is missing. */
export const withFlags = (found: string, wanted: string) => found + missingFlags(found, wanted);

/** True where a server gives the same answer for both; the order does not count, nor what it leaves out of its answer. */
export const sameFlags = (left: string, right: string) => canonical(left) === canonical(right);

const expand = (flags: string) => new Set(flags.replaceAll('A', allClasses));

function canonical(flags: string): string {
  const on = expand(flags);
  if (Array.from(allClasses).every((flag) => on.has(flag)))
    for (const flag of hiddenBesideAll) on.delete(flag);
  return [...on].sort().join('');
}

/** The letters with quotation marks where there are none to see. */
export const shown = (flags: string) => (flags === '' ? '`""`' : `\`${flags}\``);

const setting = asBytes('notify-keyspace-events');
const askFlags: RedisCommand = ['CONFIG', 'GET', setting];

/** What of a node is used here. */
export type FlagsNode = Pick<RedisNode, 'address' | 'batch'>;

export interface ServerFlags {
  readonly address: string;
  /** The process of the server; null where INFO is refused. */
  readonly runId: string | null;
  /** By our clock, in milliseconds since the epoch, to the second; null where INFO does not report it. */
  readonly startedAt: number | null;
  /** The letters as the server writes them, or its refusal. */
  readonly flags: string | ReplyError;
}

/** @param now Milliseconds since the epoch. @throws RedisError when the connection is lost */
export async function readServerFlags(node: FlagsNode, now: number): Promise<ServerFlags> {
  const [info, flags] = await node.batch([['INFO', 'SERVER'], askFlags]);
  const facts = infoOf(info) ?? {};
  const uptimeSeconds = infoNumber(facts, 'uptime_in_seconds');
  return {
    address: node.address,
    runId: facts['run_id'] ?? null,
    startedAt: uptimeSeconds === null ? null : now - 1000 * uptimeSeconds,
    flags: flagsOf(flags),
  };
}

/** Changes the flags. @returns what CONFIG GET answers after it, or the refusal. @throws RedisError when the connection is lost */
export async function setServerFlags(node: FlagsNode, flags: string): Promise<string | ReplyError> {
  const [changed, after] = await node.batch([['CONFIG', 'SET', setting, asBytes(flags)], askFlags]);
  return changed instanceof ReplyError ? changed : flagsOf(after);
}

function flagsOf(reply: Reply | undefined): string | ReplyError {
  if (reply instanceof ReplyError) return reply;
  const value = Array.isArray(reply) ? reply[1] : undefined;
  if (typeof value === 'string' || value instanceof ReplyError) return value;
  // A service that hides the setting answers with an empty list.
  return new ReplyError(`ERR there is no setting ${setting}`);
}

/** The events of the classes that a server does not show next to `A`. */
const hiddenEvents = [
  ['n', asBytes('__keyevent@*__:new')],
  ['o', asBytes('__keyevent@*__:overwritten')],
  ['c', asBytes('__keyevent@*__:type_changed')],
] as const;
const listenMillis = 300;

/**
 * Which of the classes that CONFIG GET leaves out next to `A` are on, by the events that come: to change the flags without
 * them would take them away from those who listen. Empty where none comes in 0.3 s, where events by name are off (no `E`),
 * or where listening is not permitted.
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
    const connection = await node.openConnection();
    try {
      connection.stream(['PSUBSCRIBE', ...hiddenEvents.map(([, pattern]) => pattern)], {
        bytes: (chunk) => parser.push(chunk),
        ended: () => undefined,
      });
      await pause(listenMillis);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
  }
  return [...heard].join('');
}
