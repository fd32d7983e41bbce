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
