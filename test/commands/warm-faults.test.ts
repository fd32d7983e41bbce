import { jsonOf } from '../run-cli.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { startProxy } from '../server/proxy.ts';
import { send, startPrivateServer, testUrl } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { countsOf, manyRecords, privateServer, urlAs, warmSetup, whenReached } from './warm-setup.ts';
import { open, proxyTo, startRedis } from '../server/own.ts';

const { server, folder, fixture, warm } = warmSetup();
const keys = async () => Number(await send(server(), 'DBSIZE'));
/** So that something can happen while the records are written. */
const slow = (file: string) => [file, '--max-rate', '5000'];

async function proxied(): Promise<{ proxy: Awaited<ReturnType<typeof startProxy>>; url: string }> {
  const proxy = await proxyTo(Number(new URL(testUrl()).port));
  return { proxy, url: `${proxy.url}${new URL(testUrl()).pathname}` };
}

describe('a server that is lost or not ready', () => {
  test.each([1, 3])('goes on after a connection was cut, over %i connections', async (connections) => {
    const { proxy, url } = await proxied();
    const file = fixture('large.ndjson', manyRecords(6000, 200));
    onTestFinished(whenReached(keys, 1000, () => proxy.cut()));

    const result = await warm(
      [...slow(file), '--concurrency', String(connections), '--verify', '-o', 'json'],
      { url },
    );

    expect(result.exitCode).toBe(0);
    const counts = countsOf(result);
    expect(counts).toMatchObject({ written: 6000, failed: 0, verified: 1000, mismatched: 0 });
    expect(counts['retried']).toBeGreaterThan(0);
    expect(await keys()).toBe(6000);
  });

  test('does not add twice to lists: those of which nothing is known are counted, and go to the rejects', async () => {
    const { proxy, url } = await proxied();
    const lines = Array.from(
      { length: 6000 },
      (_, id) => `{"key":"l:${id}","type":"list","value":["a","b"],"ttl":600}`,
    );
    const file = fixture('lists.ndjson', lines.join('\n'));
    onTestFinished(whenReached(keys, 1000, () => proxy.cut()));

    const result = await warm([...slow(file), '--merge', '--rejects', 'lists-rejects.ndjson', '-o', 'json'], {
      url,
    });

    const { written = 0, unknown = 0, notWritten } = countsOf(result);
    expect(result.exitCode).toBe(1);
    expect(unknown).toBeGreaterThan(0);
    expect(notWritten).toBe(0);
    expect(written + unknown).toBe(6000);
    const present = await keys();
    expect(present).toBeGreaterThanOrEqual(written);
    for (let id = 0; id < 6000; id += 100) {
      expect(Number(await send(server(), 'LLEN', `l:${id}`))).toBeLessThanOrEqual(2);
    }
  });

  test('waits for a server that was killed and comes back', async () => {
    // A socket file is free again at once; a port may not be.
    const first = await startRedis({ directory: folder() });
    const file = fixture('large.ndjson', manyRecords(6000, 200));
    const admin = await open(first.url);
    let second: ReturnType<typeof startPrivateServer> | undefined;
    onTestFinished(
      whenReached(
        async () => Number(await send(admin, 'DBSIZE')),
        1000,
        () => {
          first.kill('SIGKILL');
          second = startPrivateServer({ directory: folder() });
        },
      ),
    );

    const result = await warm([...slow(file), '-o', 'json'], {
      url: `unix://${first.socketPath}`,
    });

    const redis = await second;
    onTestFinished(() => redis?.stop());
    const { written, retried } = countsOf(result);
    expect(result.exitCode).toBe(0);
    expect(written).toBe(6000);
    expect(retried).toBeGreaterThan(0);
  });

  test('waits while a script blocks the server', async () => {
    const { url, admin } = await privateServer({ args: ['--busy-reply-threshold', '50'] });
    const file = fixture('busy.ndjson', manyRecords(5000));
    const other = await open(url);
    const blocked = send(admin, 'EVAL', 'while true do end', 0).catch((error: unknown) => error);
    const isBusy = () =>
      send(other, 'PING').then(
        () => false,
        () => true,
      );
    await until('the script blocks the server', isBusy);

    const patient = warm([file, '-o', 'json'], { url });
    const hasty = await warm([file, '--retry-for', '0', '-o', 'json'], { url });
    expect(hasty.exitCode).not.toBe(0);
    await send(other, 'SCRIPT', 'KILL');
    await blocked;
    const result = await patient;
    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ written: 5000 });
  });

  test('gives up on what does not pass', async () => {
    const { url, admin } = await privateServer({});
    await send(admin, 'REPLICAOF', '127.0.0.1', 1);
    const result = await warm([fixture('r.ndjson', manyRecords(3000)), '-o', 'json'], {
      url,
    });
    expect(result.exitCode).toBe(4);
    expect(jsonOf(result)).toMatchObject({ ok: false, written: null, retried: null });
    expect(result.stderr).toContain('is a replica of 127.0.0.1:1');
  });
});

describe('a server that is killed', () => {
  test('ends the work, and every record is counted once', async () => {
    const { url, admin, redis } = await privateServer();
    const file = fixture('large.ndjson', manyRecords(6000, 200));
    let reached = 0;
    onTestFinished(
      whenReached(
        async () => (reached = Number(await send(admin, 'DBSIZE'))),
        1000,
        () => redis.kill('SIGKILL'),
      ),
    );
    const result = await warm(
      [...slow(file), '--only-missing', '--verify', '--retry-for', '0', '-o', 'json'],
      { url },
    );
    expect(result.exitCode).toBe(3);
    const { written = 0, unknown = 0, notWritten = 0 } = countsOf(result);
    expect(written + unknown).toBeGreaterThanOrEqual(reached);
    expect(notWritten).toBeGreaterThan(0);
    expect(result.stderr).toContain('run it again to continue: keys that exist are left alone');
  });
});

describe('the memory of the server', () => {
  const full = (policy: string, size = '5mb') =>
    privateServer({ args: ['--maxmemory', size, '--maxmemory-policy', policy] });

  test.each([
    ['noeviction', 'the server would refuse writes, those of others too'],
    ['allkeys-lru', 'the server would evict other keys (allkeys-lru)'],
  ])('is looked at before anything is written, under %s', async (policy, consequence) => {
    const { url, admin } = await full(policy);
    const result = await warm([fixture('large.ndjson', manyRecords(8000, 1000)), '-o', 'json'], { url });
    expect(result.exitCode).toBe(4);
    expect(countsOf(result)).toMatchObject({ written: 0, notWritten: 8000, error: { code: 'OOM' } });
    expect(result.stderr).toContain(consequence);
    expect(result.stderr).toContain('--ignore-memory-estimate');
    expect(await send(admin, 'DBSIZE')).toBe(0);
  });

  test('takes the same records again where they are there already', async () => {
    const { url } = await full('noeviction', '8mb');
    const file = fixture('fits.ndjson', manyRecords(10_000, 300));
    expect((await warm([file], { url })).exitCode).toBe(0);
    expect((await warm([file], { url })).exitCode).toBe(0);
    expect((await warm([file, '--only-missing'], { url })).exitCode).toBe(0);
  });

  test('that makes it evict keys ends the work, unless that is allowed', async () => {
    const { url, admin } = await full('allkeys-lru');
    const file = fixture('large.ndjson', manyRecords(8000, 1000));
    const args = [file, '--ignore-memory-estimate', '-o', 'json'];

    const result = await warm([...args, '--max-rate', '2000'], { url });

    expect(result.exitCode).toBe(1);
    const { written = 0, evictedKeys = 0, notWritten } = countsOf(result);
    expect(evictedKeys).toBeGreaterThan(0);
    expect(notWritten).toBeGreaterThan(0);
    expect(written - evictedKeys).toBe(await send(admin, 'DBSIZE'));
    expect(result.stderr).toContain('--allow-evictions continues anyway');

    const allowed = await warm([...args, '--allow-evictions'], { url });
    expect(allowed.exitCode).toBe(0);
    expect(countsOf(allowed)).toMatchObject({ written: 8000 });
  });
});

describe('a user without one of the commands', () => {
  test.each([
    ['set', { written: 2, failed: 1 }, 4],
    ['restore', { written: 3 }, 0],
    ['info', { written: 3, evictedKeys: null }, 0],
    ['renamenx', { written: 3 }, 0],
    ['unlink', { written: 1 }, 4],
    ['pexpire', { written: 1 }, 4],
  ])('`%s`', async (command, counts, exitCode) => {
    const { url, admin } = await privateServer({ config: [`user ann on >pw ~* +@all -${command}`] });
    const file = fixture('few.json', [
      { key: 'a', value: 'x', ttl: 60 },
      { key: 'b', type: 'list', value: ['x'], ttl: 60 },
      { key: 'c', type: 'set', value: ['x'], ttl: 60 },
    ]);
    const result = await warm([file, '-o', 'json'], { url: urlAs(url, 'ann') });
    expect(result.exitCode).toBe(exitCode);
    expect(countsOf(result)).toMatchObject(counts);
    expect(await send(admin, 'DBSIZE')).toBe(counts.written);
  });
});

describe('Ctrl-C', () => {
  test.each([['--only-missing'], ['--merge'], ['--on-error', 'retry'], ['--concurrency', '3']])(
    'with %s %s leaves what was counted',
    async (...options) => {
      const controller = new AbortController();
      const lines = Array.from(
        { length: 6000 },
        (_, id) => `{"key":"u:${id}","type":"set","value":["a","b"],"ttl":600}`,
      );
      onTestFinished(whenReached(keys, 1000, () => controller.abort('SIGINT')));
      const file = fixture('sets.ndjson', lines.join('\n'));
      const result = await warm([...slow(file), ...options, '-o', 'json'], {
        signal: controller.signal,
      });
      expect(result.exitCode).toBe(130);
      const { written, unknown, notWritten } = countsOf(result);
      expect(unknown).toBe(0);
      expect(notWritten).toBeGreaterThan(0);
      expect(written).toBe(await keys());
      expect(await send(server(), 'TTL', 'u:0')).toBeGreaterThan(0);
    },
  );
});
