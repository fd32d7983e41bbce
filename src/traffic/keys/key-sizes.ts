import type { ByteString } from '../../redis/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { NamespaceRows } from './namespace-rows.ts';
import { detailsOf, type WindowKeys } from './window-keys.ts';

/**
 * Mean size of the keys that were evicted and missed in a window, by namespace, in bytes: of those that are there again.
 * MEMORY USAGE counts no lookups. Namespaces that tell nothing are left out.
 * @param marks the end of the window on each node
 */
export async function readKeySizes(
  server: RedisServer,
  rows: NamespaceRows,
  marks: readonly { readonly keys: readonly WindowKeys[] }[],
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const [{ database }] = server.nodes;
  const shown = marks.flatMap(({ keys }) => keys);
  for (const group of rows.groups()) {
    if (group.database !== database) continue;
    const { recentKeys } = detailsOf(shown, group.rows);
    const mean = meanOf(await readSizes(server, recentKeys));
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
