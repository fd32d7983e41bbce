import { AccessSample, accessKinds } from '../../src/curves/access-sample.ts';
import { MiniCache } from '../../src/curves/mini-cache.ts';
import { type Policy, usualEviction } from '../../src/curves/policy.ts';
import { usualSample } from '../../src/curves/sample-limits.ts';
import { answerWhatIf } from '../../src/curves/what-if.ts';
import { finished } from '../../src/support/in-parts.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { readerOf, type Shape } from '../traffic/reuse-traces.ts';
import { say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { sayTable } from './table.ts';

/**
 * How often the interval holds the hit rate of a cache with other memory: whole caches of each size, with all keys, run before a window
 * and in it; of the one with the memory of today `whatif` has what a server would show.
 * Usage: npm run bench:curves-coverage -- [seeds] [rate in thousandths] [reads] [keys]
 */
const {
  numbers: [seeds = 0, thousandths = 0, reads = 0, keys = 0],
} = programArguments(4, 100, 200_000, 20_000);
const rate = thousandths / 1000;
const shares = [0.25, 0.5, 0.75, 1.25, 1.5, 2];
const readsPerMilli = 6;

const sizes: Readonly<Record<string, (random: SeededRandom) => number>> = {
  'log-normal': (random) => random.size(1000),
  equal: () => 1000,
  'two sizes': (random) => (random.chance(0.1) ? 8000 : 200),
};
const shapes: readonly Shape[] = ['zipf 0.7', 'zipf 0.9', 'zipf 1.1', 'scanning', 'mixed'];
const policies: readonly Policy[] = ['allkeys-lru', 'allkeys-lfu', 'allkeys-random'];

interface Point {
  readonly error: number;
  readonly width: number;
  readonly isHeld: boolean;
}

function pointsOf(shape: Shape, sizeOf: (random: SeededRandom) => number, policy: Policy, seed: number) {
  const random = new SeededRandom(seed, `${shape} ${policy}`);
  const next = readerOf(shape, keys, random);
  const trace = Uint32Array.from({ length: 2 * reads }, next);
  const bytes = Array.from({ length: keys }, () => sizeOf(random));
  const hashes = bytes.map(() => ({ high: random.uint32() | 0, low: random.uint32() | 0, row: 0 }));
  const today = 0.35 * bytes.reduce((sum, each) => sum + each, 0);
  /** Misses in the window, which is the second half. */
  const missesWith = (share: number, onRead: (key: number, at: number, isHit: boolean) => void) => {
    const cache = new MiniCache({ ...usualEviction, policy }, bytes);
    cache.clear(share * today, new SeededRandom(seed, 'whole cache'));
    let misses = 0;
    trace.forEach((key, at) => {
      const now = Math.floor(at / readsPerMilli);
      const isHit = cache.use(key, now);
      if (!isHit) cache.store(key, now, 0);
      if (at < reads) return;
      if (!isHit) misses++;
      onRead(key, now - reads / readsPerMilli, isHit);
    });
    return misses;
  };
  const sample = new AccessSample({ ...usualSample, rate });
  const misses = missesWith(1, (key, now, isHit) => {
    const hash = hashes[key] ?? { high: 0, low: 0, row: 0 };
    const index = sample.pass(accessKinds.read, hash, now);
    if (index >= 0) sample.setBytes(index, bytes[key] ?? 0);
    if (isHit) return;
    sample.missed(hash, now);
    sample.pass(accessKinds.write, hash, now);
  });
  const { whole } = finished(
    answerWhatIf(
      {
        ...{ at: '', server: '', selection: '', windowSeconds: reads / readsPerMilli / 1000 },
        namespaces: [{ namespace: 'all', database: 0 }],
        nodes: [
          {
            ...{
              address: '',
              serverPolicy: policy,
              eviction: { ...usualEviction, policy },
              hasEvicted: true,
            },
            memory: {
              ...{ usedBytes: today, maxmemoryBytes: today, fixedBytes: 0 },
              ...{ tableBytesPerKey: 0, meanKeyBytes: 1000 },
            },
            ...{ distinctKeys: sample.distinctKeys, population: sample.population, trace: sample.trace() },
            ...{ reads: [reads], misses: [misses], sizesRefused: null },
          },
        ],
      },
      { memoryBytes: [], ttlSeconds: [], policy: null },
    ),
  );
  return shares.flatMap((share): Point[] => {
    const point = whole.memory.find(({ timesToday }) => timesToday === share);
    // What the window does not tell has bounds alone.
    if (point?.hitRate == null || point.hitRateInterval === null) return [];
    const [low, high] = point.hitRateInterval;
    const truth = 1 - missesWith(share, () => undefined) / reads;
    return [{ error: point.hitRate - truth, width: high - low, isHeld: truth >= low && truth <= high }];
  });
}

const all: Point[] = [];
const rows = shapes.flatMap((shape) =>
  Object.entries(sizes).flatMap(([name, sizeOf]) =>
    policies.map((policy) => {
      const points = Array.from({ length: seeds }, (_, seed) =>
        pointsOf(shape, sizeOf, policy, seed + 1),
      ).flat();
      all.push(...points);
      return [shape, name, policy, ...figuresOf(points)];
    }),
  ),
);
say(
  `${reads} reads of ${keys} keys in the window, sampling rate ${rate}, ${seeds} seeds, ${shares.join(', ')} × memory`,
);
sayTable(
  ['trace', 'sizes', 'policy', 'points', 'held', 'mean error', 'worst', 'mean width'],
  [...rows, ['all', '', '', ...figuresOf(all)]],
);

function figuresOf(points: readonly Point[]): string[] {
  const mean = (of: (point: Point) => number) =>
    points.reduce((sum, each) => sum + of(each), 0) / points.length;
  return [
    String(points.length),
    `${(100 * mean(({ isHeld }) => (isHeld ? 1 : 0))).toFixed(1)} %`,
    mean(({ error }) => Math.abs(error)).toFixed(4),
    Math.max(...points.map(({ error }) => Math.abs(error))).toFixed(4),
    mean(({ width }) => width).toFixed(4),
  ];
}
