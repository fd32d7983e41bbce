import type { BenchResult } from '../../src/commands/bench/view.ts';
import { type Reply, replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliOptions, type CliResult, cli, jsonOf } from '../run-cli.ts';
import type { Printed } from './reading.ts';
import { send, testUrl } from '../server/redis.ts';
import { until } from '../server/until.ts';

/** Short enough for a test, long enough to have figures. */
export const brief = ['--operations', '400', '--warmup', '0', '--keys', '50'];

export function bench(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return cli(['bench', ...args], { url: testUrl(), ...options });
}

export const resultOf = (run: CliResult) => jsonOf(run) as unknown as Printed<BenchResult>;

export async function benchKeys(server: RedisServer): Promise<string[]> {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const reply = await send(server, 'SCAN', cursor, 'MATCH', 'cachectl:bench:*', 'COUNT', 1000);
    const [next, page] = reply as [Reply, Reply[]];
    keys.push(...page.map(replyText));
    cursor = replyText(next);
  } while (cursor !== '0');
  return keys;
}

export async function keysAppear(server: RedisServer): Promise<string[]> {
  let keys: string[] = [];
  await until('bench writes its keys', async () => (keys = await benchKeys(server)).length > 0);
  return keys;
}
