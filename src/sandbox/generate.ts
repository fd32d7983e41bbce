import { clockAt, drawFor, type Family, freshRecord, type SandboxRecord } from './family.ts';
import { familiesOf, type SystemName } from './systems.ts';

interface GenerateOptions {
  /** How many records. */
  readonly keys: number;
  /** An integer from 0 to 2^53; equal seeds give equal records. */
  readonly seed: number;
  /** Milliseconds since the epoch: for dates in keys and TTLs that end at midnight. */
  readonly now: number;
}

/**
 * The keys of one system as a cache holds them some time after they were written: of each TTL a random part is over.
 * No key comes twice; nothing is kept, however many are asked for.
 */
export function* generateRecords(
  system: SystemName,
  { keys, seed, now }: GenerateOptions,
): Generator<SandboxRecord> {
  const origin = { system, seed, clock: clockAt(now) };
  for (const { family, index } of interleave(familiesOf[system], keys)) {
    const record = freshRecord(family, index, origin);
    if (record.ttlMillis === null || family.endsAtMidnight === true) {
      yield record;
    } else {
      const left = record.ttlMillis * drawFor(family, index, origin, 'age').fraction();
      yield { ...record, ttlMillis: Math.max(Math.min(1000, record.ttlMillis), Math.round(left)) };
    }
  }
}

/** Takes the families in turn so that after any number of records each has its share, to within one. */
function* interleave(
  families: readonly Family[],
  keys: number,
): Generator<{ family: Family; index: number }> {
  // "Smooth weighted round robin", as nginx balances its servers: the one most behind its share goes next.
  const queue = families.map((family) => ({ family, index: 0, credit: 0 }));
  for (let made = 0; made < keys; made++) {
    let total = 0;
    let next: (typeof queue)[number] | undefined;
    for (const entry of queue) {
      if (entry.index === entry.family.limit) continue;
      entry.credit += entry.family.keys;
      total += entry.family.keys;
      if (next === undefined || entry.credit > next.credit) next = entry;
    }
    if (next === undefined) return;
    next.credit -= total;
    yield { family: next.family, index: next.index++ };
  }
}
