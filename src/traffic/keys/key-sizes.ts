import type { ByteString } from '../../redis/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { SharedTraffic } from '../node-traffic.ts';

/**
 * Mean size of the keys that were evicted and missed, by namespace, in bytes: of those that are there again.
 * MEMORY USAGE counts no lookups. Namespaces that tell nothing are left out.
 */
export async function readKeySizes(
  server: RedisServer,
  { rows, history }: Pick<SharedTraffic, 'rows' | 'history'>,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const [{ database }] = server.nodes;
  for (const group of rows.groups()) {
    if (group.database !== database) continue;
    const keys = group.rows.flatMap((row) => history.details.get(row)?.recentKeys ?? []);
    const mean = meanOf(await readSizes(server, keys));
    if (mean !== null) sizes.set(group.namespace, mean);
  }
  return sizes;
}

async function readSizes(server: RedisServer, keys: readonly ByteString[]): Promise<number[]> {
  const replies = await Promise.all(keys.map((key) => server.nodeFor(key).batch([['MEMORY', 'USAGE', key]])));
  return replies.flat().filter((reply) => typeof reply === 'number');
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
