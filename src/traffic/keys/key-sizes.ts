import type { ByteString } from '../../support/bytes.ts';
import { t95 } from '../../support/intervals.ts';
import type { RedisServer } from '../../redis/server.ts';
import { type NamespaceRows, detailsOf, type WindowKeys } from './namespace-rows.ts';
import type { MeanSize } from '../figures/remedies.ts';

/** Fewer sizes do not show how they vary. */
const fewestSizes = 8;

/**
 * Mean size of the keys that were evicted and missed in a window, by namespace, in bytes: of those that are there again.
 * MEMORY USAGE counts no lookups. Namespaces that tell nothing are left out.
 * @param marks the end of the window on each node
 */
export async function readKeySizes(
  server: RedisServer,
  rows: NamespaceRows,
  marks: readonly { readonly keys: readonly WindowKeys[] }[],
): Promise<Map<string, MeanSize>> {
  const sizes = new Map<string, MeanSize>();
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

/** With its interval by Student's t; null where too few keys are left to tell. */
function meanOf(values: readonly number[]): MeanSize | null {
  const count = values.length;
  if (count < fewestSizes) return null;
  const value = values.reduce((sum, each) => sum + each, 0) / count;
  const variance = values.reduce((sum, each) => sum + (each - value) ** 2, 0) / (count - 1);
  const error = t95(count - 1) * Math.sqrt(variance / count);
  return { value, interval: [Math.max(0, value - error), value + error] };
}
