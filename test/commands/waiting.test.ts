import { connect as connectTo, createServer, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { replyText } from '../../src/redis/reply.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { startCluster, storeInCluster } from '../server/cluster.ts';
import { open, proxyTo, startRedis, startServer, temporaryFolder } from '../server/own.ts';
import { freePort, type RedisProcess } from '../server/redis-process.ts';
import { callsOf, send, sendAll, untilCalled } from '../server/redis.ts';
import { startSentinel, startWatchedPair } from '../server/sentinel.ts';
import { until } from '../server/until.ts';
import { withMap } from './invalidate-setup.ts';

describe('a server that is not there yet', () => {
  test('is given up at once, and waited for where --retry-for says how long', async () => {
    const port = await freePort();
    const url = `redis://127.0.0.1:${port}`;
    const refused = await cli(['stats'], { url });
    expect(refused).toMatchObject({ exitCode: 3, stdout: '' });
    expect(refused.stderr).toMatch(/^error: cannot connect to 127\.0\.0\.1:\d+: nothing listens there\n/);

    const waiting = cli(['stats', '--retry-for', '60s', '-o', 'json'], { url });
    await startRedis({ args: ['--port', String(port)] });
    expect(await waiting).toMatchObject({ exitCode: 0 });
  }, 60_000);

  test('is waited for no longer once the run is interrupted, which is what stderr says', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const controller = new AbortController();
    const running = cli(['stats', '--retry-for', '600s'], {
      url: `redis://127.0.0.1:${port}`,
      signal: controller.signal,
    });
    await until('it has tried several times', () => Promise.resolve(connections > 4));
    controller.abort('SIGINT');
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(/^warning: cannot connect to .*; trying again for 10m\n/);
    expect(stderr).toMatch(
      /\nerror: interrupted (?:while connecting to |by Ctrl-C: there is no result\nhint: it was waiting for a server: cannot connect to )/,
    );
  }, 60_000);

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('or hangs: a run that %s ends is interrupted, in its result too', async (signal, exitCode) => {
    let connections = 0;
    const server = createServer(() => connections++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const controller = new AbortController();
    const running = cli(['stats', '--timeout', '60s', '-o', 'json'], {
      url: `redis://127.0.0.1:${port}`,
      signal: controller.signal,
    });
    await until('it has connected', () => Promise.resolve(connections > 0));
    controller.abort(signal);
    const ended = await running;
    const message = `interrupted while connecting to 127.0.0.1:${port}`;
    expect(ended).toMatchObject({ exitCode, stderr: `error: ${message}\n` });
    const error = { kind: 'interrupted', code: signal, message, hint: null };
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, error });
  });

  test('is waited for where a Sentinel names it', async () => {
    const primary = await startRedis();
    const proxy = await proxyTo((await startSentinel(primary)).port);
    primary.kill('SIGKILL');
    await primary.stop();
    const profile = { sentinel: { name: 'main', nodes: [proxy.url] } };
    const env = withMap({ profiles: { p: profile }, defaultProfile: 'p' });
    const running = cli(['keys'], { env });
    await until('the Sentinel is asked', () => Promise.resolve(proxy.connections > 1));
    await startRedis({ args: ['--port', String(primary.port)] });
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /^warning: .*: nothing listens there; the Sentinel at .* as the primary of `main`; trying again for 30 s\n$/,
    );
  }, 60_000);
});

describe('a server that is silent towards each connection but the first', () => {
  const commands = [
    ['keys'],
    ['inspect'],
    ['diff', 'file.ndjson'],
    ['export', '--to', 'other.ndjson'],
    ['invalidate', '--pattern', 'key:*', '--yes'],
    ['invalidate', '--pattern', 'key:1', '--yes', '--no-backup'],
    ['prune', '--set-ttl', '--namespace', 'key', '--yes'],
    ['warm', 'file.ndjson'],
    ['hits', '--for', '60s'],
    ['bench', 'get', '--operations', '1000'],
  ].map((args) => [args.join(' '), args] as const);
  let redis: RedisProcess;
  let server: RedisServer;
  const env = withMap({ namespaces: { key: { pattern: 'key:<id>', ttl: '1h' } } });
  beforeAll(async () => {
    ({ redis, server } = await startServer());
    await sendAll(server, [['SET', 'key:1', 'value']]);
  });

  test.each(commands)(
    'is left at Ctrl-C by %s',
    async (_, args) => {
      const cwd = temporaryFolder();
      writeFileSync(join(cwd, 'file.ndjson'), '{"key":"key:2","value":"2"}\n');
      const sockets: Socket[] = [];
      const relay = createServer((socket) => {
        sockets.push(socket);
        if (sockets.length === 1) socket.pipe(connectTo(redis.port, '127.0.0.1')).pipe(socket);
      });
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy();
        relay.close();
      });
      const { port } = relay.address() as { port: number };
      const controller = new AbortController();
      const running = cli([...args, '--timeout', '600s'], {
        ...{ url: `redis://127.0.0.1:${port}`, env, cwd, signal: controller.signal },
      });
      await until('another connection is made', () => sockets.length > 1);
      controller.abort('SIGINT');
      const { exitCode, stderr } = await running;
      expect(exitCode).toBe(130);
      expect(stderr).toMatch(/^error: interrupted[ :]/m);
      expect(await send(server, 'DBSIZE')).toBe(1);
    },
    60_000,
  );
});

describe('a server that is there and not ready', () => {
  test('is waited for while it loads its keys', async () => {
    const { redis, server } = await startServer({ args: ['--dir', temporaryFolder()] });
    const admin = await open(redis.url);
    await sendAll(server, [
      ['CONFIG', 'SET', 'rdbcompression', 'no'],
      ['DEBUG', 'POPULATE', 2000, 'key', 1024],
      ['CONFIG', 'SET', 'key-load-delay', 10_000],
      ['CONFIG', 'SET', 'loading-process-events-interval-bytes', 1024],
    ]);
    const loading = send(server, 'DEBUG', 'RELOAD');
    const info = async () => replyText(await send(admin, 'INFO'));
    await until('it loads', async () => /^loading:1/m.test(await info()));
    const running = cli(['keys', '--count-only'], { url: redis.url });
    await until('the run is turned away', async () => /^errorstat_LOADING:/m.test(await info()));
    await send(admin, 'CONFIG', 'SET', 'key-load-delay', 0);
    const { exitCode, stdout } = await running;
    await loading;
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '2000\n' });
  }, 60_000);

  test('is waited for while a slot of its cluster has no owner', async () => {
    const cluster = await startCluster(2);
    onTestFinished(() => cluster.stop());
    const [admin] = cluster.admins;
    await storeInCluster(cluster, ['key:1', 'key:2', 'key:3']);
    await send(admin, 'CLUSTER', 'DELSLOTS', 0);
    const asked = await callsOf(admin, 'cluster|slots');
    const running = cli(['keys', '--cluster', '--count-only'], { url: cluster.nodes[0].url });
    await untilCalled(admin, 'cluster|slots', asked + 2);
    await send(admin, 'CLUSTER', 'ADDSLOTS', 0);
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '3\n' });
    expect(stderr).toMatch(/^warning: .*no owner for slot 0.*; trying again for 30 s\n$/);
  }, 60_000);
});

describe('a connection that breaks between two questions', () => {
  test('is opened again for what can be asked again', async () => {
    const { redis, server } = await startServer();
    await sendAll(server, [['SET', 'key', 'value']]);
    const proxy = await proxyTo(redis.port);
    const running = cli(['stats', '--window', '3s', '-o', 'json'], { url: proxy.url });
    await until('the window has begun', async () => (await callsOf(server, 'info')) > 5);
    proxy.cut();
    const result = await running;
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonOf(result)).toMatchObject({ ok: true, keys: 1 });
  }, 60_000);
});

describe('a connection that breaks in the middle of a sample', () => {
  const count = 60_000;
  const fill = `for i = 1, ${count} do redis.call('SET', 'key:' .. i, i) end`;
  const args = ['inspect', '--precision', '5%', '--max-rate', '20000', '-q', '-o', 'json'];
  const holdsTruth = (stdout: string, reconnects: number) => {
    const { reading, keysInterval, total } = JSON.parse(stdout) as {
      reading: Record<string, unknown>;
      keysInterval: [number, number];
      total: Record<string, unknown>;
    };
    expect(reading).toMatchObject({ method: 'sample', reconnects });
    expect(keysInterval[0]).toBeLessThanOrEqual(count);
    expect(keysInterval[1]).toBeGreaterThanOrEqual(count);
    expect(total['memoryBytes']).toBeGreaterThan(20 * count);
  };

  test('is opened again', async () => {
    const { redis, server } = await startServer();
    await send(server, 'EVAL', fill, 0);
    const proxy = await proxyTo(redis.port);
    const running = cli(args, { url: proxy.url });
    await until('sizes are read', async () => (await callsOf(server, 'memory|usage')) > 1000);
    proxy.cut();
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    holdsTruth(stdout, 1);
  }, 60_000);

  test('leads to the server that has taken over', async () => {
    const pair = await startWatchedPair((server) => send(server, 'EVAL', fill, 0));
    const profile = { sentinel: { name: 'main', nodes: [pair.sentinel.url] } };
    const env = withMap({ profiles: { p: profile }, defaultProfile: 'p' });
    const running = cli(args, { env });
    const primary = await open(pair.primary.url);
    await until('sizes are read', async () => (await callsOf(primary, 'memory|usage')) > 1000);
    pair.primary.kill('SIGKILL');
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    holdsTruth(stdout, 1);
  }, 60_000);
});
