import { expect } from 'vitest';
import type { StatsResult } from '../../src/commands/stats/result.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions } from '../run-cli.ts';
import { sendAll } from '../server/redis.ts';
import { json, type Printed } from './reading.ts';

/** Runs `stats` with JSON output. */
export async function stats(url: string, args: readonly string[] = [], options: CliOptions = {}) {
  const outcome = await json(['stats', ...args], { url, ...options });
  return { ...outcome, result: outcome.result as unknown as Printed<StatsResult> };
}

/** Runs `stats` as at a terminal without colors. */
export async function statsTable(url: string, args: readonly string[] = []): Promise<string> {
  const outcome = await cli(['stats', '--no-color', ...args], { url, terminal: true });
  expect(outcome.exitCode).toBe(0);
  return outcome.stdout;
}

/** Writes keys, and reads so many that are there and so many that are not. */
export async function traffic(server: RedisServer, hits: number, misses: number): Promise<void> {
  await sendAll(server, [
    ...Array.from({ length: hits }, (_, index) => ['SET', `user:${index}:profile`, 'x'.repeat(100)]),
    ...Array.from({ length: hits }, (_, index) => ['GET', `user:${index}:profile`]),
    ...Array.from({ length: misses }, (_, index) => ['GET', `absent:${index}`]),
  ]);
}
