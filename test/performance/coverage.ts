import type { InspectResult } from '../../src/commands/inspect/result.ts';
import type { IntervalOrNull, NamespaceSummary } from '../../src/commands/namespace-summary.ts';

/** One figure of a result with its interval. */
interface Figure {
  /** `keys`, `types`, `ttlHistogram`, … */
  readonly kind: string;
  readonly value: number;
  /** Null: the result calls the figure exact. */
  readonly interval: IntervalOrNull;
}

/** By name: `session:<hash> ttlHistogram up to 604800 s`. */
type Figures = ReadonlyMap<string, Figure>;

/** How often the interval of one figure held the exact figure. */
export interface Coverage {
  readonly name: string;
  readonly kind: string;
  readonly held: number;
}

type Estimates = Pick<InspectResult, 'namespaces' | 'total'>;

/**
 * Figures to be held against: those above 0 of an exact reading that an exact reading afterwards shows unchanged, and that
 * it has read of every key (encodings and idle times of a large keyspace are sampled by `--exact` too). Keys
 * whose TTL or idle time crosses a bound of a histogram meanwhile change its spans, and take them out.
 */
export function steadyFigures(before: Estimates, after: Estimates): { steady: Figures; changed: number } {
  const then = figuresOf(before);
  const now = figuresOf(after);
  const exact = ([, { value, interval }]: [string, Figure]) => value > 0 && interval === null;
  const counted = new Map([...then, ...now].filter(exact));
  const steady = new Map([...counted].filter(([name]) => then.get(name)?.value === now.get(name)?.value));
  return { steady, changed: counted.size - steady.size };
}

/** A figure that a sample lacks counts as one that its interval does not hold. */
export function coverageOf(truth: Figures, samples: readonly Estimates[]): Coverage[] {
  const estimates = samples.map(figuresOf);
  return [...truth].map(([name, { kind, value }]) => {
    const held = estimates.filter((figures) => {
      const estimate = figures.get(name);
      if (estimate === undefined) return false;
      const [low, high] = estimate.interval ?? [estimate.value, estimate.value];
      return low <= value && value <= high;
    });
    return { name, kind, held: held.length };
  });
}

function figuresOf({ namespaces, total }: Estimates): Map<string, Figure> {
  const figures = new Map<string, Figure>();
  for (const row of [...namespaces, total])
    for (const [kind, part, value, interval = null] of partsOf(row))
      if (value !== null) figures.set([row.namespace, kind, ...part].join(' '), { kind, value, interval });
  return figures;
}

type Part = readonly [
  kind: string,
  part: readonly string[],
  value: number | null,
  interval: IntervalOrNull | undefined,
];

function partsOf(row: NamespaceSummary): Part[] {
  const breakdown = (kind: 'types' | 'encodings') =>
    Object.entries(row[kind] ?? {}).map(([name, count]): Part => {
      return [kind, [name], count, row[`${kind}Intervals`]?.[name]];
    });
  const histogram = (kind: 'ttlHistogram' | 'idleHistogram') =>
    (row[kind] ?? []).map(({ upToSeconds, keys, keysInterval }): Part => {
      return [kind, [upToSeconds === null ? 'the rest' : `up to ${upToSeconds} s`], keys, keysInterval];
    });
  return [
    ['keys', [], row.keys, row.keysInterval],
    ['keyShare', [], row.keyShare, row.keyShareInterval],
    ['memoryBytes', [], row.memoryBytes, row.memoryBytesInterval],
    ['memoryShare', [], row.memoryShare, row.memoryShareInterval],
    ['withoutTtl', [], row.withoutTtl, row.withoutTtlInterval],
    ...breakdown('types'),
    ...breakdown('encodings'),
    ...histogram('ttlHistogram'),
    ...histogram('idleHistogram'),
  ];
}
