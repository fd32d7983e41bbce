import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checks as allChecks } from '../../src/health/report.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { checkJson, infoText, type Row, rowsOf, unreachable, withStatus } from './check-rows.ts';
import { open, startRedis, startServer, temporaryFolder } from '../server/own.ts';

describe('check of a healthy server', () => {
  test('passes, says so on one line each, and leaves no key behind', async () => {
    const redis = await startRedis();
    const result = await cli(['check'], { url: redis.url, terminal: true, env: { NO_COLOR: '1' } });

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toMatch(/^ {2}STATUS {2}CHECK {12}FOUND\n {2}pass {4}connect {10}open after/);
    expect(result.stdout).toMatch(/\n {2}skip {4}hit-rate {9}no traffic to judge\n/);
    expect(result.stdout).toMatch(
      new RegExp(
        `\\n✓ 13 passed, 2 skipped in .* ${redis.product} \\d.* at redis://127\\.0\\.0\\.1:\\d+/0\\n$`,
      ),
    );
    expect(result.stdout.split('\n')).toHaveLength(1 + allChecks.length + 1 + 1 + 1);
    expect(await send(await open(redis.url), 'DBSIZE')).toBe(0);
  });

  test('gives status, id and message to a pipe, separated by tabs', async () => {
    const result = await cli(['check', '--only', 'login,database'], { url: testUrl() });

    expect(result.stdout).toMatch(/^pass\tlogin\tas the default user\npass\tdatabase\tdatabase \d+ .*\n$/);
  });

  test('has the same fields in JSON as one that failed', async () => {
    // What other tests do to the server that all share may be worth a warning.
    const good = jsonOf(await checkJson([], { url: (await startRedis()).url }));
    const bad = jsonOf(await checkJson([], { url: await unreachable() }));

    expect(Object.keys(bad)).toEqual(Object.keys(good));
    const [goodRows, badRows] = [good['checks'], bad['checks']] as (readonly Row[])[];
    expect(badRows?.map((row) => Object.keys(row))).toEqual(goodRows?.map((row) => Object.keys(row)));
    expect(badRows?.map(({ id }) => id)).toEqual(allChecks.map(({ id }) => id));
    expect(good).toMatchObject({
      ok: true,
      status: 'pass',
      server: { product: expect.any(String) as string, role: 'primary' },
    });
  });

  test('prints a line per check and a summary as ndjson', async () => {
    const result = await cli(['check', '--output', 'ndjson', '--only', 'connect,latency'], {
      url: testUrl(),
    });
    const lines = result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

    expect(lines.map(({ record }) => record)).toEqual(['checks', 'checks', 'summary']);
    expect(lines[1]).toMatchObject({ id: 'latency', unit: 'millis', evidence: { pings: 20 } });
    expect(lines[2]).toMatchObject({ status: 'pass', passed: 2, failed: 0 });
  });
});

describe('check of writing', () => {
  test('fails on a replica with READONLY, and names the primary', async () => {
    const primary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    const server = await open(replica.url);
    await expect
      .poll(() => infoText(server, 'REPLICATION'), { timeout: 10_000 })
      .toContain('master_link_status:up');
    const result = await checkJson([], { url: replica.url });

    expect(result.exitCode).toBe(1);
    expect(withStatus(result, 'fail')).toEqual(['round-trip']);
    expect(rowsOf(result)).toMatchObject({
      'round-trip': {
        message: expect.stringContaining('READONLY') as string,
        remedy: `connect to the primary at 127.0.0.1:${primary.port}, or leave this check out with --no-write`,
      },
      role: { message: `replica of 127.0.0.1:${primary.port}, link up` },
      'replication-lag': { status: 'pass' },
    });

    const unwritten = await checkJson(['--no-write'], { url: replica.url });
    expect(unwritten.exitCode).toBe(0);
    expect(rowsOf(unwritten)['round-trip']?.message).toBe('left out by --no-write');

    await primary.stop();
    const orphaned = await checkJson(['--no-write', '--only', 'role'], { url: replica.url });
    expect(orphaned.exitCode).toBe(1);
    expect(rowsOf(orphaned)['role']?.message).toMatch(/^replica of 127\.0\.0\.1:\d+: the link/);
  });

  test('fails when the memory is full', async () => {
    const redis = await startRedis({ args: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'] });
    const server = await open(redis.url);
    await sendAll(
      server,
      Array.from({ length: 80 }, (_, index) => ['SETRANGE', `filler:${index}`, 50_000, 'x']),
    ).catch(() => undefined);
    const result = await checkJson([], { url: redis.url });

    expect(result.exitCode).toBe(1);
    expect(withStatus(result, 'fail')).toEqual(['round-trip', 'memory']);
    expect(rowsOf(result)['round-trip']?.message).toMatch(/^`SET` is refused: OOM /);
    expect(rowsOf(result)['memory']?.message).toMatch(
      /^1\d\d\.\d % of 3\.1 MB used, policy noeviction: writes are refused$/,
    );
  });

  test('is left out under a read-only profile', async () => {
    const cwd = temporaryFolder();
    const profiles = { audit: { url: testUrl(), readOnly: true } };
    writeFileSync(join(cwd, 'cachectl.config.json'), JSON.stringify({ profiles }));
    const result = await checkJson(['--profile', 'audit', '-c', 'cachectl.config.json'], { cwd });

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)['profile']).toBe('audit');
    expect(rowsOf(result)['round-trip']).toMatchObject({
      status: 'skip',
      message: 'the profile is read-only, and this check writes a key',
    });
  });

  test('fails for a user without the right to it, and says which right', async () => {
    const redis = await startRedis({
      config: ['user reader on >pw ~* +@read +info +ping', 'user tenant on >pw ~tenant:* +@all -acl'],
    });
    const [reader, tenant] = await Promise.all(
      ['reader', 'tenant'].map((user) => checkJson([], { url: redis.url.replace('//', `//${user}:pw@`) })),
    );

    expect([reader?.exitCode, tenant?.exitCode]).toEqual([1, 1]);
    expect(reader && rowsOf(reader)['permissions']?.remedy).toContain(
      '`ACL SETUSER reader +set +get +unlink ~cachectl:check:*`',
    );
    expect(tenant && rowsOf(tenant)['round-trip']?.remedy).toContain(
      '`ACL SETUSER tenant +set +get +unlink ~cachectl:check:*`',
    );
    expect(reader?.stdout).not.toContain('what this user may do');
    expect(tenant && rowsOf(tenant)['round-trip']?.message).toMatch(/^`SET` is refused: NOPERM/);
  });
});

test('check writes its key within the keys of a user who may ask which they are', async () => {
  const { redis, server } = await startServer({ config: ['user tenant on >pw %R~other:* ~tenant:* +@all'] });
  const result = await checkJson([], { url: redis.url.replace('//', '//tenant:pw@') });
  expect(rowsOf(result)['round-trip']).toMatchObject({ status: 'pass' });
  expect(await send(server, 'DBSIZE')).toBe(0);
});

describe('check for a user without any permission', () => {
  test.each(['', '/3'])('names what is needed at once: applied, the next run passes (%j)', async (path) => {
    const redis = await startRedis({ config: ['user app on >pw -@all'] });
    const url = redis.url.replace('//', '//app:pw@') + path;
    const first = await cli(['check', '-o', 'json'], { url });
    const [, rules = ''] = /`ACL SETUSER app ([^`]+)`/.exec(first.stdout) ?? [];
    await send(await open(redis.url), 'ACL', 'SETUSER', 'app', ...rules.split(' '));

    expect(first.stdout + first.stderr).not.toContain('what this user may do');
    expect(await cli(['check', '--strict'], { url })).toMatchObject({ exitCode: 0 });
  });
});

describe('check for a user without INFO', () => {
  test('skips what rests on it with the reason, and fails under --strict', async () => {
    const redis = await startRedis({
      config: ['user app on >pw ~* -@all +ping +set +get +unlink +client|setname'],
    });
    const url = redis.url.replace('//', '//app:pw@');
    const result = await checkJson([], { url });

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)).toMatchObject({ status: 'warn', warned: 1, server: { product: null } });
    expect(withStatus(result, 'pass')).toEqual([
      ...['connect', 'login', 'database', 'loading', 'round-trip', 'latency'],
    ]);
    expect(rowsOf(result)['memory']).toMatchObject({ status: 'skip', message: '`INFO` is refused (NOPERM)' });

    const strict = await checkJson(['--strict'], { url });
    expect(strict.exitCode).toBe(1);
    expect(jsonOf(strict)).toMatchObject({ ok: true, status: 'fail', warned: 1, failed: 0 });
  });
});

describe('limits', () => {
  test('of the hit rate are held against the lookups of others, not of the check', async () => {
    const redis = await startRedis();
    const server = await open(redis.url);
    await send(server, 'SET', 'present', '1');
    const lookups = Array.from({ length: 60 }, (_, index) => ['GET', index % 2 === 0 ? 'present' : 'absent']);
    await sendAll(server, [...lookups, ...lookups]);
    const result = await checkJson(['--min-hit-rate', '51%'], { url: redis.url });

    expect(result.exitCode).toBe(1);
    expect(rowsOf(result)['hit-rate']).toMatchObject({
      status: 'fail',
      value: 0.5,
      limit: 0.51,
      message: '50.0 % of 120 reads, below the limit of 51.0 %',
    });
  });

  test('of the map hold, and a flag takes their place', async () => {
    const cwd = temporaryFolder();
    const thresholds = { maxPingMillis: 0.000001, maxClients: 1000, minHitRate: 0.99 };
    writeFileSync(join(cwd, 'cachectl.config.json'), JSON.stringify({ thresholds }));
    const options = { url: testUrl(), cwd };
    const byMap = await checkJson(['--only', 'latency,clients'], options);
    const byFlag = await checkJson(['--only', 'latency,clients', '--max-ping', '1m'], options);

    expect(byMap.exitCode).toBe(1);
    expect(rowsOf(byMap)['latency']).toMatchObject({ status: 'fail', limit: 0.000001 });
    expect(byFlag.exitCode).toBe(0);
    expect(rowsOf(byFlag)).toMatchObject({ latency: { limit: 60_000 }, clients: { limit: 1000 } });
  });

  test.each([
    [['--max-memory', '120%'], '120%'],
    [['--min-hit-rate', 'high'], 'high'],
    [['--max-ping', '5 parsecs'], '5 parsecs'],
    [['--max-fragmentation', '0.5'], '0.5'],
    [['--max-evicted', '-1'], '-1'],
  ])('that make no sense are refused: %j', async (args, shown) => {
    const result = await cli(['check', ...args], { url: testUrl() });

    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(shown);
  });
});

describe('the choice of checks', () => {
  test('takes lists, and does nothing on the server that none of them needs', async () => {
    const redis = await startRedis();
    const server = await open(redis.url);
    const calls = async () => (await infoText(server, 'COMMANDSTATS')).match(/cmdstat_\w+/g) ?? [];
    const result = await checkJson(['--only', 'memory,connect', '--only', 'role', '--skip', 'role'], {
      url: redis.url,
    });

    expect(Object.keys(rowsOf(result))).toEqual(['connect', 'memory']);
    expect(await calls()).not.toContain('cmdstat_set');
    await checkJson(['--only', 'round-trip'], { url: redis.url });
    expect(await calls()).toContain('cmdstat_set');
  });

  test.each(['--only', '--skip'])(
    'of an unknown one with %s is refused with the known ones',
    async (option) => {
      const result = await cli(['check', option, 'memory,speed'], { url: await unreachable() });

      expect(result.exitCode).toBe(2);
      expect(result.stderr).toMatch(
        new RegExp(`^error: ${option}: there is no check \`speed\`\nhint: checks are: connect, `),
      );
    },
  );

  test('that leaves none is refused', async () => {
    const result = await cli(['check', '--only', 'memory', '--skip', 'memory'], { url: testUrl() });

    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  });
});
