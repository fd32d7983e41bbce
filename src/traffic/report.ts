import type { Interval } from '../support/intervals.ts';

/**
 * How hits and misses are assigned to namespaces:
 * - `exact`: each command is read from MONITOR, each miss from its `keymiss` event
 * - `sampled`: each miss from its event; commands in short bursts, from which the hits are estimated
 * - `misses-only`: each miss from its event; who hits is not known
 * - `counters`: the server's own counters, as a whole; for a server that permits no more
 */
export type HitMode = 'exact' | 'sampled' | 'misses-only' | 'counters';

/** With fewer misses their causes say more about chance than about the cache: nothing is concluded from them. */
export const fewestMisses = 100;

/** The bounds that hold the true figure with 95 % certainty; null where the figure is exact or not known. */
export type Bounds = Interval | null;

/**
 * Why reads found nothing. `neverCached`: missed again, and not stored since the miss before. `goneOrNew`: the window shows nothing
 * of the key before; it was gone by then, or never stored. `unknown`: what was known of the key was forgotten, or it went without
 * an event.
 */
export interface MissCauses {
  readonly expired: number;
  readonly evicted: number;
  /** DEL, UNLINK and what ends in them; a flush of the database. */
  readonly invalidated: number;
  /** RENAME and MOVE took the key elsewhere. */
  readonly renamed: number;
  readonly neverCached: number;
  readonly goneOrNew: number;
  readonly unknown: number;
}

export type MissCause = keyof MissCauses;

/** The cause of most misses, the first of equals; null where there are none. */
export function topCauseOf(causes: MissCauses): MissCause | null {
  const names = Object.keys(causes) as MissCause[];
  const top = names.reduce((most, name) => (causes[name] > causes[most] ? name : most));
  return causes[top] > 0 ? top : null;
}

/** With fewer lookups a hit rate says more about chance than about the cache: it is held against no target. */
export const fewestLookups = 100;

/** Whether a hit rate within these bounds reaches a target; null: the target is between them, so this is not known. */
export const reachesTarget = ([low, high]: Interval, target: number): boolean | null =>
  low >= target ? true : high < target ? false : null;

/** Quantiles of a span of time. */
export interface SpanQuantiles {
  readonly count: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
}

/** Misses of one key within a second of its first, before it was stored again: all of them did the work of one. */
export interface Stampedes {
  /** How often it happened. */
  readonly count: number;
  /** All misses in them but the first of each. */
  readonly extraMisses: number;
  /** Misses in the largest. */
  readonly largest: number;
}

/** For expired keys: the TTLs that would have saved half, and nine tenths, of the misses. */
export interface TtlRemedy {
  readonly misses: number;
  /** The TTL that keys are written with now: as seen in the window, or as the map says. */
  readonly currentSeconds: number;
  /** Null where the window is too short to show it: where it may add more than the window. */
  readonly saveHalfSeconds: number | null;
  readonly saveHalfInterval: Bounds;
  readonly saveNineTenthsSeconds: number | null;
  readonly saveNineTenthsInterval: Bounds;
  /** A window of about this length shows the TTL that saves half; null where the mode does not. */
  readonly neededWindowSeconds: number | null;
  readonly assumption: string;
}

/** For evicted keys: how much more memory would have kept half, and nine tenths, of those that were missed. */
export interface MemoryRemedy {
  readonly misses: number;
  /** Mean size of a key of this namespace; null where MEMORY USAGE is refused or too few keys are left. */
  readonly bytesPerKey: number | null;
  readonly extraForHalfBytes: number | null;
  readonly extraForHalfInterval: Bounds;
  readonly extraForNineTenthsBytes: number | null;
  readonly extraForNineTenthsInterval: Bounds;
  readonly assumption: string;
}

/**
 * What would have saved the misses of one cause: an estimate, with its assumption and its 95 % interval. Null where fewer than
 * `fewestMisses` show it.
 */
export interface Remedy {
  readonly ttl: TtlRemedy | null;
  readonly memory: MemoryRemedy | null;
}

/** The traffic of one namespace in the window. A null: the mode cannot tell. Rates are ratios from 0 to 1. */
export interface NamespaceTraffic {
  /** The map's name, the inferred pattern, `(unmapped)`, `(other)`, or `(database 3)` for all keys of another database. */
  readonly namespace: string;
  readonly database: number;
  readonly kind: 'cache' | 'state' | null;
  readonly reads: number | null;
  readonly readsInterval: Bounds;
  readonly hits: number | null;
  readonly hitsInterval: Bounds;
  readonly misses: number | null;
  readonly hitRate: number | null;
  readonly hitRateInterval: Bounds;
  readonly hitRateTarget: number | null;
  /** Null where there is no target or no rate, with fewer than `fewestLookups` reads, or where the interval holds the target. */
  readonly targetMet: boolean | null;
  readonly readsPerSecond: number | null;
  /** Share of all misses. */
  readonly missShare: number | null;
  /** Commands that gave a key a value, counted by key; removals are none. An estimate with `sampled`. */
  readonly writes: number | null;
  readonly readsPerWrite: number | null;
  /** Keys that came into being; null before Redis 7.0, which does not report it. */
  readonly newKeys: number | null;
  /** Keys that were evicted; null where the mode cannot tell. */
  readonly evictedKeys: number | null;
  readonly causes: MissCauses | null;
  /** Misses that were the first word of their key: `goneOrNew`, and of `unknown` those of keys that a flush or a full memory hides. */
  readonly firstMisses: number | null;
  /** From the first miss of a key until it was stored. */
  readonly refill: SpanQuantiles | null;
  readonly stampedes: Stampedes | null;
  readonly remedy: Remedy | null;
}

/** What keys outside a selection had of the window: with it and the residual, the namespaces add up to the server's counters. */
export type OutsideTraffic = Pick<NamespaceTraffic, 'reads' | 'hits' | 'misses' | 'writes'>;

/** A key that is missed often. */
export interface MissingKey {
  readonly key: string;
  /** The key's bytes, where they are no UTF-8. */
  readonly keyBase64?: string;
  readonly database: number;
  readonly namespace: string;
  /** Misses; where `missesAtLeast` is smaller, the true number is between the two. */
  readonly misses: number;
  readonly missesAtLeast: number;
  readonly cause: MissCause;
}

/** Keys with misses: all of them while they are few enough to be counted, later the most frequent and the latest. */
export interface MissedKeys {
  /** Up to 10,000, those with most certain misses first. */
  readonly keys: readonly MissingKey[];
  /** A key that is not among them has so many misses at most. */
  readonly othersAtMost: number;
}

/** A key that is read often. */
export interface ReadKey {
  readonly key: string;
  /** The key's bytes, where they are no UTF-8. */
  readonly keyBase64?: string;
  readonly database: number;
  readonly namespace: string;
  readonly reads: number;
  readonly readsInterval: readonly [low: number, high: number] | null;
  /** Share of all reads of the window. */
  readonly readShare: number | null;
  /** Null where they are not known to the unit. */
  readonly misses: number | null;
  readonly hitRate: number | null;
}

/** What the server counted in the same window, less what is attributed to namespaces. Zero: everything is. */
export interface Residual {
  readonly reads: number | null;
  readonly hits: number | null;
  readonly misses: number | null;
}

/** Calls of a command that reads keys and has no rule: what it looked up is in the counters of the server alone. */
export interface UnknownReads {
  readonly command: string;
  readonly calls: number;
}

/** What the observation cost. */
export interface ObservationCost {
  /** CPU of the server's process over the window, in seconds, its own work included; null where INFO does not report it. */
  readonly serverCpuSeconds: number | null;
  /** Commands that the server processed in the window. */
  readonly commands: number | null;
  /** Lookups of absent keys that mark the ends of windows, since the opening: misses of the server that are taken off here. */
  readonly markLookups: number;
  /** Bytes that MONITOR and the events brought over the network. */
  readonly monitorBytes: number;
  readonly eventBytes: number;
  /** Commands seen through MONITOR, and events. */
  readonly monitoredCommands: number;
  readonly events: number;
  /** Share of the window during which MONITOR ran. */
  readonly duty: number;
  /** The longest time that what was observed lagged behind the server, in seconds. */
  readonly maxLagSeconds: number;
}

/** One window of traffic. */
export interface TrafficReport {
  readonly mode: HitMode;
  /** Why this mode: what was asked for, what the server permits, or its load. */
  readonly modeReason: string;
  readonly windowSeconds: number;
  /**
   * False where events were lost, or where more than 1 % of the lookups cannot be attributed or were refused: `invalidReasons`
   * says which.
   */
  readonly valid: boolean;
  readonly invalidReasons: readonly string[];
  /** What a reader of the figures must know with them. */
  readonly remarks: readonly string[];
  /** Why the window ended before its time: `max-cost`, `max-bytes`, `interrupted`, `lost`; null where it did not. */
  readonly endedBy: string | null;
  /** True for a replica: its writes are those of its primary, and what its primary expires or evicts counts as unknown. */
  readonly isReplica: boolean;
  readonly reads: number | null;
  readonly hits: number | null;
  readonly misses: number | null;
  readonly hitRate: number | null;
  readonly residual: Residual;
  /** Most calls first; null while the window is open, and where the server does not report calls or describe commands. */
  readonly unknownReads: readonly UnknownReads[] | null;
  /** Null where every key is selected. */
  readonly notSelected: OutsideTraffic | null;
  /** The namespaces with most misses first; with a selection, of its keys alone. */
  readonly namespaces: readonly NamespaceTraffic[];
  /** Keys that surely miss more than others, up to 500; results show fewer. */
  readonly mostMissed: readonly MissingKey[];
  /** Of mode `exact` alone: else no line of each read is seen. */
  readonly mostRead: readonly ReadKey[];
  /** What is remembered of keys, and whether the bound was reached and the oldest forgotten. */
  readonly remembered: {
    readonly keysRemembered: number;
    readonly keysBound: number;
    readonly forgotten: number;
  };
  readonly serverCost: ObservationCost;
}

/** With what a record keeps, and a comparison with one needs; in no result. */
export interface WindowReport extends TrafficReport {
  readonly missed: MissedKeys;
  /** How the names of keys outside the selection begin, as bytes, with how many keys there are of each. */
  readonly outsideWords: ReadonlyMap<string, number>;
}
