import { sumOf } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';
import { asBytes } from '../support/bytes.ts';
import { type Info, infoNumber, productOf, readInfoIfPermitted } from '../redis/info.ts';
import type { Connection } from '../redis/connection.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { SeededRandom } from '../support/random.ts';
import type { Clock } from './clock.ts';
import { checkFootprint, keyNames, type KeySet, keySetsOf, type Removal, ttlSecondsOf } from './keys.ts';
import { type BenchOptions, needsKeys, type WorkloadName } from './options.ts';
import { type Load, runPhase } from './phase.ts';
import { type BenchReport, type Warning, warningsOf, type WorkloadResult, workloadResult } from './result.ts';
import { commandsOf, commandSource } from './workload.ts';

interface BenchTools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Makes the name of the run, and nothing else: keys and values are the same in every run. */
  readonly random: () => number;
  readonly progress: Progress;
}

interface Station {
  readonly connection: Connection;
  /** The keys on the connection's node; null where the workloads need none. */
  readonly keys: KeySet | null;
}

/** What the workloads have given so far; a failure leaves the part before it. */
interface Account {
  readonly results: WorkloadResult[];
  readonly warnings: Warning[];
}

const seed = 1;

/**
 * Runs the workloads one after the other, and removes the keys it wrote, whatever happened.
 * @throws InputError where the keys would not fit
 * @throws RedisError where nothing could be measured or written at all; later failures are in `error`
 */
export async function runBenchmark(
  server: RedisServer,
  options: BenchOptions,
  tools: BenchTools,
): Promise<{ report: BenchReport; error?: Error }> {
  const before = await readInfos(server);
  checkFootprint(options, before[0] ?? null, server.nodes.length);
  const keyTtlSeconds = ttlSecondsOf(options);
  const keySets = options.workloads.some(needsKeys) ? makeKeys(server, options, tools, keyTtlSeconds) : [];
  const stations = await openStations(server, options.connections, keySets);
  const account: Account = { results: [], warnings: [] };
  let error: Error | undefined;
  try {
    for (const { connection, keys } of firstOfEach(stations)) await keys.probeRemoval(connection);
    for (const workload of options.workloads) {
      error = await runWorkload(workload, stations, options, tools, account);
      if (error || tools.signal.aborted) break;
    }
  } catch (thrown) {
    error = thrown as Error;
  } finally {
    for (const { connection } of stations) connection.close();
  }
  const removal = await removeKeys(keySets);
  const { workloads: _workloads, limit: _limit, ...settings } = options;
  const report: BenchReport = {
    ...settings,
    server: { product: null, version: null, ...(before[0] && productOf(before[0])), address: server.address },
    results: account.results,
    keysRemoved: removal.removed,
    keysLeft: removal.left,
    keyTtlSeconds,
    warnings: [
      ...account.warnings,
      ...evictionWarnings(before, await readInfos(server).catch(() => [])),
      ...(removal.left > 0 ? [{ kind: 'keys-left' as const, keysLeft: removal.left, keyTtlSeconds }] : []),
    ],
  };
  const failure = error ?? removal.error;
  return { report, ...(failure && { error: failure }) };
}

/** Fills the keys, warms up, measures. @returns the failure that ended the measurement, if one did */
async function runWorkload(
  workload: WorkloadName,
  stations: readonly Station[],
  options: BenchOptions,
  { clock, signal, progress }: BenchTools,
  account: Account,
): Promise<Error | undefined> {
  const { pipeline, limit, ratePerSecond, warmupSeconds, getRatio } = options;
  if (needsKeys(workload)) {
    for (const { connection, keys } of firstOfEach(stations)) await keys.fill(connection, signal);
  }
  const loads: Load[] = stations.map(({ connection, keys }, index) => ({
    connection: connection,
    commands: commandSource(workload, keys ?? noKeys, getRatio, new SeededRandom(seed, workload, index)),
  }));
  const phase = { pipeline, ratePerSecond, subject: commandsOf(workload), clock, signal };
  try {
    if (warmupSeconds > 0) {
      progress.start(`${workload}: warming up`, 'operations', null);
      const { failure } = await runPhase(loads, {
        ...phase,
        limit: { kind: 'duration', seconds: warmupSeconds },
      });
      if (failure) return failure;
    }
    if (signal.aborted) return undefined;
    progress.start(workload, 'operations', limit.kind === 'operations' ? limit.count : null);
    const outcome = await runPhase(loads, { ...phase, limit, onProgress: (done) => progress.update(done) });
    const result = workloadResult(workload, outcome, options);
    account.results.push(result);
    account.warnings.push(...warningsOf(result, ratePerSecond, outcome.meanOwnDelayMicros));
    return outcome.failure ?? undefined;
  } finally {
    progress.stop();
  }
}

const noKeys = { gets: [], setHeads: [], setTail: '' };

function makeKeys(
  server: RedisServer,
  { keys, connections, payloadBytes }: BenchOptions,
  { random }: BenchTools,
  ttlSeconds: number,
): KeySet[] {
  const runId = Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  const payload = asBytes(new SeededRandom(seed, 'payload').bytes(payloadBytes).toString('latin1'));
  // Each connection works on one node.
  return keySetsOf(server, keyNames(runId, keys), payload, ttlSeconds).slice(0, connections);
}

/** Opens all connections at once, spread over the nodes. @throws RedisError, with none left open */
async function openStations(
  server: RedisServer,
  count: number,
  keySets: readonly KeySet[],
): Promise<Station[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, async (_, index): Promise<Station> => {
      const keys = keySets[index % keySets.length] ?? null;
      const node: RedisNode = keys?.node ?? server.nodes[index % server.nodes.length] ?? server.nodes[0];
      return { connection: await node.openConnection(), keys };
    }),
  );
  const stations = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = opened.find((one) => one.status === 'rejected');
  if (!refused) return stations;
  for (const { connection } of stations) connection.close();
  throw refused.reason;
}

/** One station for each key set. */
function firstOfEach(stations: readonly Station[]): { connection: Connection; keys: KeySet }[] {
  const byKeys = new Map<KeySet, Connection>();
  for (const { connection, keys } of stations) if (keys && !byKeys.has(keys)) byKeys.set(keys, connection);
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
