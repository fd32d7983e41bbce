import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer, temporaryFolder } from '../server/own.ts';
import { cli } from '../run-cli.ts';
import { send } from '../server/redis.ts';
import { hitsJson, runHits, traffic, windowOf } from './hits-runs.ts';
import { withMap } from './invalidate-setup.ts';

const { redis, server } = await startServer();
const env = withMap({
  namespaces: {
    user: { pattern: 'user:*', hitRateTarget: 0.9 },
    team: { pattern: 'team:*', hitRateTarget: 0.9 },
  },
});

/** Of users 3 hits and 2 misses, of teams 4 and 1, and 5 misses of keys that no namespace has. */
const during = async () => {
  await traffic(server, 3, 2, 'user');
  await traffic(server, 4, 1, 'team');
  for (let index = 0; index < 5; index++) await send(server, 'GET', `other:${index}`);
};

const all = { reads: 15, hits: 7, misses: 8, residual: { reads: 0, hits: 0, misses: 0 } };

test.each([
  [['user:*'], ['user'], { reads: 10, hits: 4, misses: 6, writes: 1 }],
  [['user:*', 'team:*'], ['user', 'team'], { reads: 5, hits: 0, misses: 5, writes: 0 }],
  [['--namespace', 'team'], ['team'], { reads: 10, hits: 3, misses: 7, writes: 1 }],
  [['--namespace', '(unmapped)'], ['(unmapped)'], { reads: 10, hits: 7, misses: 3, writes: 2 }],
  [['--exclude', 'team,other:*'], ['user'], { reads: 10, hits: 4, misses: 6, writes: 1 }],
  [['--regex', '^user:.*absent$', '--regex', '^o'], ['(unmapped)', 'user'], { reads: 8, hits: 7, misses: 1 }],
  [['nothing:*'], [], { reads: 15, hits: 7, misses: 8, writes: 2 }],
])('%j leaves the rest to one figure, and they add up to the counters', async (args, names, notSelected) => {
  const { exitCode, result } = await hitsJson(server, redis.url, args, { during, env });
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({ valid: true, ...all, notSelected });
  expect(result.namespaces.map(({ namespace }) => namespace)).toEqual(names);
  const sum = result.namespaces.reduce((reads, each) => reads + (each.reads ?? 0), 0);
  expect(sum + (result.notSelected?.reads ?? 0)).toBe(all.reads);
  expect(result.mostMissed.every(({ namespace }) => names.includes(namespace))).toBe(true);
});

test('without a selection nothing is left out', async () => {
  const { result } = await hitsJson(server, redis.url, [], { during, env });
  expect(result).toMatchObject({ ...all, notSelected: null });
});

test('keys of other databases are not selected', async () => {
  const inOther = () => send(server, 'EVAL', "redis.call('SELECT', 1) return redis.call('GET', 'user:1')", 0);
  const { result } = await hitsJson(server, redis.url, ['user:*'], { during: inOther, env });
  expect(result).toMatchObject({ valid: true, namespaces: [], notSelected: { reads: 1, misses: 1 } });
});

test('a sample and misses alone know what is not selected too', async () => {
  const misses = ['user:*', '--mode', 'misses-only'];
  const only = await hitsJson(server, redis.url, misses, { during, env });
  expect(only.result).toMatchObject({ valid: true, notSelected: { reads: null, hits: null, misses: 6 } });
  const sampled = ['user:*', '--mode', 'sampled', '--duty', '50%', '--for', '1s'];
  const { result } = await hitsJson(server, redis.url, sampled, {
    during: async () => {
      for (let round = 0; round < 30; round++) await during();
    },
    env,
  });
  expect(result).toMatchObject({ mode: 'sampled', notSelected: { misses: 180 }, residual: { misses: 0 } });
  expect(result.namespaces).toMatchObject([{ namespace: 'user', misses: 60 }]);
});

test('a person sees the rate of what is selected, and what is not', async () => {
  const { stdout } = await runHits(server, redis.url, ['user:*'], { during, env, terminal: true });
  expect(stdout).toMatch(/60\.0 % of .* hit; `user` misses most/);
  expect(stdout).toContain('not selected: 10 reads with 6 misses, of 15 in all');
});

test('targets of what is left out are not missed', async () => {
  const args = ['--namespace', 'user', '--fail-below-target'];
  const { result } = await hitsJson(server, redis.url, args, { during, env });
  expect(result.unjudgedTargets.map(({ namespace }) => namespace)).toEqual(['user']);
});

test('a window is compared with one of the same selection', async () => {
  const file = join(temporaryFolder(), 'hits.ndjson');
  await hitsJson(server, redis.url, ['user:*', '--record', file], { during, env });
  const same = await hitsJson(server, redis.url, ['user:*', '--compare', file], { during, env });
  expect(same.result.comparison?.changes).toMatchObject([{ namespace: 'user', change: 'same' }]);
  const other = await hitsJson(server, redis.url, ['--compare', file], { env });
  expect(other.exitCode).toBe(2);
  expect(other.stderr).toContain('--compare: the last result there is of `user:*`');
});

test.each([
  [['user:*', '--mode', 'counters'], '`--mode counters` knows no keys'],
  [['--namespace', 'usr'], 'the map has no namespace `usr`'],
  [['--ttl', 'none'], 'error: `hits` takes no --ttl: it observes commands and events'],
  [['--size=>1k'], 'hint: select keys by name: with a pattern, --namespace, --exclude or --regex'],
])('%j is refused', async (args, message) => {
  const outcome = await hitsJson(server, redis.url, args, { env });
  expect(outcome.exitCode).toBe(2);
  expect(outcome.stderr).toContain(message);
});

test(
  'an expression that takes for ever ends the observation with its reason',
  { timeout: 30_000 },
  async () => {
    const slow = `${'a'.repeat(60)}!`;
    const outcome = await hitsJson(server, redis.url, ['--regex', '^(a+)+$'], {
      during: () => send(server, 'GET', slow),
      env,
    });
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain('takes more than 2 s on the key');
  },
);

test.each([
  ['reads', []],
  ['misses', ['--mode', 'misses-only']],
] as const)(
  'where no %s are of such a key, says so and how the keys that are read are named',
  async (what, mode) => {
    const args = ['usr:<id>:*', ...mode];
    const { exitCode, stdout, stderr } = await runHits(server, redis.url, args, { during, terminal: true });
    expect(exitCode).toBe(0);
    const count = what === 'reads' ? 15 : 8;
    expect(stderr.replace(/\s+/g, ' ')).toMatch(
      new RegExp(
        `nothing matched: of ${count} ${what} in \\S+ m?s none was of a key that fits \`usr:<id>:\\*\``,
      ),
    );
    expect(stderr).toContain('did you mean `user:<id>:*`?');
    expect(stdout).not.toContain('Namespaces');
  },
);

test('whatif says that no read was of such a key', async () => {
  const begun = await windowOf(server);
  const run = cli(['whatif', 'stock:*', '--for', '600ms'], {
    ...{ url: redis.url, terminal: true, env: { XDG_STATE_HOME: temporaryFolder() } },
  });
  await Promise.race([begun(), run]);
  await during();
  const text = (await run).stderr.replace(/\s+/g, ' ');
  expect(text).toMatch(/nothing matched: of 15 reads in \S+ m?s none was of a key that fits `stock:\*`/);
  expect(text).toContain('names begin with `other`, `user`, `team`');
});
