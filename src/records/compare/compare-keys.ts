import type { ByteString } from '../../support/bytes.ts';
import { batchesOf, PieceFault } from '../values/read-values.ts';
import type { KeyToRead } from '../values/commands.ts';
import { aliveAt, isValueType, membersOf, type Value, type ValueType } from '../values/value.ts';
import {
  areEqual,
  digestOf,
  distinctLengthOf,
  type ExpectedExpiry,
  type Expiry,
  type Sighting,
  defaultToleranceMillis,
  hasIds,
  haveSameFieldExpiries,
  holdsAll,
  isSameExpiry,
} from './canonical.ts';
import type { ServerSide } from './server-side.ts';
import type { ComparisonTally, DifferenceKind } from './tally.ts';

export interface ComparisonRules {
  /** How far two TTLs may lie apart, in milliseconds; null: they are not looked at. */
  readonly ttlToleranceMillis: number | null;
  readonly now: () => number;
}

/** What is known of a key in addition to its value. */
export interface Held {
  /** Milliseconds since the epoch; null without TTL; undefined where it is not known. A server's is never between two moments. */
  readonly expiresAtMillis: ExpectedExpiry;
  /** True where the value was added to what was there, all of which may be there still. */
  readonly added?: boolean;
}

/** What one side holds under a key. */
export type Looked =
  | ({ readonly kind: 'value'; readonly value: Value } & Held)
  /** Too long to be read at once. */
  | { readonly kind: 'long' }
  /** The value is not at hand: what `measure` gives is compared. `reason`: why that does not make it equal; null: it does. */
  | { readonly kind: 'outline'; readonly reason: string | null }
  | { readonly kind: 'gone' }
  | Failed;

interface Failed {
  readonly kind: 'failed';
  readonly reason: string;
}

export interface Measure extends Held {
  readonly kind: 'measure';
  /** Members; of a string its bytes; null where they cannot be counted. */
  readonly length: number | null;
}

/** Keys to be asked for by name: those of a server, or the records of a part of a file. */
export interface Side {
  /** Null in place of a key: there is none. @throws RedisError */
  describe(keys: readonly ByteString[]): Promise<(KeyToRead | null)[]>;
  /** @throws RedisError */
  read(keys: readonly KeyToRead[]): Promise<Looked[]>;
  /** A long value with its members in pieces; its TTL as `read` would give it. @throws PieceFault, RedisError */
  pieces(key: ByteString, type: ValueType): AsyncIterable<Value>;
  /** Length and TTL of a value that is not read whole; null where it is gone. @throws RedisError */
  measure(key: ByteString, type: string): Promise<Measure | Failed | null>;
  /** When the keys expire, without their values. Null or undefined: never, gone, or not known. @throws RedisError */
  deadlinesOf(keys: readonly ByteString[]): Promise<Expiry[]>;
}

/** What the comparison of one key came to. */
export type Verdict =
  | { readonly kind: 'equal' | 'skipped' }
  | { readonly kind: 'missing'; readonly type: string }
  | {
      readonly kind: 'different';
      readonly what: DifferenceKind;
      /** The key has the same TTL, and fields of it have others. */
      readonly inFieldTtls?: true;
      readonly a: Sighting;
      readonly b: Sighting;
    }
  | Failed;

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

const failed = (reason: string): Verdict => ({ kind: 'failed', reason });
export const unknownDump = 'the form that DUMP gave it is not known';

/** Compares keys of `a` with those of the same name in `b`. */
export class Comparison {
  constructor(
    private readonly a: Side,
    private readonly b: ServerSide,
    private readonly rules: ComparisonRules,
  ) {}

  /** @throws RedisError */
  async compare(keys: readonly ByteString[], tally: ComparisonTally): Promise<void> {
    const verdicts = await this.judge(keys);
    for (const key of keys) tally.enter(key, verdicts.get(key) ?? { kind: 'skipped' });
  }

  /**
   * A verdict on each key. What seems to be missing or different is looked at a second time before it is reported: the key may
   * have been written on one side while it was read on the other.
   * @throws RedisError
   */
  async judge(keys: readonly ByteString[]): Promise<Map<ByteString, Verdict>> {
    const verdicts = await this.judgeOnce(keys);
    const of = (...kinds: readonly Verdict['kind'][]) =>
      keys.filter((key) => kinds.includes(verdicts.get(key)?.kind ?? 'equal'));
    const doubtful = of('missing', 'different');
    if (doubtful.length === 0) return verdicts;
    for (const [key, verdict] of await this.judgeOnce(doubtful)) verdicts.set(key, verdict);
    for (const key of await expiringIn(this.a, of('missing'), this.rules))
      verdicts.set(key, { kind: 'skipped' });
    return verdicts;
  }

  private async judgeOnce(keys: readonly ByteString[]): Promise<Map<ByteString, Verdict>> {
    const { a, b, rules } = this;
    const verdicts = new Map<ByteString, Verdict>();
    const [ofA, ofB] = await Promise.all([a.describe(keys), b.describe(keys)]);
    const both: { a: KeyToRead; b: KeyToRead; memoryBytes: number | null }[] = [];
    keys.forEach((key, index) => {
      const [inA, inB] = [ofA[index] ?? null, ofB[index] ?? null];
      if (inA === null) verdicts.set(key, { kind: 'skipped' });
      else if (inB === null) verdicts.set(key, { kind: 'missing', type: inA.type ?? 'unknown' });
      else if (inA.type === null || inB.type === null)
        verdicts.set(key, failed('it may be listed but not read by this user'));
      // Of a dump that this program cannot read not even the type is known.
      else if (inA.type === 'dump' || inB.type === 'dump') verdicts.set(key, failed(unknownDump));
      else if (inA.type !== inB.type) {
        const [a, b] = [sightingOf({ type: inA.type }, rules), sightingOf({ type: inB.type }, rules)];
        verdicts.set(key, { kind: 'different', what: 'type', a, b });
      } else {
        const sizes = [inA.memoryBytes, inB.memoryBytes];
        const memoryBytes = sizes.includes(null) ? null : Math.max(...sizes.map(Number));
        both.push({ a: inA, b: inB, memoryBytes });
      }
    });
    for (const batch of batchesOf(both)) {
      const [readA, readB] = await Promise.all([
        a.read(batch.map((each) => each.a)),
        b.read(batch.map((each) => each.b)),
      ]);
      for (const [index, { a: described }] of batch.entries()) {
        const looked = [readA[index], readB[index]] as [Looked, Looked];
        verdicts.set(described.key, await this.judgeLooked(described.key, described.type ?? '', looked));
      }
    }
    return verdicts;
  }

  private async judgeLooked(
    key: ByteString,
    type: string,
    [inA, inB]: readonly [Looked, Looked],
  ): Promise<Verdict> {
    for (const looked of [inA, inB])
      if (looked.kind === 'outline') {
        const verdict = await this.judgeLong(key, type, false);
        return verdict.kind === 'equal' && looked.reason !== null ? failed(looked.reason) : verdict;
      }
    if (inA.kind === 'failed') return inA;
    if (inB.kind === 'failed') return inB;
    if (inA.kind === 'gone') return { kind: 'skipped' };
    if (inB.kind === 'gone') return { kind: 'missing', type };
    if (inA.kind !== 'value' || inB.kind !== 'value') return this.judgeLong(key, type, true);
    const now = this.rules.now();
    const [ofA, ofB] = [aliveAt(inA.value, now), aliveAt(inB.value, now)];
    const found = inA.added === true ? membersOf(ofB, ofA) : ofB;
    return verdictOf(
      {
        type: ofA.type === ofB.type,
        value: inA.added === true ? holdsAll(ofB, ofA) : areEqual(ofA, ofB),
        ttl: isSameTtl(inB, inA, this.rules),
        fieldTtls: areSameFieldTtls(found, ofA, this.rules),
      },
      () => [inA, inB].map(({ value, ...held }) => ({ ...held, ...outlineOf(value) })),
      this.rules,
    );
  }

  /** @param inPieces False: by length and TTL alone. */
  private async judgeLong(key: ByteString, type: string, inPieces: boolean): Promise<Verdict> {
    const { a, b, rules } = this;
    const [ofA, ofB] = await Promise.all([a.measure(key, type), b.measure(key, type)]);
    if (ofA === null) return { kind: 'skipped' };
    if (ofB === null) return { kind: 'missing', type };
    if (ofA.kind === 'failed') return ofA;
    if (ofB.kind === 'failed') return ofB;
    const [expected, found] = [ofA.length ?? 0, ofB.length ?? 0];
    let value = ofA.length === null || found === expected || (ofA.added === true && found > expected);
    let fieldTtls = true as boolean | null;
    try {
      // What was added to a list is at its end.
      let offset = ofA.added === true ? found - expected : 0;
      for await (const piece of value && inPieces && isValueType(type) ? a.pieces(key, type) : []) {
        if (ofA.added === true && !hasIds(piece))
          return failed('entries without ids cannot be told from those that were there before');
        value = await b.holds(key, piece, offset);
        if (!value) break;
        const same = areSameFieldTtls(await b.withFieldExpiries(key, piece), piece, rules);
        if (same !== true && fieldTtls !== false) fieldTtls = same;
        offset += distinctLengthOf(piece);
      }
    } catch (error) {
      if (!(error instanceof PieceFault)) throw error;
      return failed(error.message);
    }
    const same = { type: true, value, ttl: isSameTtl(ofB, ofA, rules), fieldTtls };
    return verdictOf(same, () => [ofA, ofB].map((each) => ({ ...each, type })), rules);
  }
}

/** What of two keys is the same; `fieldTtls` is null where it is not known. */
interface Likeness {
  readonly type: boolean;
  readonly value: boolean;
  readonly ttl: boolean;
  readonly fieldTtls: boolean | null;
}

/** What a sighting is made of. */
interface Seen extends Partial<Held> {
  readonly type: string;
  readonly length?: number | null;
  readonly digest?: string | null;
}

export const outlineOf = (value: Value) => ({
  ...{ type: value.type, length: distinctLengthOf(value), digest: digestOf(value) },
});

function sightingOf(
  { type, length = null, digest = null, expiresAtMillis }: Seen,
  { now }: ComparisonRules,
): Sighting {
  const moment = earliest(expiresAtMillis) ?? null;
  return { type, length, digest, ttlSeconds: moment === null ? null : Math.max(0, moment - now()) / 1000 };
}

/** @param seen Of `a` and `b`; asked for where there is a difference. */
export function verdictOf(same: Likeness, seen: () => Seen[], rules: ComparisonRules): Verdict {
  const what = !same.type ? 'type' : !same.value ? 'value' : !same.ttl ? 'ttl' : null;
  if (what === null && same.fieldTtls === null) return failed('the TTLs of its fields could not be read');
  if (what === null && same.fieldTtls === true) return { kind: 'equal' };
  const [a, b] = seen().map((each) => sightingOf(each, rules)) as [Sighting, Sighting];
  return { kind: 'different', what: what ?? 'ttl', ...(what === null && { inFieldTtls: true }), a, b };
}

export function areSameFieldTtls(
  found: Value,
  expected: Value,
  { ttlToleranceMillis }: ComparisonRules,
): boolean | null {
  return ttlToleranceMillis === null || haveSameFieldExpiries(found, expected, ttlToleranceMillis);
}

export function isSameTtl(found: Held, expected: Held, { ttlToleranceMillis }: ComparisonRules): boolean {
  return (
    ttlToleranceMillis === null ||
    isSameExpiry(earliest(found.expiresAtMillis), expected.expiresAtMillis, ttlToleranceMillis)
  );
}

export const earliest = (expiry: ExpectedExpiry): Expiry =>
  typeof expiry === 'object' && expiry !== null ? expiry.from : expiry;
