import { setTimeout as pause } from 'node:timers/promises';
import {
  beforeAnew,
  type Differences,
  differencesOf,
  type NodeCounters,
  readCounters,
} from '../health/lookups/differences.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { RedisError } from '../redis/errors.ts';
import type { WalkColumns } from '../redis/columns.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { TrafficReport } from '../traffic/report.ts';
import { type CounterFigures, counterFigures, failedInterval, type WatchInterval } from './interval.ts';
import { closableServer } from './closable-server.ts';
import { LatencyMeter } from './latency.ts';
import { type SizeReading, watchedNamespaces, SizeReader } from './namespaces.ts';

/** Live traffic by namespace. */
export interface ObservedTraffic {
  /** What was observed since the last call; null while it pauses. @throws RedisError when the observation was lost */
  next(): Promise<TrafficReport | null>;
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
  /** What else is read of keys with their sizes (default: nothing). */
  readonly sizeDetails?: WalkColumns;
  /** False: round trips are not measured. */
  readonly pings?: boolean;
  /** Of the lookups of earlier runs, see ledgerFolder (default: they are in both of two readings, and do not matter). */
  readonly ledgerFolder?: string | null;
  readonly now: () => number;
  readonly random: () => number;
}

/** One connection with all that uses it. */
interface Session {
  readonly server: RedisServer;
  readonly latency: LatencyMeter | null;
  readonly traffic: ObservedTraffic | null;
  /** Until the counters were read with it for the first time. */
  isNew: boolean;
}

/** How long the end of the observation waits for a connection that is being opened: a server may hang. */
const openingMillis = 3000;

/** Reads what a server does, interval by interval; a connection that is lost gives failed intervals until it is back. */
export class Observer {
  /** The last traffic that was observed. */
  traffic: TrafficReport | null = null;
  /** As they were read last. */
  counters: readonly NodeCounters[] = [];
  /** What the last interval added to them; null before the first. */
  differences: Differences | null = null;
  private session: Session | null = null;
  private readAt = 0;
  private readonly ended = new AbortController();
  private readonly sizes: SizeReader | null;
  /** Aborted when the session that is being opened is not wanted any more. */
  private rested = new AbortController();
  /** Resolved when it wakes; null: it does not rest. */
  private resting: { readonly over: Promise<void>; readonly wake: () => void } | null = null;
  private opening: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> = Promise.resolve();

  /** Observes nothing until `begin`. */
  constructor(private readonly options: ObserverOptions) {
    const { sizesEverySeconds: everySeconds, sizeDetails: details = {} } = options;
    const { signal } = this.ended;
    this.sizes = everySeconds === null ? null : new SizeReader({ ...options, everySeconds, details, signal });
  }

  /** The keys as they were read last, and why the last reading failed. */
  get keyspace(): { readonly reading: SizeReading | null; readonly failure: RedisError | null } {
    return { reading: this.sizes?.latest ?? null, failure: this.sizes?.failure ?? null };
  }

  /** The connection that is observed; null while it is lost, or the observer rests. What is asked through it is known as its own. */
  get server(): RedisServer | null {
    return this.session?.server ?? null;
  }

  /** The keys are read again with the next interval: some are known to be gone. */
  renewSizes(): void {
    this.sizes?.hasten();
  }

  /** Waits for the end of the reading of the keys that is under way. */
  async keyspaceRead(): Promise<void> {
    await this.sizes?.settled;
  }

  static async start(server: RedisServer, options: ObserverOptions): Promise<Observer> {
    const observer = new Observer(options);
    await observer.begin(server);
    return observer;
  }

  /** Takes the first reading, from which the first interval counts; `end` may come before it is done. @throws RedisError */
  async begin(server: RedisServer): Promise<void> {
    try {
      await this.enterGuarded(server, this.ended.signal);
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /**
   * The interval since the last call; while the observer rests, the one that ends when it has woken. Never rejects for
   * what a server or the way to it does.
   */
  async next(): Promise<WatchInterval> {
    for (;;) {
      await this.resting?.over;
      const { signal } = this.rested;
      try {
        if (this.session === null) await this.reenter(signal);
        return await this.read();
      } catch (error) {
        if (signal.aborted) continue;
        if (!(error instanceof RedisError)) throw error;
        await this.leave();
        return failedInterval(new Date(this.options.now()).toISOString(), error);
      }
    }
  }

  /** Closes all that the server would keep traffic for, and puts its settings back, until it is woken. */
  async rest(): Promise<void> {
    if (this.resting === null) {
      let wake = () => {};
      const over = new Promise<void>((resolve) => (wake = resolve));
      this.resting = { over, wake };
      this.rested.abort();
      this.rested = new AbortController();
    }
    await this.leave();
  }

  /** Resumes after a rest: the next interval counts from before it. */
  wake(): void {
    this.resting?.wake();
    this.resting = null;
  }

  async end(): Promise<void> {
    this.ended.abort();
    await this.leave();
  }

  private async reenter(rested: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.ended.signal, rested]);
    // What was left before may still have to be put back.
    await this.closing;
    await this.enterGuarded(await this.options.reconnect(signal), signal, this.counters);
  }

  /** What is being opened on the server has to be put back, also where it is not wanted any more by then. */
  private enterGuarded(...terms: Parameters<Observer['enter']>): Promise<void> {
    const opened = this.enter(...terms);
    if (this.options.openTraffic !== null) this.opening = opened.catch(() => undefined);
    return opened;
  }

  /** @param before counters that the next interval counts from; left out: those of now */
  private async enter(
    connection: RedisServer,
    signal: AbortSignal,
    before?: readonly NodeCounters[],
  ): Promise<void> {
    const server = closableServer(connection);
    let latency: LatencyMeter | null = null;
    let traffic: ObservedTraffic | null = null;
    // A server that hangs is not waited for, unless a setting of it may have to be put back.
    const giveUp = () => {
      if (this.options.openTraffic === null) server.close();
    };
    signal.addEventListener('abort', giveUp);
    try {
      // A connection that is no longer wanted is closed, for it would keep the process alive.
      throwIfUnwanted(signal);
      if (this.options.pings !== false) latency = await LatencyMeter.start(server.nodes);
      throwIfUnwanted(signal);
      traffic = (await this.options.openTraffic?.(server)) ?? null;
      throwIfUnwanted(signal);
      const counters = await readAll(server, this.options.ledgerFolder);
      throwIfUnwanted(signal);
      this.session = { server, latency, traffic, isNew: before !== undefined };
      if (before === undefined) {
        this.counters = counters;
        this.readAt = this.options.now();
      }
      this.sizes?.renew(server);
    } catch (error) {
      await close({ server, latency, traffic });
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  private async read(): Promise<WatchInterval> {
    const { map, now } = this.options;
    const { session } = this;
    if (session === null) throw new RedisError('lost', 'ECLOSED', 'the connection was closed');
    const counters = await readAll(session.server, this.options.ledgerFolder);
    const traffic = (await session.traffic?.next()) ?? null;
    const at = now();
    const elapsedSeconds = (at - this.readAt) / 1000;
    const differences = differencesOf(this.counters, counters, elapsedSeconds);
    const figures = counterFigures(differences, counters, elapsedSeconds);
    const isWindow = !session.isNew;
    // The last lookup came after these counters were read, as one of the session before came after the first of them.
    const uncounted = figures.reset === null ? 0 : session.server.nodes.length;
    session.isNew = false;
    this.counters = counters;
    this.differences = differences;
    this.readAt = at;
    this.traffic = traffic;
    if (figures.reset === 'restart' || figures.reset === 'other') this.sizes?.expire();
    this.sizes?.renew(session.server);
    const { sizes = [], readAt = null, exact = null, mostUnseenKeys = null } = this.sizes?.latest ?? {};
    return {
      endedAt: new Date(at).toISOString(),
      ok: true,
      error: null,
      ...figures,
      ...lookupsOf(figures, traffic, isWindow, uncounted),
      latency: session.latency?.take() ?? null,
      trafficMode: traffic?.mode ?? null,
      trafficModeReason: traffic?.modeReason ?? null,
      trafficInvalid: traffic?.invalidReasons ?? [],
      namespacesReadAt: readAt === null ? null : new Date(readAt).toISOString(),
      namespacesExact: exact,
      namespacesMostUnseenKeys: mostUnseenKeys,
      namespaces: watchedNamespaces(map, sizes, traffic),
    };
  }

  private async leave(): Promise<void> {
    const waited = new AbortController();
    const over = pause(openingMillis, undefined, { signal: waited.signal }).catch(() => undefined);
    await Promise.race([this.opening, over]);
    waited.abort();
    const { session } = this;
    this.session = null;
    if (session !== null) this.closing = this.closing.then(() => close(session));
    await this.closing;
    this.counters = this.counters.map((each) => {
      const node = session?.server.nodes.find(({ address }) => address === each.address);
      return node === undefined ? each : beforeAnew(each, node.lookups);
    });
  }
}

async function close({
  server,
  latency,
  traffic,
}: Pick<Session, 'server' | 'traffic' | 'latency'>): Promise<void> {
  latency?.end();
  // What is lost already cannot be closed in order.
  await traffic?.close().catch(() => undefined);
  server.close();
}

function throwIfUnwanted(signal: AbortSignal): void {
  if (signal.aborted) throw new RedisError('lost', 'ECLOSED', 'the observation has ended');
}

type Lookups = Pick<WatchInterval, 'hits' | 'misses' | 'hitRate' | 'hitRateInterval'>;

/**
 * What the observation itself looks up is not in its report.
 * @param isWindow false where the observation was opened within the interval: it knows a part of it then, the counters all
 * @param uncounted lookups of the observation that are not in the figures
 */
function lookupsOf(
  figures: CounterFigures,
  traffic: TrafficReport | null,
  isWindow: boolean,
  uncounted: number,
): Lookups {
  const { hits, hitRate, hitRateInterval, metadataLookups } = figures;
  if (traffic?.hits == null) return { hits, misses: figures.misses, hitRate, hitRateInterval };
  // The counters know of lookups that carry no data, whatever traffic was observed.
  const isData = (metadataLookups ?? 0) === 0;
  const rate = (ofTraffic: number | null) =>
    isData ? { hitRate: ofTraffic, hitRateInterval: null } : { hitRate, hitRateInterval };
  if (isWindow) return { hits: traffic.hits, misses: traffic.misses, ...rate(traffic.hitRate) };
  const own = Math.max(0, traffic.serverCost.markLookups - uncounted);
  const misses = figures.misses === null ? null : Math.max(0, figures.misses - own);
  const reads = hits === null || misses === null ? 0 : hits + misses;
  return { hits, misses, ...rate(hits === null || reads === 0 ? null : hits / reads) };
}

async function readAll(
  server: RedisServer,
  ledgerFolder: string | null = null,
): Promise<[NodeCounters, ...NodeCounters[]]> {
  const [first, ...others] = server.nodes;
  const read = (node: RedisNode) => readCounters(node, ledgerFolder);
  return Promise.all([read(first), ...others.map(read)]);
}
