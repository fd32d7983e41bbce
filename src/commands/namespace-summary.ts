import { type Figure, partOf } from '../keyspace/estimate.ts';
import type { Figures } from '../keyspace/figures.ts';
import {
  type BreakdownName,
  type KeyStatistics,
  noIdleTime,
  noTtl,
  frequencyBounds,
  labelsOf,
  spanBoundsSeconds,
} from '../keyspace/key-statistics.ts';
import type { Namespace, NamespaceMap } from '../keyspace/map.ts';
import type { NamespaceRow } from '../keyspace/namespace-tree.ts';
import type { SizeBuckets } from '../keyspace/size-buckets.ts';
import type { Tally, Breakdown } from '../keyspace/tally.ts';
import { fallsShort, type TtlRule } from '../keyspace/ttl.ts';
import type { ColumnName } from '../redis/account.ts';
import { counted, formatCell, formatRange, formatRatio, formatSeconds } from '../render/units.ts';

/** The bounds that hold the true figure with 95 % certainty; null where the figure is exact. */
export type IntervalOrNull = readonly [low: number, high: number] | null;

/** Figures with their intervals: `keys` and `keysInterval`. */
export type Estimated<Name extends string, Value = number> = {
  readonly [Each in Name]: Value;
} & { readonly [Each in `${Name}Interval`]: IntervalOrNull };

/** Keys of one span of a histogram, with its upper bound in a field of its unit; null: no upper bound. */
export type Span<Bound extends string> = Estimated<'keys'> &
  Estimated<'memoryBytes', number | null> & { readonly [Each in Bound]: number | null };

export type SpanSeconds = Span<'upToSeconds'>;

/** Keys by a label: `types` and `typesIntervals`. */
type ByLabel<Name extends string> = {
  readonly [Each in Name]: Readonly<Record<string, number>> | null;
} & { readonly [Each in `${Name}Intervals`]: Readonly<Record<string, IntervalOrNull>> | null };

/**
 * What became of the rule that the map gives for TTLs: keys that kept it, and those that did not. `missing`: no TTL where the
 * rule sets one; `tooLong`: more time left than it ever gives; `unexpected`: a TTL where it says permanent; `drifting`: meant to
 * end at midnight, and ending at another time.
 */
export interface TtlRuleReport extends Estimated<'kept' | 'missing' | 'tooLong' | 'unexpected' | 'drifting'> {
  readonly rule: string;
  /** True where the rule is a guess of `config init` that no one has confirmed. */
  readonly guessed: boolean;
  /** True where no key has even half of the rule's time left: keys are written with a shorter one. */
  readonly fallsShort: boolean;
}

type Maybe = number | null;

/**
 * A namespace in the results of `inspect` and `stats`. A null: the server refused what it needs, or it was not read. Shares are
 * from 0 to 1, those of memory null where bytes are not known.
 */
export interface NamespaceSummary
  extends
    Estimated<'keys' | 'keyShare'>,
    Estimated<
      'memoryBytes' | 'memoryShare' | 'withoutTtl' | 'withoutTtlMemoryBytes' | 'keysWithoutIdleTime',
      Maybe
    >,
    ByLabel<'types' | 'encodings'> {
  /** The map's name, or the inferred pattern. */
  readonly namespace: string;
  readonly pattern: string | null;
  /** The levels from the root of the tree to this row. */
  readonly path: readonly string[];
  readonly kind: 'cache' | 'state' | null;
  /** Keys of it that were read: with few of them its figures are rough, as their intervals say. */
  readonly readKeys: number;
  /** The part of the bytes that is names, dictionary entries and object headers: computed from the names' lengths. */
  readonly overheadBytes: number | null;
  /** By MEMORY USAGE, of the keys that were read; null where bytes are not known. */
  readonly sizes: SizeSummary | null;
  /** Lengths of the names of the keys that were read. */
  readonly nameLengths: SizeSummary | null;
  /** Time left of the keys that have a TTL; shortest and longest of those that were read. */
  readonly ttl: {
    readonly minSeconds: number;
    readonly meanSeconds: number;
    readonly maxSeconds: number;
  } | null;
  /** By time left, of the keys that have a TTL. */
  readonly ttlHistogram: readonly SpanSeconds[] | null;
  /** By time since the last access; null under an LFU policy. `keysWithoutIdleTime` are in none: see `noOwnIdleTime`. */
  readonly idleHistogram: readonly SpanSeconds[] | null;
  /** By the counter of an LFU policy (0 to 255); null under any other. */
  readonly frequencyHistogram: readonly Span<'upToCounter'>[] | null;
  /** Null where the map has no rule for it. */
  readonly ttlRule: TtlRuleReport | null;
}

/** Of the keys that were read: in a sample an estimate for all. Percentiles are upper bounds of their bucket, less than twice the true one. */
export interface SizeSummary {
  readonly p50Bytes: number;
  readonly p90Bytes: number;
  readonly p99Bytes: number;
  readonly largestBytes: number;
  /** Powers of two, from the first with keys to the last. */
  readonly sizeHistogram: readonly { readonly upToBytes: number; readonly readKeys: number }[];
}

function sizeSummary(buckets: SizeBuckets): SizeSummary | null {
  const [p50Bytes, p90Bytes, p99Bytes] = [0.5, 0.9, 0.99].map((share) => buckets.quantile(share));
  if (p50Bytes == null || p90Bytes == null || p99Bytes == null) return null;
  const first = buckets.counts.findIndex((count) => count > 0);
  const sizeHistogram = buckets.counts
    .map((readKeys, exponent) => ({ upToBytes: 2 ** exponent, readKeys }))
    .slice(first);
  return { p50Bytes, p90Bytes, p99Bytes, largestBytes: buckets.largest, sizeHistogram };
}

/** The name of a row among others: with a map and levels below it, that of the namespace alone would not tell them apart. */
export function rowName({ namespace, pattern }: Pick<NamespaceSummary, 'namespace' | 'pattern'>): string {
  return pattern === null || pattern === namespace ? namespace : `${namespace} ${pattern}`;
}

/**
 * How far the interval reaches from the figure, as a share of it: `1.9 %`; the interval itself where that would be more than the
 * figure, as it is of a few keys, or where one side is much longer, as of a keyspace that grows: `1 … 46`. Null for an exact
 * figure.
 */
export function errorText(
  value: number | null,
  interval: IntervalOrNull,
  unit: 'count' | 'bytes',
): string | null {
  if (value === null || interval === null) return null;
  const [low, high] = interval;
  const reach = Math.max(value - low, high - value);
  const isBalanced = reach <= 0.75 * (high - low);
  return value > 0 && reach <= value && isBalanced
    ? formatRatio(reach / value)
    : formatRange(interval, (each) => formatCell(each, unit), ' … ');
}

/** `463,817 keys`, and `463,817 keys (463,780 … 540,000)` where it is an estimate. */
export function keysText(keys: number, interval: IntervalOrNull): string {
  const within = interval && ` (${formatRange(interval, (each) => formatCell(each, 'count'), ' … ')})`;
  return `${counted(keys, 'key')}${within ?? ''}`;
}

/** What became of the parts of a row: their keys and bytes, by label. */
interface Parts {
  readonly keys: (label: string) => Figure;
  readonly memory: (label: string) => Figure | null;
}

/** Makes summaries of one reading. */
export class Summaries {
  /**
   * @param whole the sums that shares are taken of
   * @param unread columns that were not read, or that the server refused
   */
  constructor(
    private readonly figures: Figures,
    private readonly map: NamespaceMap,
    private readonly whole: Tally,
    private readonly unread: ReadonlySet<ColumnName>,
  ) {}

  of({ namespace, pattern, path, statistics }: NamespaceRow): NamespaceSummary {
    const { total, by } = statistics;
    const mapped = this.map.namespaces.find(({ name }) => name === namespace);
    const memory = this.memoryOf(statistics);
    const keyShare = this.figures.share('memory', total, this.whole);
    const memoryShare =
      memory && this.whole.memoryBytes > 0 ? this.figures.byteShare('memory', total, this.whole) : null;
    const ttls = this.partsOf(statistics, 'ttl');
    const idleTimes = this.partsOf(statistics, 'idle');
    return {
      ...{ namespace, pattern, path, kind: mapped?.kind ?? null },
      ...rounded('keys', this.figures.keys(total)),
      readKeys: total.keys,
      ...rounded('memoryBytes', memory),
      overheadBytes: memory && overheadOf(statistics, memory),
      sizes: memory && sizeSummary(statistics.sizes),
      nameLengths: sizeSummary(statistics.names),
      memoryShare: memoryShare?.value ?? null,
      memoryShareInterval: memoryShare?.interval ?? null,
      keyShare: keyShare.value,
      keyShareInterval: keyShare.interval,
      ...byLabel('types', by.type, this.partsOf(statistics, 'type')),
      ...byLabel('encodings', by.encoding, this.partsOf(statistics, 'encoding')),
      ...rounded('withoutTtl', ttls && ttls.keys(noTtl)),
      ...rounded('withoutTtlMemoryBytes', ttls && ttls.memory(noTtl)),
      ttl: this.unread.has('ttl') ? null : statistics.ttlSummary,
      ttlHistogram: histogramOf('upToSeconds', ttls, spanBoundsSeconds),
      idleHistogram: histogramOf('upToSeconds', idleTimes, spanBoundsSeconds),
      ...rounded('keysWithoutIdleTime', idleTimes && idleTimes.keys(noIdleTime)),
      frequencyHistogram: histogramOf('upToCounter', this.partsOf(statistics, 'frequency'), frequencyBounds),
      ttlRule: mapped === undefined ? null : this.ruleReport(statistics, mapped),
    };
  }

  private memoryOf({ total }: KeyStatistics): Figure | null {
    return this.unread.has('memory') ? null : this.figures.memoryBytes(total);
  }

  /** Null where the column was read of none of the row's keys: then it is not known, and not zero. */
  private partsOf(statistics: KeyStatistics, name: BreakdownName): Parts | null {
    const { total, by } = statistics;
    const column = name === 'verdict' ? 'ttl' : name;
    if (this.unread.has(column) || (total.keys > 0 && by[column].parts.size === 0)) return null;
    const [breakdown, all] = [by[name], by[name].whole];
    const [keys, memory] = [this.figures.keys(total), this.memoryOf(statistics)];
    return {
      keys: (label) => {
        const part = breakdown.part(label);
        const share = this.figures.share(column, part, all);
        // Where nothing is estimated a key that could not be read belongs to no part.
        if (keys.interval === null && share.interval === null) return { value: part.keys, interval: null };
        return partOf(keys, share);
      },
      memory: (label) => memory && partOf(memory, this.figures.byteShare(column, breakdown.part(label), all)),
    };
  }

  private ruleReport(statistics: KeyStatistics, namespace: Namespace): TtlRuleReport | null {
    const rule = namespace.ttl ?? namespace.guessedTtl;
    const parts = this.partsOf(statistics, 'verdict');
    if (rule === null || parts === null) return null;
    const { ttlKnown, withoutTtl, ttlSummary } = statistics;
    return {
      rule: ttlRuleText(rule),
      guessed: namespace.ttl === null,
      ...rounded('kept', parts.keys('kept')),
      ...rounded('missing', parts.keys('missing')),
      ...rounded('tooLong', parts.keys('too-long')),
      ...rounded('unexpected', parts.keys('unexpected')),
      ...rounded('drifting', parts.keys('drifting')),
      fallsShort: fallsShort(rule, namespace.jitter, ttlKnown - withoutTtl, ttlSummary?.maxSeconds ?? 0),
    };
  }
}

/** Why keys have no idle time, in words. */
export const withoutIdleTimeText = (keys: number): string =>
  `${counted(keys, 'key has', 'keys have')} no known idle time: the value is a small integer that keys share, or the server reports a time longer than it has run`;

function byLabel<Name extends string>(name: Name, { parts }: Breakdown, figures: Parts | null) {
  const found = figures && Array.from(parts.keys(), (label) => [label, figures.keys(label)] as const);
  return {
    [name]: found && Object.fromEntries(found.map(([label, { value }]) => [label, Math.round(value)])),
    [`${name}Intervals`]: found && Object.fromEntries(found.map(([label, figure]) => [label, whole(figure)])),
  } as ByLabel<Name>;
}

function histogramOf<Bound extends string>(name: Bound, parts: Parts | null, bounds: readonly number[]) {
  if (parts === null) return null;
  return labelsOf(bounds).map((label, index) => {
    const bound = bounds[index] ?? Number.POSITIVE_INFINITY;
    return {
      [name]: Number.isFinite(bound) ? bound : null,
      ...rounded('keys', parts.keys(label)),
      ...rounded('memoryBytes', parts.memory(label)),
    } as Span<Bound>;
  });
}

/** `1 TTL rule is a guess`. */
export const guessedRulesText = (count: number): string =>
  counted(count, 'TTL rule is a guess', 'TTL rules are guesses');

export const howToConfirm = 'once a TTL is right, remove `"ttlGuessed"` from its namespace in the map';

/** `1h`, `1m … 1h`, `until midnight in Europe/Prague`, `permanent`. */
export function ttlRuleText(rule: TtlRule): string {
  switch (rule.kind) {
    case 'permanent':
      return 'permanent';
    case 'fixed':
      return formatSeconds(rule.seconds);
    case 'range':
      return `${formatSeconds(rule.minSeconds)} … ${formatSeconds(rule.maxSeconds)}`;
    case 'untilMidnight':
      return `until midnight in ${rule.timeZone}`;
  }
}

function overheadOf({ overheadBytes, memoryBytes }: KeyStatistics, memory: Figure): number {
  return memoryBytes === 0 ? 0 : Math.round(memory.value * (overheadBytes / memoryBytes));
}

/** A figure in whole numbers, as a field with its interval. */
function rounded<Name extends string, Given extends Figure | null>(name: Name, figure: Given) {
  return {
    [name]: figure && Math.round(figure.value),
    [`${name}Interval`]: figure && whole(figure),
  } as Estimated<Name, Given extends null ? Maybe : number>;
}

/** The bounds as whole numbers that hold at least as much. */
function whole({ interval }: Figure): IntervalOrNull {
  return interval && [Math.floor(interval[0]), Math.ceil(interval[1])];
}
