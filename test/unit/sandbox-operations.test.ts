import { describe, expect, test } from 'vitest';
import { isLong } from '../server/effort.ts';
import type { ByteString } from '../../src/support/bytes.ts';
import { generateRecords } from '../../src/sandbox/seed.ts';
import { generateTraffic, type TrafficOperation } from '../../src/sandbox/operations.ts';
import { type SystemName, systemNames } from '../../src/sandbox/systems.ts';

const now = () => Date.parse('2026-03-05T10:20:30Z');

function drawn(
  system: SystemName,
  count: number,
  options: { seed?: number; round?: number } = {},
): TrafficOperation[] {
  const stream = generateTraffic(system, { seed: 1, now, ...options });
  return Array.from({ length: count }, () => stream.next().value);
}

const generated = new Map<SystemName, TrafficOperation[]>();

/** The most operations that are looked at. */
const longest = isLong ? 40_000 : 30_000;

/** The first operations of the traffic with seed 1, which are generated once. */
function take(system: SystemName, count: number): TrafficOperation[] {
  const operations = generated.get(system) ?? drawn(system, longest);
  generated.set(system, operations);
  return operations.slice(0, count);
}

/** Plays the operations on a cache without time: what is to expire has done so at once. */
function play(system: SystemName, operations: readonly TrafficOperation[]) {
  const cache = new Set<ByteString>();
  for (const { key } of generateRecords(system, { keys: 5000, seed: 1, now: now() })) cache.add(key);
  const reads = new Map<string, { hits: number; misses: number }>();
  for (const operation of operations) {
    if (operation.kind === 'expire' || operation.kind === 'remove') cache.delete(operation.key);
    else if (operation.kind === 'increment') cache.add(operation.key);
    else if (operation.kind === 'write') cache.add(operation.record.key);
    else {
      const { key } = operation.record;
      const prefix = /^[^:]*:?/.exec(key)?.[0] ?? '';
      const counts = reads.get(prefix) ?? { hits: 0, misses: 0 };
      reads.set(prefix, counts);
      counts[cache.has(key) ? 'hits' : 'misses']++;
      if (operation.refill) cache.add(key);
    }
  }
  const rate = ({ hits, misses }: { hits: number; misses: number }) => hits / (hits + misses);
  const all = [...reads.values()].reduce((sum, { hits, misses }) => ({
    hits: sum.hits + hits,
    misses: sum.misses + misses,
  }));
  return {
    size: cache.size,
    hitRate: rate(all),
    hitRateOf: (prefix: string) => rate(reads.get(prefix) ?? { hits: 0, misses: 0 }),
  };
}

describe.each(systemNames)('the traffic of %s', (system) => {
  test('is the same for the same seed', () => {
    expect(drawn(system, 400, { seed: 5 })).toEqual(drawn(system, 400, { seed: 5 }));
  });

  test('differs for another seed, and for another round', () => {
    const first = JSON.stringify(take(system, 200));
    expect(JSON.stringify(drawn(system, 200, { seed: 2 }))).not.toBe(first);
    expect(JSON.stringify(drawn(system, 200, { round: 1 }))).not.toBe(first);
  });

  test('mostly reads, and mostly finds what the records have', () => {
    const operations = take(system, 20_000);
    const reads = operations.filter(({ kind }) => kind === 'read');
    expect(reads.length / operations.length).toBeGreaterThan(0.7);
    const { hitRate } = play(system, operations);
    expect(hitRate).toBeGreaterThan(0.55);
    expect(hitRate).toBeLessThan(0.95);
  });

  test('comes to a number of keys that hardly grows, however long it goes on', () => {
    const operations = take(system, 30_000);
    const later = play(system, operations).size;
    expect(later - play(system, operations.slice(0, 15_000)).size).toBeLessThan(250);
    expect(later).toBeLessThan(8000);
  });
});

describe('hit rates', () => {
  test('differ by namespace as they do in the application', () => {
    const honzik = play('honzik', take('honzik', longest));
    expect(honzik.hitRateOf('session:')).toBeGreaterThan(0.95);
    expect(honzik.hitRateOf('user:')).toBeGreaterThan(0.82);
    expect(honzik.hitRateOf('honzik:')).toBeLessThan(0.35);
  });

  test('are close to nothing where Python hashes differ after each restart', () => {
    const content = play('content', take('content', longest));
    expect(content.hitRateOf('learning_path:')).toBeLessThan(0.3);
    expect(content.hitRateOf('exercises:')).toBeGreaterThan(0.65);
  });
});

describe('the causes of misses', () => {
  test('are new data, ended TTLs and removals, and a planned miss comes well after its cause', () => {
    const operations = take('education', 20_000);
    const count = (kind: TrafficOperation['kind']) =>
      operations.filter((operation) => operation.kind === kind).length;
    expect(count('expire')).toBeGreaterThan(count('remove'));
    expect(count('remove')).toBeGreaterThan(50);
    const cause = operations.findIndex(({ kind }) => kind === 'remove');
    const { key } = operations[cause] as Extract<TrafficOperation, { key: ByteString }>;
    const reads = operations.flatMap((operation, index) =>
      operation.kind === 'read' && operation.record.key === key ? [index] : [],
    );
    expect(reads.some((index) => index >= cause + 200 && index <= cause + 260)).toBe(true);
  });

  test('never bring a session or an unlock to life by reading it', () => {
    const reads = take('honzik', 20_000).flatMap((operation) =>
      operation.kind === 'read' ? [operation] : [],
    );
    const unknown = reads.filter(({ refill }) => !refill);
    expect(unknown.length).toBeGreaterThan(20);
    for (const { record } of unknown)
      expect(record.key).toMatch(/^(session|scenario|streak|star|game|notif)/);
  });

  test('counters are incremented, never computed', () => {
    const kinds = new Set(
      take('honzik', 5000).flatMap((operation) => {
        const key = 'record' in operation ? operation.record.key : operation.key;
        return key.startsWith('quota:') ? [operation.kind] : [];
      }),
    );
    expect([...kinds]).toEqual(['increment']);
  });
});
