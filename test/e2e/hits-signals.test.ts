import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  flagsOn,
  type HitsJson,
  hitsJson,
  notesIn,
  runHits,
  setFlags,
  startHitsBinary,
  traffic,
} from '../commands/hits-runs.ts';
import { interruptTwice, reportsInterrupts, startBinary } from '../server/binary.ts';
import { send } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { open, proxyTo, startRedis, startServer, temporaryFolder } from '../server/own.ts';

const json = ['-o', 'json'];

async function serverWith(flags: string) {
  const started = await startServer();
  await setFlags(started.server, flags);
  return { ...started, before: await flagsOn(started.server), state: temporaryFolder() };
}

describe.each([[''], ['KEx']])('a server with `notify-keyspace-events "%s"`', (flags) => {
  test('has it again after the usual end', async () => {
    const { redis, server, before, state } = await serverWith(flags);
    const { exitCode, result } = await hitsJson(server, redis.url, [], {
      state,
      during: () => traffic(server, 3, 2),
    });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      ...{ ok: true, valid: true, endedBy: null, reads: 5, hits: 3, misses: 2 },
      residual: { reads: 0, hits: 0, misses: 0 },
      notifications: [{ outcome: 'restored', to: before }],
    });
    expect(await flagsOn(server)).toBe(before);
    expect(notesIn(state)).toEqual([]);
  });

  test.each([
    ['another run', []],
    ['hits --restore', ['--restore']],
  ])('has it again after kill -9 and %s', async (_what, args) => {
    const { redis, server, before, state } = await serverWith(flags);
    const { child, outcome } = await startHitsBinary(server, redis.url, ['--for', '5m'], { state });
    child.kill('SIGKILL');
    expect(await outcome).toMatchObject({ signal: 'SIGKILL', stdout: '' });
    expect(await flagsOn(server)).not.toBe(before);
    const { exitCode, result } = await hitsJson(server, redis.url, args, { state });
    expect(exitCode).toBe(0);
    expect(result.notifications).toMatchObject([{ outcome: 'restored', to: before }]);
    expect(await flagsOn(server)).toBe(before);
    expect(notesIn(state)).toEqual([]);
  });
});

describe('a server with a setting of its own', () => {
  test('has it again after SIGHUP came twice, from the shell and from the system', async () => {
    const { redis, server, before, state } = await serverWith('KEx');
    const { child, outcome } = await startHitsBinary(server, redis.url, ['--for', '5m', ...json], { state });
    child.kill('SIGHUP');
    child.kill('SIGHUP');
    await sleep(1);
    child.kill('SIGHUP');
    expect(await outcome).toMatchObject({ exitCode: 129, signal: null });
    expect(await flagsOn(server)).toBe(before);
    expect(notesIn(state)).toEqual([]);
  });

  test.each([
    ['SIGINT', 130, ['--for', '5m'], 'interrupted'],
    ['SIGTERM', 143, ['--for', '5m'], 'interrupted'],
    ['SIGHUP', 129, ['--for', '5m'], 'interrupted'],
    ['SIGINT', 130, ['--follow'], null],
  ] as const)('has it again after %s, which ends with %d (%j)', async (signal, exitCode, args, endedBy) => {
    const { redis, server, before, state } = await serverWith('KEx');
    const { child, outcome } = await startHitsBinary(server, redis.url, [...args, ...json], { state });
    expect(await flagsOn(server)).not.toBe(before);
    await traffic(server, 3, 2);
    child.kill(signal);
    const ended = await outcome;
    expect(ended).toMatchObject({ exitCode, signal: null });
    expect(ended.stderr).toMatch(
      /^error: interrupted by (Ctrl-C|SIGTERM|SIGHUP \(the terminal was closed\)): [^\n]*\n$/,
    );
    const result = JSON.parse(ended.stdout) as HitsJson;
    expect(result).toMatchObject({
      ...{ ok: false, error: { kind: 'interrupted' }, valid: true, endedBy },
      ...{ reads: 5, hits: 3, misses: 2, residual: { reads: 0, hits: 0, misses: 0 } },
    });
    expect(result.windowSeconds).toBeGreaterThan(0);
    expect(result.windowSeconds).toBeLessThan(15);
    expect(await flagsOn(server)).toBe(before);
    expect(notesIn(state)).toEqual([]);
  });
});

test('Ctrl-C between the change and the window puts the value back too', async () => {
  const { redis, server, before, state } = await serverWith('KEx');
  const { child, outcome } = startBinary(['hits', '--for', '5m', ...json], {
    env: { REDIS_URL: redis.url, XDG_STATE_HOME: state },
  });
  child.stdin.end();
  await until('the setting is changed', async () => (await flagsOn(server)) !== before);
  child.kill('SIGINT');
  const { exitCode, stdout } = await outcome;
  expect(exitCode).toBe(130);
  const result = JSON.parse(stdout) as HitsJson;
  expect(result).toMatchObject({ ok: false, error: { kind: 'interrupted', code: 'SIGINT' } });
  // Null where it came before the first mark.
  expect([0, null]).toContain(result.misses);
  expect(await flagsOn(server)).toBe(before);
  expect(notesIn(state)).toEqual([]);
});

test.each(['stats --hits 5m', 'watch --hits --interval 100ms'])(
  '%s puts the value back after SIGHUP, which comes twice',
  async (line) => {
    const { redis, server, before, state } = await serverWith('KEx');
    const { child, outcome } = startBinary(line.split(' '), {
      env: { REDIS_URL: redis.url, XDG_STATE_HOME: state },
    });
    child.stdin.end();
    await until('the setting is changed', async () => (await flagsOn(server)) !== before);
    child.kill('SIGHUP');
    child.kill('SIGHUP');
    expect(await outcome).toMatchObject({ exitCode: 129, signal: null });
    expect(await flagsOn(server)).toBe(before);
    expect(notesIn(state)).toEqual([]);
  },
);

test('Ctrl-C between two bursts of a sample ends it with what was seen', async () => {
  const { redis, server, before, state } = await serverWith('KEx');
  const args = ['--for', '5m', '--mode', 'sampled', '--duty', '1%', ...json];
  const { child, outcome } = await startHitsBinary(server, redis.url, args, { state });
  await traffic(server, 3, 2);
  child.kill('SIGINT');
  const { exitCode, stdout } = await outcome;
  expect(exitCode).toBe(130);
  const result = JSON.parse(stdout) as HitsJson;
  expect(result).toMatchObject({ mode: 'sampled', misses: 2, hits: 3, residual: { misses: 0 } });
  expect(result.windowSeconds).toBeLessThan(10);
  expect(await flagsOn(server)).toBe(before);
});

test('of two runs at a time the last one out puts the value back, and --restore waits for neither', async () => {
  const { redis, server, before, state } = await serverWith('KEx');
  const first = await startHitsBinary(server, redis.url, ['--for', '5m', ...json], { state });
  const second = await startHitsBinary(server, redis.url, ['--for', '5m', ...json], { state });
  // What tells of the window of one may be a mark of the other.
  await until('both have a note', () => Promise.resolve(notesIn(state).length === 2));
  const restore = await hitsJson(server, redis.url, ['--restore'], { state });
  expect(restore.exitCode).toBe(0);
  expect(restore.result.notifications).toMatchObject([{ outcome: 'held', to: before }]);
  first.child.kill('SIGINT');
  expect(JSON.parse((await first.outcome).stdout)).toMatchObject({
    notifications: [{ outcome: 'held', pid: second.child.pid }],
  });
  expect(await flagsOn(server)).not.toBe(before);
  second.child.kill('SIGINT');
  expect(JSON.parse((await second.outcome).stdout)).toMatchObject({
    ...{ valid: true, residual: { reads: 0, misses: 0 } },
    notifications: [{ outcome: 'restored', to: before }],
  });
  expect(await flagsOn(server)).toBe(before);
});

test('what an administrator sets in the window is left alone, and told', async () => {
  const { redis, server, state } = await serverWith('KEx');
  const { child, outcome } = await startHitsBinary(server, redis.url, ['--for', '5m', ...json], { state });
  await setFlags(server, 'KEAm');
  child.kill('SIGINT');
  const { stdout, stderr } = await outcome;
  expect(JSON.parse(stdout)).toMatchObject({ notifications: [{ outcome: 'changedMeanwhile' }] });
  expect(stderr).toContain('was changed meanwhile');
  expect(await flagsOn(server)).toBe('AKEm');
  expect(notesIn(state)).toEqual([]);
});

test('events that are switched off in the window make it invalid', async () => {
  const { redis, server, state } = await serverWith('KEx');
  const running = await startHitsBinary(server, redis.url, ['--for', '5m', ...json], { state });
  await setFlags(server, '');
  const { exitCode, stdout, stderr } = await running.outcome;
  const result = JSON.parse(stdout) as HitsJson;
  expect(result).toMatchObject({ valid: false, endedBy: 'lost' });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('this window is not valid');
  expect(await flagsOn(server)).toBe('');
  expect(notesIn(state)).toEqual([]);
});

test('a second Ctrl-C while the server hangs ends the program at once, and the next run puts the value back', async () => {
  const { redis, server, before, state } = await serverWith('KEx');
  const hanging = await startHitsBinary(server, redis.url, ['--for', '5m'], {
    state,
    env: reportsInterrupts,
  });
  redis.kill('SIGSTOP');
  expect(await interruptTwice(hanging)).toMatchObject({ exitCode: null, signal: 'SIGINT' });
  redis.kill('SIGCONT');
  expect(notesIn(state)).toHaveLength(1);
  const { result } = await hitsJson(server, redis.url, [], { state });
  expect(result).toMatchObject({ valid: true, notifications: [{ outcome: 'restored', to: before }] });
  expect(await flagsOn(server)).toBe(before);
});

describe('a server that is killed in the window', () => {
  test('ends it with 3 and what was known, and the next run on it finds nothing to put back', async () => {
    const { redis, server, state } = await serverWith('');
    const running = await startHitsBinary(server, redis.url, ['--for', '5m', ...json], { state });
    await traffic(server, 3, 2);
    await sleep(1200);
    redis.kill('SIGKILL');
    const { exitCode, stdout, stderr } = await running.outcome;
    const result = JSON.parse(stdout) as HitsJson;
    expect(result).toMatchObject({
      ...{ ok: false, error: { kind: 'lost' }, valid: false, endedBy: 'lost' },
      ...{ reads: 5, hits: 3, misses: 2 },
      notifications: [{ outcome: 'failed', to: '' }],
    });
    expect(result.invalidReasons[0]).toContain(`127.0.0.1:${redis.port}`);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^error: /m);
    expect(stderr).toContain('cachectl hits --restore');
    expect(notesIn(state)).toHaveLength(1);

    await redis.stop();
    await startRedis({
      args: ['--port', String(redis.port)],
      config: ['notify-keyspace-events Kg'],
    });
    const admin = await open(redis.url);
    const configured = await flagsOn(admin);
    const next = await hitsJson(admin, redis.url, [], { state, during: () => traffic(admin, 1, 1) });
    expect(next.exitCode).toBe(0);
    expect(next.result).toMatchObject({ valid: true, reads: 2 });
    expect(next.result.remarks.join()).toContain('was started again since');
    expect(await flagsOn(admin)).toBe(configured);
    expect(notesIn(state)).toEqual([]);
  });
});

test('a subscription alone that the server ends makes the window invalid, and the answer negative', async () => {
  const { redis, server, before, state } = await serverWith('KEx');
  const running = await startHitsBinary(server, redis.url, ['--for', '5m', ...json], { state });
  await send(server, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
  const { exitCode, stdout } = await running.outcome;
  const result = JSON.parse(stdout) as HitsJson;
  expect(exitCode).toBe(1);
  expect(result).toMatchObject({ ok: true, error: null, valid: false, endedBy: 'lost' });
  expect(result.invalidReasons[0]).toContain('the server cut off the subscription to events');
  expect(result.notifications).toMatchObject([{ outcome: 'restored', to: before }]);
  expect(await flagsOn(server)).toBe(before);
});

describe('a connection that is cut in the window', () => {
  test('and comes back: the value is put back over a new one', async () => {
    const { redis, server, before, state } = await serverWith('KEx');
    const proxy = await proxyTo(redis.port);
    const running = await startHitsBinary(server, proxy.url, ['--for', '5m', ...json], { state });
    await traffic(server, 3, 2);
    await sleep(1200);
    proxy.cut();
    const { exitCode, stdout } = await running.outcome;
    const result = JSON.parse(stdout) as HitsJson;
    expect(result).toMatchObject({ valid: false, endedBy: 'lost', reads: 5, hits: 3, misses: 2 });
    expect(result.notifications).toMatchObject([{ outcome: 'restored', to: before }]);
    expect(exitCode).toBe(3);
    expect(await flagsOn(server)).toBe(before);
    expect(notesIn(state)).toEqual([]);
  });

  test('and stays away: the note stays, and --restore does it later', async () => {
    const { redis, server, before, state } = await serverWith('KEx');
    const proxy = await proxyTo(redis.port);
    const running = await startHitsBinary(server, proxy.url, ['--for', '5m', ...json], { state });
    await sleep(1200);
    await proxy.refuse();
    const { exitCode, stdout, stderr } = await running.outcome;
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ ok: false, valid: false, endedBy: 'lost' },
      notifications: [{ outcome: 'failed', to: before }],
    });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('run `cachectl hits --restore`');
    expect(await flagsOn(server)).not.toBe(before);

    const restored = await runHits(server, redis.url, ['--restore'], { state });
    expect(restored).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await flagsOn(server)).toBe(before);
    expect(notesIn(state)).toEqual([]);
  });
});
