import { expect, it } from 'vitest';
import { AccessSample, accessKinds } from '../../../src/curves/access-sample.ts';
import { usualEviction } from '../../../src/curves/policy.ts';
import { answerWhatIf } from '../../../src/curves/what-if.ts';
import type { WindowRecord } from '../../../src/curves/window-record.ts';
import { avalanche } from '../../../src/support/hash.ts';
import { finished } from '../../../src/support/in-parts.ts';

/** A window in which keys of each namespace are stored and read once, with the TTL of the namespace in seconds. */
function windowOf(namespaces: readonly { readonly keys: number; readonly ttl: number }[]): WindowRecord {
  const sample = new AccessSample({ rate: 1, maxKeys: 1000, maxAccesses: 10_000 });
  for (const [row, { keys, ttl }] of namespaces.entries())
    for (let each = 0; each < keys; each++) {
      const key = { high: avalanche(1000 * row + each), low: avalanche(1e6 + 1000 * row + each), row };
      sample.pass(accessKinds.write, key, each, 1000 * ttl);
      sample.pass(accessKinds.read, key, each + 5000);
    }
  return {
    ...{ at: '', server: '', selection: '', windowSeconds: 10 },
    namespaces: namespaces.map((_, row) => ({ namespace: `namespace ${row}`, database: 0 })),
    nodes: [
      {
        ...{ address: 'here', serverPolicy: 'allkeys-lru', eviction: usualEviction, hasEvicted: false },
        memory: {
          ...{ usedBytes: 1e6, maxmemoryBytes: 0, fixedBytes: 5e5, tableBytesPerKey: 50, meanKeyBytes: 100 },
        },
        ...{ distinctKeys: null, population: null, sizesRefused: null, trace: sample.trace() },
        reads: namespaces.map(({ keys }) => keys),
        misses: namespaces.map(() => 0),
      },
    ],
  };
}

const ttlsOf = (namespaces: Parameters<typeof windowOf>[0]) =>
  finished(
    answerWhatIf(windowOf(namespaces), { memoryBytes: [], ttlSeconds: [], policy: null }),
  ).whole.ttl.map(({ ttlSeconds }) => ttlSeconds);

it('gives more memory no more hits where nothing was evicted, also where memory has shrunk since', () => {
  const { nodes, ...window } = windowOf([{ keys: 100, ttl: 100 }]);
  const [node] = nodes as [(typeof nodes)[0] & object];
  const { usedBytes: _, ...memory } = node.memory;
  const shrunk = { ...node, memory: { ...memory, usedBytes: memory.fixedBytes + 5000 }, misses: [20] };
  const { whole } = finished(
    answerWhatIf({ ...window, nodes: [shrunk] }, { memoryBytes: [], ttlSeconds: [], policy: null }),
  );
  const larger = whole.memory.filter(({ timesToday }) => timesToday >= 1);
  expect(larger.length).toBeGreaterThan(3);
  for (const { hitRate, hitRateInterval } of larger)
    expect([hitRate, hitRateInterval]).toEqual([0.8, [0.8, 0.8]]);
});

it('asks about the TTLs of each namespace, those that are read most and differ', () => {
  expect(ttlsOf([{ keys: 9, ttl: 2 }])).toEqual([1, 2, 4, 8]);
  expect(
    ttlsOf([
      { keys: 9, ttl: 3600 },
      { keys: 8, ttl: 2 },
      { keys: 7, ttl: 3500 },
    ]),
  ).toEqual([1, 2, 4, 8, 1800, 3600, 7200, 14_400]);
  expect(ttlsOf([9, 8, 7, 6, 5].map((keys) => ({ keys, ttl: 7 ** keys / 7 ** 5 })))).toHaveLength(16);
});
