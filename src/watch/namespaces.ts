import { analyzeKeyspace } from '../keyspace/analyze.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import type { Analysis } from '../keyspace/reading.ts';
import type { WalkColumns } from '../redis/columns.ts';
import { RedisError } from '../redis/errors.ts';
import type { RedisServer } from '../redis/server.ts';
import { pick } from '../support/collections.ts';
import { silentProgress } from '../support/progress.ts';
import { SeededRandom } from '../support/random.ts';
import {
  type Bounds,
  type MissCause,
  type NamespaceTraffic,
  topCauseOf,
  type TrafficReport,
} from '../traffic/report.ts';

/** The size of a namespace, as the keys were read last. An interval is null where every key was read. */
export interface NamespaceSize extends Pick<NamespaceTraffic, 'namespace' | 'kind'> {
  readonly keys: number | null;
  readonly keysInterval: Bounds;
  /** Null where MEMORY USAGE is refused. */
  readonly memoryBytes: number | null;
  readonly memoryBytesInterval: Bounds;
  readonly memoryShareInterval: Bounds;
}

const trafficNames = [
  ...(['hits', 'hitsInterval', 'misses', 'hitRate', 'hitRateInterval', 'targetMet', 'causes'] as const),
];

/** A namespace in one interval. A null: not known, or not looked at; of an interval: the figure is exact, or not known. */
export interface WatchedNamespace
  extends
    NamespaceSize,
    Pick<NamespaceTraffic, (typeof trafficNames)[number] | 'readsPerSecond' | 'hitRateTarget'> {
  /** Of the bytes of all namespaces, from 0 to 1. */
  readonly memoryShare: number | null;
  readonly readsPerSecondInterval: Bounds;
  readonly missesPerSecond: number | null;
  /** The cause of most misses. */
  readonly topCause: MissCause | null;
}

const unknown: Omit<WatchedNamespace, 'namespace'> = {
  ...{ kind: null, keys: null, keysInterval: null, memoryBytes: null, memoryBytesInterval: null },
  ...{ memoryShare: null, memoryShareInterval: null, readsPerSecond: null, readsPerSecondInterval: null },
  ...{ missesPerSecond: null, hits: null, hitsInterval: null, misses: null, hitRate: null },
  ...{ hitRateInterval: null, targetMet: null, causes: null, topCause: null, hitRateTarget: null },
};

/** Sizes and traffic side by side; a namespace may be known by one of the two alone. */
export function watchedNamespaces(
  map: NamespaceMap,
  sizes: readonly NamespaceSize[],
  traffic: TrafficReport | null,
): WatchedNamespace[] {
  const rows = new Map<string, { size?: NamespaceSize; traffic?: NamespaceTraffic }>();
  for (const size of sizes) rows.set(size.namespace, { size });
  for (const each of traffic?.namespaces ?? [])
    rows.set(each.namespace, { ...rows.get(each.namespace), traffic: each });
  const targets = new Map(map.namespaces.map(({ name, hitRateTarget }) => [name, hitRateTarget]));
  const bytes = sizes.reduce((sum, size) => sum + (size.memoryBytes ?? 0), 0);
  return [...rows].map(([namespace, row]) => ({
    ...{ namespace, ...unknown, ...row.size },
    kind: row.size?.kind ?? row.traffic?.kind ?? null,
    memoryShare: row.size?.memoryBytes == null || bytes === 0 ? null : row.size.memoryBytes / bytes,
    ...(row.traffic && trafficOf(row.traffic, traffic?.windowSeconds ?? 0)),
    hitRateTarget: row.traffic?.hitRateTarget ?? targets.get(namespace) ?? null,
  }));
}

function trafficOf(traffic: NamespaceTraffic, seconds: number) {
  const { misses, causes, readsPerSecond, readsInterval } = traffic;
  const perSecond = (count: number) => count / seconds;
  const isKnown = seconds > 0;
  return {
    readsPerSecond,
    readsPerSecondInterval:
      isKnown && readsInterval ? ([perSecond(readsInterval[0]), perSecond(readsInterval[1])] as const) : null,
    missesPerSecond: isKnown && misses !== null ? perSecond(misses) : null,
    ...pick(traffic, trafficNames),
    topCause: causes && topCauseOf(causes),
  };
}

export const sortOrders = ['reads', 'misses', 'bytes', 'hitRate', 'name'] as const;
export type SortOrder = (typeof sortOrders)[number];

/** The worst on top: most reads, misses or bytes, the lowest hit rate. What is not known comes last. */
export function sortedNamespaces(rows: readonly WatchedNamespace[], order: SortOrder): WatchedNamespace[] {
  const badnessOf = ({ readsPerSecond, missesPerSecond, memoryBytes, hitRate }: WatchedNamespace) =>
    ({
      reads: readsPerSecond,
      misses: missesPerSecond,
      bytes: memoryBytes,
      hitRate: hitRate && -hitRate,
      name: 0,
    })[order] ?? Number.NEGATIVE_INFINITY;
  return rows.toSorted((left, right) => {
    const [first, second] = [badnessOf(left), badnessOf(right)];
    if (first !== second) return second - first;
    return left.namespace < right.namespace ? -1 : left.namespace > right.namespace ? 1 : 0;
  });
}

/** A small part of what a server can do, in pages so short that no other client waits for them. */
const maxKeysPerSecond = 20000;
const pageSize = 100;

/** Of up to so many keys every one is read, which takes five seconds at this pace; of more a sample. */
const mostKeysExact = 100000;

/** Half-width of the intervals of large namespaces: the bars on a screen show no more. */
const precision = 0.05;
const mostNamespaces = 200;

/** Reading takes no more than this share of the time, however long it takes. */
const largestDuty = 0.1;

export interface SizeReaderOptions {
  readonly map: NamespaceMap;
  /** Between the start of one reading and the next; 0: never again. */
  readonly everySeconds: number;
  /** What is read besides names and bytes; it costs lookups, and is read of chosen keys. */
  readonly details: WalkColumns;
  readonly now: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

export interface SizeReading {
  readonly sizes: readonly NamespaceSize[];
  /** False where the sizes are estimates from a sample. */
  readonly exact: boolean;
  /** The most keys of a namespace that the sample did not meet, with 95 % certainty; null where every key was read. */
  readonly mostUnseenKeys: number | null;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
  readonly analysis: Analysis;
}

/** Reads how many keys and bytes each namespace has, in the background and again from time to time. */
export class SizeReader {
  /** Null: not read yet. */
  latest: SizeReading | null = null;
  /** Why the last reading failed. */
  failure: RedisError | null = null;
  /** Resolved when the reading that is under way has ended. */
  settled: Promise<void> | null = null;
  private nextAt: number | null = 0;

  constructor(private readonly options: SizeReaderOptions) {}

  /** Starts a reading where one is due, and does not wait for it. */
  renew(server: RedisServer): void {
    const { now, everySeconds, signal } = this.options;
    if (this.settled !== null || this.nextAt === null || now() < this.nextAt || signal.aborted) return;
    const startedAt = now();
    this.settled = this.read(server)
      .catch((error: unknown) => {
        // A failure here costs these columns alone; what is wrong with the server shows in the counters.
        this.failure = error instanceof RedisError ? error : new RedisError('lost', 'ESIZES', String(error));
      })
      .finally(() => {
        this.settled = null;
        const tookMillis = now() - startedAt;
        const pauseMillis = Math.max(everySeconds * 1000, tookMillis / largestDuty);
        this.nextAt = everySeconds === 0 && this.latest !== null ? null : startedAt + pauseMillis;
      });
  }

  /** The next reading is due. */
  hasten(): void {
    if (this.nextAt !== null || this.latest !== null) this.nextAt = 0;
  }

  /** What was read is of another server, or of one that has lost its keys. */
  expire(): void {
    this.hasten();
    this.latest = null;
  }

  private async read(server: RedisServer): Promise<void> {
    const { map, now, random, signal, details } = this.options;
    const analysis = await analyzeKeyspace(server, {
      map,
      depth: map.isEmpty ? Number.POSITIVE_INFINITY : 1,
      // Bytes alone: the one column that leaves no trace in the server's counters.
      columns: { memory: true },
      details,
      top: 0,
      reading: {
        exactUpTo: mostKeysExact,
        precision,
        maxKeysPerSecond,
        pageSize,
        draw: new SeededRandom(Math.floor(random() * 2 ** 32), 'sample'),
      },
      signal,
      progress: silentProgress,
      now,
    });
    const { tree, figures, failure, account, method } = analysis;
    this.failure = failure;
    if (failure !== null || signal.aborted) return;
    const refused = account.refusedColumns.some(({ column }) => column === 'memory');
    const whole = tree.total().total;
    const sizes = tree.rows(mostNamespaces).map(({ namespace, statistics: { total } }) => {
      const keys = figures.keys(total);
      const bytes = refused ? null : figures.memoryBytes(total);
      return {
        namespace,
        kind: map.namespaces.find(({ name }) => name === namespace)?.kind ?? null,
        keys: Math.round(keys.value),
        keysInterval: keys.interval,
        memoryBytes: bytes && Math.round(bytes.value),
        memoryBytesInterval: bytes && bytes.interval,
        memoryShareInterval: refused ? null : figures.byteShare('memory', total, whole).interval,
      };
    });
    const { mostUnseenKeys } = figures;
    this.latest = { sizes, exact: method.kind === 'exact', mostUnseenKeys, readAt: now(), analysis };
  }
}
