import { fewestLookups, reachesTarget } from '../traffic/report.ts';
import type { DataReads } from './lookups/counters.ts';

/** Held where no limit and no target is given: the lowest of the usual advice for caches. */
export const defaultHitRateTarget = 0.8;

/** Reads that carry data; what is left out of the last two is none. */
export type LookupCounts = Pick<DataReads, 'hits' | 'misses'> &
  Partial<Pick<DataReads, 'unclear' | 'metadataCommands'>>;

/** What lookups say of a target. Ratios from 0 to 1. */
export interface HitRateVerdict {
  /** `few`: there are too few to judge by; `unclear`: the target is between the bounds. */
  readonly kind: 'few' | 'reached' | 'missed' | 'unclear';
  readonly reads: number;
  /** The lowest and the highest hit rate that the counts allow. */
  readonly low: number;
  readonly high: number;
  readonly target: number;
}

/**
 * The one judgement of a hit rate. Held against the target are the bounds of what the counters say of reads that carry data:
 * a target between them is not shown to be reached, nor to be missed.
 */
export function judgeHitRate(
  { hits, misses, unclear = 0 }: LookupCounts,
  target = defaultHitRateTarget,
): HitRateVerdict {
  const reads = hits + misses + unclear;
  const [low, high] = reads === 0 ? [0, 0] : [hits / reads, (hits + unclear) / reads];
  const isReached = reachesTarget([low, high], target);
  const kind =
    reads < fewestLookups ? 'few' : isReached === null ? 'unclear' : isReached ? 'reached' : 'missed';
  return { kind, reads, low, high, target };
}

/** `TYPE 20,000, STRLEN 20,000 calls`: the most frequent of what was taken off; null: nothing was. */
export function hiddenByText({
  metadataCommands: commands = [],
}: Pick<LookupCounts, 'metadataCommands'>): string | null {
  if (commands.length === 0) return null;
  const named = commands
    .slice(0, 3)
    .map(({ command, calls }) => `${calls.toLocaleString('en-US')} ${command}`);
  const others = commands.length > 3 ? ' and other' : '';
  const last = others === '' && named.length > 1 ? ` and ${named.pop() ?? ''}` : others;
  return `${named.join(', ')}${last} calls`;
}
