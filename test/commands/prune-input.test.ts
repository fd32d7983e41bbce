import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { emptyDatabase, testServer, testUrl } from '../server/redis.ts';
import { store, withMap } from './invalidate-setup.ts';
import { rules, ttlOf } from './prune-setup.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await testServer();
});
beforeEach(async () => {
  await emptyDatabase(server);
  await store(server, ['user:1:profile']);
});
afterAll(() => server.close());

const run = (args: readonly string[], options: CliOptions = {}) =>
  cli(['prune', ...args], { url: testUrl(), env: withMap(rules), ...options });
const untouched = async () => expect(await ttlOf(server, 'user:1:profile')).toBe(-1);

describe('prune refuses', () => {
  test.each([
    [[], /nothing was named to prune\nhint: .*--set-ttl/],
    [['--namespace', 'profile', '--yes'], /nothing was named to prune/],
    [['--idle', '7d', '--jitter', '10%', '--yes'], /`--jitter` shortens TTLs/],
    [['--set-ttl', '--jitter', '110%'], /not a ratio/],
    [['--idle', 'week'], /not a duration/],
    [['--idle', '0', '--yes'], /`--idle` must be 1s or more/],
    [['--set-ttl', '--namespace', 'nobody', '--yes'], /no namespace `nobody`\nhint: namespaces are: profile/],
    [['--set-ttl', '--namespace', 'session', '--yes'], /namespace `session` is state/],
    [['--set-ttl', '--namespace', '(unmapped)', '--yes'], /keys outside the map are never pruned/],
    [['--set-ttl', '--max-rate', '0'], /not a whole number of 1 or more/],
  ])('%j', async (args, message) => {
    const result = await run(args);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(message);
    expect(result.stdout).toBe('');
    await untouched();
  });

  test.each([['--set-ttl'], ['--too-long'], ['--idle=7d']])('%s without a map', async (option) => {
    const result = await run([option, '--yes'], { env: {} });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/there is no map.*\nhint: .*`cachectl config init`/);
    await untouched();
  });

  test('to change anything without a terminal and without --yes', async () => {
    const result = await run(['--set-ttl', '--output', 'json']);

    expect(result.exitCode).toBe(5);
    expect(result.stderr).toMatch(
      /no terminal to ask at; nothing was changed\nhint: add --yes to set a TTL on 1 key \(.*\), or --dry-run/,
    );
    expect(jsonOf(result)).toMatchObject({
      ok: false,
      outcome: 'declined',
      matched: 1,
      ttlSet: 0,
      notAttempted: 1,
      error: { kind: 'declined' },
    });
    await untouched();
  });

  test('a protected profile without its name, and takes it with --confirm', async () => {
    const env = withMap({ ...rules, profiles: { prod: { url: testUrl(), protected: true } } });

    const plain = await run(['--set-ttl', '--yes', '--profile', 'prod'], { env });
    const wrong = await run(['--set-ttl', '--confirm', 'test', '--profile', 'prod'], { env });
    await untouched();
    const named = await run(['--set-ttl', '--confirm', 'prod', '--profile', 'prod'], { env });

    expect(plain.exitCode).toBe(5);
    expect(plain.stderr).toMatch(/`prod` is protected; nothing was changed\nhint: add --confirm prod/);
    expect(wrong.exitCode).toBe(5);
    expect(named.exitCode).toBe(0);
    expect(await ttlOf(server, 'user:1:profile')).toBeGreaterThan(0);
  });

  test('a read-only profile, but for a dry run', async () => {
    const env = withMap({ ...rules, profiles: { prod: { url: testUrl(), readOnly: true } } });

    const refused = await run(['--set-ttl', '--yes', '--profile', 'prod'], { env });
    const shown = await run(['--set-ttl', '--dry-run', '--profile', 'prod'], { env });

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('read-only');
    expect(shown.exitCode).toBe(0);
    await untouched();
  });

  test('with the fields it always has', async () => {
    const done = await run(['--set-ttl', '--yes', '-o', 'json']);
    const refused = await run(['--set-ttl', '--yes', '-o', 'json'], { env: {} });
    const absent = await run(['--set-ttl', '-o', 'json'], { url: 'redis://127.0.0.1:1' });

    expect(absent.exitCode).toBe(3);
    expect(Object.keys(jsonOf(refused))).toEqual(Object.keys(jsonOf(done)));
    expect(Object.keys(jsonOf(absent))).toEqual(Object.keys(jsonOf(done)));
  });
});
