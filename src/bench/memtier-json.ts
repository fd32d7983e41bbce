import { type Distribution, merged, momentsOf, percentileNanosOf } from './hdr.ts';
import { compressedHistogram } from './hdr-files.ts';
import type { SecondDistribution } from './outcome.ts';
import type { BenchReport, ServerReport, WorkloadResult } from './result.ts';

/**
 * What was measured of one workload in the form of memtier_benchmark's `--json-out-file`: latencies in milliseconds, histograms
 * in microseconds. Bytes of the protocol are not counted here, so there are none.
 * @param seconds One second after the other.
 * @see https://github.com/RedisLabs/memtier_benchmark, `result_print_to_json`
 */
export function memtierJsonOf(
  { connections, threads, pipeline, payloadBytes, keys, ratePerSecond }: BenchReport,
  { server }: ServerReport,
  result: WorkloadResult,
  seconds: readonly SecondDistribution[],
  startedAt: number,
): string {
  const connectionsPerThread = Math.ceil(connections / threads);
  const figures = figuresOf(result, seconds);
  const total = Math.round(result.durationSeconds * 1000);
  const document = {
    configuration: {
      server: server.address,
      ...{ clients: connectionsPerThread, threads, pipeline },
      ...{ data_size: payloadBytes, key_maximum: keys, rate_limit: ratePerSecond ?? 0 },
    },
    'run information': {
      Threads: threads,
      'Connections per thread': connectionsPerThread,
      'Format version': 2,
    },
    'ALL STATS': {
      Runtime: {
        'Start time': startedAt,
        'Finish time': startedAt + total,
        'Total duration': total,
        'Time unit': 'MILLISECONDS',
        Interrupted: String(!result.complete),
      },
      // memtier has the latencies of each command apart; those of a mix are kept together here.
      ...(result.name !== 'mixed' && { [sectionOf(result.name)]: figures }),
      Totals: figures,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** `Gets` */
const sectionOf = (command: string) => `${command.slice(0, 1).toUpperCase()}${command.slice(1)}s`;

function figuresOf(result: WorkloadResult, seconds: readonly SecondDistribution[]) {
  const { operations, throughputPerSecond, lookups, misses, durationSeconds } = result;
  const perSecond = (amount: number) => (durationSeconds > 0 ? amount / durationSeconds : 0);
  const all = merged(seconds);
  return {
    Count: operations,
    'Ops/sec': throughputPerSecond,
    'Hits/sec': perSecond(lookups - misses),
    'Misses/sec': perSecond(misses),
    ...latenciesOf(all),
    'Time-Serie': Object.fromEntries(
      seconds.map((each, second) => [
        second,
        { Count: each.operations, ...latenciesOf(each), ...percentilesOf(each) },
      ]),
    ),
    'Percentile Latencies': {
      ...percentilesOf(all),
      'Histogram log format': { 'Compressed Histogram': compressedHistogram(all, nanosPerMicro) },
    },
  };
}

const nanosPerMicro = 1e3;
const nanosPerMilli = 1e6;

/** Nothing where nothing was answered. */
function latenciesOf(distribution: Distribution) {
  if (distribution.nanos.length === 0) return {};
  const mean = momentsOf(distribution).mean / nanosPerMilli;
  return {
    Latency: mean,
    'Average Latency': mean,
    'Min Latency': (distribution.nanos[0] ?? 0) / nanosPerMilli,
    'Max Latency': percentileNanosOf(distribution, 100) / nanosPerMilli,
  };
}

const percents = [50, 90, 95, 99, 99.9];

const percentilesOf = (distribution: Distribution) =>
  distribution.nanos.length === 0
    ? {}
    : Object.fromEntries(
        percents.map((percent) => [
          `p${percent.toFixed(2)}`,
          percentileNanosOf(distribution, percent) / nanosPerMilli,
        ]),
      );
