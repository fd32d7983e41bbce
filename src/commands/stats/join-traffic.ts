import { pick, sumOrNull } from '../../support/collections.ts';
import type { JudgedTarget } from '../../health/namespace-targets.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { delimitersOf, exceptionTo, numberedPattern } from '../../keyspace/infer.ts';
import { otherName } from '../../keyspace/segment-tree.ts';
import type { Bounds, MissCause, MissCauses, NamespaceTraffic } from '../../traffic/report.ts';
import { blankOf } from '../blank.ts';
import type { NamespaceSummary } from '../namespace-summary.ts';
import type { RowTraffic } from '../traffic-columns.ts';
import type { StatsNamespace } from './result.ts';

/** The rows of the keys. */
export interface KeyRows {
  readonly rows: readonly NamespaceSummary[];
  /** The namespaces of all keys, also of those that are summed up in `(other)`. */
  readonly names: readonly string[];
  /** What a namespace may have of which no key was read; null where every key was. */
  readonly mostUnseenKeys: number | null;
}

const trafficNames = [
  ...(['hitRate', 'hitRateInterval', 'reads', 'misses', 'readsPerSecond', 'missShare', 'causes'] as const),
] satisfies readonly (keyof RowTraffic)[];
const noTraffic = Object.fromEntries(trafficNames.map((name) => [name, null])) as unknown as RowTraffic;

type SizeFields = Omit<StatsNamespace, keyof RowTraffic | 'hitRateTarget' | 'targetMet'>;
const noSizes = blankOf<SizeFields>()(`
  namespace pattern path kind keys keysInterval readKeys memoryBytes memoryBytesInterval overheadBytes sizes nameLengths memoryShare
  memoryShareInterval keyShare keyShareInterval types typesIntervals encodings encodingsIntervals withoutTtl
  withoutTtlInterval withoutTtlMemoryBytes withoutTtlMemoryBytesInterval ttl ttlHistogram idleHistogram
  keysWithoutIdleTime keysWithoutIdleTimeInterval
  frequencyHistogram ttlRule
`);

/**
 * Joins the traffic to the keys. Namespaces that are read and have no keys get rows of their own, those with most
 * misses first; no traffic of the database is left out.
 *
 * @param keys null where the keys may not be walked
 * @param traffic of the database that the keys are of; empty without an observation
 * @param judged the targets that were held against it
 * @param limit rows with keys, and rows without
 */
export function joinTraffic(
  keys: KeyRows | null,
  traffic: readonly NamespaceTraffic[],
  judged: readonly JudgedTarget[],
  map: NamespaceMap,
  limit: number,
): StatsNamespace[] {
  const rows = keys?.rows ?? [];
  const listed = new Set(rows.map(({ namespace }) => namespace));
  const delimiters = map.isEmpty ? map.delimiters : [];
  const covering = new CoveringNames(keys?.names ?? [], delimiters);
  const joined = new Map<string, NamespaceTraffic[]>();
  const join = (row: string, each: NamespaceTraffic) => joined.set(row, [...(joined.get(row) ?? []), each]);
  const alone: NamespaceTraffic[] = [];
  for (const each of traffic) {
    const name = covering.of(each.namespace);
    if (name !== null) join(listed.has(name) ? name : otherName, each);
    else if (each.reads || each.misses) alone.push(each);
  }
  // A sum of one would only hide its name.
  const kept = alone.length > limit + 1 ? alone.slice(0, limit) : alone;
  for (const each of alone.slice(kept.length)) join(otherName, each);
  const others = listed.has(otherName) ? undefined : joined.get(otherName);
  const keyless = (name: string, kind: NamespaceSummary['kind'], parts: readonly NamespaceTraffic[]) => ({
    ...keylessRow(name, kind, keys),
    ...(map.isEmpty && name !== otherName && { pattern: name, path: segmentsOf(name, delimiters) }),
    ...trafficOf(parts),
  });
  const targets = new Map(map.namespaces.map((each) => [each.name, each.hitRateTarget]));
  const verdicts = new Map(judged.map((each) => [each.namespace, each.isMet]));
  return [
    ...rows.map((row) => ({ ...row, ...trafficOf(joined.get(row.namespace) ?? []) })),
    ...kept.map((each) => keyless(each.namespace, each.kind, [each])),
    ...(others === undefined ? [] : [keyless(otherName, null, others)]),
  ].map((row) => ({
    ...row,
    hitRateTarget: targets.get(row.namespace) ?? null,
    targetMet: verdicts.get(row.namespace) ?? null,
  }));
}

function keylessRow(namespace: string, kind: NamespaceSummary['kind'], keys: KeyRows | null): SizeFields {
  const known = keys !== null;
  const none = known && keys.mostUnseenKeys === null ? 0 : null;
  return {
    ...noSizes,
    ...{ namespace, path: [namespace], kind, readKeys: 0 },
    keys: known ? 0 : null,
    keysInterval: keys?.mostUnseenKeys ? [0, keys.mostUnseenKeys] : null,
    ...{ memoryBytes: none, memoryShare: none, keyShare: none },
  };
}

/** The traffic of the namespaces that are in one row. */
function trafficOf(parts: readonly NamespaceTraffic[]): RowTraffic {
  const [first, ...more] = parts;
  if (first === undefined) return noTraffic;
  if (more.length === 0) return pick(first, trafficNames);
  const sum = (name: 'reads' | 'hits' | 'misses' | 'readsPerSecond' | 'missShare') =>
    sumOrNull(parts.map((part) => part[name]));
  const [reads, hits, misses] = [sum('reads'), sum('hits'), sum('misses')];
  return {
    hitRate: hits === null || !reads ? null : hits / reads,
    hitRateInterval: intervalOf(parts, misses ?? 0),
    ...{ reads, misses },
    readsPerSecond: sum('readsPerSecond'),
    missShare: sum('missShare'),
    causes: sumOfCauses(parts.map(({ causes }) => causes)),
  };
}

/** Wider than it need be, for the errors of the parts are taken to go the same way. */
function intervalOf(parts: readonly NamespaceTraffic[], misses: number): Bounds {
  if (parts.every(({ hitsInterval }) => hitsInterval === null)) return null;
  const bound = (side: 0 | 1) => {
    const hits = parts.reduce((sum, part) => sum + (part.hitsInterval?.[side] ?? part.hits ?? 0), 0);
    return hits + misses === 0 ? side : hits / (hits + misses);
  };
  return [bound(0), bound(1)];
}

function sumOfCauses(parts: readonly (MissCauses | null)[]): MissCauses | null {
  const [first] = parts;
  if (!first || parts.includes(null)) return null;
  const names = Object.keys(first) as MissCause[];
  return Object.fromEntries(
    names.map((name) => [name, parts.reduce((sum, part) => sum + (part?.[name] ?? 0), 0)]),
  ) as unknown as MissCauses;
}

/**
 * Finds the row of one tree that holds the keys of another tree's row. Both infer names from the keys they saw, and the
 * one that saw more of them may have joined words (`<text>`, `page_<id>`) that the other still distinguishes.
 */
export class CoveringNames {
  private readonly names: ReadonlySet<string>;
  private readonly patterns: readonly { readonly name: string; readonly segments: readonly string[] }[];

  constructor(
    names: Iterable<string>,
    private readonly delimiters: readonly string[],
  ) {
    this.names = new Set(names);
    this.patterns = [...this.names]
      .filter((name) => name.includes('<') || name.endsWith('*'))
      .map((name) => ({ name, segments: segmentsOf(name, delimiters) }));
  }

  /** The name itself where there is a row of it, else that of the only row that can stand for it; null for none. */
  of(name: string): string | null {
    if (this.names.has(name)) return name;
    const segments = segmentsOf(name, this.delimiters);
    const covering = this.patterns.filter((pattern) => covers(pattern.segments, segments));
    return covering.length === 1 ? (covering[0]?.name ?? null) : null;
  }
}

/** The segments of an inferred name, each with the delimiter behind it. */
export function segmentsOf(name: string, delimiters: readonly string[]): string[] {
  const segments: string[] = [];
  let start = 0;
  const between = delimitersOf(name, delimiters);
  for (let at = 0; at < name.length; at++) {
    if (!between.includes(name.charAt(at))) continue;
    segments.push(name.slice(start, at + 1));
    start = at + 1;
  }
  return [...segments, name.slice(start)];
}

function covers(pattern: readonly string[], segments: readonly string[]): boolean {
  const open = pattern.at(-1) === '*';
  if (open ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every((segment, index) => coversSegment(segment, segments[index] ?? ''));
}

function coversSegment(pattern: string, segment: string): boolean {
  if (pattern === segment || pattern === '*') return true;
  const [start, end, ...more] = pattern.split('<text>');
  if (start !== undefined && end !== undefined && more.length === 0)
    return segment.startsWith(start) && segment.endsWith(end) && segment.length > start.length + end.length;
  return exceptionTo(segment) === pattern || numberedPattern(segment) === pattern;
}
