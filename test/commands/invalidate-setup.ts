import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { Reply } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliResult, jsonOf } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';

/** Environment that names a map with this content; the file is gone with the test. */
export function withMap(config: ConfigFile): { CACHECTL_CONFIG: string } {
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-map-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
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
  gone: number;
  failed: number;
  notAttempted: number;
  excluded: number;
} {
  const { matched, removed, gone, failed, notAttempted, excluded } = jsonOf(result) as Record<string, number>;
  const counts = [matched, removed, gone, failed, notAttempted, excluded];
  if (!counts.every((count): count is number => Number.isInteger(count)))
    throw new Error(`not all counts are numbers: ${result.stdout}${result.stderr}`);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = counts;
  if (a !== b + c + d + e) throw new Error(`matched is not the sum of its parts: ${result.stdout}`);
  return { matched: a, removed: b, gone: c, failed: d, notAttempted: e, excluded: f };
}
