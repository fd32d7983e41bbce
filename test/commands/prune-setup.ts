import { expect } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliResult, jsonOf } from '../run-cli.ts';
import { send } from '../server/redis.ts';

/** A map with every kind of rule; a session lies within the pattern of profiles, and is state. */
export const rules: ConfigFile = {
  namespaces: {
    profile: { pattern: 'user:<id>:*', ttl: '1h' },
    session: { pattern: 'user:<id>:session', kind: 'state', ttl: '1d' },
    daily: { pattern: 'stats:<id>:<date>', ttl: { untilMidnight: 'Europe/Prague' } },
    feed: { pattern: 'feed:<id>', ttl: { min: '10m', max: '20m' } },
    badge: { pattern: 'badge:<id>', ttl: 'permanent' },
    draft: { pattern: 'draft:<id>' },
    queue: { pattern: 'queue:*', kind: 'state' },
  },
};

/** Stores a string that has been idle for so long. */
export async function storeIdle(
  server: RedisServer,
  key: string,
  idleSeconds: number,
  ttlMillis = 0,
  text = 'value',
): Promise<void> {
  await send(server, 'SET', 'prune:source', text);
  const value = (await send(server, 'DUMP', 'prune:source')) as string;
  await send(server, 'UNLINK', 'prune:source');
  await send(server, 'RESTORE', key, ttlMillis, value, 'REPLACE', 'IDLETIME', idleSeconds);
}

/** Milliseconds; -1 without TTL, -2 without key. */
export const ttlOf = async (server: RedisServer, key: string) => Number(await send(server, 'PTTL', key));

interface PruneCounts {
  readonly matched: number;
  readonly ttlSet: number;
  readonly shortened: number;
  readonly removed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly notAttempted: number;
  readonly stateKeysLeft: number;
}

/** The counts of a result in JSON; fails where they do not add up. */
export function countsOf(result: CliResult): PruneCounts {
  const fields = jsonOf(result) as unknown as PruneCounts;
  const { matched, ttlSet, shortened, removed, skipped, failed, notAttempted, stateKeysLeft } = fields;
  expect(ttlSet + shortened + removed + skipped + failed + notAttempted, result.stdout).toBe(matched);
  return { matched, ttlSet, shortened, removed, skipped, failed, notAttempted, stateKeysLeft };
}

interface NamespaceRow {
  readonly namespace: string;
  readonly [field: string]: unknown;
}

/** The rows of a result in JSON, by namespace. */
export function rowsOf(result: CliResult): Readonly<Record<string, NamespaceRow>> {
  const rows = jsonOf(result)['namespaces'] as readonly NamespaceRow[];
  return Object.fromEntries(rows.map((row) => [row.namespace, row]));
}
