import { describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { sendAll } from '../server/redis.ts';
import { linesOf, urlAs } from './reading.ts';
import { stats, statsTable, traffic } from './stats-runs.ts';
import { startServer } from '../server/own.ts';

describe('stats for a user who may not do everything', () => {
  const user = (rules: string) => startServer({ config: [`user ann on >secret ${rules}`] });

  test('has no hit rate without INFO, and says so', async () => {
    const { redis, server } = await user('~* +@all -info');
    await traffic(server, 5, 5);
    const url = urlAs(redis.url, 'ann');

    const { exitCode, result } = await stats(url, ['--window', '100ms']);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      server: null,
      lifetime: null,
      window: null,
      databases: null,
      keys: 5,
      grade: null,
    });
    expect(result.refused).toMatchObject([
      { command: 'INFO', reason: expect.stringContaining('NOPERM') as string },
    ]);
    expect(result.serverCost?.serverCpuSeconds).toBeNull();

    const table = await statsTable(url);
    expect(table).toContain('without `INFO` there is no hit rate and no memory report');
    expect(table).toContain('No grade: hits and misses are not known');
    // A script reads the same lines as where INFO is there.
    const { stdout } = await cli(['stats'], { url });
    expect(linesOf(stdout).map((line) => line.split('\t')[0])).toContain('namespaces');
  });

  test('has no bytes without MEMORY, and says why, in JSON and in the table', async () => {
    const { redis, server } = await user('~* +@all -memory');
    await traffic(server, 5, 0);
    const url = urlAs(redis.url, 'ann');

    const { exitCode, result } = await stats(url);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ keys: 5, memoryBytes: null });
    expect(result.namespaces).toMatchObject([{ keys: 5, memoryBytes: null, memoryShare: null, keyShare: 1 }]);
    expect(result.serverCost?.refusedColumns).toMatchObject([
      { column: 'memory', reason: expect.stringMatching(/^NOPERM .*memory/) as string },
    ]);
    expect(await statsTable(url)).toMatch(/user:<id>:profile {5}5 {7}-/);
    expect(await statsTable(url)).toContain('no memory column: the server answered `NOPERM');
  });

  test('counts the keys that may be listed but not read', async () => {
    const { redis, server } = await user('~user:* +@all');
    await traffic(server, 5, 0);
    await sendAll(server, [
      ['SET', 'secret:1', 'x'],
      ['SET', 'secret:2', 'x'],
    ]);

    const { result } = await stats(urlAs(redis.url, 'ann'));
    expect(result).toMatchObject({ keys: 7, serverCost: { unreadableKeys: 2, refusedColumns: [] } });
    expect(result.namespaces.find(({ namespace }) => namespace === 'secret:<id>')).toMatchObject({
      keys: 2,
      memoryBytes: 0,
    });
    expect(await statsTable(urlAs(redis.url, 'ann'))).toContain(
      '2 keys may be listed but not read by this user',
    );
  });

  test('reports the server where the keys may not be walked', async () => {
    const { redis, server } = await user('~* +@all -scan');
    await traffic(server, 80, 20);
    const url = urlAs(redis.url, 'ann');

    const { exitCode, result } = await stats(url);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      lifetime: { hitRate: 0.8 },
      keys: 80,
      namespaces: [],
      exact: null,
      serverCost: null,
    });
    expect(result.refused).toMatchObject([{ command: 'SCAN' }]);
    expect(await statsTable(url)).toContain('without `SCAN` there are no namespaces');
  });
});
