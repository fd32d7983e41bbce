import { type Interval, proportionInterval } from '../../support/intervals.ts';
import type { NamespaceTraffic } from '../report.ts';

/**
 * The hit rate that the traffic of a namespace has in the long run, taking the reads of a window as a sample of it; wider where
 * the hits of the window are an estimate themselves. Null where no rate is known.
 */
export function hitRateBounds({
  hits,
  reads,
  hitRate,
  hitRateInterval,
}: Pick<NamespaceTraffic, 'hits' | 'reads' | 'hitRate' | 'hitRateInterval'>): Interval | null {
  if (hits === null || reads === null || reads === 0 || hitRate === null) return null;
  const [low, high] = proportionInterval(hits, reads);
  const [sampleLow, sampleHigh] = hitRateInterval ?? [hitRate, hitRate];
  return [Math.min(low, sampleLow), Math.max(high, sampleHigh)];
}
