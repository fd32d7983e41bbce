import type { MissCause } from '../../traffic/report.ts';

export const causeTexts: Readonly<Record<MissCause, string>> = {
  expired: 'expired',
  evicted: 'evicted',
  invalidated: 'invalidated',
  renamed: 'renamed',
  neverCached: 'never cached',
  unknown: 'unknown',
};
