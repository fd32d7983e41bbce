import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { send, sendAll } from '../server/redis.ts';
import { checkJson, rowsOf } from './check-rows.ts';
import { windowOf } from './hits-runs.ts';
import { folderWith } from './reading.ts';

const { redis, server } = await startServer();
const cwd = folderWith({
  namespaces: {
    user: { pattern: 'user:*', hitRateTarget: 0.9 },
    session: { pattern: 'session:*', kind: 'state' },
  },
});
const options = { url: redis.url, cwd, env: { XDG_STATE_HOME: temporaryFolder() } };
const check = (...args: readonly string[]) => checkJson(['--only', 'connect', ...args], options);

beforeAll(async () => {
  await sendAll(server, [
    ...Array.from({ length: 20 }, (_, index) => ['SET', `user:${index}`, 'x', 'EX', 600]),
    ...Array.from({ length: 5 }, (_, index) => ['SET', `session:${index}`, 'x'.repeat(1000)]),
    ['SET', 'tmp:1', 'x'],
  ]);
});

describe('a gate on keys', () => {
  test.each([
    ['--max-keys user=20', 'keys:user', 'pass', '20 keys'],
    ['--max-keys user=19', 'keys:user', 'fail', '20 keys, above the limit of 19'],
    ['--max-keys 25', 'keys', 'fail', '26 keys, above the limit of 25'],
    ['--max-bytes session=1kB', 'bytes:session', 'fail', /^\d\.\d kB, above the limit of 1\.0 kB$/],
    ['--max-without-ttl user=0', 'without-ttl:user', 'pass', '0.0 % of 20 keys have no TTL'],
    [
      '--max-without-ttl 10%',
      'without-ttl',
      'fail',
      '23.1 % of 26 keys have no TTL, above the limit of 10.0 %',
    ],
    ['--max-unmapped 0', 'unmapped', 'fail', '1 key, above the limit of 0'],
    ['--forbid tmp:*', 'forbidden:tmp:*', 'fail', '1 key found, such as `tmp:1`'],
    ['--forbid debug:*', 'forbidden:debug:*', 'pass', 'no key matches'],
  ])('%s: %s is %s', async (line, id, status, message) => {
    const result = await check(...line.split(' '));
    const row = rowsOf(result)[id];
    expect(row?.status).toBe(status);
    expect(row?.message).toMatch(message);
    expect(result.exitCode).toBe(status === 'fail' ? 1 : 0);
  });

  test('reads no keys where none was asked for', async () => {
    const { stdout } = await check();
    expect(Object.keys(rowsOf({ exitCode: 0, stdout, stderr: '' }))).toEqual(['connect']);
  });

  test('of a namespace that the map does not have is refused, and one on hit rates without traffic', async () => {
    expect(await check('--max-keys', 'users=1')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no namespace `users`') as string,
    });
    expect((await check('--min-namespace-hit-rate', 'user=0.5')).stderr).toContain('--hits 30s');
  });

  test('of a word that only begins inferred namespaces is refused, with the one that is meant', async () => {
    const mapless = { ...options, cwd: temporaryFolder() };
    const run = (limit: string) => checkJson(['--only', 'connect', '--max-keys', limit], mapless);
    const { exitCode, stdout, stderr } = await run('usr=1');
    expect([exitCode, stderr]).toEqual([
      2,
      'error: there is no namespace `usr`\nhint: did you mean `user:<id>`?\n',
    ]);
    expect(rowsOf({ exitCode, stdout, stderr })['keys:usr']).toMatchObject({
      status: 'skip',
      message: 'there is no namespace `usr`; there is `user:<id>`',
    });
    expect((await run('user=1')).exitCode).toBe(2);
    expect((await run('user:<id>=20')).exitCode).toBe(0);
    // It may have no keys just now.
    expect((await run('user:<id>:tags=20')).exitCode).toBe(0);
    expect((await run('queue=20')).exitCode).toBe(0);
  });

  test('is in each report', async () => {
    const args = ['check', '--only', 'connect', '--forbid', 'tmp:*'];
    const junit = await cli([...args, '-o', 'junit'], options);
    expect(junit.stdout).toMatch(
      /name="forbidden:tmp:\*" time="0.000">\s*<failure message="1 key found, such as `tmp:1`"/,
    );
    const github = await cli([...args, '-o', 'github'], options);
    expect(github.stdout).toMatch(/^::error title=cachectl check forbidden%3Atmp%3A\*::1 key found/);
    const sarif = JSON.parse((await cli([...args, '-o', 'sarif'], options)).stdout) as {
      readonly runs: readonly { readonly results: readonly { readonly ruleId: string }[] }[];
    };
    expect(sarif.runs[0]?.results).toMatchObject([{ ruleId: 'forbidden:tmp:*', level: 'error' }]);
  });
});

describe('a limit of the map', () => {
  const limited = folderWith({
    namespaces: {
      user: { pattern: 'user:*', maxKeys: 20, maxBytes: '1MB', maxWithoutTtl: 0 },
      session: { pattern: 'session:*', kind: 'state', maxKeys: 4 },
    },
    thresholds: { maxUnmappedKeys: 0 },
    forbidden: ['tmp:*'],
  });
  const run = (...args: readonly string[]) =>
    checkJson(['--skip', 'round-trip', ...args], { ...options, cwd: limited });
  const gatesOf = (result: Awaited<ReturnType<typeof run>>) =>
    Object.fromEntries(
      Object.entries(rowsOf(result))
        .filter(([id]) => id === 'unmapped' || id.includes(':'))
        .map(([id, { status }]) => [id, status]),
    );

  test('is a gate like any other, and a flag takes its place', async () => {
    const result = await run();
    expect(gatesOf(result)).toEqual({
      ...{ 'keys:user': 'pass', 'bytes:user': 'pass', 'without-ttl:user': 'pass', 'keys:session': 'fail' },
      ...{ unmapped: 'fail', 'forbidden:tmp:*': 'fail' },
    });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('keys:session: 5 keys, above the limit of 4\n');
    const raised = await run('--max-keys', 'session=5', '--max-unmapped', '1');
    expect(gatesOf(raised)).toMatchObject({ 'keys:session': 'pass', unmapped: 'pass' });
  });

  test('is left out by --no-keys, and where checks are named', async () => {
    expect(gatesOf(await run('--no-keys'))).toEqual({});
    const named = await checkJson(['--only', 'connect'], { ...options, cwd: limited });
    expect(gatesOf(named)).toEqual({});
    expect(named.exitCode).toBe(0);
  });
});

describe('a gate on hit rates', () => {
  const observed = async (hits: number, misses: number, ...args: readonly string[]) => {
    const begun = await windowOf(server);
    const outcome = check('--hits', '900ms', ...args);
    await Promise.race([begun(), outcome]);
    await sendAll(server, [
      ...Array.from({ length: hits }, () => ['GET', 'user:1'] as const),
      ...Array.from({ length: misses }, () => ['GET', 'user:none'] as const),
    ]);
    await sleep(1);
    return outcome;
  };

  test('holds the traffic against the target of the map, or against the flag', async () => {
    const missed = await observed(160, 40);
    expect(rowsOf(missed)['namespace-hit-rate:user']).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(
        /^80\.0 % of 200 reads in \S+ m?s, below the limit of 90\.0 %$/,
      ) as string,
    });
    expect(missed.exitCode).toBe(1);
    const held = await observed(160, 40, '--min-namespace-hit-rate', 'user=80%');
    expect(rowsOf(held)['namespace-hit-rate:user']).toMatchObject({ status: 'pass', limit: 0.8 });
    expect(held.exitCode).toBe(0);
  });

  test('lets nothing pass where nothing could be judged', async () => {
    const { exitCode, ...result } = await observed(5, 0, '--require-reads', '50');
    expect(rowsOf({ exitCode, ...result })['namespace-hit-rate:user']).toMatchObject({
      status: 'skip',
      message: expect.stringMatching(/^5 reads in \S+ m?s: 50 are required$/) as string,
    });
    expect(exitCode).toBe(2);
    expect(result.stderr).toMatch(
      /^warning: exit code 2, for no gate could be judged: namespace-hit-rate:user: 5 reads in \S+ m?s: 50 are required\n$/,
    );
  });

  test('is refused for a word that only begins a namespace which was observed', async () => {
    const begun = await windowOf(server);
    const args = ['--only', 'connect', '--hits', '900ms', '--min-namespace-hit-rate', 'user=80%'];
    const outcome = checkJson(args, { ...options, cwd: temporaryFolder() });
    await Promise.race([begun(), outcome]);
    await send(server, 'GET', 'user:1');
    expect(await outcome).toMatchObject({
      exitCode: 2,
      stderr: 'error: there is no namespace `user`\nhint: did you mean `user:<id>`?\n',
    });
  });
});
