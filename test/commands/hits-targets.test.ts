import { describe, expect, test } from 'vitest';
import { sendAll } from '../server/redis.ts';
import { hitsJson, runHits, traffic } from './hits-runs.ts';
import { folderWith, linesOf } from './reading.ts';
import { stats } from './stats-runs.ts';
import { homed, observed } from './stats-hits-runs.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

const { redis, server } = await startServer();

const map = {
  namespaces: {
    user: { pattern: 'user:*', hitRateTarget: '60%' },
    page: { pattern: 'page:*', hitRateTarget: '60%' },
    session: { pattern: 'session:*', kind: 'state' },
  },
} as const;

const gate = (during: () => Promise<unknown>, args: readonly string[] = []) =>
  hitsJson(server, redis.url, ['--fail-below-target', ...args], { cwd: folderWith(map), during });

describe('--fail-below-target', () => {
  test.each([
    [59, 41, 1, false],
    [60, 40, 0, true],
  ])('judges %i hits and %i misses: exit code %i', async (hits, misses, exitCode, passed) => {
    const outcome = await gate(() => traffic(server, hits, misses));
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.result.gate).toMatchObject({
      met: passed,
      judgedNamespaces: ['user'],
      missedNamespaces: passed ? [] : ['user'],
    });
    expect(outcome.stderr.includes('user: hit rate below target')).toBe(!passed);
  });

  test('names the namespaces that it could not judge, also where it passes', async () => {
    const { exitCode, result, stderr } = await gate(async () => {
      await traffic(server, 100, 0);
      await traffic(server, 3, 12, 'page');
    });
    expect(exitCode).toBe(0);
    expect(result.unjudgedTargets).toEqual([{ namespace: 'page', hitRateTarget: 0.6, reason: 'few-reads' }]);
    expect(stderr).toContain(
      'the target of page (60.0 %) cannot be judged here: fewer than 100 reads were observed',
    );
  });

  test('does not pass where no target could be judged: 99 reads are too few, and no reads are', async () => {
    const few = await gate(() => traffic(server, 0, 99));
    expect(few.exitCode).toBe(1);
    expect(few.result.gate).toMatchObject({ met: false, judgedNamespaces: [], missedNamespaces: [] });
    expect(few.result.namespaces[0]).toMatchObject({ namespace: 'user', hitRate: 0, targetMet: null });
    expect(few.result.findings).toEqual([]);
    const none = await gate(() => Promise.resolve());
    expect(none.exitCode).toBe(1);
    for (const { stderr, result } of [few, none]) {
      expect(result.gate?.reason).toBe(
        'no namespace with a target was judged; it takes 100 reads in the window',
      );
      expect(stderr).toContain(
        '--fail-below-target did not pass: no namespace with a target was judged; it takes 100 reads in the window',
      );
      expect(stderr).toMatch(/page \(60\.0 %\).* cannot be judged here/);
    }
  });

  test('says the same below a table', async () => {
    const { exitCode, stdout, stderr } = await runHits(server, redis.url, ['--fail-below-target'], {
      ...{ cwd: folderWith(map), terminal: true, env: { NO_COLOR: '1' } },
      during: () => traffic(server, 0, 15),
    });
    expect(exitCode).toBe(1);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('no namespace with a target was judged');
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('the target of user (60.0 %) cannot be judged here');
    expect(stdout).not.toContain('60.0 % missed');
  });

  test.each([
    ['no map', undefined, 'there is no map'],
    [
      'a map without targets',
      { namespaces: { user: { pattern: 'user:*' } } },
      'no cache namespace of the map',
    ],
    [
      'targets of state alone',
      { namespaces: { user: { pattern: 'user:*', kind: 'state', hitRateTarget: '60%' } } },
      'no cache namespace of the map',
    ],
  ] as const)('with %s is refused before the server is asked', async (_, config, reason) => {
    const outcome = await hitsJson(server, 'redis://127.0.0.1:1', ['--fail-below-target'], {
      cwd: config === undefined ? temporaryFolder() : folderWith(config),
    });
    expect(outcome.exitCode).toBe(2);
    expect(outcome.result.error?.message).toContain(reason);
    expect(outcome.result.error?.hint).toContain('hitRateTarget');
  });

  test.each(['misses-only', 'counters'])('with --mode %s is refused: it knows no rates', async (mode) => {
    const outcome = await gate(() => Promise.resolve(), ['--mode', mode, '--for', '100ms']);
    expect(outcome.exitCode).toBe(2);
    expect(linesOf(outcome.stderr).join(' ')).toContain(`\`--mode ${mode}\` has none`);
  });
});

test.each([
  [99, null],
  [100, false],
])('hits and stats --hits judge from the same number of reads: of %i they say %s', async (reads, isMet) => {
  const misses = () => traffic(server, 0, reads);
  const { result } = await hitsJson(server, redis.url, [], { cwd: folderWith(map), during: misses });
  expect(result.namespaces.find(({ namespace }) => namespace === 'user')?.targetMet).toBe(isMet);
  const running = stats(redis.url, ['--hits', '1s'], { cwd: folderWith(map), ...homed() });
  await observed(server);
  await sendAll(
    server,
    Array.from({ length: reads }, (_, index) => ['GET', `user:${index}:absent`]),
  );
  const row = (await running).result.namespaces.find(({ namespace }) => namespace === 'user');
  expect(row).toMatchObject({ reads, targetMet: isMet });
});
