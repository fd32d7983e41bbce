import { sumOf } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';
import { SeededRandom } from '../support/random.ts';
import type { Connection } from '../redis/connection.ts';
import { type Info, infoNumber, productOf, readInfoIfPermitted } from '../redis/info.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { Clock } from './clock.ts';
import { checkFootprint, type NodeKeys, nodeKeysOf, type Removal, seed, ttlSecondsOf } from './keys.ts';
import { keyChoices } from './key-choice.ts';
import { type BenchOptions, needsKeys, type WorkloadName } from './options.ts';
import { type Load, type PhaseOutcome, runPhase, type SecondDistribution } from './phase.ts';
import { type ServerReport, together, type Warning, warningsOf, workloadResult } from './result.ts';
import { countersBetween, readCounters, type ServerCounters } from './server-side.ts';
import { commandNamesOf, commandsOf, commandSource, pingSource } from './workload.ts';

export interface BenchTools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Makes the name of the run, and nothing else: keys and values are the same in every run. */
  readonly random: () => number;
  readonly progress: Progress;
}

/** A connection under load. */
interface Sender {
  readonly connection: Connection;
  /** The keys on the connection's node; null where the workloads need none. */
  readonly keys: NodeKeys | null;
}

/** A server that is measured, with the connections and keys for it; what it gave so far. */
export class Station {
  private senders: readonly Sender[] = [];
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
    station.senders = await openSenders(server, options.connections, station.nodeKeys);
    return station;
  }

  get address(): string {
    return this.server.address;
  }

  /** Makes sure that what will be written can be removed again. @throws RedisError */
  async probeRemoval(): Promise<void> {
    for (const { connection, keys } of firstOfEach(this.senders)) await keys.strings.probeRemoval(connection);
  }

  /** Fills the keys, warms up, measures. @param title For the progress. @returns the failure that ended the measurement, if one did */
  async measure(workload: WorkloadName, title: string): Promise<Error | undefined> {
    const { pipeline, limit, ratePerSecond, warmupSeconds, keepsDistribution } = this.options;
    const { clock, signal, progress } = this.tools;
    if (needsKeys(workload)) {
      for (const { connection, keys } of firstOfEach(this.senders))
        await keys.storeOf(workload).fill(connection, signal);
    }
    const loads = this.loadsOf(workload);
    const phase = { pipeline, ratePerSecond, subject: commandsOf(workload), clock, signal };
    try {
      if (warmupSeconds > 0) {
        progress.start(`${title}: warming up`, 'operations', null);
        const { failure } = await runPhase(loads, {
          ...phase,
          limit: { kind: 'duration', seconds: warmupSeconds },
        });
        if (failure) return failure;
      }
      if (signal.aborted) return undefined;
      const names = commandNamesOf(workload);
      const before = await readCounters(this.server.nodes, names);
      progress.start(title, 'operations', limit.kind === 'operations' ? limit.count : null);
      const outcome = await runPhase(loads, {
        ...phase,
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

  private loadsOf(workload: WorkloadName): Load[] {
    const { distribution } = this.options;
    if (!needsKeys(workload))
      return this.senders.map(({ connection }) => ({ connection, commands: pingSource() }));
    const traffics = new Map(
      this.nodeKeys.map((keys) => {
        const choices = keyChoices(distribution, keys.size);
        return [keys, { choices, traffic: keys.trafficOf(workload) }] as const;
      }),
    );
    return this.senders.flatMap(({ connection, keys }, index) => {
      const own = keys && traffics.get(keys);
      if (!own) return [];
      const random = new SeededRandom(seed, workload, index);
      const choose = own.choices(random, index / this.senders.length);
      return [{ connection, commands: commandSource(own.traffic, random, choose) }];
    });
  }

  /** Latencies of each second, by workload. */
  get distributions(): ReadonlyMap<WorkloadName, readonly SecondDistribution[]> {
    return new Map(
      [...this.outcomes].map(([name, outcomes]) => [name, outcomes.flatMap((each) => each.distributions)]),
    );
  }

  /** Closes the connections, and removes the keys. `error`: they could not be removed. */
  async finish(): Promise<{ report: ServerReport; error?: Error }> {
    for (const { connection } of this.senders) connection.close();
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

/** Opens all connections at once, spread over the nodes. @throws RedisError, with none left open */
async function openSenders(
  server: RedisServer,
  count: number,
  nodeKeys: readonly NodeKeys[],
): Promise<Sender[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, async (_, index): Promise<Sender> => {
      const keys = nodeKeys[index % nodeKeys.length] ?? null;
      const node: RedisNode = keys?.node ?? server.nodes[index % server.nodes.length] ?? server.nodes[0];
      return { connection: await node.openConnection(), keys };
    }),
  );
  const senders = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = opened.find((one) => one.status === 'rejected');
  if (!refused) return senders;
  for (const { connection } of senders) connection.close();
  throw refused.reason;
}

/** One sender for each node's keys. */
function firstOfEach(senders: readonly Sender[]): { connection: Connection; keys: NodeKeys }[] {
  const byKeys = new Map<NodeKeys, Connection>();
  for (const { connection, keys } of senders) if (keys && !byKeys.has(keys)) byKeys.set(keys, connection);
  return [...byKeys].map(([keys, connection]) => ({ connection, keys }));
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
