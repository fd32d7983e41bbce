import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { send, sendAll } from '../server/redis.ts';
import { checkJson, rowsOf } from './check-rows.ts';
import { windowOf } from './hits-runs.ts';
import { folderWith } from './reading.ts';

const { redis, server } = await startServer();
const map = {
  namespaces: { user: { pattern: 'user:*' }, session: { pattern: 'session:*', kind: 'state' as const } },
};

const keys = (name: string, count: number, ...more: readonly (string | number)[]) =>
  Array.from({ length: count }, (_, index) => ['SET', `${name}:${index}`, 'x', ...more] as const);

beforeEach(async () => {
  await send(server, 'FLUSHALL');
  await sendAll(server, keys('user', 1000, 'EX', 600));
});

/** Runs in a folder of its own, with a baseline of what is there. */
async function saved(...args: readonly string[]) {
  const cwd = folderWith(map);
  const options = { url: redis.url, cwd, env: { XDG_STATE_HOME: temporaryFolder() } };
  const check = (...more: readonly string[]) => checkJson(['--only', 'connect', ...args, ...more], options);
  expect(await check('--save-baseline', 'base.json')).toMatchObject({ exitCode: 0 });
  return { check, options, file: join(cwd, 'base.json') };
}

const statusesOf = (result: Awaited<ReturnType<typeof checkJson>>) =>
  Object.fromEntries(
    Object.entries(rowsOf(result)).flatMap(([id, { status }]) =>
      id.startsWith('baseline:') ? [[id.slice('baseline:'.length), status]] : [],
    ),
  );

describe('a baseline', () => {
  test('is held where nothing is worse, and what differs by no more than the tolerance is not', async () => {
    const { check } = await saved();
    await sendAll(server, keys('user:new', 80, 'EX', 600));
    const result = await check('--baseline', 'base.json');
    expect(statusesOf(result)).toEqual({ keys: 'pass', bytes: 'pass', 'without-ttl': 'pass' });
    expect(result.exitCode).toBe(0);
  });

  test('names what has grown and what has lost its TTLs, and is not replaced by what is worse', async () => {
    const { check, file } = await saved();
    const before = readFileSync(file, 'utf8');
    await sendAll(server, [...keys('user:new', 200), ...keys('tmp', 150)]);
    const result = await check('--baseline', 'base.json', '--save-baseline', 'base.json');
    expect(result.exitCode).toBe(1);
    expect(statusesOf(result)).toEqual({ keys: 'fail', bytes: 'pass', 'without-ttl': 'fail' });
    expect(rowsOf(result)['baseline:keys']?.message).toMatch(
      /^more keys than at \S+ \S+ UTC: user 1,200, was 1,000; \(unmapped\) 150, was 0$/,
    );
    expect(result.stderr).toContain('baseline:without-ttl: a larger share without a TTL than at');
    expect(result.stderr).toContain('the baseline `base.json` was left as it is');
    expect(readFileSync(file, 'utf8')).toBe(before);
    const lax = await check('--baseline', 'base.json', '--tolerance', '100%', '--save-baseline', 'base.json');
    expect(statusesOf(lax)).toMatchObject({ keys: 'fail', 'without-ttl': 'pass' });
  });

  test('is replaced by what is no worse', async () => {
    const { check, file } = await saved();
    await sendAll(
      server,
      Array.from({ length: 500 }, (_, index) => ['DEL', `user:${index}`]),
    );
    await check('--baseline', 'base.json', '--save-baseline', 'base.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ namespaces: [{ keys: 500 }] });
  });

  test('says so where keys could not be read, and where it is of another server', async () => {
    const { check, options } = await saved();
    await send(server, 'ACL', 'SETUSER', 'poor', 'reset', 'on', '>secret', '~*', '+@all', '-scan');
    const poor = { ...options, url: redis.url.replace('://', '://poor:secret@') };
    const args = ['--only', 'connect', '--save-baseline', 'poor.json'];
    expect((await checkJson(args, poor)).stderr).toMatch(/the baseline has no keys: .*SCAN/);
    const other = await startServer();
    const elsewhere = await checkJson(['--only', 'connect', '--baseline', 'base.json'], {
      ...options,
      url: other.redis.url,
    });
    expect(elsewhere.stderr).toMatch(/the baseline is of redis:\S+:\d+\/0, and this is redis:/);
    expect(elsewhere.exitCode).toBe(0);
    const none = await check('--baseline', 'poor.json');
    expect(statusesOf(none)).toEqual({ keys: 'skip', bytes: 'skip', 'without-ttl': 'skip' });
    expect(none.exitCode).toBe(2);
  });

  test('takes the place of no other file', async () => {
    const { check, file } = await saved();
    writeFileSync(file, 'my notes');
    expect(await check('--save-baseline', 'base.json')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(
        '`base.json` is there and is no baseline; it was left as it is',
      ) as string,
    });
    expect(readFileSync(file, 'utf8')).toBe('my notes');
  });

  test('has hit rates with --hits, and says so where it has none', async () => {
    const observed = async (run: () => ReturnType<typeof checkJson>, misses: number) => {
      const begun = await windowOf(server);
      const outcome = run();
      await Promise.race([begun(), outcome]);
      await sendAll(server, [
        ...Array.from({ length: 200 }, () => ['GET', 'user:1'] as const),
        ...Array.from({ length: misses }, () => ['GET', 'user:none'] as const),
      ]);
      return outcome;
    };
    const { check } = await saved();
    const hits = ['--hits', '900ms'] as const;
    const first = await observed(() => check(...hits, '--save-baseline', 'rates.json'), 0);
    expect(first.exitCode).toBe(0);
    const worse = await observed(() => check(...hits, '--baseline', 'rates.json'), 100);
    expect(rowsOf(worse)['baseline:hit-rate']).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('user 66.7 %, was 100.0 %') as string,
    });
    const none = await observed(() => check(...hits, '--baseline', 'base.json'), 0);
    expect(rowsOf(none)['baseline:hit-rate']).toMatchObject({
      status: 'skip',
      message: 'the baseline has no hit rates',
    });
  });

  test('has the findings of the doctor, of which a new one fails', async () => {
    const { check } = await saved('--doctor');
    expect(statusesOf(await check('--baseline', 'base.json'))).toMatchObject({ doctor: 'pass' });
    await send(server, 'CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
    const result = await check('--baseline', 'base.json');
    await send(server, 'CONFIG', 'SET', 'notify-keyspace-events', '');
    expect(rowsOf(result)['baseline:doctor']).toMatchObject({ status: 'fail' });
    expect(rowsOf(result)['baseline:doctor']?.message).toMatch(/^not there at .*: CC118$/);
  });

  test.each([
    ['another file', '{}', 'it is no baseline of `check`'],
    ['an edited one', null, 'it is no baseline of `check`, or is not as it was written'],
  ])('is refused where it is %s', async (_name, text, why) => {
    const { check, file } = await saved();
    writeFileSync(file, text ?? readFileSync(file, 'utf8').replace('"keys":1000', '"keys":2000'));
    const { exitCode, stderr } = await check('--baseline', 'base.json');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`--baseline: \`base.json\` cannot be compared with: ${why}`);
  });
});

describe('check --doctor', () => {
  test('has a row for each rule, of which a warning warns and a notice is one', async () => {
    const { options } = await saved();
    const result = await checkJson(['--only', 'connect', '--doctor'], options);
    const rows = rowsOf(result);
    expect(Object.keys(rows)).toHaveLength(47);
    expect(rows['CC101']).toMatchObject({
      status: 'warn',
      message: expect.stringMatching(/^no-maxmemory: no `maxmemory`/) as string,
    });
    expect(rows['CC103']).toMatchObject({
      status: 'pass',
      message: 'noeviction: nothing found',
      remedy: null,
    });
    expect(rows['CC302']).toMatchObject({ status: 'skip' });
    expect(rows['CC401']).toMatchObject({
      status: 'pass',
      remedy: expect.stringContaining('ACL SETUSER') as string,
    });
    expect(result.exitCode).toBe(0);
    const strict = await checkJson(['--only', 'connect,CC101', '--doctor', '--strict'], options);
    expect(Object.keys(rowsOf(strict))).toEqual(['connect', 'CC101']);
    expect(strict.exitCode).toBe(1);
    expect(strict.stderr).toContain('warning: CC101: no-maxmemory');
  });

  test('shows a person what was found alone, and is in annotations, the job summary and SARIF', async () => {
    const { options } = await saved();
    const args = ['check', '--only', 'connect', '--doctor'];
    const shown = await cli(args, { ...options, terminal: true, env: { ...options.env, NO_COLOR: '1' } });
    expect(shown.stdout).toContain('CC101');
    expect(shown.stdout).not.toContain('CC103');
    expect(shown.stdout).toMatch(/\d\d rules of the doctor found nothing, \d+ could not be judged/);
    const summary = join(temporaryFolder(), 'summary.md');
    const env = { ...options.env, GITHUB_STEP_SUMMARY: summary };
    const github = await cli([...args, '-o', 'github'], { ...options, env });
    expect(github.stdout).toContain('::warning title=cachectl check CC101::no-maxmemory');
    expect(github.stdout).toContain('::notice title=cachectl check CC401::open-default-user');
    expect(readFileSync(summary, 'utf8')).toMatch(/\| warn \| CC101 \| no-maxmemory: .*CONFIG SET maxmemory/);
    const sarif = await cli([...args, '-o', 'sarif'], options);
    expect(sarif.stdout).toMatch(/"ruleId": ?"CC101",[^]*?"level": ?"warning"/);
    const junit = await cli([...args, '-o', 'junit'], options);
    expect(junit.stdout).toContain('name="CC103"');
  });
});
