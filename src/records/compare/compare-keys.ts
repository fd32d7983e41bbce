import type { ByteString } from '../../support/bytes.ts';
import { PieceFault } from '../values/read-pieces.ts';
import { batchesOf } from '../values/read-values.ts';
import type { KeyToRead } from '../values/commands.ts';
import { aliveAt, isValueType, type Value, type ValueType } from '../values/value.ts';
import {
  areEqual,
  digestOf,
  distinctLengthOf,
  type Expiry,
  type Sighting,
  defaultToleranceMillis,
  haveSameFieldExpiries,
  isSameExpiry,
} from './canonical.ts';
import type { ComparisonTally, DifferenceKind } from './tally.ts';

export interface ComparisonRules {
  /** How far two TTLs may lie apart, in milliseconds; null: they are not looked at. */
  readonly ttlToleranceMillis: number | null;
  readonly now: () => number;
}

/** What one side holds under a key. */
export type Looked =
  | {
      readonly kind: 'value';
      readonly value: Value;
      /** Milliseconds since the epoch; null without TTL; undefined where nobody knows. */
      readonly expiresAtMillis: number | null | undefined;
    }
  /** Too long to be read at once. */
  | { readonly kind: 'long'; readonly type: ValueType }
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Keys to be asked for by name: those of a server, or the records of a part of a file. */
export interface Side {
  /** Null in place of a key: there is none. @throws RedisError */
  describe(keys: readonly ByteString[]): Promise<(KeyToRead | null)[]>;
  /** @throws RedisError */
  read(keys: readonly KeyToRead[]): Promise<Looked[]>;
  /** A long value with its members in pieces; its TTL as `read` would give it. @throws PieceFault, RedisError */
  pieces(key: ByteString, type: ValueType): AsyncIterable<Value>;
  /** Members (of a string: bytes) and TTL of a long value; null where it is gone. @throws RedisError */
  measure(key: ByteString, type: ValueType): Promise<Measure | null>;
  /** When the keys expire, without their values. Null or undefined: never, gone, or not known. @throws RedisError */
  deadlinesOf(keys: readonly ByteString[]): Promise<Expiry[]>;
}

export interface Measure {
  readonly length: number;
  readonly expiresAtMillis: number | null | undefined;
}

/** A side that can tell whether it holds members that another side has. */
export interface ProbedSide extends Side {
  /** @param offset members before this piece. @throws RedisError */
  holds(key: ByteString, piece: Value, offset: number): Promise<boolean>;
  /** A piece of a hash with the moments at which its fields expire on this side. @throws RedisError */
  withFieldExpiries(key: ByteString, piece: Value): Promise<Value>;
}

/** What the comparison of one key came to. */
type Verdict =
  | { readonly kind: 'equal' | 'skipped' }
  | { readonly kind: 'missing'; readonly type: string }
  | { readonly kind: 'different'; readonly what: DifferenceKind; readonly a: Sighting; readonly b: Sighting }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Compares the keys of `a` with those of the same name in `b`. What seems to be missing or different is looked at a second
 * time before it is told: the key may have been written on one side while it was read on the other.
 * @throws RedisError
 */
export async function compareKeys(
  keys: readonly ByteString[],
  a: Side,
  b: ProbedSide,
  rules: ComparisonRules,
  tally: ComparisonTally,
): Promise<void> {
  const first = await judgeAll(keys, a, b, rules);
  const doubtful = keys.filter((key) => ['missing', 'different'].includes(first.get(key)?.kind ?? ''));
  const second = doubtful.length === 0 ? first : await judgeAll(doubtful, a, b, rules);
  const verdictOf = (key: ByteString) => second.get(key) ?? first.get(key) ?? ({ kind: 'skipped' } as const);
  const expired = await expiringIn(
    a,
    keys.filter((key) => verdictOf(key).kind === 'missing'),
    rules,
  );
  for (const key of keys) enter(key, expired.has(key) ? { kind: 'skipped' } : verdictOf(key), tally);
}

/**
 * Those of the keys whose time is up on this side too, within the tolerance: the other side lacks them because they have
 * expired there while the comparison ran. @throws RedisError
 */
export async function expiringIn(
  side: Side,
  keys: readonly ByteString[],
  { now, ttlToleranceMillis }: ComparisonRules,
): Promise<ReadonlySet<ByteString>> {
  if (keys.length === 0) return new Set();
  const deadlines = await side.deadlinesOf(keys);
  const expiredBy = now() + (ttlToleranceMillis ?? defaultToleranceMillis);
  return new Set(keys.filter((_, index) => (deadlines[index] ?? Number.POSITIVE_INFINITY) <= expiredBy));
}

function enter(key: ByteString, verdict: Verdict, tally: ComparisonTally): void {
  switch (verdict.kind) {
    case 'skipped':
      tally.skipped++;
      break;
    case 'missing':
      tally.addMissing(key, verdict.type);
      break;
    case 'failed':
      tally.fail(key, verdict.reason);
      break;
    case 'different':
      tally.compared++;
      tally.addDifference(key, verdict.what, verdict.a, verdict.b);
      break;
    case 'equal':
      tally.compared++;
  }
}

async function judgeAll(
  keys: readonly ByteString[],
  a: Side,
  b: ProbedSide,
  rules: ComparisonRules,
): Promise<Map<ByteString, Verdict>> {
  const verdicts = new Map<ByteString, Verdict>();
  const [ofA, ofB] = await Promise.all([a.describe(keys), b.describe(keys)]);
  const both: { key: ByteString; a: KeyToRead; b: KeyToRead; memoryBytes: number | null; type: string }[] =
    [];
  keys.forEach((key, index) => {
    const [inA, inB] = [ofA[index] ?? null, ofB[index] ?? null];
    if (inA === null) verdicts.set(key, { kind: 'skipped' });
    else if (inB === null) verdicts.set(key, { kind: 'missing', type: inA.type ?? 'unknown' });
    else if (inA.type === null || inB.type === null) verdicts.set(key, unreadable);
    // Of a dump that this program cannot read not even the type is known.
    else if (inA.type === 'dump' || inB.type === 'dump') verdicts.set(key, undecodable);
    else if (inA.type !== inB.type) verdicts.set(key, ofTypes(inA, inB));
    else {
      const sizes = [inA.memoryBytes, inB.memoryBytes];
      const memoryBytes = sizes.includes(null) ? null : Math.max(...sizes.map(Number));
      both.push({ key, a: inA, b: inB, memoryBytes, type: inA.type });
    }
  });
  for (const batch of batchesOf(both)) {
    const [readA, readB] = await Promise.all([
      a.read(batch.map((each) => each.a)),
      b.read(batch.map((each) => each.b)),
    ]);
    for (const [index, { key, type }] of batch.entries()) {
      const looked = [readA[index], readB[index]] as [Looked, Looked];
      verdicts.set(key, await judge(key, type, looked, a, b, rules));
    }
  }
  return verdicts;
}

const undecodable: Verdict = { kind: 'failed', reason: 'the form that DUMP gave it is not known' };
const unreadable: Verdict = { kind: 'failed', reason: 'it may be listed but not read by this user' };

function ofTypes(a: KeyToRead, b: KeyToRead): Verdict {
  const sighting = ({ type }: KeyToRead): Sighting => ({
    ...{ type: type ?? 'unknown', length: null, digest: null, ttlSeconds: null },
  });
  return { kind: 'different', what: 'type', a: sighting(a), b: sighting(b) };
}

async function judge(
  key: ByteString,
  type: string,
  [inA, inB]: readonly [Looked, Looked],
  a: Side,
  b: ProbedSide,
  rules: ComparisonRules,
): Promise<Verdict> {
  if (inA.kind === 'failed') return inA;
  if (inB.kind === 'failed') return inB;
  if (inA.kind === 'gone') return { kind: 'skipped' };
  if (inB.kind === 'gone') return { kind: 'missing', type };
  if (inA.kind === 'long' || inB.kind === 'long')
    return isValueType(type) ? judgeLong(key, type, a, b, rules) : { kind: 'skipped' };
  const now = rules.now();
  const [ofA, ofB] = [aliveAt(inA.value, now), aliveAt(inB.value, now)];
  const equal = areEqual(ofA, ofB);
  if (equal && sameTtl(inA, inB, rules) && sameFieldTtls(ofA, ofB, rules)) return { kind: 'equal' };
  const what = inA.value.type !== inB.value.type ? 'type' : equal ? 'ttl' : 'value';
  const sighting = (looked: typeof inA): Sighting => ({
    type: looked.value.type,
    length: distinctLengthOf(looked.value),
    digest: digestOf(looked.value),
    ttlSeconds: ttlSecondsOf(looked, rules),
  });
  return { kind: 'different', what, a: sighting(inA), b: sighting(inB) };
}

async function judgeLong(
  key: ByteString,
  type: ValueType,
  a: Side,
  b: ProbedSide,
  rules: ComparisonRules,
): Promise<Verdict> {
  const [ofA, ofB] = await Promise.all([a.measure(key, type), b.measure(key, type)]);
  if (ofA === null) return { kind: 'skipped' };
  if (ofB === null) return { kind: 'missing', type };
  let equal = ofA.length === ofB.length;
  let fieldTtls = true;
  let offset = 0;
  try {
    if (equal) {
      for await (const piece of a.pieces(key, type)) {
        equal = await b.holds(key, piece, offset);
        if (!equal) break;
        fieldTtls &&= sameFieldTtls(piece, await b.withFieldExpiries(key, piece), rules);
        offset += distinctLengthOf(piece);
      }
    }
  } catch (error) {
    if (!(error instanceof PieceFault)) throw error;
    return { kind: 'failed', reason: error.message };
  }
  if (equal && fieldTtls && sameTtl(ofA, ofB, rules)) return { kind: 'equal' };
  const sighting = (measure: Measure): Sighting => ({
    ...{ type, length: measure.length, digest: null },
    ttlSeconds: ttlSecondsOf(measure, rules),
  });
  return { kind: 'different', what: equal ? 'ttl' : 'value', a: sighting(ofA), b: sighting(ofB) };
}

type WithExpiry = Pick<Measure, 'expiresAtMillis'>;

export function sameFieldTtls(a: Value, b: Value, { ttlToleranceMillis }: ComparisonRules): boolean {
  return ttlToleranceMillis === null || haveSameFieldExpiries(a, b, ttlToleranceMillis);
}

export function sameTtl(a: WithExpiry, b: WithExpiry, { ttlToleranceMillis }: ComparisonRules): boolean {
  return (
    ttlToleranceMillis === null || isSameExpiry(a.expiresAtMillis, b.expiresAtMillis, ttlToleranceMillis)
  );
}

export function ttlSecondsOf({ expiresAtMillis }: WithExpiry, { now }: ComparisonRules): number | null {
  if (expiresAtMillis === null || expiresAtMillis === undefined) return null;
  return Math.max(0, expiresAtMillis - now()) / 1000;
}
