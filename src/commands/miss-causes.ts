import { formatRatio } from '../render/units.ts';
import type { MissCause, MissCauses, NamespaceTraffic } from '../traffic/report.ts';

/** The causes of misses as people read them. */
export const causeTexts: Readonly<Record<MissCause, string>> = {
  expired: 'expired',
  evicted: 'evicted',
  invalidated: 'invalidated',
  renamed: 'renamed',
  neverCached: 'never cached',
  unknown: 'unknown',
};

/** The cause of most of the misses, with its share: `expired 71 %`. Null where there are none, or the mode cannot tell. */
export function mainCauseText(causes: MissCauses | null, misses: number | null): string | null {
  if (causes === null || misses === null || misses === 0) return null;
  const names = Object.keys(causes) as MissCause[];
  const main = names.reduce((most, name) => (causes[name] > causes[most] ? name : most));
  return `${causeTexts[main]} ${Math.floor((100 * causes[main]) / misses)} %`;
}

/** `85.0 % missed`; the word alone tells, whatever the terminal shows of colours. */
export function targetText({
  hitRateTarget,
  targetMet,
}: Pick<NamespaceTraffic, 'hitRateTarget' | 'targetMet'>): string | null {
  if (hitRateTarget === null) return null;
  return `${formatRatio(hitRateTarget)}${targetMet === false ? ' missed' : targetMet === true ? ' met' : ''}`;
}

/** Half of the rate's interval, in points of a percent. Null for an exact rate. */
export function hitRateErrorText({
  hitRateInterval,
}: Pick<NamespaceTraffic, 'hitRateInterval'>): string | null {
  return hitRateInterval === null ? null : (50 * (hitRateInterval[1] - hitRateInterval[0])).toFixed(1);
}
