import type { ByteString } from '../support/bytes.ts';
import { SeededRandom } from '../support/random.ts';
import { Clock, movingClock } from './clock.ts';
import { familiesOf, type Family, freshRecord, keyOf, type Origin, type SandboxRecord } from './family.ts';
import type { SystemName } from './systems.ts';

/**
 * What an application does to its cache:
 * - `read`: GET; after a miss it computes the value and writes it (cache-aside), unless there is nothing to `refill`
 * - `write`: SET, whatever is there
 * - `increment`: INCR, and EXPIRE where the key is new
 * - `remove`: the data behind the key has changed
 * - `expire`: the key's TTL is over. Hours pass in a moment here, and still the server itself expires the key.
 */
export type TrafficOperation =
  | {
      readonly kind: 'read';
      readonly record: SandboxRecord;
      readonly refill: boolean;
      /** The key was never stored. */
      readonly isNew?: true;
    }
  | { readonly kind: 'write'; readonly record: SandboxRecord }
  | { readonly kind: 'increment'; readonly key: ByteString; readonly ttlMillis: number | null }
  | { readonly kind: 'remove'; readonly key: ByteString }
  | { readonly kind: 'expire'; readonly key: ByteString };

export interface TrafficOptions {
  /** An integer from 0 to 2^53. That of the records, so that most reads find one of them. */
  readonly seed: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Streams of different rounds differ, and bring different new keys. Default: 0. */
  readonly round?: number;
  /** Families that something else makes the traffic of. */
  readonly without?: readonly Family[];
}

/** Popular records are among the first of each family, which every data set has. */
const popularRecords = 200;
/** From here on are indexes that no record has been made for, in data sets of any likely size. */
const newIndexes = 1_000_000;
/** Keys that came by misses of new data: so many live on before their TTL is over, and memory stays bounded. */
const newKeysKept = 1000;
/** Operations between the end of a key and the read that misses it: time for the server to expire it. */
const missDelay = 200;

interface Planned {
  readonly due: number;
  readonly family: Family;
  readonly index: number;
}

/**
 * An endless stream of operations, the same for the same seed (and time, where dates are part of keys). Popular keys are
 * read over and over; each family misses at its own rate, because of new data, ended TTLs and removals.
 */
export function* generateTraffic(
  system: SystemName,
  { seed, now, round = 0, without = [] }: TrafficOptions,
): Generator<TrafficOperation, never> {
  const families = familiesOf(system).filter((family) => family.reads > 0 && !without.includes(family));
  const total = families.reduce((sum, family) => sum + family.reads, 0);
  const draw = new SeededRandom(seed, `${system}/traffic`, round);
  const clock = movingClock(now);
  const misses: Planned[] = [];
  const newKeys: ByteString[] = [];
  let nextNewIndex = newIndexes * (round + 1);

  for (let step = 0; ; step++) {
    const origin = { system, seed, clock: clock() };
    const planned = misses[0];
    if (planned !== undefined && planned.due <= step) {
      misses.shift();
      yield { kind: 'read', record: freshRecord(planned.family, planned.index, origin), refill: true };
      continue;
    }
    if (newKeys.length > newKeysKept) {
      yield { kind: 'expire', key: newKeys.shift() as ByteString };
      continue;
    }
    const family = familyAt(families, draw.fraction() * total);
    const index = popularIndex(family, draw);
    if (family.counter) {
      yield incrementOf(family, index, origin);
    } else if (draw.chance(family.hitRate)) {
      const record = freshRecord(family, index, origin);
      // Now and then a value is written again before its time: its source has changed.
      yield draw.chance(0.03) ? { kind: 'write', record } : { kind: 'read', record, refill: true };
    } else if (family.state) {
      // A session that ended, a scenario that is locked: there is nothing to fill in.
      yield { kind: 'read', record: freshRecord(family, nextNewIndex++, origin), refill: false, isNew: true };
    } else if (family.limit === Infinity && draw.chance(0.6)) {
      const record = freshRecord(family, nextNewIndex++, origin);
      newKeys.push(record.key);
      yield { kind: 'read', record, refill: true, isNew: true };
    } else {
      misses.push({ due: step + missDelay, family, index });
      yield { kind: draw.chance(0.75) ? 'expire' : 'remove', key: keyOf(family, index, origin) };
    }
  }
}

/** The keys that the traffic reads again and again; whether they are there depends on how many records were made. */
export function popularKeys(system: SystemName, { seed, now }: Omit<TrafficOptions, 'round'>): ByteString[] {
  const origin = { system, seed, clock: new Clock(now()) };
  return familiesOf(system)
    .filter((family) => family.reads > 0 && !family.counter)
    .flatMap((family) =>
      Array.from({ length: Math.min(popularRecords, family.limit) }, (_, index) =>
        keyOf(family, index, origin),
      ),
    );
}

function incrementOf(family: Family, index: number, origin: Origin): TrafficOperation {
  const { key, ttlMillis } = freshRecord(family, index, origin);
  return { kind: 'increment', key, ttlMillis };
}

function popularIndex(family: Family, draw: SeededRandom): number {
  return draw.rank(12) % Math.min(popularRecords, family.limit);
}

function familyAt(families: readonly Family[], position: number): Family {
  let rest = position;
  for (const family of families) {
    rest -= family.reads;
    if (rest < 0) return family;
  }
  return families.at(-1) as Family;
}
