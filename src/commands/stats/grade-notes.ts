import { type Block, note } from '../../render/blocks.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { fewestLookups } from '../../traffic/report.ts';
import type { StatsResult } from './result.ts';

/** The grade, its reasons, and the targets that it leaves out. */
export function gradeNotes(result: StatsResult): Block[] {
  const { grade, reasons, unjudgedTargets, ledgerDamage } = result;
  return [
    note('plain', `Grade: ${grade ?? `none, ${whyNone(result)}`}`),
    ...reasons.map(({ tone, text }) => note(tone, text)),
    ...unjudgedTexts(unjudgedTargets, '--hits-mode').map((text) => note('plain', text)),
    ...(ledgerDamage === null
      ? []
      : [note('warning', `lookups of earlier runs of cachectl are not all known: ${ledgerDamage}`)]),
  ];
}

function whyNone({ lifetime, window, traffic }: StatsResult): string {
  if (lifetime?.dataReads == null) return 'hits and misses are not known';
  const reads = [lifetime.dataReads.reads, window?.dataReads?.reads ?? 0, traffic?.reads ?? 0];
  return Math.max(...reads) < fewestLookups
    ? `no traffic to judge: it takes ${fewestLookups} reads`
    : 'it is not known how many of the reads hit';
}
