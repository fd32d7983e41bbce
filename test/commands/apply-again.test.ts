import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import { startBinary } from '../server/binary.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { emptyDatabase, send } from '../server/redis.ts';
import { journalOf } from './invalidate-journals.ts';
import { countsOf, store } from './invalidate-setup.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

const total = 10_000;
const users = Array.from({ length: total }, (_, index) => `user:${index}`);

let redis: RedisProcess;
let server: RedisServer;
let folder: string;
let plan: string;
let env: Readonly<Record<string, string>>;
beforeEach(async () => {
  ({ redis, server } = await startServer());
  await emptyDatabase(server);
  await store(server, users);
  folder = temporaryFolder();
  env = { XDG_STATE_HOME: folder };
  plan = join(folder, 'plan.json');
  const args = ['invalidate', '--pattern', 'user:*', '--plan-out', plan, '-o', 'json'];
  expect(await cli(args, { url: redis.url })).toMatchObject({ exitCode: 0 });
});

const keysLeft = async () => Number(await send(server, 'DBSIZE'));
const untilHalfway = () => expect.poll(keysLeft, { timeout: 45_000, interval: 5 }).toBeLessThan(total - 2000);
const apply = (args: readonly string[] = [], options: CliOptions = {}) =>
  cli(['apply', plan, '--yes', '-o', 'json', ...args], { url: redis.url, env, ...options });
const slowly = ['--max-rate', '8000'];

interface PlanCounts {
  readonly keys: number;
  readonly missing: number;
  readonly doneBefore: number;
  readonly earlierJournals: readonly string[];
}
const planOf = (result: CliResult) => jsonOf(result)['plan'] as PlanCounts;

async function interrupted(args: readonly string[] = []): Promise<CliResult> {
  const controller = new AbortController();
  const running = apply([...slowly, ...args], { signal: controller.signal });
  await untilHalfway();
  controller.abort('SIGINT');
  const result = await running;
  expect(result.exitCode).toBe(130);
  return result;
}

describe('apply of a plan that was begun', () => {
  test('goes on after an interruption, and counts what is done', async () => {
    const first = await interrupted();
    const { removed } = countsOf(first);

    const result = await apply();

    expect(result.exitCode, result.stderr).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: total - removed, removed: total - removed });
    expect(planOf(result)).toMatchObject({
      ...{ keys: total, missing: 0, doneBefore: removed },
      earlierJournals: [journalOf(first)],
    });
    expect(result.stderr).toContain(
      `continues the plan: ${removed.toLocaleString('en-US')} keys of 10,000 were done by an earlier run`,
    );
    expect(await keysLeft()).toBe(0);

    // A plan that came to its end is not begun again.
    const third = await apply();
    expect(third.exitCode).toBe(0);
    expect(jsonOf(third)).toMatchObject({ outcome: 'nothingMatched', plan: { doneBefore: 0 } });
    expect(third.stderr).toContain('the plan was carried out at ');
  });

  test('goes on after SIGKILL', async () => {
    const args = ['apply', plan, '--yes', ...slowly];
    const running = startBinary(args, { env: { REDIS_URL: redis.url, ...env } });
    await untilHalfway();
    running.child.kill('SIGKILL');
    expect((await running.outcome).signal).toBe('SIGKILL');
    const gone = total - (await keysLeft());

    const result = await apply();

    expect(result.exitCode, result.stderr).toBe(0);
    expect(planOf(result)).toMatchObject({ missing: 0, doneBefore: gone });
    expect(countsOf(result).removed).toBe(total - gone);
    expect(readdirSync(join(folder, 'cachectl', 'journals'))).toHaveLength(2);
  });

  test('goes on where the journal was named, and writes the next one beside it', async () => {
    const journal = join(folder, 'own.journal');
    await interrupted(['--journal', journal]);

    const result = await apply(['--journal', journal]);

    expect(result.exitCode, result.stderr).toBe(0);
    expect(planOf(result)).toMatchObject({ missing: 0, earlierJournals: [journal] });
    expect(journalOf(result)).toBe(join(folder, 'own-2.journal'));
    expect(await keysLeft()).toBe(0);
  });

  test('counts nothing as done that an undo has put back, and both journals can be undone', async () => {
    const first = journalOf(await interrupted(['--backup']));
    const undo = (journal: string) => cli(['undo', journal, '--yes', '-o', 'json'], { url: redis.url, env });
    expect(await undo(first)).toMatchObject({ exitCode: 0 });
    expect(await keysLeft()).toBe(total);

    const result = await apply(['--backup']);

    expect(planOf(result)).toMatchObject({ missing: 0, doneBefore: 0 });
    expect(countsOf(result)).toMatchObject({ matched: total, removed: total });
    expect(await undo(journalOf(result))).toMatchObject({ exitCode: 0 });
    expect(await keysLeft()).toBe(total);
  });

  test('still refuses where keys are gone that no run of it has removed', async () => {
    const { removed } = countsOf(await interrupted());
    const others = users.slice(-1500);
    await send(server, 'UNLINK', ...others);

    const result = await apply();

    expect(result.exitCode).toBe(1);
    expect(jsonOf(result)).toMatchObject({ outcome: 'drifted', plan: { doneBefore: removed } });
    expect(planOf(result).missing).toBe(total - removed - (await keysLeft()));
  });

  test('with --mode soft leaves the TTLs that it has given', async () => {
    const controller = new AbortController();
    const soft = ['--mode', 'soft', '--over', '1000s'];
    const running = apply([...soft, ...slowly], { signal: controller.signal, random: () => 0.9 });
    await expect
      .poll(
        async () =>
          Number(/expires=(\d+)/.exec((await send(server, 'INFO', 'keyspace')) as string)?.[1] ?? 0),
        {
          timeout: 45_000,
          interval: 5,
        },
      )
      .toBeGreaterThan(2000);
    controller.abort('SIGINT');
    const { shortened } = countsOf(await running);

    const result = await apply(soft, { random: () => 0.1 });

    expect(result.exitCode, result.stderr).toBe(0);
    expect(countsOf(result)).toMatchObject({ removed: 0, shortened: total - shortened, gone: shortened });
  });
});
