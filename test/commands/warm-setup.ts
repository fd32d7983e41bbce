import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import type { startPrivateServer } from '../server/redis.ts';
import { emptyDatabase, testServer, testUrl } from '../server/redis.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

export interface WarmSetup {
  /** This file's own database, empty before each test. */
  readonly server: () => RedisServer;
  readonly folder: () => string;
  /** Writes a file into the folder in which the commands run. */
  readonly fixture: (name: string, content: unknown) => string;
  readonly warm: (args: readonly string[], options?: CliOptions) => Promise<CliResult>;
}

/** Makes a folder for fixtures and a connection, for one test file. */
export function warmSetup(): WarmSetup {
  let server: RedisServer;
  const folder = temporaryFolder();
  beforeAll(async () => {
    server = await testServer();
  });
  afterAll(() => {
    server.close();
  });
  beforeEach(() => emptyDatabase(server));
  return {
    server: () => server,
    folder: () => folder,
    fixture: (name, content) => {
      const isRaw = typeof content === 'string' || Buffer.isBuffer(content);
      writeFileSync(join(folder, name), isRaw ? content : JSON.stringify(content));
      return name;
    },
    warm: (args, options = {}) => cli(['warm', ...args], { url: testUrl(), cwd: folder, ...options }),
  };
}

/** NDJSON with as many records, each of about `bytes`. */
export function manyRecords(count: number, bytes = 20): string {
  return Array.from(
    { length: count },
    (_, id) => `{"key":"user:${id}","value":"${'v'.repeat(bytes)}","ttl":600}`,
  ).join('\n');
}

/** The JSON result; fails unless every record is counted once. */
export function countsOf(result: CliResult): Record<string, number> {
  const fields = jsonOf(result) as Record<string, number>;
  const count = (name: string) => fields[name] ?? Number.NaN;
  expect(count('records')).toBe(count('written') + count('skipped') + count('failed'));
  expect(count('skipped')).toBe(
    ['invalid', 'expired', 'existing', 'ofState', 'ofOtherType', 'notWritten']
      .map(count)
      .reduce((sum, records) => sum + records, 0),
  );
  return fields;
}

/** A server of the test's own, with a connection to it. */
export async function privateServer(
  options: Parameters<typeof startPrivateServer>[0] = {},
): Promise<{ url: string; admin: RedisServer; redis: RedisProcess }> {
  const { redis, server: admin } = await startServer(options);
  return { url: redis.url, admin, redis };
}

export const urlAs = (url: string, user: string) => url.replace('redis://', `redis://${user}:pw@`);

/** Does something once, as soon as the count reaches `least`; it asks again when it has an answer. @returns what ends it */
export function whenReached(count: () => Promise<number>, least: number, act: () => void): () => void {
  let isEnded = false;
  const look = async () => {
    for (;;) {
      const reached = await count().catch(() => 0);
      if (isEnded) return;
      if (reached >= least) {
        act();
        return;
      }
      await sleep(1);
    }
  };
  void look();
  return () => void (isEnded = true);
}
