import { pick } from '../support/collections.ts';
import { type LatencySummary, type PercentileLatency, spectrumOf } from './latency.ts';
import type { BenchOptions, WorkloadName } from './options.ts';
import type { UsedNamespace } from './like-keys.ts';
import { payloadSizesOf } from './payload.ts';
import { countNames, type PhaseCounts, type PhaseOutcome, type SecondFigures, together } from './outcome.ts';
import { type ServerCounters, type ServerSide, serverSideOf } from './server-side.ts';
import { coefficientOfVariation, meanOf } from '../support/intervals.ts';

export interface WorkloadResult extends PhaseCounts {
  readonly name: WorkloadName;
  /** Of the lookups; null where there was none. */
  readonly missRatio: number | null;
  readonly durationSeconds: number;
  readonly throughputPerSecond: number;
  /** Values carried, keys and protocol not counted; null for `ping` and `like`, and where sizes differ and keys are not used alike. */
  readonly bytesPerSecond: number | null;
  /** Standard deviation of the throughput between tenths of a second, as a share of its mean; null where too few. */
  readonly throughputVariation: number | null;
  /** Share of the time that this process was busy, from 0 to 1; null with a rate. */
  readonly clientUtilization: number | null;
  /** Share of the time that this process was ready and had to wait for a processor; null where the system does not report it. */
  readonly clientStarvation: number | null;
  /** What the server says of the same commands; null where it does not. */
  readonly serverSide: ServerSide | null;
  /** Null where no command was answered. */
  readonly latency: LatencySummary | null;
  /** From the lowest latency to the highest, closer and closer to it. */
  readonly percentiles: readonly PercentileLatency[];
  /** False where the measurement was cut short. */
  readonly complete: boolean;
  /** What each round gave, in order, without one that was cut short; the other figures are those of all rounds together. */
  readonly rounds: readonly WorkloadRound[];
}

export interface WorkloadRound {
  readonly throughputPerSecond: number;
  readonly latency: LatencySummary;
  readonly series: readonly SecondFigures[];
}

export interface BenchServer {
  /** Null where the user may not call INFO. */
  readonly product: string | null;
  readonly version: string | null;
  readonly address: string;
}

/** What was measured on one server. */
export interface ServerReport {
  readonly server: BenchServer;
  readonly results: readonly WorkloadResult[];
  readonly keysRemoved: number;
  /** Keys that could not be removed; they expire within `keyTtlSeconds`. */
  readonly keysLeft: number;
  readonly keyTtlSeconds: number;
  /** Of `like`, what was used; else empty. */
  readonly namespaces: readonly UsedNamespace[];
  readonly warnings: readonly Warning[];
}

export interface BenchReport
  extends
    ServerReport,
    Omit<
      BenchOptions,
      'workloads' | 'limit' | 'rounds' | 'keepsDistribution' | 'distribution' | 'payload' | 'like'
    > {
  /** Whose keys `like` used; null where it was not measured. */
  readonly like: string | null;
  /** Mean size of a value. */
  readonly payloadBytes: number;
  /** As `--payload` has it; null where all values have one size. */
  readonly payloadSizes: string | null;
  /** `uniform`, `zipf:0.99`, `sequential`. */
  readonly distribution: string;
  /** The other server, measured in turn with this one; null where there was none. */
  readonly against: ServerReport | null;
}

const fewestSlices = 5;

/** Below this, a slice's count varies by chance alone: by 10 % at 100, if arrivals are independent (Poisson). */
const fewestPerSlice = 100;

/** @param outcomes Of its rounds, one at least. @param counters Of the server, in all of them. */
export function workloadResult(
  name: WorkloadName,
  outcomes: readonly PhaseOutcome[],
  counters: ServerCounters | null,
  { payload, distribution, ratePerSecond }: Pick<BenchOptions, 'payload' | 'distribution' | 'ratePerSecond'>,
): WorkloadResult {
  const outcome = together(outcomes);
  const { operations, misses, seconds, slices, latency, utilization, complete } = outcome;
  // One for each key of an MGET, else one for each command.
  const values = name === 'mget' ? outcome.lookups : operations;
  // The mean is that of the keys, and not that of those which are used most.
  const hasKnownSizes =
    name !== 'ping' && name !== 'like' && (payloadSizesOf(payload) === null || distribution.kind !== 'zipf');
  const perSecond = (amount: number) => (seconds > 0 ? amount / seconds : 0);
  const steady = ratePerSecond === null && slices.length >= fewestSlices && meanOf(slices) >= fewestPerSlice;
  return {
    name,
    ...pick(outcome, countNames),
    missRatio: outcome.lookups > 0 ? misses / outcome.lookups : null,
    durationSeconds: seconds,
    throughputPerSecond: perSecond(operations),
    bytesPerSecond: hasKnownSizes ? perSecond((values - misses) * payload.meanBytes) : null,
    throughputVariation: steady ? coefficientOfVariation(slices) : null,
    clientUtilization: utilization,
    clientStarvation: outcome.starvation,
    serverSide: serverSideOf(counters, seconds),
    latency,
    percentiles: spectrumOf(outcome.distribution),
    complete,
    rounds: outcomes.flatMap((round) =>
      round.complete && round.latency !== null && round.seconds > 0
        ? [
            {
              throughputPerSecond: round.operations / round.seconds,
              latency: round.latency,
              series: round.series,
            },
          ]
        : [],
    ),
  };
}

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
  /** Most commands waited for a free connection: their latency is that of a queue, and not of the server alone. */
  | { readonly kind: 'queued'; readonly workload: WorkloadName; readonly queuedRatio: number }
  /** This process was ready, and had to wait for a processor. */
  | { readonly kind: 'starved'; readonly workload: WorkloadName; readonly clientStarvation: number }
  /** The highest percentiles rest on next to nothing. */
  | { readonly kind: 'few-samples'; readonly workload: WorkloadName; readonly samples: number }
  /** Reads found keys gone that the benchmark had written. */
  | { readonly kind: 'misses'; readonly workload: WorkloadName; readonly misses: number }
  /** The server evicted keys meanwhile: its own, or those of others. */
  | { readonly kind: 'evictions'; readonly evictedKeys: number }
  /** Namespaces of a record without a key, and the share of its commands that was theirs. */
  | {
      readonly kind: 'namespaces-left-out';
      readonly namespaces: readonly string[];
      readonly trafficRatio: number;
    }
  /** Reading counts as a use of the keys: their idle times and frequencies are those of the benchmark now. */
  | { readonly kind: 'keys-used'; readonly keys: number }
  /** The baseline was measured with other settings. */
  | { readonly kind: 'other-settings'; readonly settings: readonly SettingName[] }
  /** The baseline has no figures of it. */
  | { readonly kind: 'not-in-baseline'; readonly workload: WorkloadName }
  | { readonly kind: 'keys-left'; readonly keysLeft: number; readonly keyTtlSeconds: number };

const busyRatio = 0.9;
const unsteadyRatio = 0.25;
const reachedRatio = 0.95;
const lateRatio = 0.2;
/** From here on the median is that of the queue. */
export const queuedLimit = 0.5;
export const starvedLimit = 0.1;

/** With fewer, p99.9 is the maximum. */
const fewestSamples = 1000;

/** What to say about the measurement of one workload. */
export function warningsOf(
  result: WorkloadResult,
  ratePerSecond: number | null,
  { meanOwnDelayMicros, queuedRatio }: Pick<PhaseOutcome, 'meanOwnDelayMicros' | 'queuedRatio'>,
): Warning[] {
  const { name: workload, latency, throughputPerSecond } = result;
  const warnings: Warning[] = [];
  if (result.clientUtilization !== null && result.clientUtilization >= busyRatio)
    warnings.push({ kind: 'client-bound', workload, clientUtilization: result.clientUtilization });
  if (result.throughputVariation !== null && result.throughputVariation > unsteadyRatio)
    warnings.push({ kind: 'unsteady', workload, throughputVariation: result.throughputVariation });
  if (result.complete && ratePerSecond !== null && throughputPerSecond < ratePerSecond * reachedRatio)
    warnings.push({ kind: 'rate-missed', workload, ratePerSecond, throughputPerSecond });
  else if (queuedRatio > queuedLimit) warnings.push({ kind: 'queued', workload, queuedRatio });
  if (result.clientStarvation !== null && result.clientStarvation > starvedLimit)
    warnings.push({ kind: 'starved', workload, clientStarvation: result.clientStarvation });
  if (latency !== null && meanOwnDelayMicros > latency.meanMicros * lateRatio)
    warnings.push({ kind: 'late-starts', workload, meanDelayMicros: meanOwnDelayMicros });
  if (latency !== null && latency.samples < fewestSamples)
    warnings.push({ kind: 'few-samples', workload, samples: latency.samples });
  const misses = result.misses - result.expectedMisses;
  if (misses > 0) warnings.push({ kind: 'misses', workload, misses });
  return warnings;
}

/** Settings that change what is measured; figures under different ones are not the same quantity. */
export const settingNames = [
  'connections',
  'threads',
  'pipeline',
  'payloadBytes',
  'payloadSizes',
  'keys',
  'group',
  'getRatio',
  'hitRatio',
  'distribution',
  'like',
  'ratePerSecond',
] as const satisfies readonly (keyof BenchReport)[];

export type SettingName = (typeof settingNames)[number];
