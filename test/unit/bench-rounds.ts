import type { LatencySummary } from '../../src/bench/latency.ts';
import type { ComparedResult } from '../../src/bench/comparison.ts';
import type { SeededRandom } from '../../src/support/random.ts';

type ComparedRound = ComparedResult['rounds'][number];

/** A round whose latencies are multiples of one time. */
export function roundOf(micros: number): ComparedRound {
  const latency: LatencySummary = {
    ...{ samples: 10_000, minMicros: micros / 2, meanMicros: micros, stddevMicros: micros / 4 },
    ...{ p50Micros: micros, p90Micros: 2 * micros, p95Micros: 3 * micros },
    ...{ p99Micros: 5 * micros, p999Micros: 20 * micros, p9999Micros: 50 * micros, maxMicros: 100 * micros },
  };
  return { throughputPerSecond: 4e6 / micros, latency };
}

/** A workload of so many rounds, one for each time. */
export function resultOf(name: ComparedResult['name'], micros: readonly number[]): ComparedResult {
  const whole = roundOf(micros.reduce((sum, each) => sum + each, 0) / micros.length);
  return { name, complete: true, ...whole, rounds: micros.map(roundOf) };
}

export interface Noise {
  /** Standard deviations of logarithms: of the machine from round to round, of one measurement, of one figure. */
  readonly drift: number;
  readonly measurement: number;
  readonly figure: number;
  /** Chance that something else slows a measurement down by half. */
  readonly disturbed: number;
}

/** Rounds of two servers on one machine that gets faster and slower, is disturbed, and measures with an error. */
export function simulatedRounds(
  random: SeededRandom,
  rounds: number,
  slowdown: number,
  { drift, measurement, figure, disturbed }: Noise,
): { readonly now: ComparedResult; readonly then: ComparedResult } {
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
  let machine = 0;
  const [now, then]: [ComparedRound[], ComparedRound[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    machine += drift * normal();
    for (const [side, factor] of [
      [now, slowdown],
      [then, 1],
    ] as const) {
      const base =
        50 * factor * Math.exp(machine + measurement * normal()) * (random.chance(disturbed) ? 1.5 : 1);
      const each = () => Math.exp(figure * normal());
      const { throughputPerSecond, latency } = roundOf(base);
      side.push({
        throughputPerSecond: throughputPerSecond * each(),
        latency: Object.fromEntries(
          Object.entries(latency).map(([name, value]) => [name, value * each()]),
        ) as unknown as LatencySummary,
      });
    }
  }
  const sideOf = (side: readonly ComparedRound[]): ComparedResult => ({
    ...{ name: 'get', complete: true, ...roundOf(50), rounds: side },
  });
  return { now: sideOf(now), then: sideOf(then) };
}
