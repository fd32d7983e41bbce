import { groupBy } from '../support/collections.ts';
import type { UnjudgedReason, UnjudgedTarget } from '../health/namespace-targets.ts';
import { formatRatio } from '../render/units.ts';
import { fewestLookups } from '../traffic/report.ts';

/** A line for each reason why targets of the map were not judged. @param modeOption the option that asks for an exact mode */
export function unjudgedTexts(targets: readonly UnjudgedTarget[], modeOption: string): string[] {
  return [...groupBy(targets, ({ reason }) => reason)].map(
    ([reason, those]) =>
      `${targetsText(those)} cannot be judged here: ${reasonTexts[reason].replace('OPTION', modeOption)}`,
  );
}

const reasonTexts: Readonly<Record<UnjudgedReason, string>> = {
  'not-observed':
    'the server counts its hits as a whole; `cachectl stats --hits 10s` observes them by namespace',
  refused: 'the server counts its hits as a whole, and refused to be observed',
  invalid: 'the observation is not valid',
  'no-rates': 'it was observed in a mode that knows no hit rates',
  state: 'state has no hit rate to reach',
  'no-reads': 'no reads were observed',
  'few-reads': `fewer than ${fewestLookups} reads were observed`,
  'too-close': 'the hit rate is too close to it for a sample; a longer one, or `OPTION exact`, can decide',
};

/** So many are named; more would hide the reason behind them. */
const mostNames = 5;

function targetsText(targets: readonly UnjudgedTarget[]): string {
  const names = targets
    .slice(0, mostNames)
    .map(({ namespace, hitRateTarget }) => `${namespace} (${formatRatio(hitRateTarget)})`);
  const left = targets.length - names.length;
  const others = left > 0 ? ` and ${left} more` : '';
  return targets.length === 1
    ? `the target of ${names.join()}`
    : `the targets of ${names.join(', ')}${others}`;
}
