import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { startBinary } from '../server/binary.ts';
import { send, startPrivateServer, targetOf } from '../server/redis.ts';
import type { RedisProcess } from '../server/redis-process.ts';

const keyCount = 1_000_000;
let redis: RedisProcess;
let server: RedisServer;

beforeAll(async () => {
  redis = await startPrivateServer();
  server = await connect(targetOf(redis.url));
  await send(server, 'DEBUG', 'POPULATE', keyCount, 'user');
});
afterAll(async () => {
  server.close();
  await redis.stop();
});

const scansSoFar = async () =>
  Number(/cmdstat_scan:calls=(\d+)/.exec(replyText(await send(server, 'INFO', 'commandstats')))?.[1] ?? 0);

/** Starts the program, and sends it a signal once it walks. */
async function interrupt(args: readonly string[], signal: NodeJS.Signals) {
  const before = await scansSoFar();
  const { child, outcome } = startBinary(args, { env: { REDIS_URL: redis.url } });
  child.stdin.end();
  while ((await scansSoFar()) < before + 20) await sleep(5);
  child.kill(signal);
  return outcome;
}

describe('a signal during a long walk', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends inspect with %d and one valid object of what was read', async (signal, exitCode) => {
    const outcome = await interrupt(['inspect', '-o', 'json'], signal);
    expect(outcome).toMatchObject({ exitCode, signal: null });
    expect(outcome.stderr).toMatch(
      /^error: interrupted by (Ctrl-C|SIGTERM): the result covers what was done until then\n$/,
    );
    const result = JSON.parse(outcome.stdout) as { keys: number; namespaces: { keys: number }[] };
    expect(result).toMatchObject({ ok: false, error: { kind: 'interrupted' }, exact: false });
    expect(result.keys).toBeGreaterThan(0);
    expect(result.keys).toBeLessThan(keyCount);
    expect(result.namespaces.reduce((sum, { keys }) => sum + keys, 0)).toBe(result.keys);
  });

  test('ends stats in the same way', async () => {
    const outcome = await interrupt(['stats', '-o', 'json'], 'SIGINT');
    expect(outcome).toMatchObject({ exitCode: 130, signal: null });
    const result = JSON.parse(outcome.stdout) as { keys: number };
    expect(result).toMatchObject({
      ok: false,
      exact: false,
      lifetime: { seconds: expect.any(Number) as number },
    });
    expect(result.keys).toBeLessThan(keyCount);
  });

  test('ends keys after a whole line, and JSON with all its brackets', async () => {
    const lines = await interrupt(['keys'], 'SIGINT');
    expect(lines).toMatchObject({ exitCode: 130, signal: null });
    expect(lines.stdout).toMatch(/^(user:\d+\n)+$/);
    const json = await interrupt(['keys', '-o', 'json'], 'SIGTERM');
    expect(json).toMatchObject({ exitCode: 143, signal: null });
    const result = JSON.parse(json.stdout) as { keys: unknown[]; matched: number };
    expect(result).toMatchObject({ ok: false, complete: false, matched: result.keys.length });
  });

  test('says in the table that it is a part', async () => {
    const outcome = await interrupt(['inspect', '-o', 'table'], 'SIGINT');
    expect(outcome.exitCode).toBe(130);
    expect(outcome.stdout).toContain('the walk ended early: these figures cover a part of the keys');
  });
});

test('inspect without a signal reads them all', async () => {
  const { child, outcome } = startBinary(['inspect', '-o', 'json'], {
    env: { REDIS_URL: redis.url },
    timeoutMillis: 60_000,
  });
  child.stdin.end();
  const { exitCode, stdout } = await outcome;
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    exact: true,
    keys: keyCount,
    withoutTtl: keyCount,
    namespaces: [{ namespace: 'user:<id>', keys: keyCount }],
    serverCost: { ownHits: 2 * keyCount },
  });
}, 60_000);

test('Ctrl-C ends the wait for a server that says nothing', async () => {
  const sockets: { destroy: () => void }[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const { port } = silent.address() as { port: number };
  // The TLS handshake waits for an answer.
  const { child, outcome } = startBinary(['stats', '--timeout', '20s'], {
    env: { REDIS_URL: `rediss://127.0.0.1:${port}` },
  });
  child.stdin.end();
  while (sockets.length === 0) await sleep(10);
  await sleep(50);
  const startedAt = performance.now();
  child.kill('SIGINT');
  expect(await outcome).toMatchObject({ exitCode: 130, signal: null, stdout: '' });
  // Far below the time limit of the connection.
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test('a second Ctrl-C ends the program at once', async () => {
  redis.kill('SIGSTOP');
  onTestFinished(() => redis.kill('SIGCONT'));
  const { child, outcome } = startBinary(['inspect', '--timeout', '60s'], { env: { REDIS_URL: redis.url } });
  child.stdin.end();
  await sleep(500);
  child.kill('SIGINT');
  await sleep(100);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await outcome).toMatchObject({ exitCode: null, signal: 'SIGINT' });
});
