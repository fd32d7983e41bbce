import { sumOf } from '../support/collections.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import type { Progress } from '../support/progress.ts';
import type { Connection } from '../redis/connection.ts';
import { type Info, infoNumber, productOf, readInfoIfPermitted } from '../redis/info.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { Clock } from './clock.ts';
import { findKeys } from './find-keys.ts';
import { footprintOf, type KeyShortage, keyShortageIn } from './footprint.ts';
import { type Removal, ttlSecondsOf } from './keys.ts';
import { type LikeKeys, likeKeysOf } from './like-keys.ts';
import { type NodeKeys, nodeKeysOf } from './node-keys.ts';
import { type BenchOptions, needsKeys, type WorkloadName } from './options.ts';
import { type PhaseOutcome, type SecondDistribution, together, withFullSlices } from './outcome.ts';
import { type ServerReport, type Warning, warningsOf, workloadResult } from './result.ts';
import { type Crew, Senders } from './senders.ts';
import { countersBetween, readCounters, type ServerCounters } from './server-side.ts';
import { commandNamesOf } from './workload.ts';

export interface BenchTools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Makes the name of the run, and nothing else: keys and values are the same in every run. */
  readonly random: () => number;
  readonly progress: Progress;
  /** What runs in each of several threads. */
  readonly threadFile: string;
  /** What namespaces of an application are called. */
  readonly map: NamespaceMap;
  /** What is thrown where the keys would not fit below `maxmemory`; null: they are written all the same. */
  readonly shortageFailure: ((shortage: KeyShortage) => Error) | null;
}

/** A connection that writes the keys of a node. */
interface Keeper {
  readonly connection: Connection;
  readonly keys: NodeKeys;
}

/** A server that is measured, with the connections and keys for it; what it gave so far. */
export class Station {
  private crew: Crew | undefined;
  private readonly keepers: Keeper[] = [];
  private readonly outcomes = new Map<WorkloadName, PhaseOutcome[]>();
  private readonly counters = new Map<WorkloadName, ServerCounters | null>();
  private constructor(
    private readonly server: RedisServer,
    private readonly options: BenchOptions,
    private readonly tools: BenchTools,
    private readonly before: readonly (Info | null)[],
    private readonly used: LikeKeys,
    private readonly keyTtlSeconds: number,
  ) {}

  /**
   * Opens the connections; nothing is written yet.
   * @param targets Servers that are measured in turn, this one among them.
   * @param reserved What is to be written for targets that were opened before, by the `run_id` of the server.
   * @throws InputError where the keys would take too much of the server, `tools.shortageFailure` where they do not fit
   * @throws RedisError with no connection left open
   */
  static async open(
    server: RedisServer,
    options: BenchOptions,
    tools: BenchTools,
    targets: number,
    reserved: Map<string, number>,
  ): Promise<Station> {
    const before = await readInfos(server);
    const keyTtlSeconds = ttlSecondsOf(options, targets);
    const used = await keysFor(server, options, tools, keyTtlSeconds);
    for (const keys of used.nodeKeys) {
      const footprint = footprintOf(keys, used.nodeKeys.length, options);
      if (footprint === null) continue;
      const info = before[server.nodes.indexOf(keys.node)] ?? null;
      const runId = info?.['run_id'] ?? '';
      const reservedBytes = reserved.get(runId) ?? 0;
      const shortage = keyShortageIn(info, keys.node.address, footprint, options, reservedBytes);
      if (shortage !== null && tools.shortageFailure !== null) throw tools.shortageFailure(shortage);
      reserved.set(runId, reservedBytes + footprint.keysBytes + footprint.otherBytes);
    }
    const station = new Station(server, options, tools, before, used, keyTtlSeconds);
    try {
      for (const keys of used.nodeKeys)
        station.keepers.push({ keys, connection: await keys.node.openConnection() });
      const nodes = used.nodeKeys.length > 0 ? used.nodeKeys.map(({ node }) => node) : server.nodes;
      const openConnection = (index: number) => (nodes[index % nodes.length] as RedisNode).openConnection();
      station.crew =
        options.threads > 1
          ? await (await import('./threads.ts')).Threads.open(nodes, options, tools)
          : await Senders.open([...Array(options.connections).keys()], openConnection, options, tools);
      return station;
    } catch (error) {
      await station.close();
      throw error;
    }
  }

  get address(): string {
    return this.server.address;
  }

  /** Makes sure that what will be written can be removed again. @throws RedisError */
  async probeRemoval(): Promise<void> {
    for (const { connection, keys } of this.keepers) await keys.stores[0]?.probeRemoval(connection);
  }

  /** Fills the keys, warms up, measures. @param title For the progress. @returns the failure that ended the measurement, if one did */
  async measure(workload: WorkloadName, title: string): Promise<Error | undefined> {
    const { limit, warmupSeconds, keepsDistribution } = this.options;
    const { signal, progress } = this.tools;
    if (needsKeys(workload)) {
      for (const { connection, keys } of this.keepers) await keys.storeOf(workload)?.fill(connection, signal);
    }
    const crew = this.crew as Crew;
    crew.prepare(
      workload,
      needsKeys(workload) ? this.used.nodeKeys.map((keys) => keys.trafficOf(workload)) : [],
    );
    try {
      if (warmupSeconds > 0) {
        progress.start(`${title}: warming up`, 'operations', null);
        const { failure } = await crew.run({ limit: { kind: 'duration', seconds: warmupSeconds } });
        if (failure) return failure;
      }
      if (signal.aborted) return undefined;
      const names = commandNamesOf(workload);
      const before = await readCounters(this.server.nodes, names);
      progress.start(title, 'operations', limit.kind === 'operations' ? limit.count : null);
      const onProgress = (done: number) => progress.update(done);
      const outcome = withFullSlices(await crew.run({ limit, keepsDistribution, onProgress }));
      const known = this.outcomes.get(workload);
      if (known) known.push(outcome);
      else this.outcomes.set(workload, [outcome]);
      const after = await readCounters(this.server.nodes, names).catch(() => null);
      this.counters.set(workload, countersBetween(before, after, this.counters.get(workload)));
      return outcome.failure ?? undefined;
    } finally {
      progress.stop();
    }
  }

  /** Latencies of each second, by workload. */
  get distributions(): ReadonlyMap<WorkloadName, readonly SecondDistribution[]> {
    return new Map(
      [...this.outcomes].map(([name, outcomes]) => [name, outcomes.flatMap((each) => each.distributions)]),
    );
  }

  private useWarnings(): Warning[] {
    const { like } = this.options;
    const keys = sumOf(this.used.namespaces.map((each) => each.keys));
    const touches = this.keepers.some(({ connection }) => !connection.leavesNoTouch);
    return like !== null && !like.isShape && touches && keys > 0 ? [{ kind: 'keys-used', keys }] : [];
  }

  private async close(): Promise<void> {
    for (const { connection } of this.keepers) connection.close();
    await this.crew?.close();
  }

  /** Closes the connections, and removes the keys. `error`: they could not be removed. */
  async finish(): Promise<{ report: ServerReport; error?: Error }> {
    await this.close();
    const { removed: keysRemoved, left: keysLeft, error } = await removeKeys(this.used.nodeKeys);
    const { before, options, keyTtlSeconds, server } = this;
    const results = [...this.outcomes].map(([name, outcomes]) =>
      workloadResult(name, outcomes, this.counters.get(name) ?? null, options),
    );
    const after = await readInfos(server).catch(() => []);
    const report: ServerReport = {
      server: {
        product: null,
        version: null,
        ...(before[0] && productOf(before[0])),
        address: server.address,
      },
      ...{ results, keysRemoved, keysLeft, keyTtlSeconds, namespaces: this.used.namespaces },
      warnings: [
        ...results.flatMap((result) =>
          warningsOf(result, options.ratePerSecond, together(this.outcomes.get(result.name) ?? [])),
        ),
        ...this.used.warnings,
        ...this.useWarnings(),
        ...evictionWarnings(before, after),
        ...(keysLeft > 0 ? [{ kind: 'keys-left' as const, keysLeft, keyTtlSeconds }] : []),
      ],
    };
    return { report, ...(error && { error }) };
  }
}

/** What the workloads use, by node. @throws RedisError, InputError */
async function keysFor(
  server: RedisServer,
  options: BenchOptions,
  tools: BenchTools,
  ttlSeconds: number,
): Promise<LikeKeys> {
  const none = { nodeKeys: [], namespaces: [], warnings: [] };
  if (!options.workloads.some(needsKeys)) return none;
  const runId = Math.floor(tools.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  const { like, keys, connections } = options;
  const found = like && (await findKeys(server, like, keys, tools));
  if (tools.signal.aborted) return none;
  const used =
    like === null || found === null
      ? { ...none, nodeKeys: nodeKeysOf(server, runId, options, ttlSeconds) }
      : likeKeysOf(server, runId, options, like, found, ttlSeconds);
  // Each connection works on one node.
  return { ...used, nodeKeys: used.nodeKeys.slice(0, connections) };
}

async function removeKeys(nodeKeys: readonly NodeKeys[]): Promise<Removal> {
  const stores = nodeKeys.flatMap((keys) => keys.stores);
  const removals = await Promise.all(stores.map((store) => store.remove()));
  const error = removals.find((removal) => removal.error)?.error;
  return {
    removed: sumOf(removals.map(({ removed }) => removed)),
    left: sumOf(removals.map(({ left }) => left)),
    ...(error && { error }),
  };
}

const readInfos = (server: RedisServer): Promise<(Info | null)[]> =>
  Promise.all(server.nodes.map((node) => readInfoIfPermitted(node)));

function evictionWarnings(before: readonly (Info | null)[], after: readonly (Info | null)[]): Warning[] {
  const total = (infos: readonly (Info | null)[]) =>
    sumOf(infos.map((info) => infoNumber(info ?? {}, 'evicted_keys') ?? 0));
  const evictedKeys = total(after) - total(before);
  return evictedKeys > 0 ? [{ kind: 'evictions', evictedKeys }] : [];
}
