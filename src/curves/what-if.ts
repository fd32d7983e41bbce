import type { InParts } from '../support/in-parts.ts';
import type { Interval } from '../support/intervals.ts';
import { sumOf, sumOrNull } from '../support/collections.ts';
import { addTo } from './columns.ts';
import { keyLives } from './key-lives.ts';
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
  /** TTLs in seconds; empty: half of, once, twice and four times those that keys have. */
  readonly ttlSeconds: readonly number[];
  /** Null: that of the server. */
  readonly policy: Policy | null;
}

/** The hit rate with so much memory. */
export interface MemoryPoint extends CurvePoint {
  /** As `maxmemory` counts it, of all nodes together. */
  readonly memoryBytes: number;
  /** Of the memory of today. */
  readonly timesToday: number;
  /** More misses than today, below 0 fewer, at the traffic of the window. */
  readonly extraMissesPerDay: number | null;
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
  readonly ttl: readonly TtlPoint[];
  /** Memory of the keys that the window saw in use. */
  readonly activeBytes: number | null;
}

export interface NamespaceCurves extends CurveSet {
  readonly namespace: string;
  readonly database: number;
  /** Whether a miss is followed by a write of its key; null: too few misses to tell. */
  readonly refilled: boolean | null;
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

/** With the answers of the whole node, and then of each namespace. */
interface NodeCurves {
  readonly node: NodeWindowRecord;
  readonly curves: readonly MemoryCurve[];
  readonly seenShare: number;
  readonly ttl: readonly (readonly TtlPoint[])[];
  /** That keys of each namespace are given. */
  readonly currentTtls: readonly (number | null)[];
  readonly activeBytes: readonly number[] | null;
  /** By namespace. */
  readonly refilled: readonly (boolean | null)[];
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
  const namespaces = record.namespaces.map((each, row) => {
    const seen = nodes.map(({ refilled }) => refilled[row] ?? null);
    const refilled = seen.includes(true) ? true : seen.includes(false) ? false : null;
    return { ...each, ...setOf(terms, row), refilled };
  });
  return {
    whole: setOf(terms, null),
    namespaces: namespaces.filter(({ reads }) => reads > 0),
    todayBytes,
    seenShare: Math.min(...nodes.map(({ seenShare }) => seenShare)),
    sampledKeys: sumOf(nodes.map(({ node }) => node.trace.keys.row.length)),
    sampledAccesses: sumOf(nodes.map(({ node }) => node.trace.accesses.key.length)),
    sampleRate: Math.min(...nodes.map(({ node }) => node.trace.rate)),
    distinctKeys: sumOrNull(nodes.map(({ node }) => node.distinctKeys)),
    sizesKnown: Math.min(...nodes.map(({ sizesKnown }) => sizesKnown)),
  };
}

const noCurves: Omit<NodeCurves, 'node'> = {
  ...{ curves: [], seenShare: 0, ttl: [], currentTtls: [], activeBytes: null, refilled: [], sizesKnown: 0 },
};

function ttlsOf({ nodes, namespaces }: WindowRecord, { ttlSeconds }: Questions): number[] {
  if (ttlSeconds.length > 0) return [...new Set(ttlSeconds)].sort((left, right) => left - right);
  const current = nodes.flatMap(({ trace, reads }) =>
    currentTtls(trace, namespaces.length).flatMap((ttl, row) =>
      ttl === null ? [] : [{ ttl, reads: reads[row] ?? 0 }],
    ),
  );
  const usual: number[] = [];
  for (const { ttl } of current.sort((left, right) => right.reads - left.reads))
    if (usual.length < mostTtls && !usual.some((each) => Math.abs(each / ttl - 1) < sameTtl)) usual.push(ttl);
  const asked = usual.flatMap((ttl) => [0.5, 1, 2, 4].map((times) => times * ttl));
  return [...new Set(asked)].sort((left, right) => left - right);
}

/** Of those that keys have, in namespaces that are read most, so many are asked about where none is named. */
const mostTtls = 4;
/** As a share: TTLs that are no further apart are one, with a random part. */
const sameTtl = 0.15;

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
  const { wasThere, isRefilled: refilled } = keyLives(trace, namespaces.length);
  const totals: WindowTotals = { reads, misses, population, distinctBytes: null };
  const termsWith = (evicting: Policy): MemoryTerms => ({
    ...{ sizes, today: grid.indexOf(1), hasEvicted, beginsEmpty: false, fixedBytes: memory.fixedBytes },
    eviction: { ...node.eviction, policy: evicting },
    losesKeys: refilled.map((each) => each === false),
    simulatedAt: evicting === 'lru' ? [] : simulatedShares.map((share) => grid.indexOf(share)),
  });
  const { policy: ownPolicy } = node.eviction;
  const own = yield* memoryCurves(trace, totals, termsWith(ownPolicy));
  const curves =
    policy === null || policy === ownPolicy
      ? own
      : yield* memoryCurves(trace, totals, { ...termsWith(policy), ownPolicy: own });
  const ttl = yield* ttlCurves(trace, totals, { ttls, windowMillis: windowSeconds * 1000, hasEvicted });
  const activeBytes = new Float64Array(namespaces.length);
  const keys = trace.keys.row.length;
  keyWeights(trace, population)?.forEach((weight, key) =>
    addTo(
      activeBytes,
      trace.keys.row[key] ?? 0,
      (wasThere[key] ?? 0) * weight * (trace.keys.bytes[key] ?? 0),
    ),
  );
  const asked = shares.map((share) => grid.indexOf(share));
  return {
    node,
    curves: [curves.whole, ...curves.rows].map(({ points, modelledToday }) => ({
      ...{ modelledToday, points: asked.flatMap((index) => points[index] ?? []) },
    })),
    seenShare: (curves.seenBytes + memory.fixedBytes) / today,
    ...{ ttl: [ttl.whole, ...ttl.rows], currentTtls: currentTtls(trace, namespaces.length) },
    ...{ activeBytes: Array.from(activeBytes), refilled, sizesKnown: keys === 0 ? 0 : known / keys },
  };
}

interface Terms {
  readonly record: WindowRecord;
  readonly shares: readonly number[];
  readonly todayBytes: number;
  readonly nodes: readonly NodeCurves[];
}

type OfNode<Value> = (node: NodeCurves) => Value | null | undefined;

/** @param row null: all namespaces */
function setOf({ record, shares, todayBytes, nodes }: Terms, row: number | null): CurveSet {
  const place = row === null ? 0 : row + 1;
  const countOf = (counts: readonly number[]) => (row === null ? sumOf(counts) : (counts[row] ?? 0));
  const readsOf = ({ node }: NodeCurves) => countOf(node.reads);
  const reads = sumOf(nodes.map(readsOf));
  const misses = sumOf(nodes.map(({ node }) => countOf(node.misses)));
  const hitRate = reads === 0 ? null : 1 - misses / reads;
  /** Null where a node that has reads does not know. */
  const total = (of: OfNode<number>) =>
    sumOrNull(nodes.map((node) => of(node) ?? (readsOf(node) === 0 ? 0 : null)));
  const mean = (of: OfNode<number>) =>
    reads === 0 ? null : total((node) => multiplied(of(node), readsOf(node) / reads));
  const both = (joined: typeof total, of: OfNode<Interval>): Interval | null => {
    const [low, high] = [joined((node) => of(node)?.[0]), joined((node) => of(node)?.[1])];
    return low === null || high === null ? null : [low, high];
  };
  const rateOf = (of: OfNode<CurvePoint>): CurvePoint => ({
    hitRate: mean((node) => of(node)?.hitRate),
    hitRateInterval: both(mean, (node) => of(node)?.hitRateInterval),
  });
  const perDay = record.windowSeconds > 0 ? 86_400 / record.windowSeconds : null;
  const memory = shares.map((share, index): MemoryPoint => {
    const point = rateOf(({ curves }) => curves[place]?.points[index]);
    const isKnown = point.hitRate !== null && hitRate !== null && perDay !== null;
    return {
      ...{ memoryBytes: share * todayBytes, timesToday: share, ...point },
      extraMissesPerDay: isKnown ? (hitRate - point.hitRate) * reads * perDay : null,
    };
  });
  const ttl = (nodes[0]?.ttl[place] ?? []).map(({ ttlSeconds }, index): TtlPoint => {
    const pointOf: OfNode<TtlPoint> = (node) => node.ttl[place]?.[index];
    return {
      ...{ ttlSeconds, ...rateOf(pointOf) },
      heldBytes: total((node) => pointOf(node)?.heldBytes),
      heldBytesInterval: both(total, (node) => pointOf(node)?.heldBytesInterval),
    };
  });
  return {
    ...{ reads, misses, hitRate, memory, ttl },
    modelledHitRate: mean(({ curves }) => curves[place]?.modelledToday),
    currentTtlSeconds:
      row === null ? null : (nodes.map((node) => node.currentTtls[row]).find((each) => each != null) ?? null),
    activeBytes: sumOrNull(nodes.map(({ activeBytes }) => activeBytes && countOf(activeBytes))),
  };
}

const multiplied = (value: number | null | undefined, by: number) => value && value * by;
