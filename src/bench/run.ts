import { SeededRandom } from '../support/random.ts';
import type { RedisServer } from '../redis/server.ts';
import { distributionText } from './key-choice.ts';
import type { BenchOptions, WorkloadName } from './options.ts';
import { payloadSizesOf } from './payload.ts';
import type { SecondDistribution } from './outcome.ts';
import type { BenchReport, ServerReport } from './result.ts';
import { type BenchTools, Station } from './station.ts';

export interface BenchOutcome {
  readonly report: BenchReport;
  /** For each server, latencies of each second, by workload; empty lists where they were not asked for. */
  readonly distributions: readonly ReadonlyMap<WorkloadName, readonly SecondDistribution[]>[];
  readonly error?: Error;
}

/**
 * Runs the workloads one after the other, round by round, and removes the keys it wrote, whatever happened. With another
 * server each workload is measured on both, one right after the other; each is the first in half of the rounds, which are drawn, so that
 * neither has the better place while the machine warms up or gets busier, and a disturbance that lasts hits either by chance.
 * @throws InputError where the keys would take too much of the server
 * @throws RedisError where nothing could be measured or written at all; later failures are in `error`
 */
export async function runBenchmark(
  server: RedisServer,
  other: RedisServer | null,
  options: BenchOptions,
  tools: BenchTools,
): Promise<BenchOutcome> {
  const stations = await openStations(other === null ? [server] : [server, other], options, tools);
  let error: Error | undefined;
  try {
    for (const station of stations) await station.probeRemoval();
    error = await runRounds(stations, options, tools.signal);
  } catch (thrown) {
    error = thrown as Error;
  }
  const finished = [];
  for (const station of stations) finished.push(await station.finish());
  const [own, against = null] = finished.map(({ report }) => report) as [ServerReport, ServerReport?];
  const {
    workloads: _workloads,
    limit: _limit,
    rounds: _rounds,
    keepsDistribution: _kept,
    distribution,
    payload,
    like,
    ...settings
  } = options;
  const failure = error ?? finished.find((each) => each.error)?.error;
  const distributions = stations.map((station) => station.distributions);
  return {
    report: {
      ...settings,
      ...{ payloadBytes: payload.meanBytes, payloadSizes: payloadSizesOf(payload) },
      ...{ distribution: distributionText(distribution), like: like?.text ?? null },
      ...own,
      against,
    },
    distributions,
    ...(failure && { error: failure }),
  };
}

/** @throws RedisError, InputError, with no connection left open */
async function openStations(
  servers: readonly RedisServer[],
  options: BenchOptions,
  tools: BenchTools,
): Promise<Station[]> {
  const stations: Station[] = [];
  const reserved = new Map<string, number>();
  try {
    for (const server of servers)
      stations.push(await Station.open(server, options, tools, servers.length, reserved));
    return stations;
  } catch (error) {
    for (const station of stations) await station.finish();
    throw error;
  }
}

/** @returns the failure that ended the measurement, if one did */
async function runRounds(
  stations: readonly Station[],
  { workloads, rounds }: BenchOptions,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const reversed = reversedRounds(rounds);
  for (let round = 0; round < rounds; round++) {
    for (const workload of workloads) {
      for (const station of reversed[round] === true ? stations.toReversed() : stations) {
        const title = [
          workload,
          ...(rounds > 1 ? [`round ${round + 1} of ${rounds}`] : []),
          ...(stations.length > 1 ? [station.address] : []),
        ].join(', ');
        const error = await station.measure(workload, title);
        if (error || signal.aborted) return error;
      }
    }
  }
  return undefined;
}

/** Whether the second server is the first of a round: in half of them, in an order that is the same in every run. */
function reversedRounds(rounds: number): boolean[] {
  const random = new SeededRandom(1, 'order');
  const order = Array.from({ length: rounds }, (_, round) => round % 2 === 1);
  for (let at = rounds - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [order[at], order[other]] = [order[other] === true, order[at] === true];
  }
  return order;
}
