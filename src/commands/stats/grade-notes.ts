import { fewestLookups } from '../../traffic/report.ts';
import { type Block, note } from '../../render/blocks.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import type { StatsResult } from './result.ts';

/** The grade, its reasons, and the targets that it leaves out. */
export function gradeNotes({ grade, lifetime, reasons, unjudgedTargets }: StatsResult): Block[] {
  const missing =
    lifetime === null ? 'none, hits and misses are not known' : `none yet, it takes ${fewestLookups} lookups`;
  return [
    note('plain', `Grade: ${grade ?? missing}`),
    ...reasons.map(({ tone, text }) => note(tone, text)),
    ...unjudgedTexts(unjudgedTargets, '--hits-mode').map((text) => note('plain', text)),
  ];
}
