import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import type { WatchInterval } from '../../src/watch/interval.ts';
import { cli, type CliOptions, type CliResult } from '../run-cli.ts';
import { send } from '../server/redis.ts';
import { linesOf } from './reading.ts';
import { untilMonitored } from './stats-hits-runs.ts';

export interface WatchOutput {
  readonly intervals: readonly (WatchInterval & { readonly record: 'interval' })[];
  readonly summary: Readonly<Record<string, unknown>>;
}

/** The records on stdout: the intervals, and the summary that follows them. */
export function recordsOf({ stdout }: Pick<CliResult, 'stdout'>): WatchOutput {
  const records = linesOf(stdout).map((line) => JSON.parse(line) as { record: string });
  const summary = records.pop();
  expect(summary?.record).toBe('summary');
  for (const { record } of records) expect(record).toBe('interval');
  return {
    intervals: records as unknown as WatchOutput['intervals'],
    summary: summary as unknown as WatchOutput['summary'],
  };
}

export const sumOf = (values: readonly (number | null)[]) =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** Runs `watch` until `work` is done and seen, and interrupts it. `server` is another connection to what is watched. */
export async function watchWhile(
  args: readonly string[],
  options: CliOptions,
  server: RedisServer,
  work: () => Promise<unknown>,
): Promise<CliResult & WatchOutput> {
  const pingsOf = async () =>
    Number(/cmdstat_ping:calls=(\d+)/.exec(replyText(await send(server, 'INFO', 'commandstats')))?.[1] ?? 0);
  const before = await pingsOf();
  const controller = new AbortController();
  const intervalMillis = 200;
  const run = cli(['watch', '--interval', `${intervalMillis}ms`, ...args], {
    ...options,
    signal: controller.signal,
  });
  // Round trips are measured just before the first counters are read, and the observation is opened in between.
  while ((await pingsOf()) === before) await sleep(20);
  if (args.includes('--hits')) await untilMonitored(server, 10);
  await sleep(600);
  await work();
  await sleep(3 * intervalMillis);
  controller.abort('SIGINT');
  const outcome = await run;
  return { ...outcome, ...recordsOf(outcome) };
}
