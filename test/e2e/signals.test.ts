import { createServer } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { InspectResult } from '../../src/commands/inspect/result.ts';
import type { StatsResult } from '../../src/commands/stats/result.ts';
import { interruptTwice, reportsInterrupts, startBinary } from '../server/binary.ts';
import { callsOf, send } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { startServer } from '../server/own.ts';

const keyCount = 300_000;
/** So that a walk takes 15 seconds, and no machine is too busy to interrupt it. */
const slowly = ['--max-rate', '20000'];
const { redis, server } = await startServer();
beforeAll(async () => {
  await send(server, 'DEBUG', 'POPULATE', keyCount, 'user');
});

/** Starts the program, and resolves once it walks. */
async function startWalking(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const before = await callsOf(server, 'scan');
  const running = startBinary([...args, ...slowly], { env: { REDIS_URL: redis.url, ...env } });
  running.child.stdin.end();
  await until('the walk goes on', async () => (await callsOf(server, 'scan')) >= before + 20);
  return running;
}

/** Starts the program, and sends it a signal once it walks. */
async function interrupt(args: readonly string[], signal: NodeJS.Signals) {
  const { child, outcome } = await startWalking(args);
  child.kill(signal);
  return outcome;
}

/** The figures are of the whole, from a part of it. */
function expectPartOf({ keys, keysInterval, total, namespaces, reading }: InspectResult): void {
  expect(total.readKeys).toBeGreaterThan(0);
  expect(total.readKeys).toBeLessThan(keyCount);
  expect(reading.coverage).toBeGreaterThan(0);
  expect(reading.coverage).toBeLessThan(1);
  expect(namespaces.reduce((sum, { readKeys }) => sum + readKeys, 0)).toBe(total.readKeys);
  expect(Math.abs(keys / keyCount - 1)).toBeLessThan(0.05);
  expect(keysInterval?.[0]).toBeLessThanOrEqual(keyCount);
  expect(keysInterval?.[1]).toBeGreaterThanOrEqual(keyCount);
}

describe('a signal during a long walk', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends inspect with %d and one valid object of what was read', async (signal, exitCode) => {
    const outcome = await interrupt(['inspect', '--exact', '-o', 'json'], signal);
    expect(outcome).toMatchObject({ exitCode, signal: null });
    expect(outcome.stderr).toMatch(
      /^error: interrupted by (Ctrl-C|SIGTERM): the result covers what was done until then\n$/,
    );
    const result = JSON.parse(outcome.stdout) as InspectResult;
    expect(result).toMatchObject({
      ok: false,
      error: { kind: 'interrupted' },
      exact: false,
      reading: { method: 'partial', coversAll: true, keyspaceKeys: keyCount },
    });
    expectPartOf(result);
    // INFO counts them for the whole database.
    expect(result).toMatchObject({
      withoutTtl: keyCount,
      withoutTtlInterval: null,
      withoutTtlSource: 'info',
    });
  });

  test('ends stats in the same way', async () => {
    const outcome = await interrupt(['stats', '--exact', '-o', 'json'], 'SIGINT');
    expect(outcome).toMatchObject({ exitCode: 130, signal: null });
    const result = JSON.parse(outcome.stdout) as StatsResult;
    expect(result).toMatchObject({
      ok: false,
      exact: false,
      lifetime: { windowSeconds: expect.any(Number) as number },
    });
    expect(result.reading).toMatchObject({ method: 'partial', coversAll: true });
    expect(result.keysInterval?.[0]).toBeLessThanOrEqual(keyCount);
    expect(result.keysInterval?.[1]).toBeGreaterThanOrEqual(keyCount);
    expect(result.namespaces[0]?.readKeys).toBeLessThan(keyCount);
  });

  test('ends keys after a whole line, and JSON with all its brackets', async () => {
    const lines = await interrupt(['keys'], 'SIGINT');
    expect(lines).toMatchObject({ exitCode: 130, signal: null });
    expect(lines.stdout).toMatch(/^(user:\d+\n)+$/);
    const json = await interrupt(['keys', '-o', 'json'], 'SIGTERM');
    expect(json).toMatchObject({ exitCode: 143, signal: null });
    const result = JSON.parse(json.stdout) as { items: unknown[]; matched: number };
    expect(result).toMatchObject({ ok: false, complete: false, matched: result.items.length });
  });

  test('says in the table that it is a part', async () => {
    const outcome = await interrupt(['inspect', '--exact', '-o', 'table'], 'SIGINT');
    expect(outcome.exitCode).toBe(130);
    expect(outcome.stdout).toMatch(
      /the walk ended early, after \d+\.\d % of the keys: the figures are estimates of the whole from these/,
    );
  });
});

test('inspect of so many keys reads a sample, and says how close it is', async () => {
  const { child, outcome } = startBinary(['inspect', '--seed', '1', '-o', 'json'], {
    env: { REDIS_URL: redis.url },
  });
  child.stdin.end();
  const { exitCode, stdout } = await outcome;
  expect(exitCode).toBe(0);
  const result = JSON.parse(stdout) as InspectResult;
  expect(result).toMatchObject({
    exact: false,
    reading: { method: 'sample', coversAll: true, keyspaceKeys: keyCount },
    namespaces: [{ namespace: 'user:<id>' }],
  });
  expectPartOf(result);
});

test('Ctrl-C ends the wait for a server that says nothing', async () => {
  const sockets: { destroy: () => void }[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const { port } = silent.address() as { port: number };
  // The TLS handshake waits for an answer, longer than the test lets the program run.
  const { child, outcome } = startBinary(['stats', '--timeout', '2m'], {
    env: { REDIS_URL: `rediss://127.0.0.1:${port}` },
  });
  child.stdin.end();
  await until('the program is connected', () => sockets.length > 0);
  child.kill('SIGINT');
  expect(await outcome).toMatchObject({ exitCode: 130, signal: null, stdout: '' });
});

test('a second Ctrl-C ends the program at once', async () => {
  const walking = await startWalking(['inspect', '--exact', '--timeout', '2m'], reportsInterrupts);
  redis.kill('SIGSTOP');
  onTestFinished(() => redis.kill('SIGCONT'));
  expect(await interruptTwice(walking)).toMatchObject({ exitCode: null, signal: 'SIGINT' });
});
