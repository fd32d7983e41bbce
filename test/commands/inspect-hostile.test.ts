import { describe, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { cli } from '../run-cli.ts';
import { send, sendAll, testUrl, untilCalled } from '../server/redis.ts';
import { bytesOfJson, hostileKeys } from './hostile-keys.ts';
import { inspect, inspectTable } from './inspect-runs.ts';
import { linesOf, urlAs } from './reading.ts';
import { emptyServer, proxyTo, startServer } from '../server/own.ts';

describe('hostile key names', () => {
  const seed = async () => {
    const server = await emptyServer();
    await server.nodes[0].batch(hostileKeys.map((key) => ['SET', key, asBytes('x')]));
  };

  test('come back byte by byte in JSON', async () => {
    await seed();
    const { stdout, result } = await inspect(['--top', '100']);
    expect(result.keys).toBe(hostileKeys.length);
    expect(new Set(result.largest.map(bytesOfJson))).toEqual(new Set(hostileKeys));
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test.each([[[]], [['--output', 'csv', '--top', '0']]])(
    'leave lines and fields of a pipe as they are: %j',
    async (args) => {
      await seed();
      const { stdout } = await cli(['inspect', ...args], { url: testUrl() });
      const lines = linesOf(stdout.replaceAll('\r\n', '\n'));
      const fieldsOf = { namespaces: 22, ttl: 5, idle: 5, sizes: 6, largest: 4 };
      for (const [table = '', ...fields] of args.length === 0 ? lines.map((line) => line.split('\t')) : [])
        expect([table, fields.length + 1]).toEqual([table, fieldsOf[table as keyof typeof fieldsOf]]);
      expect(lines.join('')).not.toMatch(/[\p{Cf}]|[^\P{Cc}\t]/u);
      if (args.length === 0) expect(lines.filter((line) => line.startsWith('largest'))).toHaveLength(10);
    },
  );

  test('leave the table as it is, a line for each', async () => {
    await seed();
    const table = await inspectTable(['--top', '100']);
    const [, largest = ''] = table.split('Largest keys\n');
    const [rows = ''] = largest.split('\n\n');
    expect(linesOf(rows)).toHaveLength(1 + hostileKeys.length);
    for (const line of linesOf(table)) expect(line.length).toBeLessThanOrEqual(100);
    expect(table.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe('inspect for a user who may not do everything', () => {
  const user = async (rules: string) => {
    const { redis, server } = await startServer({ config: [`user ann on >secret ${rules}`] });
    await sendAll(server, [
      ['SET', 'user:1', 'x', 'EX', 1000],
      ['SET', 'user:2', 'x'],
      ['SET', 'secret:1', 'x'],
    ]);
    return { url: urlAs(redis.url, 'ann') };
  };

  test.each([
    ['-memory', 'memory', { memoryBytes: null, largest: [], keys: 3, withoutTtl: 2 }],
    ['-type', 'type', { keys: 3, withoutTtl: 2, largest: [{ type: null }, { type: null }, { type: null }] }],
    ['-pttl', 'ttl', { keys: 3, withoutTtl: 2, withoutTtlSource: 'info' }],
  ])('%s loses the column %s, and says why', async (rule, column, expected) => {
    const options = await user(`~* +@all ${rule}`);
    const { exitCode, result } = await inspect([], options);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ ...expected, exact: true });
    expect(result.serverCost.refusedColumns).toMatchObject([
      { column, reason: expect.stringContaining('NOPERM') as string },
    ]);
    expect(await inspectTable([], options)).toContain(`no ${column} column: the server answered \`NOPERM`);
  });

  test('counts the keys that may be listed but not read', async () => {
    const { result } = await inspect([], await user('~user:* +@all'));
    expect(result).toMatchObject({ keys: 3, serverCost: { unreadableKeys: 1, refusedColumns: [] } });
    expect(result.namespaces).toMatchObject([
      { namespace: 'user:<id>' },
      { namespace: 'secret:<id>', keys: 1, memoryBytes: 0 },
    ]);
  });

  test('is refused where keys may not be listed', async () => {
    const { exitCode, result, stderr } = await inspect([], await user('~* +@all -scan'));
    expect(exitCode).toBe(4);
    expect(result).toMatchObject({ ok: false, error: { code: 'NOPERM' }, keys: null, namespaces: [] });
    expect(stderr).toMatch(/^error: `SCAN` on .*NOPERM.*\nhint: /);
  });
});

describe('a walk that ends early', () => {
  test('by a signal gives what it has read, and says that it is a part', async () => {
    await emptyServer();
    const controller = new AbortController();
    controller.abort('SIGINT');
    const { exitCode, result } = await inspect([], { signal: controller.signal });
    expect(exitCode).toBe(130);
    expect(result).toMatchObject({ ok: false, exact: false, keys: 0 });
    const table = await inspectTable([], { signal: controller.signal });
    expect(table).toContain('the walk ended early: these figures cover 0.0 % of the keys');
  });

  test('by a connection lost for good gives what it has read, and the failure', async () => {
    const { redis, server } = await startServer();
    await send(server, 'DEBUG', 'POPULATE', 60_000);
    const proxy = await proxyTo(redis.port);
    proxy.delay(10);
    const running = inspect(['--exact', '--retry-for', '1s'], { url: proxy.url });
    await untilCalled(server, 'scan', 6);
    await proxy.refuse();

    const { exitCode, result, stderr } = await running;
    expect(exitCode).toBe(3);
    expect(result).toMatchObject({
      ok: false,
      error: { kind: 'lost' },
      exact: false,
      reading: { method: 'partial', coversAll: true, keyspaceKeys: 60_000, reconnects: 0 },
    });
    expect(result.total.readKeys).toBeGreaterThan(0);
    expect(result.total.readKeys).toBeLessThan(60_000);
    expect(result.namespaces.reduce((sum, { readKeys }) => sum + readKeys, 0)).toBe(result.total.readKeys);
    expect(stderr).toMatch(/^error: lost the connection to /);
  });
});
