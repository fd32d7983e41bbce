import type { ByteString } from '../../support/bytes.ts';
import { meanOf, standardDeviationOf, t95 } from '../../support/intervals.ts';
import type { RedisServer } from '../../redis/server.ts';
import { detailsOf, type NamespaceRows } from './namespace-rows.ts';
import type { Mark } from '../streams/mark.ts';
import type { MeanSize } from '../figures/remedies.ts';

const fewestSizes = 8;

/**
 * Mean size of the keys that were evicted and missed in a window, by namespace, in bytes: of those that are there again.
 * MEMORY USAGE counts no lookups. Namespaces that show too few are left out.
 * @param marks the end of the window on each node
 */
export async function readKeySizes(
  server: RedisServer,
  rows: NamespaceRows,
  marks: readonly Mark[],
): Promise<Map<string, MeanSize>> {
  const sizes = new Map<string, MeanSize>();
  const [{ database }] = server.nodes;
  const shown = marks.flatMap(({ keys }) => keys);
  for (const group of rows.groups()) {
    if (group.database !== database) continue;
    const { recentKeys } = detailsOf(shown, group.rows);
    const mean = meanSizeOf(await readSizes(server, recentKeys));
    if (mean !== null) sizes.set(group.namespace, mean);
  }
  return sizes;
}

async function readSizes(server: RedisServer, keys: readonly ByteString[]): Promise<number[]> {
  const replies = await Promise.all(keys.map((key) => server.nodeFor(key).batch([['MEMORY', 'USAGE', key]])));
  return replies.flat().filter((reply) => typeof reply === 'number');
}

/** With its interval by Student's t; null where too few keys are left to show how they vary. */
function meanSizeOf(values: readonly number[]): MeanSize | null {
  const count = values.length;
  if (count < fewestSizes) return null;
  const value = meanOf(values);
  const error = (t95(count - 1) * standardDeviationOf(values)) / Math.sqrt(count);
  return { value, interval: [Math.max(0, value - error), value + error] };
}
