import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { send, sendAll, startPrivateServer } from '../server/redis.ts';
import { until } from '../server/until.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { folderWith } from './reading.ts';
import { recordsOf, sumOf, type UntilInterval, watchWhile } from './watch-records.ts';
import { open, startRedis, startServer } from '../server/own.ts';

/** Kills the server, and starts another at its port once that is seen. */
async function restart(first: RedisProcess, untilInterval: UntilInterval): Promise<void> {
  await first.stop();
  await untilInterval('the server is gone', ({ ok }) => !ok);
  await startRedis({ args: ['--port', String(first.port)] });
  await untilInterval('the server is back', ({ ok }) => ok);
}

test('a server that goes away gives failed intervals, and figures again once it is back', async () => {
  const first = await startPrivateServer();
  const other = await open(first.url);
  await sendAll(
    other,
    Array.from({ length: 500 }, () => ['GET', 'nothing']),
  );
  const outcome = await watchWhile([], { url: first.url }, (untilInterval) => restart(first, untilInterval));
  const { intervals, summary } = outcome;
  const oks = intervals.map(({ ok }) => ok);
  expect(oks[0]).toBe(true);
  expect(oks.at(-1)).toBe(true);
  const failed = intervals.filter(({ ok }) => !ok);
  expect(failed.length).toBeGreaterThan(0);
  expect(summary).toMatchObject({ failedIntervals: failed.length });
  for (const { error, hits, namespaces } of failed) {
    expect(error?.message).toMatch(/127\.0\.0\.1/);
    expect({ hits, namespaces }).toEqual({ hits: null, namespaces: [] });
  }
  const back = intervals[oks.lastIndexOf(false) + 1];
  expect(back?.reset).toBe('restart');
  for (const { misses } of intervals.slice(oks.lastIndexOf(false))) expect(misses ?? 0).toBe(0);
});

test('a setting that a later observation has put back is not reported as lost', async () => {
  const first = await startPrivateServer();
  const cwd = folderWith({ namespaces: {} });
  const options = { url: first.url, cwd, env: { HOME: cwd, XDG_STATE_HOME: cwd } };
  const { intervals, stderr } = await watchWhile(['--hits'], options, async (untilInterval) => {
    await restart(first, untilInterval);
    await untilInterval('it is observed', ({ trafficMode }) => trafficMode === 'exact');
  });
  expect(intervals.some(({ ok }) => !ok)).toBe(true);
  expect(intervals.at(-1)).toMatchObject({ ok: true, trafficMode: 'exact' });
  expect(stderr).not.toContain('--restore');
  const again = await open(first.url);
  expect(await send(again, 'CONFIG', 'GET', 'notify-keyspace-events')).toEqual([
    'notify-keyspace-events',
    '',
  ]);
});

test('a setting that is not put back in the end is reported with the way to do it', async () => {
  const first = await startPrivateServer();
  const cwd = folderWith({ namespaces: {} });
  const options = { url: first.url, cwd, env: { HOME: cwd, XDG_STATE_HOME: cwd } };
  const { stderr } = await watchWhile(['--hits'], options, async (untilInterval) => {
    await first.stop();
    await untilInterval('the server is gone', ({ ok }) => !ok);
  });
  expect(stderr.match(/run `cachectl hits --restore`/g)).toHaveLength(1);
});

test('a time of nothing is refused', async () => {
  const { exitCode, stderr } = await cli(['watch', '--for', '0']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('`0` is nothing; write more than zero');
});

test('an interruption ends it with what was said so far, also while the server hangs', async () => {
  const { redis } = await startServer();
  const controller = new AbortController();
  let printed = '';
  const run = cli(['watch', '-i', '100ms', '--timeout', '2m'], {
    url: redis.url,
    signal: controller.signal,
    onOutput: (text) => (printed += text),
  });
  await until('an interval is printed', () => printed.includes('\n'));
  redis.kill('SIGSTOP');
  onTestFinished(() => redis.kill('SIGCONT'));
  // Longer than an interval: the next reading waits for its answer.
  await sleep(300);
  controller.abort('SIGINT');
  const outcome = await run;
  expect(outcome.exitCode).toBe(130);
  const { intervals, summary } = recordsOf(outcome);
  expect(intervals.length).toBeGreaterThan(0);
  expect(summary).toMatchObject({ ok: false, error: { kind: 'interrupted' } });
});

test('--hits tells reads, misses and their causes by namespace, and leaves the server as it was', async () => {
  const { redis, server } = await startServer();
  await sendAll(
    server,
    Array.from({ length: 20 }, (_, index) => ['SET', `user:${index}`, 'x']),
  );
  await send(server, 'CONFIG', 'SET', 'notify-keyspace-events', 'Kg');
  const cwd = folderWith({
    namespaces: {
      profiles: { pattern: 'user:*', hitRateTarget: 0.9 },
      sessions: { pattern: 'session:*', hitRateTarget: 0.1 },
    },
  });
  const options = { url: redis.url, cwd, env: { HOME: cwd, XDG_STATE_HOME: cwd } };
  const { intervals, stderr } = await watchWhile(['--hits'], options, async () => {
    // At one go: of an interval with fewer than 100 reads no target is judged.
    await sendAll(server, [
      ...Array.from({ length: 300 }, (_, index) => ['GET', `user:${index % 30}`]),
      ...Array.from({ length: 50 }, (_, index) => ['GET', `session:${index % 5}`]),
    ]);
  });
  expect(stderr).toMatch(/^error: interrupted by Ctrl-C/);
  const rowsOf = (name: string) =>
    intervals.flatMap(({ namespaces }) => namespaces.filter((row) => row.namespace === name));
  expect(intervals.every(({ trafficMode }) => trafficMode === 'exact')).toBe(true);
  expect(sumOf(rowsOf('profiles').map(({ hits }) => hits))).toBe(200);
  expect(sumOf(rowsOf('profiles').map(({ misses }) => misses))).toBe(100);
  expect(sumOf(rowsOf('sessions').map(({ misses }) => misses))).toBe(50);
  expect(
    sumOf(rowsOf('sessions').map(({ causes }) => (causes?.neverCached ?? 0) + (causes?.goneOrNew ?? 0))),
  ).toBe(50);
  // The lookups of the observation itself are off.
  expect(sumOf(intervals.map(({ misses }) => misses))).toBe(150);
  expect(rowsOf('profiles').some(({ targetMet }) => targetMet === false)).toBe(true);
  expect(await send(server, 'CONFIG', 'GET', 'notify-keyspace-events')).toEqual([
    'notify-keyspace-events',
    'gK',
  ]);
});
