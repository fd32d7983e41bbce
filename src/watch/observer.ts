import type { NamespaceMap } from '../keyspace/map.ts';
import { RedisError } from '../redis/errors.ts';
import type { RedisServer } from '../redis/server.ts';
import type { TrafficReport } from '../traffic/report.ts';
import { type NodeCounters, readCounters } from './counters.ts';
import { counterFigures, failedInterval, type WatchInterval } from './interval.ts';
import { LatencyMeter } from './latency.ts';
import { type MeteredServer, meteredServer } from './metered-node.ts';
import { watchedNamespaces } from './namespaces.ts';
import { SizeReader } from './size-reader.ts';

/** Live traffic by namespace. */
export interface ObservedTraffic {
  /** What was observed since the last call. @throws RedisError when the observation was lost */
  next(): Promise<TrafficReport>;
  /** Ends the observation, and puts the server's settings back as they were. */
  close(): Promise<void>;
}

export interface ObserverOptions {
  readonly map: NamespaceMap;
  /** Another connection, in place of one that was lost. @throws RedisError */
  readonly reconnect: (signal: AbortSignal) => Promise<RedisServer>;
  /** Opens the source of hits by namespace; null: without them. @throws RedisError */
  readonly openTraffic: ((server: RedisServer) => Promise<ObservedTraffic>) | null;
  /** Between two readings of the sizes; 0: once; null: never. */
  readonly sizesEverySeconds: number | null;
  readonly now: () => number;
  readonly random: () => number;
}

/** One connection with all that hangs on it. */
interface Session {
  readonly server: MeteredServer;
  readonly latency: LatencyMeter;
  readonly traffic: ObservedTraffic | null;
}

/** Reads what a server does, interval by interval; a connection that is lost gives failed intervals until it is back. */
export class Observer {
  /** The last traffic that was observed. */
  traffic: TrafficReport | null = null;
  private session: Session | null = null;
  private counters: readonly NodeCounters[] = [];
  private readAt = 0;
  private readonly ended = new AbortController();
  private readonly sizes: SizeReader | null;

  private constructor(private readonly options: ObserverOptions) {
    const { sizesEverySeconds: everySeconds } = options;
    this.sizes =
      everySeconds === null ? null : new SizeReader({ ...options, everySeconds, signal: this.ended.signal });
  }

  /** Takes the first reading, from which the first interval counts. @throws RedisError */
  static async start(server: RedisServer, options: ObserverOptions): Promise<Observer> {
    const observer = new Observer(options);
    try {
      await observer.enter(server);
    } catch (error) {
      await observer.end();
      throw error;
    }
    return observer;
  }

  /** The interval since the last call. Never rejects for what a server or the way to it does. */
  async next(): Promise<WatchInterval> {
    const { reconnect, now } = this.options;
    try {
      if (this.session === null) {
        const before = this.counters;
        await this.enter(this.adopt(await reconnect(this.ended.signal)), before);
      }
      return await this.read();
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      await this.leave();
      return failedInterval(new Date(now()).toISOString(), error);
    }
  }

  async end(): Promise<void> {
    this.ended.abort();
    await this.leave();
  }

  /** A connection that comes when nobody waits for it any more is closed, for it would keep the process alive. */
  private adopt(server: RedisServer): RedisServer {
    if (!this.ended.signal.aborted) return server;
    server.close();
    throw new RedisError('lost', 'ECLOSED', 'the observation has ended');
  }

  /** @param before counters that the next interval counts from; left out: those of now */
  private async enter(connection: RedisServer, before?: readonly NodeCounters[]): Promise<void> {
    const server = meteredServer(connection);
    let latency: LatencyMeter | undefined;
    try {
      latency = await LatencyMeter.start(server.nodes);
      const traffic = (await this.options.openTraffic?.(server)) ?? null;
      const counters = await readAll(server);
      if (this.ended.signal.aborted) await traffic?.close();
      this.adopt(server);
      this.session = { server, latency, traffic };
      if (before === undefined) {
        this.counters = counters;
        this.readAt = this.options.now();
      }
      this.sizes?.renew(server);
    } catch (error) {
      latency?.end();
      server.close();
      throw error;
    }
  }

  private async read(): Promise<WatchInterval> {
    const { map, now } = this.options;
    const { session } = this;
    if (session === null) throw new RedisError('lost', 'ECLOSED', 'the connection was closed');
    const counters = await readAll(session.server);
    const traffic = (await session.traffic?.next()) ?? null;
    const at = now();
    const figures = counterFigures(this.counters, counters, (at - this.readAt) / 1000);
    this.counters = counters;
    this.readAt = at;
    this.traffic = traffic;
    if (figures.reset === 'restart' || figures.reset === 'other') this.sizes?.expire();
    this.sizes?.renew(session.server);
    const { sizes = [], readAt = null } = this.sizes ?? {};
    return {
      at: new Date(at).toISOString(),
      ok: true,
      error: null,
      ...figures,
      ...lookupsOf(figures, traffic),
      latencyMicros: session.latency.take(),
      trafficMode: traffic?.mode ?? null,
      trafficModeReason: traffic?.modeReason ?? null,
      trafficInvalid: traffic?.invalidReasons ?? [],
      namespacesReadAt: readAt === null ? null : new Date(readAt).toISOString(),
      namespaces: watchedNamespaces(map, sizes, traffic),
    };
  }

  private async leave(): Promise<void> {
    const { session } = this;
    this.session = null;
    if (session === null) return;
    session.latency.end();
    // What is lost already cannot be closed in order.
    await session.traffic?.close().catch(() => undefined);
    session.server.close();
  }
}

/** What the observation itself looks up is not in its report. */
function lookupsOf(
  figures: Pick<WatchInterval, 'hits' | 'misses' | 'hitRate'>,
  traffic: TrafficReport | null,
): Pick<WatchInterval, 'hits' | 'misses' | 'hitRate'> {
  const { hits, misses, hitRate } = traffic?.hits == null ? figures : traffic;
  return { hits, misses, hitRate };
}

async function readAll(server: MeteredServer): Promise<[NodeCounters, ...NodeCounters[]]> {
  const [first, ...others] = server.nodes;
  const [head, ...tail] = await Promise.all(
    [first, ...others].map((node) => readCounters(node, node.commandsSent)),
  );
  if (head === undefined) throw new RedisError('lost', 'ENODE', 'the server has no node');
  return [head, ...tail];
}
