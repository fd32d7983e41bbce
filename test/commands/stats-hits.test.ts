import { describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { folderWith } from './reading.ts';
import {
  flagsOf,
  gets,
  homed,
  observed,
  reads,
  sets,
  shop,
  targets,
  whileReading,
} from './stats-hits-runs.ts';
import type { StatsNamespace } from '../../src/commands/stats/result.ts';
import { stats } from './stats-runs.ts';
import { open, startServer } from '../server/own.ts';

/** The misses of a namespace that nothing was seen of before, or a miss alone. */
const unseen = (row: StatsNamespace | undefined) => (row?.misses ?? 0) - (row?.causes?.goneOrNew ?? 0);

describe('stats --hits', () => {
  test('gives each namespace its hit rate and cause, and judges the targets of the map', async () => {
    const { redis, server } = await shop();
    await send(server, 'CONFIG', 'SET', 'notify-keyspace-events', 'Kx');
    const before = await flagsOf(server);
    const options = { cwd: folderWith(targets), ...homed() };

    const { exitCode, stderr, result } = await whileReading(redis.url, reads, () =>
      stats(redis.url, ['--hits', '1200ms'], options),
    );

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await flagsOf(server)).toBe(before);
    expect(result.traffic).toMatchObject({
      mode: 'exact',
      valid: true,
      invalidReasons: [],
      remarks: [],
      endedBy: null,
      residual: { reads: 0, hits: 0, misses: 0 },
      otherDatabases: [],
      notifications: [{ outcome: 'restored', to: before, message: null }],
    });
    expect(result.traffic?.windowSeconds).toBeGreaterThan(1.1);
    expect(result.traffic?.windowSeconds).toBeLessThan(3);
    expect(result.traffic?.hitRate).toBeCloseTo(0.65, 1);
    const [product, user] = ['product', 'user'].map((name) =>
      result.namespaces.find(({ namespace }) => namespace === name),
    );
    expect(product).toMatchObject({ keys: 20, hitRateTarget: 0.9, targetMet: false, hitRateInterval: null });
    expect(product?.hitRate).toBeCloseTo(0.4, 1);
    expect(product?.causes).toMatchObject({ neverCached: unseen(product), expired: 0, evicted: 0 });
    expect(product?.missShare).toBeCloseTo(6 / 7, 1);
    expect(user).toMatchObject({ keys: 20, hitRateTarget: 0.8, targetMet: true });
    expect(user?.hitRate).toBeCloseTo(0.9, 1);
    expect((product?.reads ?? 0) + (user?.reads ?? 0)).toBe(result.traffic?.reads);
    expect((product?.misses ?? 0) + (user?.misses ?? 0)).toBe(result.traffic?.misses);
    expect(user?.readsPerSecond).toBeCloseTo((user?.reads ?? 0) / (result.traffic?.windowSeconds ?? 1), 3);

    expect(result.unjudgedTargets).toEqual([]);
    expect(result.reasons.slice(0, 2)).toMatchObject([
      {
        rule: 'namespace-targets',
        // Half of the reads, with less than half of their target; a batch may stand across the window's ends.
        tone: 'bad',
        text: expect.stringMatching(
          /^1 of 2 namespaces misses its target, product: hit rate [34]\d\.\d %, target 90\.0 %$/,
        ) as string,
      },
      { rule: 'hit-rate', points: 0, tone: 'plain' },
    ]);
    expect(result.reasons[0]?.points).toBeGreaterThanOrEqual(28);
    expect(result.reasons[0]?.points).toBeLessThanOrEqual(32);
  });

  test('makes a better grade where the targets are met than where they are not', async () => {
    const { redis } = await shop({
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    const gradeWith = (hitRateTarget: string) =>
      stats(redis.url, ['--hits', '600ms', '--no-namespaces'], {
        ...homed(),
        cwd: folderWith({ namespaces: { product: { pattern: 'product:<id>', hitRateTarget } } }),
      });
    const [met, missed] = await whileReading(redis.url, reads, async () => [
      await gradeWith('20%'),
      await gradeWith('99%'),
    ]);
    expect(met.result.reasons[0]).toMatchObject({ rule: 'namespace-targets', points: 0, tone: 'good' });
    expect(missed.result.reasons[0]).toMatchObject({ rule: 'namespace-targets', tone: 'bad' });
    // The rest, `user`, is held against the default.
    for (const { result } of [met, missed])
      expect(result.reasons[1]?.text).toMatch(/^hit rate \d\d\.\d % of the caches without a target reaches/);
    // What is missed here is never stored: a fault, and no A, once the misses are enough to conclude that.
    expect(met.result.grade).toMatch(/^[AB]$/);
    expect(missed.result.grade).toMatch(/[CDF]/);
  });

  test('shows what is read and not there, and what is read in other databases', async () => {
    const { redis } = await shop();
    const ghosts = [...reads, ...gets('ghost', 5)];
    const third = await open(`${redis.url}/3`);
    await sendAll(third, sets('there', 5));
    const { result } = await whileReading(`${redis.url}/3`, gets('there', 5), () =>
      whileReading(redis.url, ghosts, () => stats(redis.url, ['--hits', '1s'], homed())),
    );
    expect(result.namespaces.map(({ namespace }) => namespace).sort()).toEqual([
      'ghost:<id>',
      'product:<id>',
      'user:<id>',
    ]);
    expect(result.namespaces.find(({ namespace }) => namespace.startsWith('ghost'))).toMatchObject({
      namespace: 'ghost:<id>',
      pattern: 'ghost:<id>',
      path: ['ghost:', '<id>'],
      keys: 0,
      memoryBytes: 0,
      hitRate: 0,
    });
    expect(result.traffic?.otherDatabases).toMatchObject([{ database: 3, misses: 0, hitRate: 1 }]);
    expect(result.traffic?.otherDatabases[0]?.reads).toBeGreaterThan(0);
  });

  test('sums up the traffic of namespaces beyond the limit as it does their keys', async () => {
    const { redis, server } = await shop();
    await sendAll(server, sets('large-enough-to-be-first', 100));
    const { result } = await whileReading(redis.url, reads, () =>
      stats(redis.url, ['--hits', '600ms', '--limit', '1'], homed()),
    );
    expect(result.namespaces).toMatchObject([
      { namespace: 'large-enough-to-be-first:<id>', keys: 100, reads: null },
      { namespace: '(other)', keys: 40, reads: result.traffic?.reads, misses: result.traffic?.misses },
    ]);
    expect(result.namespaces[1]?.hitRate).toBeCloseTo(result.traffic?.hitRate ?? -1, 6);
  });

  test('finds the keys that it is of where a part of them is read alone, without a map', async () => {
    const { redis, server } = await startServer();
    const words = Array.from(
      { length: 80 },
      (_, index) => `${'abcdefgh'[index % 8] ?? ''}${'q'.repeat(1 + index / 8)}`,
    );
    const digest = (index: number) => `${index}ab`.padStart(32, '0');
    const keysOf = (index: number): string[] => [
      `translation:${words[index] ?? ''}:cs`,
      `page_${index}:body`,
      `etag:${digest(index)}`,
      `mail:ann${index}@example.com`,
      `user:${index}:orders`,
      `lonely${index % 2 === 0 ? '' : ':two words'}`,
    ];
    const all = words.flatMap((_, index) => keysOf(index));
    await sendAll(
      server,
      all.map((key) => ['SET', key, 'x']),
    );
    const some = [3, 9, 11].flatMap(keysOf).map((key) => ['GET', key]);

    const { result } = await whileReading(redis.url, some, () =>
      stats(redis.url, ['--hits', '600ms'], homed()),
    );

    expect(result.namespaces.map(({ namespace }) => namespace).sort()).toEqual([
      'etag:<hash>',
      'lonely',
      'lonely:<text>',
      'mail:<email>',
      'page_<id>:body',
      'translation:<text>:cs',
      'user:<id>:orders',
    ]);
    expect(result.namespaces.filter(({ keys }) => keys === 0)).toEqual([]);
    const reads = result.namespaces.reduce((sum, row) => sum + (row.reads ?? 0), 0);
    expect(reads).toBe(result.traffic?.reads);
    expect(result.namespaces.find(({ namespace }) => namespace.startsWith('translation'))?.hitRate).toBe(1);
  });

  test('is not what the walk, or the window before it, look up', async () => {
    const { redis, server } = await shop();
    const { result } = await stats(redis.url, ['--hits', '300ms', '--window', '100ms'], homed());
    expect(result.traffic).toMatchObject({ reads: 0, hits: 0, misses: 0, hitRate: null, valid: true });
    expect(result.window).toMatchObject({ hits: 0, misses: 0 });
    expect(result.lifetime).toMatchObject({ hits: 0, misses: 0 });
    expect(result.namespaces).toMatchObject([
      { reads: null, misses: null },
      { reads: null, misses: null },
    ]);
    expect(result.grade).toBeNull();
    expect(await flagsOf(server)).toBe('');
  });
});

describe('the targets that stats --hits does not judge', () => {
  const map = {
    namespaces: {
      ...targets.namespaces,
      quiet: { pattern: 'quiet:<id>', hitRateTarget: '70%' },
      few: { pattern: 'few:<id>', hitRateTarget: '70%' },
      session: { pattern: 'session:<id>', kind: 'state', hitRateTarget: '70%' },
    },
  } as const;

  test('are named with the reason', async () => {
    const { redis, server } = await shop();
    const cwd = folderWith(map);
    const { result } = await whileReading(redis.url, [...reads, ...gets('session', 9)], async () => {
      const running = stats(redis.url, ['--hits', '1s'], { cwd, ...homed() });
      await observed(server);
      await sendAll(server, gets('few', 7));
      return running;
    });
    expect(result.unjudgedTargets).toEqual([
      { namespace: 'quiet', hitRateTarget: 0.7, reason: 'no-reads' },
      { namespace: 'few', hitRateTarget: 0.7, reason: 'few-reads' },
      { namespace: 'session', hitRateTarget: 0.7, reason: 'state' },
    ]);
    expect(result.namespaces.find(({ namespace }) => namespace === 'few')).toMatchObject({
      reads: 7,
      hitRate: 0,
      targetMet: null,
    });
  });

  test('are those that a sample cannot tell from what it found', async () => {
    const { redis } = await shop();
    const cwd = folderWith({
      namespaces: {
        product: { pattern: 'product:<id>', hitRateTarget: '40%' },
        user: { pattern: 'user:<id>', hitRateTarget: '50%' },
      },
    });
    const { result } = await whileReading(redis.url, reads, () =>
      stats(redis.url, ['--hits', '3s', '--hits-mode', 'sampled'], { cwd, ...homed() }),
    );
    expect(result.traffic).toMatchObject({ mode: 'sampled', valid: true });
    const [low = 0, high = 0] = result.namespaces[0]?.hitRateInterval ?? [];
    expect(low).toBeLessThan(0.4);
    expect(high).toBeGreaterThan(0.4);
    expect(result.unjudgedTargets).toEqual([
      { namespace: 'product', hitRateTarget: 0.4, reason: 'too-close' },
    ]);
    expect(result.reasons[0]?.text).toMatch(
      /^user reaches its target: hit rate [89]\d\.\d %, target 50\.0 %/,
    );
  });

  test('are all of them in a mode without hit rates, which still has the misses and their causes', async () => {
    const { redis } = await shop();
    const options = { cwd: folderWith(targets), ...homed() };
    const { exitCode, result } = await whileReading(redis.url, reads, () =>
      stats(redis.url, ['--hits', '600ms', '--hits-mode', 'misses-only'], options),
    );
    expect(exitCode).toBe(0);
    expect(result.traffic).toMatchObject({ mode: 'misses-only', modeReason: 'asked for', valid: true });
    const product = result.namespaces.find(({ namespace }) => namespace === 'product');
    expect(product).toMatchObject({ hitRate: null, reads: null, targetMet: null });
    expect(product?.misses).toBeGreaterThan(0);
    expect(product?.causes?.neverCached).toBe(unseen(product));
    expect(result.unjudgedTargets.map(({ reason }) => reason)).toEqual(['no-rates', 'no-rates']);
    expect(result.reasons[0]).toMatchObject({
      rule: 'hit-rate',
      text: expect.stringContaining('while observed') as string,
    });
  });

  test('are all of them in a window that is not valid, which the grade makes no use of', async () => {
    const { redis, server } = await shop();
    const options = { url: redis.url, cwd: folderWith(targets), terminal: true, ...homed() };
    const observing = async (args: readonly string[]) => {
      // So that the counters are smaller at the window's end than at its beginning.
      for (let round = 0; round < 20; round++) await sendAll(server, gets('user', 1000));
      const running = cli(['stats', '--hits', '1s', '--no-color', ...args], options);
      await observed(server);
      await send(server, 'CONFIG', 'RESETSTAT');
      return running;
    };
    const [json, table] = await whileReading(redis.url, reads, async () => [
      await observing(['-o', 'json']),
      await observing([]),
    ]);
    const result = JSON.parse(json.stdout) as Awaited<ReturnType<typeof stats>>['result'];
    expect(json.exitCode).toBe(0);
    expect(result.traffic).toMatchObject({
      valid: false,
      invalidReasons: [expect.stringContaining('counters')],
    });
    expect(result.reasons.map(({ rule }) => rule)).not.toContain('namespace-targets');
    expect(result.reasons.map(({ text }) => text).join()).not.toContain('while observed');
    expect(result.unjudgedTargets.map(({ reason }) => reason)).toEqual(['invalid', 'invalid']);
    expect(table.stdout.replaceAll(/\s+/g, ' ')).toContain(
      '✗ the observation is not valid, and the grade makes no use of it: the counters of the server went back',
    );
  });
});
