import type { InParts } from '../support/in-parts.ts';
import type { Interval } from '../support/intervals.ts';
import { sumOf, sumOrNull } from '../support/collections.ts';
import { keyWeights } from './key-weights.ts';
import {
  type CurvePoint,
  type MemoryCurve,
  memoryCurves,
  type MemoryTerms,
  type WindowTotals,
} from './memory-curve.ts';
import type { Policy } from './policy.ts';
import { currentTtls, ttlCurves, type TtlPoint } from './ttl-curve.ts';
import { type NodeWindowRecord, sizedTrace, todayBytesOf, type WindowRecord } from './window-record.ts';

/** What is asked of a window. */
export interface Questions {
  /** Further sizes of memory in bytes, of all nodes together. */
  readonly memoryBytes: readonly number[];
  /** TTLs in seconds; empty: half of, once, twice and four times what keys have. */
  readonly ttlSeconds: readonly number[];
  /** Null: that of the server. */
  readonly policy: Policy | null;
}

/** The hit rate with so much memory. */
export interface MemoryPoint {
  /** As `maxmemory` counts it, of all nodes together. */
  readonly memoryBytes: number;
  /** Of the memory of today. */
  readonly timesToday: number;
  /** Null: the window does not tell. */
  readonly hitRate: number | null;
  readonly hitRateInterval: Interval | null;
  /** More misses than today, below 0 fewer, at the traffic of the window. */
  readonly extraMissesPerDay: number | null;
}

export interface TtlAnswer {
  readonly ttlSeconds: number;
  readonly hitRate: number | null;
  readonly hitRateInterval: Interval | null;
  /** Memory of the keys that live at a time, on average. */
  readonly heldBytes: number | null;
  readonly heldBytesInterval: Interval | null;
}

/** What the window says of one namespace, or of all. */
export interface CurveSet {
  readonly reads: number;
  readonly misses: number;
  readonly hitRate: number | null;
  /** What the model makes of today's memory, before it is moved to the rate that was counted: how far they are apart is its error. */
  readonly modelledHitRate: number | null;
  readonly memory: readonly MemoryPoint[];
  readonly currentTtlSeconds: number | null;
  readonly ttl: readonly TtlAnswer[];
  /** Memory of the keys that the window saw in use. */
  readonly activeBytes: number | null;
}

export interface NamespaceCurves extends CurveSet {
  readonly namespace: string;
  readonly database: number;
}

export interface WhatIf {
  readonly whole: CurveSet;
  readonly namespaces: readonly NamespaceCurves[];
  readonly todayBytes: number;
  /** Of the memory of today: up to here the window shows how often keys are used again. */
  readonly seenShare: number;
  readonly sampledKeys: number;
  readonly sampledAccesses: number;
  /** Share of the keys: the smallest of the nodes. */
  readonly sampleRate: number;
  readonly distinctKeys: number | null;
  /** Share of the sampled keys whose size was read. */
  readonly sizesKnown: number;
}

/** Of today's memory. */
const usualShares = [
  ...[1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 15 / 16],
  ...[1, 9 / 8, 5 / 4, 3 / 2, 2, 3, 4],
];

/** Sizes at which a policy is simulated; between them its difference from LRU is taken to change evenly. */
const simulatedShares = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 3 / 2, 2, 4];

/** Of a read whose key was last used before the window nothing is known between two sizes: many make that little, whatever is asked. */
const fineShares = Array.from({ length: 65 }, (_, step) => 2 ** (step / 8 - 6));

interface NodeCurves {
  readonly node: NodeWindowRecord;
  readonly whole: MemoryCurve;
  readonly rows: readonly MemoryCurve[];
  readonly seenShare: number;
  readonly ttlWhole: readonly TtlPoint[];
  readonly ttlRows: readonly (readonly TtlPoint[])[];
  readonly ttls: readonly (number | null)[];
  readonly activeBytes: readonly number[] | null;
  readonly sizesKnown: number;
}

/**
 * Nodes have memory each of their own: each has curves of its own, which are added up at equal shares of their memory.
 * @param questions null: only what was counted, without curves
 */
export function* answerWhatIf(record: WindowRecord, questions: Questions | null): InParts<WhatIf> {
  const todayBytes = sumOf(record.nodes.map(todayBytesOf));
  const asked = questions?.memoryBytes.map((bytes) => bytes / todayBytes) ?? [];
  const shares = questions === null ? [] : [...new Set([...usualShares, ...asked])];
  shares.sort((left, right) => left - right);
  const nodes: NodeCurves[] = [];
  for (const node of record.nodes)
    nodes.push(
      questions === null
        ? { node, ...noCurves }
        : yield* curvesOf(node, record, shares, ttlsOf(record, questions), questions.policy),
    );
  const terms = { record, shares, todayBytes, nodes };
  const namespaces = record.namespaces.map((each, row) => ({ ...each, ...setOf(terms, row) }));
  return {
    whole: setOf(terms, null),
    namespaces: namespaces.filter(({ reads }) => reads > 0),
    todayBytes,
    seenShare: Math.min(...nodes.map(({ seenShare }) => seenShare)),
    sampledKeys: sumOf(nodes.map(({ node }) => node.trace.keys.row.length)),
    sampledAccesses: sumOf(nodes.map(({ node }) => node.trace.accesses.key.length)),
    sampleRate: Math.min(...nodes.map(({ node }) => node.trace.rate)),
    distinctKeys: nodes.some(({ node }) => node.distinctKeys === null)
      ? null
      : sumOf(nodes.map(({ node }) => node.distinctKeys ?? 0)),
    sizesKnown: Math.min(...nodes.map(({ sizesKnown }) => sizesKnown)),
  };
}

const noCurves: Omit<NodeCurves, 'node'> = {
  ...{ whole: { points: [], modelledToday: null }, rows: [], seenShare: 0, ttlWhole: [], ttlRows: [] },
  ...{ ttls: [], activeBytes: null, sizesKnown: 0 },
};

function ttlsOf({ nodes, namespaces }: WindowRecord, { ttlSeconds }: Questions): number[] {
  if (ttlSeconds.length > 0) return [...new Set(ttlSeconds)].sort((left, right) => left - right);
  const current = nodes
    .flatMap(({ trace }) => currentTtls(trace, namespaces.length))
    .filter((ttl) => ttl !== null);
  const middle = current.sort((left, right) => left - right)[current.length >> 1];
  return middle === undefined ? [] : [0.5, 1, 2, 4].map((times) => times * middle);
}

function* curvesOf(
  node: NodeWindowRecord,
  { windowSeconds, namespaces }: WindowRecord,
  shares: readonly number[],
  ttls: readonly number[],
  policy: Policy | null,
): InParts<NodeCurves> {
  const { memory, population, reads, misses, hasEvicted } = node;
  const today = todayBytesOf(node);
  const { trace, known } = sizedTrace(node);
  const grid = [...new Set([...fineShares, ...shares])].sort((left, right) => left - right);
  const sizes = grid.map((share) => Math.max(0, share * today - memory.fixedBytes));
  const totals: WindowTotals = { reads, misses, population, distinctBytes: null };
  const terms: MemoryTerms = {
    ...{ sizes, today: grid.indexOf(1), eviction: node.eviction, hasEvicted, beginsEmpty: false },
    simulatedAt: grid.flatMap((share, index) => (simulatedShares.includes(share) ? [index] : [])),
  };
  const own = yield* memoryCurves(trace, totals, terms);
  const isOwn = policy === null || policy === node.eviction.policy;
  const curves = isOwn
    ? own
    : yield* memoryCurves(trace, totals, {
        ...terms,
        eviction: { ...node.eviction, policy },
        ownPolicy: own,
      });
  const ttl = yield* ttlCurves(trace, totals, { ttls, windowMillis: windowSeconds * 1000, hasEvicted });
  const activeBytes = new Float64Array(namespaces.length);
  const keys = trace.keys.row.length;
  keyWeights(trace, population)?.forEach((weight, key) => {
    const row = trace.keys.row[key] ?? 0;
    activeBytes[row] = (activeBytes[row] ?? 0) + weight * (trace.keys.bytes[key] ?? 0);
  });
  const asked = shares.map((share) => grid.indexOf(share));
  const only = ({ points, ...rest }: MemoryCurve): MemoryCurve => ({
    ...rest,
    points: asked.flatMap((index) => points[index] ?? []),
  });
  return {
    ...{ node, whole: only(curves.whole), rows: curves.rows.map(only) },
    seenShare: (curves.seenBytes + memory.fixedBytes) / today,
    ...{ ttlWhole: ttl.whole, ttlRows: ttl.rows, ttls: currentTtls(trace, namespaces.length) },
    ...{ activeBytes: Array.from(activeBytes), sizesKnown: keys === 0 ? 0 : known / keys },
  };
}

interface Terms {
  readonly record: WindowRecord;
  readonly shares: readonly number[];
  readonly todayBytes: number;
  readonly nodes: readonly NodeCurves[];
}

/** @param row null: all namespaces */
function setOf({ record, shares, todayBytes, nodes }: Terms, row: number | null): CurveSet {
  const countOf = (counts: readonly number[]) => (row === null ? sumOf(counts) : (counts[row] ?? 0));
  const weights = nodes.map(({ node }) => countOf(node.reads));
  const reads = sumOf(weights);
  const misses = sumOf(nodes.map(({ node }) => countOf(node.misses)));
  const hitRate = reads === 0 ? null : 1 - misses / reads;
  const curves = nodes.map(({ whole, rows }) => (row === null ? whole : rows[row]));
  const perDay = record.windowSeconds > 0 ? 86_400 / record.windowSeconds : null;
  const memory = shares.map((share, index): MemoryPoint => {
    const mean = (of: (point: CurvePoint | undefined) => number | null | undefined) =>
      weighted(
        curves.map((curve) => of(curve?.points[index]) ?? null),
        weights,
      );
    const rate = mean((point) => point?.hitRate);
    const [low, high] = [mean((point) => point?.interval?.[0]), mean((point) => point?.interval?.[1])];
    return {
      ...{ memoryBytes: share * todayBytes, timesToday: share, hitRate: rate },
      hitRateInterval: low === null || high === null ? null : [low, high],
      extraMissesPerDay:
        rate === null || hitRate === null || perDay === null ? null : (hitRate - rate) * reads * perDay,
    };
  });
  const [first] = nodes;
  const ttlPoints = nodes.map(({ ttlWhole, ttlRows }) => (row === null ? ttlWhole : (ttlRows[row] ?? [])));
  const ttl = (first?.ttlWhole ?? []).map(({ ttlSeconds }, index): TtlAnswer => {
    const points = ttlPoints.map((each) => each[index]);
    const ends = (of: (point: TtlPoint | undefined) => number | null | undefined) =>
      weighted(
        points.map((point) => of(point) ?? null),
        weights,
      );
    const sum = (of: (point: TtlPoint | undefined) => number | null | undefined) =>
      sumIfKnown(
        points.map((point) => of(point) ?? null),
        weights,
      );
    const [low, high] = [ends((point) => point?.interval?.[0]), ends((point) => point?.interval?.[1])];
    const [least, most] = [
      sum((point) => point?.heldInterval?.[0]),
      sum((point) => point?.heldInterval?.[1]),
    ];
    return {
      ttlSeconds,
      hitRate: ends((point) => point?.hitRate),
      hitRateInterval: low === null || high === null ? null : [low, high],
      heldBytes: sum((point) => point?.heldBytes),
      heldBytesInterval: least === null || most === null ? null : [least, most],
    };
  });
  return {
    ...{ reads, misses, hitRate, memory, ttl },
    modelledHitRate: weighted(
      curves.map((curve) => curve?.modelledToday ?? null),
      weights,
    ),
    currentTtlSeconds:
      row === null
        ? null
        : (nodes.map(({ ttls }) => ttls[row] ?? null).find((each) => each !== null) ?? null),
    activeBytes: sumOrNull(nodes.map(({ activeBytes }) => activeBytes && countOf(activeBytes))),
  };
}

/** Mean of rates by the reads of each node; null where one that has reads is not known. */
function weighted(rates: readonly (number | null)[], weights: readonly number[]): number | null {
  const total = sumOf(weights);
  if (total === 0) return null;
  let sum = 0;
  for (const [index, rate] of rates.entries()) {
    const weight = weights[index] ?? 0;
    if (weight === 0) continue;
    if (rate === null) return null;
    sum += rate * weight;
  }
  return sum / total;
}

const sumIfKnown = (values: readonly (number | null)[], weights: readonly number[]) =>
  values.some((value, index) => value === null && (weights[index] ?? 0) > 0)
    ? null
    : sumOf(values.map((value) => value ?? 0));
