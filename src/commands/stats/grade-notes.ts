import { fewestLookups } from '../../health/grade.ts';
import type { UnjudgedReason, UnjudgedTarget } from '../../health/namespace-targets.ts';
import { type Block, note } from '../../render/blocks.ts';
import { formatRatio } from '../../render/units.ts';
import type { StatsResult } from './result.ts';

/** The grade, its reasons, and the targets that it leaves out. */
export function gradeNotes({ grade, lifetime, reasons, unjudgedTargets }: StatsResult): Block[] {
  const missing =
    lifetime === null ? 'none, hits and misses are not known' : `none yet, it takes ${fewestLookups} lookups`;
  const byReason = new Map<UnjudgedReason, UnjudgedTarget[]>();
  for (const target of unjudgedTargets)
    byReason.set(target.reason, [...(byReason.get(target.reason) ?? []), target]);
  return [
    note('plain', `Grade: ${grade ?? missing}`),
    ...reasons.map(({ tone, text }) => note(tone, text)),
    ...[...byReason].map(([reason, targets]) =>
      note('plain', `${targetsText(targets)} cannot be judged here: ${reasonTexts[reason]}`),
    ),
  ];
}

const reasonTexts: Readonly<Record<UnjudgedReason, string>> = {
  'not-observed':
    'the server counts its hits as a whole; `cachectl stats --hits 10s` observes them by namespace',
  refused: 'the server counts its hits as a whole, and refused to be observed',
  invalid: 'the observation is not valid',
  'no-rates': 'it was observed in a mode that knows no hit rates',
  state: 'state has no hit rate to reach',
  'no-reads': 'nobody read there while it was observed',
  'few-reads': `fewer than ${fewestLookups} reads were observed`,
  'too-close': 'the hit rate is too close to it for a sample; a longer one, or `--hits-mode exact`, can tell',
};

function targetsText(targets: readonly UnjudgedTarget[]): string {
  const [first] = targets;
  if (first === undefined) return '';
  const { namespace, hitRateTarget } = first;
  return targets.length === 1
    ? `the target of ${namespace} (${formatRatio(hitRateTarget)})`
    : `the targets of ${targets.length} namespaces (${namespace} ${formatRatio(hitRateTarget)}, …)`;
}
