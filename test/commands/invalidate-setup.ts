import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { Reply } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliResult, jsonOf } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { temporaryFolder } from '../server/own.ts';

/** Environment that names a map with this content; the file is gone with the test. */
export function withMap(config: ConfigFile): { CACHECTL_CONFIG: string } {
  const folder = temporaryFolder();
  const file = join(folder, 'cachectl.config.json');
  writeFileSync(file, JSON.stringify(config));
  return { CACHECTL_CONFIG: file };
}

export async function store(server: RedisServer, keys: readonly string[]): Promise<void> {
  await sendAll(
    server,
    keys.map((key) => ['SET', key, 'value']),
  );
}

/** Every key of the database, sorted. */
export async function storedKeys(server: RedisServer): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const [next, page] = (await send(server, 'SCAN', cursor, 'COUNT', 1000)) as Reply[];
    found.push(...(page as string[]));
    cursor = next as string;
  } while (cursor !== '0');
  return [...new Set(found)].sort();
}

/** The counts of a result in JSON; fails where they do not add up. */
export function countsOf(result: CliResult): {
  matched: number;
  removed: number;
  shortened: number;
  generationsRaised: number;
  gone: number;
  rewritten: number;
  failed: number;
  notAttempted: number;
  excluded: number;
} {
  const names = [
    'removed',
    'shortened',
    'generationsRaised',
    'gone',
    'rewritten',
    'failed',
    'notAttempted',
  ] as const;
  const fields = jsonOf(result);
  const countOf = (name: string): number => {
    const count = fields[name];
    if (typeof count === 'number' && Number.isInteger(count)) return count;
    throw new Error(`\`${name}\` is no number: ${result.stdout}${result.stderr}`);
  };
  const parts = names.map((name) => [name, countOf(name)] as const);
  const matched = countOf('matched');
  if (matched !== parts.reduce((sum, [, count]) => sum + count, 0))
    throw new Error(`matched is not the sum of its parts: ${result.stdout}`);
  const counts = Object.fromEntries(parts) as Record<(typeof names)[number], number>;
  return { matched, excluded: countOf('excluded'), ...counts };
}
