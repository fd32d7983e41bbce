import type { ProfileConfig } from '../../config/schema.ts';
import { maskedUrl } from '../../support/masked.ts';

export interface ProfileAddress {
  /** Without user and password; those of all seeds or Sentinels, with commas. */
  readonly url: string;
  readonly topology: 'server' | 'cluster' | 'sentinel';
}

/** Where a profile leads, as it may be shown. */
export function profileAddress({ url = '', cluster, sentinel }: ProfileConfig): ProfileAddress {
  const shown = (urls: readonly string[]) => urls.map(maskedUrl).join(',');
  if (cluster !== undefined) return { url: shown(cluster), topology: 'cluster' };
  return sentinel === undefined
    ? { url: shown([url]), topology: 'server' }
    : { url: shown(sentinel.nodes), topology: 'sentinel' };
}
