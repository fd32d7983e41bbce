import { sumOf } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';
import type { Connection } from '../redis/connection.ts';
import { type Info, infoNumber, productOf, readInfoIfPermitted } from '../redis/info.ts';
import type { RedisServer } from '../redis/server.ts';
import type { Clock } from './clock.ts';
import { type Crew, openCrew } from './crew.ts';
import { checkFootprint, type NodeKeys, nodeKeysOf, type Removal, ttlSecondsOf } from './keys.ts';
import { type BenchOptions, needsKeys, type WorkloadName } from './options.ts';
import type { PhaseOutcome, SecondDistribution } from './phase.ts';
import { type ServerReport, together, type Warning, warningsOf, workloadResult } from './result.ts';
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
  private readonly nodeKeys: readonly NodeKeys[];
  private readonly keyTtlSeconds: number;

  private constructor(
    private readonly server: RedisServer,
    private readonly options: BenchOptions,
    private readonly tools: BenchTools,
    private readonly before: readonly (Info | null)[],
    targets: number,
  ) {
    this.keyTtlSeconds = ttlSecondsOf(options, targets);
    this.nodeKeys = options.workloads.some(needsKeys)
      ? makeKeys(server, options, tools, this.keyTtlSeconds)
      : [];
  }

  /**
   * Opens the connections; nothing is written yet.
   * @param targets Servers that are measured in turn, this one among them.
   * @throws InputError where the keys would not fit
   * @throws RedisError with no connection left open
   */
  static async open(
    server: RedisServer,
    options: BenchOptions,
    tools: BenchTools,
    targets: number,
  ): Promise<Station> {
    const before = await readInfos(server);
    checkFootprint(options, before[0] ?? null, server.nodes.length);
    const station = new Station(server, options, tools, before, targets);
    try {
      for (const keys of station.nodeKeys)
        station.keepers.push({ keys, connection: await keys.node.openConnection() });
      const nodes = station.nodeKeys.length > 0 ? station.nodeKeys.map(({ node }) => node) : server.nodes;
      station.crew = await openCrew(nodes, options, tools);
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
    for (const { connection, keys } of this.keepers) await keys.strings.probeRemoval(connection);
  }

  /** Fills the keys, warms up, measures. @param title For the progress. @returns the failure that ended the measurement, if one did */
  async measure(workload: WorkloadName, title: string): Promise<Error | undefined> {
    const { limit, warmupSeconds, keepsDistribution } = this.options;
    const { signal, progress } = this.tools;
    if (needsKeys(workload)) {
      for (const { connection, keys } of this.keepers) await keys.storeOf(workload).fill(connection, signal);
    }
    const crew = this.crew as Crew;
    crew.prepare(
      workload,
      needsKeys(workload)
        ? this.nodeKeys.map((keys) => ({ traffic: keys.trafficOf(workload), keyCount: keys.size }))
        : [],
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
      const outcome = await crew.run({
        limit,
        keepsDistribution,
        onProgress: (done) => progress.update(done),
      });
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

  private async close(): Promise<void> {
    for (const { connection } of this.keepers) connection.close();
    await this.crew?.close();
  }

  /** Closes the connections, and removes the keys. `error`: they could not be removed. */
  async finish(): Promise<{ report: ServerReport; error?: Error }> {
    await this.close();
    const { removed: keysRemoved, left: keysLeft, error } = await removeKeys(this.nodeKeys);
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
      ...{ results, keysRemoved, keysLeft, keyTtlSeconds },
      warnings: [
        ...results.flatMap((result) =>
          warningsOf(result, options.ratePerSecond, together(this.outcomes.get(result.name) ?? [])),
        ),
        ...evictionWarnings(before, after),
        ...(keysLeft > 0 ? [{ kind: 'keys-left' as const, keysLeft, keyTtlSeconds }] : []),
      ],
    };
    return { report, ...(error && { error }) };
  }
}

function makeKeys(
  server: RedisServer,
  options: BenchOptions,
  { random }: BenchTools,
  ttlSeconds: number,
): NodeKeys[] {
  const runId = Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  // Each connection works on one node.
  return nodeKeysOf(server, runId, options, ttlSeconds).slice(0, options.connections);
}

async function removeKeys(nodeKeys: readonly NodeKeys[]): Promise<Removal> {
  const stores = nodeKeys.flatMap(({ strings, hashes }) => [strings, hashes]);
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
