import { asBytes } from '../support/bytes.ts';
import { sumOf } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';
import { SeededRandom } from '../support/random.ts';
import type { Connection } from '../redis/connection.ts';
import { type Info, infoNumber, productOf, readInfoIfPermitted } from '../redis/info.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { Clock } from './clock.ts';
import { checkFootprint, keyNames, type KeySet, keySetsOf, type Removal, ttlSecondsOf } from './keys.ts';
import { keyChoices } from './key-choice.ts';
import { type BenchOptions, needsKeys, type WorkloadName } from './options.ts';
import { type Distribution, type Load, type PhaseOutcome, runPhase } from './phase.ts';
import { type ServerReport, together, type Warning, warningsOf, workloadResult } from './result.ts';
import { countersBetween, readCounters, type ServerCounters } from './server-side.ts';
import { commandNamesOf, commandsOf, commandSource } from './workload.ts';

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
  readonly keys: KeySet | null;
}

const seed = 1;

/** A server that is measured, with the connections and keys for it; what it gave so far. */
export class Station {
  private senders: readonly Sender[] = [];
  private readonly outcomes = new Map<WorkloadName, PhaseOutcome[]>();
  private readonly counters = new Map<WorkloadName, ServerCounters | null>();
  private readonly keySets: readonly KeySet[];
  private readonly keyTtlSeconds: number;

  private constructor(
    private readonly server: RedisServer,
    private readonly options: BenchOptions,
    private readonly tools: BenchTools,
    private readonly before: readonly (Info | null)[],
    targets: number,
  ) {
    this.keyTtlSeconds = ttlSecondsOf(options, targets);
    this.keySets = options.workloads.some(needsKeys)
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
    station.senders = await openSenders(server, options.connections, station.keySets);
    return station;
  }

  get address(): string {
    return this.server.address;
  }

  /** Makes sure that what will be written can be removed again. @throws RedisError */
  async probeRemoval(): Promise<void> {
    for (const { connection, keys } of firstOfEach(this.senders)) await keys.probeRemoval(connection);
  }

  /** Fills the keys, warms up, measures. @param title For the progress. @returns the failure that ended the measurement, if one did */
  async measure(workload: WorkloadName, title: string): Promise<Error | undefined> {
    const { pipeline, limit, ratePerSecond, warmupSeconds, keepsDistribution } = this.options;
    const { clock, signal, progress } = this.tools;
    if (needsKeys(workload)) {
      for (const { connection, keys } of firstOfEach(this.senders)) await keys.fill(connection, signal);
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
    const choices = new Map(
      this.keySets.map((keys) => [keys, keyChoices(distribution, keys.names.length)] as const),
    );
    return this.senders.map(({ connection, keys }, index) => {
      const random = new SeededRandom(seed, workload, index);
      const choose = keys && choices.get(keys)?.(random, index / this.senders.length);
      const commands = commandSource(workload, keys ?? noKeys, this.options, random, choose ?? (() => 0));
      return { connection, commands };
    });
  }

  /** Latencies of each second, by workload. */
  get distributions(): ReadonlyMap<WorkloadName, readonly Distribution[]> {
    return new Map(
      [...this.outcomes].map(([name, outcomes]) => [name, outcomes.flatMap((each) => each.distributions)]),
    );
  }

  /** Closes the connections, and removes the keys. `error`: they could not be removed. */
  async finish(): Promise<{ report: ServerReport; error?: Error }> {
    for (const { connection } of this.senders) connection.close();
    const { removed: keysRemoved, left: keysLeft, error } = await removeKeys(this.keySets);
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

const noKeys = { gets: [], absentGets: [], setHeads: [], setTail: '' };

function makeKeys(
  server: RedisServer,
  { keys, connections, payloadBytes, hitRatio }: BenchOptions,
  { random }: BenchTools,
  ttlSeconds: number,
): KeySet[] {
  const runId = Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  const payload = asBytes(new SeededRandom(seed, 'payload').bytes(payloadBytes).toString('latin1'));
  // Each connection works on one node.
  const absent = hitRatio < 1 ? keyNames(`${runId}:absent`, keys) : [];
  return keySetsOf(server, keyNames(runId, keys), absent, payload, ttlSeconds).slice(0, connections);
}

/** Opens all connections at once, spread over the nodes. @throws RedisError, with none left open */
async function openSenders(
  server: RedisServer,
  count: number,
  keySets: readonly KeySet[],
): Promise<Sender[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, async (_, index): Promise<Sender> => {
      const keys = keySets[index % keySets.length] ?? null;
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

/** One sender for each key set. */
function firstOfEach(senders: readonly Sender[]): { connection: Connection; keys: KeySet }[] {
  const byKeys = new Map<KeySet, Connection>();
  for (const { connection, keys } of senders) if (keys && !byKeys.has(keys)) byKeys.set(keys, connection);
  return [...byKeys].map(([keys, connection]) => ({ connection, keys }));
}

async function removeKeys(keySets: readonly KeySet[]): Promise<Removal> {
  const removals = await Promise.all(keySets.map((keys) => keys.remove()));
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
