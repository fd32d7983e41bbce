import type { SettingName } from './baseline.ts';
import type { WorkloadName } from './options.ts';
import type { WorkloadResult } from './result.ts';

/** Why a figure may not mean what it seems to mean. */
export type Warning =
  /** This process was busy nearly all the time, so the throughput is its own limit, or close to it. */
  | { readonly kind: 'client-bound'; readonly workload: WorkloadName; readonly clientUtilization: number }
  /** The throughput rose and fell while it was measured. */
  | { readonly kind: 'unsteady'; readonly workload: WorkloadName; readonly throughputVariation: number }
  /** The rate was not reached: most of the latency is the wait for a free connection. */
  | {
      readonly kind: 'rate-missed';
      readonly workload: WorkloadName;
      readonly ratePerSecond: number;
      readonly throughputPerSecond: number;
    }
  /** This machine sent late what nothing else held up, and that time is part of the latency. */
  | { readonly kind: 'late-starts'; readonly workload: WorkloadName; readonly meanDelayMicros: number }
  /** The highest percentiles rest on next to nothing. */
  | { readonly kind: 'few-samples'; readonly workload: WorkloadName; readonly samples: number }
  /** GETs found keys gone that the benchmark had written. */
  | { readonly kind: 'misses'; readonly workload: WorkloadName; readonly misses: number }
  /** The server evicted keys meanwhile: its own, or those of others. */
  | { readonly kind: 'evictions'; readonly evictedKeys: number }
  /** The baseline was measured with other settings. */
  | { readonly kind: 'other-settings'; readonly settings: readonly SettingName[] }
  | { readonly kind: 'keys-left'; readonly keysLeft: number; readonly keyTtlSeconds: number };

const busyRatio = 0.9;
const unsteadyRatio = 0.25;
const reachedRatio = 0.95;
const lateRatio = 0.2;
/** With fewer, p99.9 is the maximum. */
const fewestSamples = 1000;

/** What to say about the measurement of one workload. */
export function warningsOf(
  result: WorkloadResult,
  ratePerSecond: number | null,
  meanOwnDelayMicros: number,
): Warning[] {
  const { name: workload, latency, throughputPerSecond } = result;
  const warnings: Warning[] = [];
  if (result.clientUtilization !== null && result.clientUtilization >= busyRatio)
    warnings.push({ kind: 'client-bound', workload, clientUtilization: result.clientUtilization });
  if (result.throughputVariation !== null && result.throughputVariation > unsteadyRatio)
    warnings.push({ kind: 'unsteady', workload, throughputVariation: result.throughputVariation });
  if (result.complete && ratePerSecond !== null && throughputPerSecond < ratePerSecond * reachedRatio)
    warnings.push({ kind: 'rate-missed', workload, ratePerSecond, throughputPerSecond });
  if (latency !== null && meanOwnDelayMicros > latency.meanMicros * lateRatio)
    warnings.push({ kind: 'late-starts', workload, meanDelayMicros: meanOwnDelayMicros });
  if (latency !== null && latency.samples < fewestSamples)
    warnings.push({ kind: 'few-samples', workload, samples: latency.samples });
  if (result.misses > 0) warnings.push({ kind: 'misses', workload, misses: result.misses });
  return warnings;
}
