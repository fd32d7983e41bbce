import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { open, startRedis, temporaryFolder } from '../server/own.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { send, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { withMap } from './invalidate-setup.ts';

let primary: RedisProcess;
let server: RedisServer;
beforeAll(async () => {
  primary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
  server = await open(primary.url);
  await sendAll(
    server,
    Array.from({ length: 20 }, (_, index) => ['SET', `user:${index}`, 'x']),
  );
  await until('the replica has all keys', async () => (await send(server, 'WAIT', 1, 1000)) === 1);
}, 60_000);

describe('--wait-replicas, with one replica', () => {
  const folder = temporaryFolder();
  const [journal, plan] = [join(folder, 'removed.journal'), join(folder, 'plan.json')];
  const run = (...args: readonly string[]) =>
    cli([...args, '-o', 'json'], {
      url: primary.url,
      env: withMap({ namespaces: { user: { pattern: 'user:<id>', ttl: '1h' } } }),
      input: '{"key":"user:1","value":"y","ttl":null}',
    });

  test.each([
    ['warm', '-'],
    ['prune', '--set-ttl', '--yes'],
    ['invalidate', '--pattern', 'user:1*', '--yes', '--journal', journal],
    ['undo', journal, '--yes'],
  ])('%s exits with 0 once that one has the changes', async (...args) => {
    const one = await run(...args, '--wait-replicas', '1');
    expect(one.exitCode, one.stderr).toBe(0);
    expect(jsonOf(one)).toMatchObject({ replicasAcknowledged: 1 });
  });

  test('a change that too few replicas have is reported, and not taken back', async () => {
    const two = ['--wait-replicas', '2', '--retry-for', '100ms'];
    const removal = await run('invalidate', '--pattern', 'user:2*', '--yes', '--no-backup', ...two);
    expect(removal.exitCode).toBe(1);
    expect(jsonOf(removal)).toMatchObject({ removed: 1, failed: 0, replicasAcknowledged: 1 });
    expect(removal.stderr).toContain('not confirmed by 2 replicas');
    expect(await send(server, 'EXISTS', 'user:2')).toBe(0);
    expect(await run('warm', '-', ...two)).toMatchObject({ exitCode: 1 });
  });

  test('apply asks too', async () => {
    await run('invalidate', '--pattern', 'user:3*', '--plan-out', plan);
    const { exitCode, stdout } = await run('apply', plan, '--yes', '--wait-replicas', '1');
    expect({ exitCode, ...(JSON.parse(stdout) as object) }).toMatchObject({
      ...{ exitCode: 0, replicasAcknowledged: 1 },
    });
  });

  test('without it replicas are not asked', async () => {
    const { stdout } = await run('invalidate', '--pattern', 'user:4*', '--yes', '--no-backup');
    expect(JSON.parse(stdout)).toMatchObject({ replicasAcknowledged: null });
  });
});
