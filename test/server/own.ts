import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, onTestFinished, TestRunner } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import type { ConnectTarget } from '../../src/redis/target.ts';
import { type Proxy, startProxy } from './proxy.ts';
import type { RedisProcess, RedisProcessOptions } from './redis-process.ts';
import { emptyDatabase, startPrivateServer, targetOf, testServer } from './redis.ts';

// What is made here goes away by itself: at the end of the test that runs, or of the file where it is made outside of tests
// and hooks.

/** Runs this at the end of the test, or of the file. */
export function atEnd(clean: () => unknown): void {
  const end = async () => {
    await clean();
  };
  if (TestRunner.getCurrentTest() === undefined) afterAll(end);
  else onTestFinished(end);
}

/** An empty folder. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-test-'));
  // A program that is just ending may still write to it.
  atEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return folder;
}

/** A connection. */
export async function open(url: string, changes: Partial<ConnectTarget> = {}): Promise<RedisServer> {
  const server = await connect(targetOf(url, changes));
  atEnd(() => server.close());
  return server;
}

/** A server that no one else uses: for counters, permissions, limits, replicas, TLS, and for killing. */
export async function startRedis(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  const redis = await startPrivateServer(options);
  atEnd(() => redis.stop());
  return redis;
}

/** Such a server with a connection to it. */
export async function startServer(
  options: RedisProcessOptions = {},
  changes: Partial<ConnectTarget> = {},
): Promise<{ readonly redis: RedisProcess; readonly server: RedisServer }> {
  const redis = await startRedis(options);
  return { redis, server: await open(redis.url, changes) };
}

/** A connection to the test file's own database of the shared server, which is emptied first. */
export async function emptyServer(): Promise<RedisServer> {
  const server = await testServer();
  atEnd(() => server.close());
  return server;
}

/** The same for a whole file: the database is emptied before each test. */
export async function ownDatabase(): Promise<RedisServer> {
  const server = await emptyServer();
  beforeEach(() => emptyDatabase(server));
  return server;
}

/** A relay to a port of 127.0.0.1 that can fail on demand. */
export async function proxyTo(port: number): Promise<Proxy> {
  const proxy = await startProxy(port);
  atEnd(() => proxy.stop());
  return proxy;
}
