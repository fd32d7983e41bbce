import { note, type NoteBlock } from '../../render/blocks.ts';
import { counted, formatBytes, formatRatio, formatSeconds } from '../../render/units.ts';
import type { TrafficFinding } from '../../traffic/figures/findings.ts';

/** More than a screen holds would push the figures off it. */
const mostFindings = 8;

/** What to look at first: missed targets, then the namespaces with most misses. */
export function findingNotes(findings: readonly TrafficFinding[]): NoteBlock[] {
  const texts = findings.map(findingText);
  const isBad = ({ tone }: { readonly tone: NoteBlock['tone'] }) => tone === 'bad';
  const ordered = [...texts.filter(isBad), ...texts.filter((each) => !isBad(each))];
  const left = ordered.length - mostFindings;
  return [
    ...ordered.slice(0, mostFindings).map(({ tone, text }) => note(tone, text)),
    ...(left > 0 ? [note('dim', `${counted(left, 'further finding')}: --output json has all`)] : []),
  ];
}

/** A finding as a sentence, with what may be done about it. */
export function findingText(finding: TrafficFinding): { tone: NoteBlock['tone']; text: string } {
  const { namespace } = finding;
  switch (finding.rule) {
    case 'target-missed': {
      const { hitRate, hitRateTarget } = finding;
      const text = `${namespace}: hit rate ${formatRatio(hitRate)} is below the target of ${formatRatio(hitRateTarget)}`;
      return { tone: 'bad', text };
    }
    case 'expires-too-soon': {
      const { share, currentSeconds, saveHalfSeconds, saveNineTenthsSeconds } = finding;
      const found = `${namespace}: ${formatRatio(share)} of its misses came after the end of the TTL`;
      if (currentSeconds === null || saveHalfSeconds === null || saveNineTenthsSeconds === null)
        return { tone: 'warning', text: found };
      return {
        tone: 'warning',
        text:
          `${found} of ${formatSeconds(currentSeconds)}; with ${formatSeconds(saveHalfSeconds)} it would be about half as ` +
          `many, with ${formatSeconds(saveNineTenthsSeconds)} a tenth (an estimate)`,
      };
    }
    case 'evicted-too-soon': {
      const { share, extraForHalfBytes, extraForNineTenthsBytes } = finding;
      const more =
        extraForHalfBytes === null || extraForNineTenthsBytes === null
          ? 'the memory is too small for what is read'
          : `${formatBytes(extraForHalfBytes)} more memory would have saved about half of them, ` +
            `${formatBytes(extraForNineTenthsBytes)} nine tenths (an estimate)`;
      return {
        tone: 'warning',
        text: `${namespace}: ${formatRatio(share)} of its misses are of keys that were evicted; ${more}`,
      };
    }
    case 'removed-too-often':
      return {
        tone: 'warning',
        text:
          `${namespace}: ${formatRatio(finding.share)} of its ${counted(finding.misses, 'miss', 'misses')} are of keys that ` +
          'were removed with DEL or UNLINK: who removes them, and must it be so often?',
      };
    case 'never-read-again':
      return {
        tone: 'warning',
        text:
          `${namespace}: ${counted(finding.newKeys, 'key')} were stored after a miss and hardly any was read again (hit rate ` +
          `${formatRatio(finding.hitRate)}): does something go into the key that is different each time?`,
      };
    case 'never-stored':
      return {
        tone: 'warning',
        text:
          `${namespace}: ${formatRatio(finding.share)} of its ${counted(finding.misses, 'miss', 'misses')} ask again for keys ` +
          'that nobody stores: is there something to store for them, be it that there is nothing?',
      };
    case 'written-not-read':
      return {
        tone: 'warning',
        text: `${namespace}: ${counted(finding.writes, 'write')} and not one read: what is it cached for?`,
      };
    case 'stampedes':
      return {
        tone: 'warning',
        text:
          `${namespace}: ${counted(finding.count, 'time', 'times')} more than one reader missed a key before it was stored ` +
          `again (at most ${finding.largest}); ${counted(finding.extraMisses, 'miss', 'misses')} did work that another did already`,
      };
  }
}
