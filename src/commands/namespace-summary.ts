import { type Figure, partOf } from '../keyspace/estimate.ts';
import type { Figures } from '../keyspace/figures.ts';
import {
  type KeyStatistics,
  noIdleTime,
  noTtl,
  frequencyBounds,
  labelsOf,
  spanBoundsSeconds,
} from '../keyspace/key-statistics.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import type { NamespaceRow } from '../keyspace/namespace-tree.ts';
import type { Tally, Breakdown } from '../keyspace/tally.ts';
import { fallsShort, type TtlRule } from '../keyspace/ttl.ts';
import type { ColumnName } from '../redis/account.ts';
import { counted, formatCell, formatRatio, formatSeconds } from '../render/units.ts';

/** The bounds that hold the true figure with 95 % certainty; null where the figure is exact. */
export type IntervalOrNull = readonly [low: number, high: number] | null;

/** Figures with their intervals: `keys` and `keysInterval`. */
export type Estimated<Name extends string, Value = number> = {
  readonly [Each in Name]: Value;
} & { readonly [Each in `${Name}Interval`]: IntervalOrNull };

/** Keys of one span of a histogram. */
export interface Span extends Estimated<'keys'>, Estimated<'memoryBytes', number | null> {
  /** Null: no upper bound. */
  readonly upTo: number | null;
}

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
    > {
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
  /** Keys by Redis type. */
  readonly types: Readonly<Record<string, number>> | null;
  readonly typesIntervals: Readonly<Record<string, IntervalOrNull>> | null;
  /** Keys by internal encoding. */
  readonly encodings: Readonly<Record<string, number>> | null;
  readonly encodingsIntervals: Readonly<Record<string, IntervalOrNull>> | null;
  /** Time left of the keys that have a TTL; shortest and longest of those that were read. */
  readonly ttl: {
    readonly minSeconds: number;
    readonly meanSeconds: number;
    readonly maxSeconds: number;
  } | null;
  /** By time left, of the keys that have a TTL. */
  readonly ttlHistogram: readonly SpanSeconds[] | null;
  /** By time since the last access; null under an LFU policy. `keysWithoutIdleTime` are in none: see `sharedValue`. */
  readonly idleHistogram: readonly SpanSeconds[] | null;
  /** By the counter of an LFU policy (0 to 255); null under any other. */
  readonly frequencyHistogram: readonly SpanCounter[] | null;
  /** Null where the map has no rule for it. */
  readonly ttlRule: TtlRuleReport | null;
}

export interface SpanSeconds extends Omit<Span, 'upTo'> {
  readonly upToSeconds: number | null;
}

export interface SpanCounter extends Omit<Span, 'upTo'> {
  readonly upToCounter: number | null;
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
    : `${formatCell(low, unit)} … ${formatCell(high, unit)}`;
}

/** `463,817 keys`, and `463,817 keys (463,780 … 540,000)` where it is an estimate. */
export function keysText(keys: number, interval: IntervalOrNull): string {
  const within = interval && ` (${formatCell(interval[0], 'count')} … ${formatCell(interval[1], 'count')})`;
  return `${counted(keys, 'key')}${within ?? ''}`;
}

/** Makes summaries of one reading. */
export class Summaries {
  private readonly totalTally: Tally;

  /**
   * @param total the sums that shares are taken of
   * @param unread columns that were not read, or that the server refused
   */
  constructor(
    private readonly figures: Figures,
    private readonly map: NamespaceMap,
    total: KeyStatistics,
    private readonly unread: ReadonlySet<ColumnName>,
  ) {
    this.totalTally = total.total;
  }

  of(row: NamespaceRow): NamespaceSummary {
    const { namespace, pattern, path, statistics } = row;
    const { total } = statistics;
    const mapped = this.map.namespaces.find(({ name }) => name === namespace);
    const hasMemory = !this.unread.has('memory');
    const keys = this.figures.keys(total);
    const memory = hasMemory ? this.figures.memoryBytes(total) : null;
    const keyShare = this.figures.share('memory', total, this.totalTally);
    const memoryShare =
      memory !== null && this.totalTally.memoryBytes > 0
        ? this.figures.byteShare('memory', total, this.totalTally)
        : null;
    const withoutTtl = this.isUnread('ttl', statistics, 'ttls')
      ? null
      : this.part('ttl', statistics, 'ttls', noTtl);
    const types = this.parts('type', statistics, 'types');
    const encodings = this.parts('encoding', statistics, 'encodings');
    const withoutTtlMemory = memory && withoutTtl && this.partOfBytes('ttl', memory, statistics.ttls, noTtl);
    const counters = this.histogram('frequency', statistics, 'frequencies', frequencyBounds);
    return {
      ...{ namespace, pattern, path, kind: mapped?.kind ?? null },
      ...rounded('keys', keys),
      readKeys: total.keys,
      ...rounded('memoryBytes', memory),
      overheadBytes: memory && overheadOf(statistics, memory),
      memoryShare: memoryShare?.value ?? null,
      memoryShareInterval: memoryShare?.interval ?? null,
      keyShare: keyShare.value,
      keyShareInterval: keyShare.interval,
      types: types && mapValues(types, ({ value }) => Math.round(value)),
      typesIntervals: types && mapValues(types, whole),
      encodings: encodings && mapValues(encodings, ({ value }) => Math.round(value)),
      encodingsIntervals: encodings && mapValues(encodings, whole),
      ...rounded('withoutTtl', withoutTtl),
      ...rounded('withoutTtlMemoryBytes', withoutTtlMemory),
      ttl: this.unread.has('ttl') ? null : statistics.ttlSummary,
      ttlHistogram: inSeconds(this.histogram('ttl', statistics, 'ttls', spanBoundsSeconds)),
      idleHistogram: inSeconds(this.histogram('idle', statistics, 'idleTimes', spanBoundsSeconds)),
      ...rounded(
        'keysWithoutIdleTime',
        this.isUnread('idle', statistics, 'idleTimes')
          ? null
          : this.part('idle', statistics, 'idleTimes', noIdleTime),
      ),
      frequencyHistogram: counters?.map(({ upTo, ...span }) => ({ upToCounter: upTo, ...span })) ?? null,
      ttlRule: this.ruleReport(statistics, mapped),
    };
  }

  /** Keys of the row that have the label, of those that the column was read of. */
  private part(column: ColumnName, statistics: KeyStatistics, name: BreakdownName, label: string): Figure {
    const breakdown = statistics[name];
    return this.partOfKeys(column, statistics, breakdown.part(label), breakdown.whole);
  }

  private partOfKeys(column: ColumnName, statistics: KeyStatistics, part: Tally, all: Tally): Figure {
    const [keys, share] = [this.figures.keys(statistics.total), this.figures.share(column, part, all)];
    // Where nothing is estimated a key that could not be read belongs to no part.
    if (keys.interval === null && share.interval === null) return { value: part.keys, interval: null };
    return partOf(keys, share);
  }

  private partOfBytes(column: ColumnName, memory: Figure, breakdown: Breakdown, label: string): Figure {
    return partOf(memory, this.figures.byteShare(column, breakdown.part(label), breakdown.whole));
  }

  /** True where the column was read of none of the row's keys: then it is not known, and not zero. */
  private isUnread(column: ColumnName, statistics: KeyStatistics, name: BreakdownName): boolean {
    const breakdown: Breakdown = statistics[name];
    return this.unread.has(column) || (statistics.keys > 0 && breakdown.parts.size === 0);
  }

  private parts(
    column: ColumnName,
    statistics: KeyStatistics,
    name: BreakdownName,
  ): Readonly<Record<string, Figure>> | null {
    if (this.isUnread(column, statistics, name)) return null;
    const breakdown: Breakdown = statistics[name];
    const all = breakdown.whole;
    return Object.fromEntries(
      [...breakdown.parts].map(([label, tally]) => [label, this.partOfKeys(column, statistics, tally, all)]),
    );
  }

  private histogram(
    column: ColumnName,
    statistics: KeyStatistics,
    name: BreakdownName,
    bounds: readonly number[],
  ): Span[] | null {
    if (this.isUnread(column, statistics, name)) return null;
    const breakdown: Breakdown = statistics[name];
    const all = breakdown.whole;
    const memory = this.unread.has('memory') ? null : this.figures.memoryBytes(statistics.total);
    return labelsOf(bounds).map((label, index) => {
      const tally = breakdown.part(label);
      const figure = this.partOfKeys(column, statistics, tally, all);
      const bytes = memory && this.partOfBytes(column, memory, breakdown, label);
      const bound = bounds[index] ?? Number.POSITIVE_INFINITY;
      return {
        upTo: Number.isFinite(bound) ? bound : null,
        ...rounded('keys', figure),
        ...rounded('memoryBytes', bytes),
      };
    });
  }

  private ruleReport(
    statistics: KeyStatistics,
    namespace: NamespaceMap['namespaces'][number] | undefined,
  ): TtlRuleReport | null {
    const rule = namespace?.ttl ?? namespace?.guessedTtl ?? null;
    if (namespace === undefined || rule === null || this.isUnread('ttl', statistics, 'ttls')) return null;
    const figureOf = (label: string) => this.part('ttl', statistics, 'ttlVerdicts', label);
    const { ttlKnown, withoutTtl, ttlSummary } = statistics;
    return {
      rule: ttlRuleText(rule),
      guessed: namespace.ttl === null,
      ...rounded('kept', figureOf('kept')),
      ...rounded('missing', figureOf('missing')),
      ...rounded('tooLong', figureOf('too-long')),
      ...rounded('unexpected', figureOf('unexpected')),
      ...rounded('drifting', figureOf('drifting')),
      fallsShort: fallsShort(rule, namespace.jitter, ttlKnown - withoutTtl, ttlSummary?.maxSeconds ?? 0),
    };
  }
}

/** Why keys have no idle time, in words. */
export const withoutIdleTimeText = (keys: number): string =>
  counted(
    keys,
    'key has no idle time of its own: its value is a small integer',
    'keys have no idle time of their own: their values are small integers',
  ) + ', which the server shares between keys';

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

type BreakdownName = 'types' | 'ttls' | 'encodings' | 'idleTimes' | 'frequencies' | 'ttlVerdicts';

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

function inSeconds(spans: readonly Span[] | null): SpanSeconds[] | null {
  return spans?.map(({ upTo, ...span }) => ({ upToSeconds: upTo, ...span })) ?? null;
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(value)]));
}
