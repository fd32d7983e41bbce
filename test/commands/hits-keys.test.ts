import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startServer } from '../server/own.ts';
import { sendAll } from '../server/redis.ts';
import { hitsJson, runHits } from './hits-runs.ts';

const { redis, server } = await startServer();

const times = (count: number, command: (index: number) => string[]) =>
  Array.from({ length: count }, (_, index) => command(index));

describe('the keys that are read most', () => {
  const during = () =>
    sendAll(server, [
      ['SET', 'page:1', 'x'],
      ['SET', 'page:2', 'x'],
      ...times(30, () => ['GET', 'page:1']),
      ...times(6, () => ['GET', 'page:2']),
      ...times(11, () => ['GET', 'gone:1']),
      ...times(4, () => ['GET', 'few:1']),
      ['UNLINK', 'page:2'],
      ...times(2, () => ['MGET', 'page:2', 'page:2']),
    ]);

  test('have their reads, share and hit rate', async () => {
    const { result } = await hitsJson(server, redis.url, [], { during });
    expect(result).toMatchObject({ valid: true, reads: 55, misses: 19 });
    expect(result.mostRead).toEqual(
      [
        { key: 'page:1', namespace: 'page:<id>', reads: 30, misses: 0, hitRate: 1 },
        { key: 'gone:1', namespace: 'gone:<id>', reads: 11, misses: 11, hitRate: 0 },
        { key: 'page:2', namespace: 'page:<id>', reads: 10, misses: 4, hitRate: 0.6 },
      ].map((each) => ({ ...each, database: 0, readsInterval: null, readShare: each.reads / 55 })),
    );
  });

  test('are on the table, and of the selection alone', async () => {
    const { stdout } = await runHits(server, redis.url, ['page:2', '--keys', '1'], {
      during,
      terminal: true,
    });
    expect(stripVTControlCharacters(stdout)).toMatch(
      /Keys that are read most\n.*OF READS.*\n +page:2 +page:<id> +10 +18\.2 % +4 +60\.0 %/,
    );
    expect(stdout).not.toContain('page:1');
  });

  test('are found in bounded memory, with bounds', async () => {
    const many = () =>
      sendAll(server, [
        ['SET', 'page:1', 'x'],
        ...times(20_000, (index) => ['GET', index % 5 === 0 ? 'page:1' : `rare:${index}`]),
      ]);
    const { result } = await hitsJson(server, redis.url, [], { during: many });
    const { mostRead, mostMissed } = result;
    expect(mostRead).toMatchObject([{ key: 'page:1', misses: null, hitRate: null }]);
    const [low, high] = mostRead[0]?.readsInterval ?? [4000, 4000];
    expect(low <= 4000 && high >= 4000).toBe(true);
    // Each of the others missed once.
    expect(mostMissed).toEqual([]);
  });

  test('are not known without MONITOR', async () => {
    const { result } = await hitsJson(server, redis.url, ['--mode', 'misses-only'], { during });
    expect(result.mostRead).toEqual([]);
  });
});
