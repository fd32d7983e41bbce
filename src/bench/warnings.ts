import type { Warning, WorkloadResult } from './result.ts';

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
