import { setTimeout as sleep } from 'node:timers/promises';
import type { SampleLimits } from '../curves/sample-limits.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { type Info, readInfoIfPermitted } from '../redis/info.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { meanOf, standardDeviationOf, t95 } from '../support/intervals.ts';
import { buildReport } from './figures/build-report.ts';
import { findUnknownReads } from './figures/unknown-reads.ts';
import type { MeanSize } from './figures/remedies.ts';
import { NodeAccesses } from './keys/node-accesses.ts';
import { KeyHistory } from './keys/key-history.ts';
import { KeyTable } from './keys/key-table.ts';
import { detailsOf, markPrefix, NamespaceRows, type RowGroup } from './keys/namespace-rows.ts';
import { type Mark, missesIn, type Span, sumIn } from './streams/mark.ts';
import { NodeObserver } from './streams/node-observer.ts';
import { NodeTraffic, type SharedTraffic } from './node-traffic.ts';
import type { RestoreOutcome } from './notifications/put-back.ts';
import { openSources, type Sources, type SourceTerms } from './open-sources.ts';
import type { HitMode, WindowReport } from './report.ts';

export interface ObservationOptions extends SourceTerms {
  readonly map: NamespaceMap;
  /** Which keys are distinguished by their names; null: all. */
  readonly isSelected?: ((key: ByteString) => boolean) | null;
  /** Share of the time during which MONITOR runs in mode `sampled`, from 0 to 1. */
  readonly duty: number;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  /** Of which keys all accesses are to be kept, in mode `exact`. Left out: of none. */
  readonly sample?: SampleLimits;
  /** Ends a stretch of time early. */
  readonly signal: AbortSignal;
  /** Another way to the node of this address, to put its settings back. */
  readonly reconnect: (address: string) => Promise<RedisNode>;
}

/** An instant of each node. The time between two cuts is a window. */
export type Cut = readonly [Mark, ...Mark[]];

/** What becomes of the observation besides its window. */
export interface WindowEnd {
  readonly lost: readonly string[];
  readonly endedBy: string | null;
}

/** The sample of accesses of each node, and what the window had in all. */
export interface WindowAccesses {
  readonly groups: readonly RowGroup[];
  readonly nodes: readonly {
    readonly accesses: NodeAccesses;
    /** By group. */
    readonly reads: readonly number[];
    readonly misses: readonly number[];
    readonly before: Info;
    readonly after: Info;
  }[];
}

/** A short burst and many of them tell more than a long one. */
const burstSeconds = 0.05;

/** Observes the traffic of a server, from `open` to `close`. */
export class Observation {
  private readonly bursts: Span[][];

  private constructor(
    private readonly server: RedisServer,
    private readonly options: ObservationOptions,
    private readonly observers: readonly [NodeObserver, ...NodeObserver[]],
    private readonly shared: SharedTraffic,
    private readonly sources: Sources,
    private readonly accesses: readonly NodeAccesses[],
  ) {
    this.bursts = observers.map(() => []);
  }

  get mode(): HitMode {
    return this.sources.mode;
  }

  get modeReason(): string {
    return this.sources.reason;
  }

  /**
   * Opens what the mode needs: connections, events, MONITOR.
   * @throws RedisError when the server cannot be reached, or refuses what a mode that was asked for needs; InputError where
   * the server must not be changed because the change cannot be noted
   */
  static async open(server: RedisServer, options: ObservationOptions): Promise<Observation> {
    const [first] = server.nodes;
    const shared = await sharedOf(first, options);
    const observers: NodeObserver[] = [];
    const samples: NodeAccesses[] = [];
    try {
      for (const node of server.nodes) {
        const accesses =
          options.sample === undefined ? null : new NodeAccesses(node, shared.rows, options.sample);
        if (accesses !== null) samples.push(accesses);
        const traffic = new NodeTraffic(shared, accesses);
        const markKey = markKeys(server, node, options.random);
        observers.push(await NodeObserver.open(node, { traffic, markKey, clock: options.now }));
      }
      const all = observers as [NodeObserver, ...NodeObserver[]];
      const sources = await openSources(all, options);
      shared.tellsNewKeys ||= sources.newKeys;
      // Bursts do not show all accesses of a key.
      const whole = sources.mode === 'exact' ? samples : [];
      return new Observation(server, options, all, shared, sources, whole);
    } catch (error) {
      for (const observer of observers) observer.close();
      throw error;
    }
  }

  /**
   * @param kind a window is between a `turn` and the next cut of either kind, or a later `end`
   * @throws ObservationLost, RedisError
   */
  async cut(kind: 'end' | 'turn'): Promise<Cut> {
    const [first, ...others] = this.observers.map((observer) => observer.mark(kind));
    return [await (first as Promise<Mark>), ...(await Promise.all(others))];
  }

  /** Lets so many seconds go by, fewer on an abort. @throws ObservationLost, RedisError */
  async pass(seconds: number): Promise<void> {
    if (this.mode !== 'sampled') return this.sleep(seconds);
    await Promise.all(this.observers.map((observer, index) => this.sample(observer, seconds, index)));
  }

  /**
   * The window between two cuts, the first of them the last `turn` before the second.
   * @param end null while the observation continues; at its end the sizes of some keys are read, to value evictions
   * @throws InputError where a name took too long to be judged
   */
  async report(from: Cut, to: Cut, end: WindowEnd | null = null): Promise<WindowReport> {
    const { shared, options, mode, modeReason } = this;
    const { remarks } = this.sources;
    if (shared.rows.failure !== null) throw shared.rows.failure;
    const windows = from.map((mark, index) => {
      const last = to[index] ?? mark;
      const within = (burst: Span) =>
        burst.from.atMillis >= mark.atMillis && burst.to.atMillis <= last.atMillis;
      return { from: mark, to: last, bursts: (this.bursts[index] ?? []).filter(within) };
    });
    const cut = windows.reduce((sum, window) => sum + window.to.cutLines - window.from.cutLines, 0);
    const commands = cut === 1 ? '1 command was' : `${cut} commands were`;
    const tooLong = cut === 0 ? [] : [`${commands} too long to be read whole`];
    // Where sizes cannot be read, what more memory would save is not reported.
    const bytesPerKey = end === null ? null : readKeySizes(this.server, shared.rows, to).catch(() => null);
    return buildReport({
      ...shared,
      ...{ mode, modeReason, remarks, map: options.map, endedBy: end?.endedBy ?? null },
      lost: [...(end?.lost ?? []), ...tooLong],
      windows: windows as [(typeof windows)[number], ...typeof windows],
      bytesPerKey: (await bytesPerKey) ?? new Map(),
      unknownReads: end && (await findUnknownReads(this.server.nodes[0], windows).catch(() => null)),
    });
  }

  /** Asks for the sizes of keys that were sampled since the last time, of so many at each node at most. @throws RedisError */
  async readSampleSizes(most: number): Promise<void> {
    await Promise.all(this.accesses.map((accesses) => accesses.readSizes(most)));
  }

  /** What was sampled between two cuts; null where nothing was to be. */
  accessesIn(from: Cut, to: Cut): WindowAccesses | null {
    if (this.accesses.length === 0) return null;
    const groups = this.shared.rows.groups();
    const nodes = this.accesses.map((accesses, index) => {
      const span = { from: from[index] ?? from[0], to: to[index] ?? to[0] };
      return {
        accesses,
        reads: groups.map(({ rows }) => sumIn([span], 'reads', rows)),
        misses: groups.map(({ rows }) => missesIn([span], rows)),
        ...{ before: span.from.info, after: span.to.info },
      };
    });
    return { groups, nodes };
  }

  /** Forgets what is needed for no window that begins later. */
  forgetBefore(cut: Cut): void {
    cut.forEach(({ atMillis }, index) => {
      this.bursts[index] = (this.bursts[index] ?? []).filter(({ from }) => from.atMillis >= atMillis);
    });
  }

  /** Ends the streams and puts back what was changed. */
  async close(): Promise<RestoreOutcome[]> {
    for (const observer of this.observers) observer.close();
    const { reconnect } = this.options;
    return Promise.all(this.sources.leases.map((lease) => lease.restore(() => reconnect(lease.address))));
  }

  /** One burst at a random place in each stretch, the stretches as long as the duty asks. */
  private async sample(observer: NodeObserver, seconds: number, index: number): Promise<void> {
    const { duty, random, signal } = this.options;
    const stretch = Math.min(seconds, burstSeconds / Math.max(duty, 1e-3));
    const burst = Math.min(burstSeconds, stretch * duty);
    const end = performance.now() + seconds * 1000;
    while (!signal.aborted && performance.now() + stretch * 500 < end) {
      const startedAt = performance.now();
      await this.sleep(random() * (stretch - burst));
      await observer.openMonitor();
      try {
        const from = await observer.mark('burst');
        await this.sleep(burst);
        const to = await observer.mark('burst');
        this.bursts[index]?.push({ from, to });
      } finally {
        observer.closeStream('commands');
      }
      await this.sleep(stretch - (performance.now() - startedAt) / 1000);
    }
  }

  private async sleep(seconds: number): Promise<void> {
    if (seconds > 0)
      await sleep(seconds * 1000, undefined, { signal: this.options.signal }).catch(() => undefined);
  }
}

async function sharedOf(
  node: RedisNode,
  { map, isSelected, now }: ObservationOptions,
): Promise<SharedTraffic> {
  const isReplica = (await readInfoIfPermitted(node))?.['role'] === 'slave';
  return {
    isReplica,
    rows: new NamespaceRows(map, node.database, isSelected),
    history: new KeyHistory(new KeyTable(), now(), isReplica),
    tellsNewKeys: false,
  };
}

/** Names that no application uses, all of the same length, and on this node. */
function markKeys(server: RedisServer, node: RedisNode, random: () => number): (mark: number) => ByteString {
  const run = () =>
    Math.floor(random() * 36 ** 8)
      .toString(36)
      .padStart(8, '0');
  let tag = run();
  for (let tries = 0; tries < 10_000 && server.nodeFor(asBytes(`{${tag}}`)) !== node; tries++) tag = run();
  return (mark) => asBytes(`${markPrefix}{${tag}}:${mark}`);
}

const fewestSizes = 8;

/**
 * Mean size of the keys that were evicted and missed in a window, by namespace, in bytes: of those that are there again.
 * MEMORY USAGE counts no lookups. Namespaces that show too few are left out.
 * @param marks the end of the window on each node
 */
async function readKeySizes(
  server: RedisServer,
  rows: NamespaceRows,
  marks: readonly Mark[],
): Promise<Map<string, MeanSize>> {
  const sizes = new Map<string, MeanSize>();
  const [{ database }] = server.nodes;
  const shown = marks.flatMap(({ keys }) => keys);
  for (const group of rows.groups()) {
    if (group.database !== database) continue;
    const { recentKeys } = detailsOf(shown, group.rows);
    const sizeOf = (key: ByteString) => server.nodeFor(key).batch([['MEMORY', 'USAGE', key]]);
    const replies = await Promise.all(recentKeys.map(sizeOf));
    const mean = meanSizeOf(replies.flat().filter((reply) => typeof reply === 'number'));
    if (mean !== null) sizes.set(group.namespace, mean);
  }
  return sizes;
}

/** With its interval by Student's t; null where too few keys are left to show how they vary. */
function meanSizeOf(values: readonly number[]): MeanSize | null {
  const count = values.length;
  if (count < fewestSizes) return null;
  const value = meanOf(values);
  const error = (t95(count - 1) * standardDeviationOf(values)) / Math.sqrt(count);
  return { value, interval: [Math.max(0, value - error), value + error] };
}
