import type { NamespaceSummary } from '../../src/commands/namespace-summary.ts';
import type { WrittenNamespace } from './keyspace.ts';

/**
 * Holds exact counts against what the generator wrote; those that were not read (null) are passed over.
 * @returns how many counts were held against it
 * @throws Error naming all differences
 */
export function compareWithWritten(
  rows: readonly NamespaceSummary[],
  written: readonly WrittenNamespace[],
): number {
  const differences: string[] = [];
  let compared = 0;
  const expectEqual = (what: string, read: number, wrote: number) => {
    compared++;
    if (read !== wrote) differences.push(`${what}: ${read} instead of ${wrote}`);
  };
  expectEqual('namespaces', rows.length, written.filter(({ keys }) => keys > 0).length);
  for (const { pattern, keys, withoutTtl, types } of written) {
    const row = rows.find(({ namespace }) => namespace === pattern);
    expectEqual(`${pattern} keys`, row?.keys ?? 0, keys);
    if (row?.withoutTtl != null) expectEqual(`${pattern} withoutTtl`, row.withoutTtl, withoutTtl);
    for (const type of row?.types ? new Set([...Object.keys(types), ...Object.keys(row.types)]) : [])
      expectEqual(`${pattern} ${type}`, row?.types?.[type] ?? 0, types[type] ?? 0);
  }
  if (differences.length > 0) throw new Error(`not what was written: ${differences.join('; ')}`);
  return compared;
}
