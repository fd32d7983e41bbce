import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { countersOf, folderWith, json, linesOf } from './reading.ts';
import { recordsOf, sumOf, watchWhile } from './watch-records.ts';
import { startServer } from '../server/own.ts';

/** Reads of keys that are there and of keys that are not, spread over the time that a run takes. */
async function readMeanwhile(server: RedisServer, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await sendAll(server, [
      ...Array.from({ length: 30 }, (_, index) => ['GET', `user:${index}:profile`]),
      ...Array.from({ length: 10 }, (_, index) => ['GET', `session:${round}-${index}`]),
    ]);
    await sleep(20);
  }
}

const profiles = (count: number) =>
  Array.from({ length: count }, (_, index) => ['SET', `user:${index}:profile`, 'x'.repeat(100)]);

describe('without a terminal', () => {
  test('one NDJSON object comes for each interval, and their counters add up to those of the server', async () => {
    const { redis, server } = await startServer({ args: ['--maxmemory', '100mb'] });
    await sendAll(server, profiles(50));
    const before = await countersOf(server);
    const outcome = await watchWhile([], { url: redis.url }, () => readMeanwhile(server, 25));
    const after = await countersOf(server);
    const { intervals, summary } = outcome;
    expect(outcome.exitCode).toBe(130);
    expect(intervals.length).toBeGreaterThan(4);
    expect(sumOf(intervals.map(({ hits }) => hits))).toBe(after.hits - before.hits);
    expect(sumOf(intervals.map(({ misses }) => misses))).toBe(after.misses - before.misses);
    expect(after.hits - before.hits).toBe(750);
    for (const { ok, error, hits, misses, hitRate, windowSeconds, maxBytes, latency } of intervals) {
      expect({ ok, error, maxBytes }).toEqual({ ok: true, error: null, maxBytes: 104_857_600 });
      if (hits !== null && misses !== null && hits + misses > 0)
        expect(hitRate).toBeCloseTo(hits / (hits + misses), 10);
      expect(windowSeconds).toBeGreaterThan(0.1);
      // On a busy machine an interval may end before an answer comes.
      if (latency !== null) expect(latency.p99Micros).toBeGreaterThanOrEqual(latency.p50Micros);
    }
    expect(summary).toMatchObject({
      ok: false,
      error: { kind: 'interrupted' },
      intervalCount: intervals.length,
      failedIntervals: 0,
      ownCommands: sumOf(intervals.map(({ ownCommands }) => ownCommands)),
    });
  });

  test('what watch itself asks is no operation of the server', async () => {
    const { redis, server } = await startServer();
    await sendAll(server, profiles(500));
    const { intervals } = recordsOf(
      await cli(['watch', '--interval', '300ms', '--count', '4'], { url: redis.url }),
    );
    // The walk over the keys and the PINGs are off; what is left is a command that was under way.
    for (const { operationsPerSecond, windowSeconds } of intervals)
      expect((operationsPerSecond ?? 0) * (windowSeconds ?? 0)).toBeLessThan(4);
    expect(sumOf(intervals.map(({ ownCommands }) => ownCommands))).toBeGreaterThan(500);
    expect(await countersOf(server)).toEqual({ hits: 0, misses: 0 });
  });

  test('the sizes of namespaces come in the background, those of the map with its names and targets', async () => {
    const { redis, server } = await startServer();
    await sendAll(server, [...profiles(50), ['SET', 'session:1', 'x']]);
    const cwd = folderWith({ namespaces: { profiles: { pattern: 'user:*', hitRateTarget: 0.9 } } });
    const { intervals } = await watchWhile([], { url: redis.url, cwd }, (untilInterval) =>
      untilInterval('the sizes are read', ({ namespacesReadAt }) => namespacesReadAt !== null),
    );
    const last = intervals.at(-1);
    expect(last?.namespacesReadAt).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(last?.namespaces).toMatchObject([
      { namespace: 'profiles', kind: 'cache', keys: 50, hitRateTarget: 0.9, hitRate: null, misses: null },
      { namespace: '(unmapped)', kind: null, keys: 1 },
    ]);
    expect(sumOf(last?.namespaces.map(({ memoryShare }) => memoryShare) ?? [])).toBeCloseTo(1, 10);
  });

  test('--no-namespaces asks for INFO and PING alone', async () => {
    const { redis, server } = await startServer();
    await sendAll(server, profiles(50));
    const outcome = await cli(['watch', '-i', '100ms', '--count', '2', '--no-namespaces'], {
      url: redis.url,
    });
    expect(recordsOf(outcome).intervals.at(-1)).toMatchObject({ namespaces: [], namespacesReadAt: null });
    const stats = replyText(await send(server, 'INFO', 'commandstats'));
    expect(stats).not.toMatch(/cmdstat_(scan|memory)/);
    expect(stats).toMatch(/cmdstat_ping/);
  });

  test('--count ends it after so many intervals, with 0', async () => {
    const { redis } = await startServer();
    const outcome = await cli(['watch', '-i', '100ms', '--count', '3'], { url: redis.url });
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    const { intervals, summary } = recordsOf(outcome);
    expect(intervals).toHaveLength(3);
    expect(summary).toMatchObject({ ok: true, error: null, intervalCount: 3, failedIntervals: 0 });
  });

  test('--for ends it after its time', async () => {
    const { redis } = await startServer();
    const { intervals, summary } = recordsOf(
      await cli(['watch', '-i', '200ms', '--for', '500ms'], { url: redis.url }),
    );
    expect(intervals).toHaveLength(3);
    expect(summary['durationSeconds']).toBeGreaterThanOrEqual(0.5);
  });

  test('CONFIG RESETSTAT makes no negative numbers', async () => {
    const { redis, server } = await startServer();
    await readMeanwhile(server, 20);
    const { intervals } = await watchWhile([], { url: redis.url }, async () => {
      await send(server, 'CONFIG', 'RESETSTAT');
      await readMeanwhile(server, 2);
    });
    expect(intervals.map(({ reset }) => reset)).toContain('statistics');
    for (const each of intervals)
      for (const value of [each.hits, each.misses, each.operationsPerSecond, each.cpuRatio])
        expect(value).toBeGreaterThanOrEqual(0);
    expect(Math.max(...intervals.map(({ hits }) => hits ?? 0))).toBeLessThan(600);
  });
});

describe('the form of the output', () => {
  test('as JSON is one object with the intervals as a list', async () => {
    const { redis } = await startServer();
    const { exitCode, result } = await json(['watch', '-i', '100ms', '--count', '2'], { url: redis.url });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ command: 'watch', ok: true, error: null, intervalCount: 2 });
    expect(result['intervals']).toHaveLength(2);
    expect(result['intervals']).toMatchObject([{ ok: true }, { ok: true }]);
  });

  test.each([
    ['csv', ',', 3],
    ['tsv', '\t', 2],
  ])('as %s is a row for each interval', async (format, separator, rows) => {
    const { redis } = await startServer();
    const { stdout } = await cli(['watch', '-i', '100ms', '--count', '2', '-o', format], { url: redis.url });
    const lines = linesOf(stdout.replaceAll('\r', ''));
    expect(lines).toHaveLength(rows);
    expect(new Set(lines.map((line) => line.split(separator).length))).toEqual(new Set([13]));
  });

  test('as a table in a pipe has aligned rows and the cost', async () => {
    const { redis } = await startServer();
    const { stdout } = await cli(['watch', '-i', '100ms', '--count', '2', '-o', 'table'], { url: redis.url });
    expect(stdout).toMatch(/HIT RATE/);
    expect(stdout).toMatch(/cost to the server: \d+ commands in 2 intervals/);
  });

  test('on a terminal is a screen that is left again', async () => {
    const { redis } = await startServer();
    const run = await cli(['watch', '-i', '100ms', '--count', '3'], { url: redis.url, terminal: true });
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/^\x1b\[\?1049h/);
    const [screen = '', left = ''] = run.stdout.split('\x1b[?1049l');
    expect(screen).toContain('hit rate');
    expect(screen).not.toContain('\n');
    // The last picture stays, without the keys.
    expect(left).toMatch(/cachectl .*redis:.*\n(?:.*\n)*.*hit rate/);
    expect(left).not.toContain('q quit');
  });
});

describe('what cannot be watched', () => {
  test('a server that is not there ends it before anything is shown', async () => {
    const run = await cli(['watch'], { url: 'redis://127.0.0.1:1', terminal: true });
    expect(run).toMatchObject({ exitCode: 3, stdout: '' });
    expect(run.stderr).toContain('cannot connect to 127.0.0.1:1');
  });

  test('a user who may not call INFO is told so', async () => {
    const { redis, server } = await startServer();
    await send(server, 'ACL', 'SETUSER', 'ann', 'on', '>secret', '~*', '+@all', '-info');
    const url = redis.url.replace('://', '://ann:secret@');
    const run = await cli(['watch', '--count', '1'], { url });
    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain('NOPERM');
    expect(recordsOf(run)).toMatchObject({ intervals: [], summary: { ok: false } });
  });

  test('an interval that is too short is refused', async () => {
    const run = await cli(['watch', '-i', '10ms'], {});
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('the shortest is 100 ms');
  });
});
