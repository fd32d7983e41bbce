import { groupBy } from '../support/collections.ts';
import type { UnjudgedReason, UnjudgedTarget } from '../health/namespace-targets.ts';
import { formatRatio } from '../render/units.ts';
import { fewestLookups } from '../traffic/report.ts';

/** A line for each reason why targets of the map were not judged. @param modeOption the option that asks for an exact mode */
export function unjudgedTexts(targets: readonly UnjudgedTarget[], modeOption: string): string[] {
  return [...groupBy(targets, ({ reason }) => reason)].map(
    ([reason, those]) => `${targetsText(those)} cannot be judged here: ${reasonText(reason, modeOption)}`,
  );
}

function reasonText(reason: UnjudgedReason, modeOption: string): string {
  switch (reason) {
    case 'not-observed':
      return 'the server counts its hits as a whole; `cachectl stats --hits 10s` observes them by namespace';
    case 'refused':
      return 'the server counts its hits as a whole, and refused to be observed';
    case 'invalid':
      return 'the observation is not valid';
    case 'no-rates':
      return 'it was observed in a mode that knows no hit rates';
    case 'state':
      return 'state has no hit rate to reach';
    case 'no-reads':
      return 'no reads were observed';
    case 'few-reads':
      return `fewer than ${fewestLookups} reads were observed`;
    case 'too-close':
      return `the hit rate is too close to it for a sample; a longer one, or \`${modeOption} exact\`, can decide`;
  }
}

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
