import { memoryCurves, type MemoryTerms } from '../../src/curves/memory-curve.ts';
import { usualEviction } from '../../src/curves/policy.ts';
import { finished } from '../../src/support/in-parts.ts';
import { makeReads, type ReadTrace, sampleOf, shapes, sizesUpTo, totalsOf } from '../traffic/reuse-traces.ts';
import { say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { sayTable } from './table.ts';

/**
 * How far the curves of a sample are from the truth, which is the exact stack distance of each read: mean absolute error of the hit
 * rate over fifty sizes of memory; how often the interval holds the truth; what a read costs in the sampler.
 * Usage: npm run bench:curves -- [samples] [rate in thousandths] [reads] [keys]
 */
const {
  numbers: [samples = 0, thousandths = 0, reads = 0, keys = 0],
} = programArguments(5, 10, 1_000_000, 100_000);
const rate = thousandths / 1000;

/** Rates are shown to a tenth of a point. */
const asShown = 0.0005;

const rows = shapes.map((shape) => {
  const trace = makeReads(shape, reads, keys, 1);
  const totals = totalsOf(trace);
  const sizes = sizesUpTo(totals.distinctBytes, 50);
  const truth = ratesOf(trace, sizes, 1, 1, true).rates;
  const [known, counted]: [Error[], Error[]] = [[], []];
  let nanos = 0;
  for (let seed = 1; seed <= samples; seed++) {
    const one = ratesOf(trace, sizes, rate, seed, true);
    nanos += one.nanosPerRead / samples;
    known.push(errorOf(one, truth));
    counted.push(errorOf(ratesOf(trace, sizes, rate, seed, false), truth));
  }
  return [
    shape,
    ...[meanOf(known, 'mean'), maxOf(known), meanOf(known, 'held')],
    ...[meanOf(counted, 'mean'), maxOf(counted), meanOf(counted, 'held')],
    `${nanos.toFixed(0)} ns`,
  ];
});
say(`${reads} reads, ${keys} keys, log-normal sizes, sampling rate ${rate}, ${samples} samples of each`);
sayTable(
  [
    'trace',
    'MAE',
    'worst',
    'held',
    'MAE, sizes of the sample alone',
    'worst',
    'held',
    'a read in the sampler',
  ],
  rows,
);
say(`heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(0)} MB with the trace itself`);

interface Error {
  readonly mean: number;
  readonly held: number;
}

function ratesOf(
  trace: ReadTrace,
  sizes: readonly number[],
  share: number,
  seed: number,
  knowsBytes: boolean,
) {
  const startedAt = performance.now();
  const sample = sampleOf(trace, { rate: share }, seed);
  const nanosPerRead = ((performance.now() - startedAt) / trace.reads.length) * 1e6;
  const each = sample.trace();
  const terms: MemoryTerms = {
    ...{ sizes, today: null, hasEvicted: true, beginsEmpty: true },
    ...{ eviction: usualEviction, simulatedAt: [] },
  };
  const totals = {
    ...totalsOf(trace),
    population: sample.population,
    ...(!knowsBytes && { distinctBytes: null }),
  };
  const { points } = finished(memoryCurves(each, totals, terms)).whole;
  return {
    rates: points.map(({ hitRate }) => hitRate ?? 0),
    intervals: points.map(({ hitRateInterval: interval }) => interval ?? [0, 1]),
    nanosPerRead,
  };
}

function errorOf(
  { rates, intervals }: Omit<ReturnType<typeof ratesOf>, 'nanosPerRead'>,
  truth: readonly number[],
): Error {
  const errors = truth.map((rate, index) => Math.abs((rates[index] ?? 0) - rate));
  const held = truth.filter((rate, index) => {
    const [low = 0, high = 1] = intervals[index] ?? [];
    return rate >= low - asShown && rate <= high + asShown;
  });
  return {
    mean: errors.reduce((sum, each) => sum + each, 0) / errors.length,
    held: held.length / truth.length,
  };
}

function meanOf(errors: readonly Error[], name: keyof Error): string {
  const mean = errors.reduce((sum, each) => sum + each[name], 0) / errors.length;
  return name === 'held' ? `${(100 * mean).toFixed(0)} %` : mean.toFixed(4);
}

function maxOf(errors: readonly Error[]): string {
  return Math.max(...errors.map(({ mean }) => mean)).toFixed(4);
}
