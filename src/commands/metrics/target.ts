import { setTimeout as sleep } from 'node:timers/promises';
import { ledgerFolder } from '../../health/lookups/ledger.ts';
import { differencesSinceStart } from '../../health/lookups/differences.ts';
import { RedisError } from '../../redis/errors.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { MetricFamily } from '../../render/exposition.ts';
import type { SizeReading } from '../../watch/namespaces.ts';
import { type ObservedTraffic, Observer } from '../../watch/observer.ts';
import { CounterTotals } from '../../watch/totals.ts';
import type { Context } from '../context.ts';
import { TrafficTotals } from './traffic-totals.ts';
import {
  BoundedNames,
  familiesOf,
  keyspaceSamples,
  type Samples,
  sample,
  serverSamples,
} from './families.ts';

export interface TargetOptions {
  /** @throws RedisError, InputError */
  readonly connect: (signal?: AbortSignal) => Promise<RedisServer>;
  /** Seconds between two readings of the keys; 0: once; null: never. */
  readonly namespacesEvery: number | null;
  /** Whether TTLs are read as well. */
  readonly ttls: boolean;
  readonly maxNamespaces: number;
  /** Null: hits by namespace are not observed. */
  readonly openTraffic: ((server: RedisServer) => Promise<ObservedTraffic>) | null;
  /** Gets why the server cannot be read, once until it can be again. */
  readonly warn: (text: string) => void;
}

/** INFO is read no more often, however many ask. */
const leastMillis = 1000;

/** A scrape waits no longer for the server. */
const mostWaitMillis = 3000;

/** One server, with its metrics as they were read last. */
export class MetricsTarget {
  /** Why it could not be read the last time; null: it could. */
  failure: RedisError | null = null;
  private observer: Observer | null = null;
  private totals: CounterTotals | null = null;
  private readonly errors = new Map<string, number>();
  private readonly names: BoundedNames;
  private readonly traffic: TrafficTotals;
  /** It has not answered within the time of a scrape, and may yet. */
  private isLate = false;
  private keyspace: { readonly reading: SizeReading | null; readonly samples: Samples } | null = null;
  private keyspaceFailure: RedisError | null = null;
  private reading: Promise<void> | null = null;
  private readAt: number | null = null;
  private tookMillis = 0;
  private isEnded = false;

  constructor(
    private readonly context: Pick<Context, 'map' | 'now' | 'random' | 'environment'>,
    private readonly options: TargetOptions,
  ) {
    this.names = new BoundedNames(context.map, options.maxNamespaces);
    this.traffic = new TrafficTotals(this.names);
  }

  /** Reads the counters, unless they were read a moment ago. @throws InputError where it can never be connected to */
  read(): Promise<void> {
    const { now } = this.context;
    if (this.readAt !== null && now() - this.readAt < leastMillis) return Promise.resolve();
    this.reading ??= this.readNow().finally(() => (this.reading = null));
    return this.reading;
  }

  /** The same for a scrape: where the server takes too long, it counts as down. @throws InputError */
  async readInTime(): Promise<void> {
    const waited = new AbortController();
    const limit = sleep(mostWaitMillis, 'late', waited).catch(() => 'late');
    this.isLate = (await Promise.race([this.read(), limit])) === 'late';
    waited.abort();
    if (this.isLate) this.countError('late');
  }

  /** Waits for the end of the reading of the keys that is under way. */
  async keyspaceRead(): Promise<void> {
    await this.observer?.keyspaceRead();
  }

  /** All that is known now. */
  families(): MetricFamily[] {
    const { context, observer, totals } = this;
    const isUp = this.failure === null && this.readAt !== null && !this.isLate;
    const ofKeyspace = this.keyspaceSamples();
    return familiesOf(
      {
        build_info: sample(1, { version: context.environment.version }),
        up: sample(isUp ? 1 : 0),
        scrape_errors_total: [...this.errors].flatMap(([reason, count]) => sample(count, { reason })),
      },
      isUp && observer !== null && totals !== null
        ? {
            read_timestamp_seconds: sample(this.readAt === null ? null : this.readAt / 1000),
            read_duration_seconds: sample(this.tookMillis / 1000),
            ...serverSamples(observer.counters, totals),
          }
        : {},
      isUp ? ofKeyspace : {},
      isUp && this.options.openTraffic !== null ? this.trafficSamples() : {},
    );
  }

  /** Closes what was opened, and puts settings of the server back. */
  async end(): Promise<void> {
    this.isEnded = true;
    await this.reading?.catch(() => undefined);
    await this.observer?.end();
  }

  private async readNow(): Promise<void> {
    const startedAt = performance.now();
    try {
      await this.advance();
      this.failure = null;
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      if (this.failure === null) this.options.warn(`${error.message}; trying again at each scrape`);
      this.failure = error;
      this.countError(error.code);
    }
    this.tookMillis = performance.now() - startedAt;
    this.readAt = this.context.now();
  }

  /** @throws RedisError */
  private async advance(): Promise<void> {
    if (this.isEnded) return;
    if (this.observer === null) {
      this.observer = await this.start();
      const { counters } = this.observer;
      this.totals = new CounterTotals(differencesSinceStart(counters), counters);
      // The first window, so that its mode is known.
      if (this.options.openTraffic === null) return;
    }
    const { error } = await this.observer.next();
    if (error !== null) throw new RedisError('lost', error.code, error.message);
    const { differences, counters } = this.observer;
    if (differences !== null) this.totals?.add(differences, counters);
    this.addTraffic();
  }

  private async start(): Promise<Observer> {
    const { map, now, random, environment } = this.context;
    const { connect, namespacesEvery, ttls, openTraffic } = this.options;
    return Observer.start(await connect(), {
      ...{ map, now, random, openTraffic },
      reconnect: connect,
      sizesEverySeconds: namespacesEvery,
      sizeDetails: { ttl: ttls },
      pings: false,
      ledgerFolder: ledgerFolder(environment.variables),
    });
  }

  private addTraffic(): void {
    const report = this.observer?.traffic ?? null;
    if (report === null) return;
    this.traffic.add(report);
    if (report.endedBy === 'max-cost') this.countError('max_cost');
    if (!report.valid) this.countError('traffic_incomplete');
    if (report.hits === null && report.mode !== 'counters') this.countError('hits_unknown');
  }

  private trafficSamples(): Samples {
    const mode = this.observer?.traffic?.mode;
    const isObserved = this.observer?.traffic?.endedBy === null && mode !== 'counters';
    return {
      ...this.traffic.samples(),
      traffic_observed: sample(isObserved ? 1 : 0),
      traffic_info: mode === undefined ? [] : sample(1, { mode }),
    };
  }

  /** Made once for each reading of the keys, and what it could not read is counted once. */
  private keyspaceSamples(): Samples {
    const { reading, failure } = this.observer?.keyspace ?? { reading: null, failure: null };
    if (failure !== null && failure !== this.keyspaceFailure) this.countError(failure.code);
    this.keyspaceFailure = failure;
    if (this.keyspace?.reading !== reading) {
      this.keyspace = { reading, samples: keyspaceSamples(reading, this.context.map, this.names) };
      for (const { column } of reading?.analysis.account.refusedColumns ?? [])
        this.countError(`no_${column}`);
    }
    return this.keyspace.samples;
  }

  private countError(reason: string): void {
    this.errors.set(reason, (this.errors.get(reason) ?? 0) + 1);
  }
}
