import type { ProfileConfig } from './schema.ts';

/** Where a setting leads, as it was written: one URL, the seeds of a cluster, or Sentinels. */
export type Destination =
  | { readonly kind: 'server'; readonly urls: readonly [string] }
  | { readonly kind: 'cluster'; readonly urls: readonly string[] }
  | {
      readonly kind: 'sentinel';
      readonly urls: readonly string[];
      readonly name: string;
      readonly database: number;
    };

export function destinationOf({ url, cluster, sentinel }: ProfileConfig): Destination {
  if (cluster !== undefined) return { kind: 'cluster', urls: cluster };
  if (sentinel === undefined) return { kind: 'server', urls: [url ?? ''] };
  const { nodes, name, database = 0 } = sentinel;
  return { kind: 'sentinel', urls: nodes, name, database };
}
