import { analyzeKeyspace } from '../keyspace/analyze.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { silentProgress } from '../support/progress.ts';
import { Draw } from '../support/random.ts';
import { RedisError } from '../redis/errors.ts';
import type { RedisServer } from '../redis/server.ts';
import type { NamespaceSize } from './namespaces.ts';

/** A small part of what a server does without effort, in pages that nobody else has to wait for. */
const maxKeysPerSecond = 20_000;
const pageSize = 100;
/** Of up to so many keys every one is read, which takes five seconds at this pace; of more a sample. */
const mostKeysExact = 100_000;
/** Half-width of the intervals of large namespaces: the bars on a screen show no more. */
const precision = 0.05;
const mostNamespaces = 200;
/** Reading takes no more than this share of the time, however long it takes. */
const largestDuty = 0.1;

export interface SizeReaderOptions {
  readonly map: NamespaceMap;
  /** Between the start of one reading and the next; 0: never again. */
  readonly everySeconds: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Reads how many keys and bytes each namespace has, in the background and again from time to time. */
export class SizeReader {
  sizes: readonly NamespaceSize[] = [];
  /** Milliseconds since the epoch; null: not read yet. */
  readAt: number | null = null;
  /** False where the sizes are estimates from a sample; null: not read yet. */
  exact: boolean | null = null;
  /** The most keys of a namespace that the sample did not meet, with 95 % certainty; null where every key was read. */
  mostUnseenKeys: number | null = null;
  /** Why the last reading failed. */
  failure: RedisError | null = null;
  private reading = false;
  private nextAt: number | null = 0;

  constructor(private readonly options: SizeReaderOptions) {}

  /** Starts a reading where one is due, and does not wait for it. */
  renew(server: RedisServer): void {
    const { now, everySeconds, signal } = this.options;
    if (this.reading || this.nextAt === null || now() < this.nextAt || signal.aborted) return;
    this.reading = true;
    const startedAt = now();
    void this.read(server)
      .catch((error: unknown) => {
        // A failure here costs these columns alone; what is wrong with the server shows in the counters.
        this.failure = error instanceof RedisError ? error : new RedisError('lost', 'ESIZES', String(error));
      })
      .finally(() => {
        this.reading = false;
        const tookMillis = now() - startedAt;
        const pauseMillis = Math.max(everySeconds * 1000, tookMillis / largestDuty);
        this.nextAt = everySeconds === 0 && this.readAt !== null ? null : startedAt + pauseMillis;
      });
  }

  /** What was read is of another server, or of one that has lost its keys: the next reading is due. */
  expire(): void {
    if (this.nextAt !== null || this.readAt !== null) this.nextAt = 0;
    this.sizes = [];
    this.readAt = null;
    this.exact = null;
    this.mostUnseenKeys = null;
  }

  private async read(server: RedisServer): Promise<void> {
    const { map, now, random, signal } = this.options;
    const { tree, figures, failure, account, method } = await analyzeKeyspace(server, {
      map,
      depth: map.isEmpty ? Number.POSITIVE_INFINITY : 1,
      // Bytes alone: the one column that leaves no trace in the server's counters.
      columns: { memory: true },
      details: {},
      top: 0,
      reading: {
        exactUpTo: mostKeysExact,
        precision,
        maxKeysPerSecond,
        pageSize,
        draw: new Draw(Math.floor(random() * 2 ** 32), 'sample'),
      },
      signal,
      progress: silentProgress,
      now,
    });
    this.failure = failure;
    if (failure !== null || signal.aborted) return;
    const refused = account.refusedColumns.some(({ column }) => column === 'memory');
    const whole = tree.total().total;
    this.sizes = tree.rows(mostNamespaces).map(({ namespace, statistics: { total } }) => {
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
    this.exact = method.kind === 'exact';
    this.mostUnseenKeys = figures.mostUnseenKeys;
    this.readAt = now();
  }
}
