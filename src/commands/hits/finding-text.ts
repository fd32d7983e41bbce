import { note, type NoteBlock } from '../../render/blocks.ts';
import {
  counted,
  formatBounded,
  formatBytes,
  formatRatio,
  formatRatioRange,
  formatSeconds,
} from '../../render/units.ts';
import type { MissShare, TrafficFinding } from '../../traffic/figures/findings.ts';
import type { Bounds } from '../../traffic/report.ts';

/** What to look at first: missed targets, then the namespaces with most misses. */
export function findingNotes(findings: readonly TrafficFinding[]): NoteBlock[] {
  const texts = findings.map(findingText);
  const isBad = ({ tone }: { readonly tone: NoteBlock['tone'] }) => tone === 'bad';
  const ordered = [...texts.filter(isBad), ...texts.filter((each) => !isBad(each))];
  return ordered.map(({ tone, text }) => ({ ...note(tone, text), moreWith: '--output json has all' }));
}

/** A finding as a sentence, with what may be done about it. */
export const findingText = (finding: TrafficFinding): { tone: NoteBlock['tone']; text: string } => ({
  tone: finding.rule === 'target-missed' ? 'bad' : 'warning',
  text: `${finding.namespace}: ${sentenceOf(finding)}`,
});

function sentenceOf(finding: TrafficFinding): string {
  switch (finding.rule) {
    case 'target-missed': {
      const { hitRate, hitRateInterval, reads, hitRateTarget } = finding;
      const rate = `${formatBounded(hitRate, hitRateInterval, formatRatio)} of ${counted(reads, 'read')}`;
      return `hit rate ${rate} is below the target of ${formatRatio(hitRateTarget)}`;
    }
    case 'expires-too-soon': {
      const found = `${shareText(finding)} came after the end of the TTL`;
      const { currentSeconds } = finding;
      return currentSeconds === null
        ? found
        : `${found} of ${formatSeconds(currentSeconds)}${ttlAdvice(finding)}`;
    }
    case 'evicted-too-soon':
      return `${shareText(finding)} are of keys that were evicted; ${memoryAdvice(finding)}`;
    case 'removed-too-often':
      return (
        `${shareText(finding)} are of keys that were removed with DEL or UNLINK: what removes them, and does it have to ` +
        'so often?'
      );
    case 'never-read-again': {
      const { newKeys, hitRate, hitRateInterval } = finding;
      return (
        `${counted(newKeys, 'key')} were stored after a miss and hardly any was read again in this window (hit rate ` +
        `${formatRatio(hitRate)}, ${formatRatioRange(hitRateInterval)}): is a part of the key different each time?`
      );
    }
    case 'never-stored':
      if (finding.reads !== null)
        return (
          `none of its ${counted(finding.reads, 'read')} found a key, and none was stored in these ` +
          `${formatSeconds(Math.round(finding.windowSeconds * 10) / 10)}: does the write fail, or use another name?`
        );
      return (
        `${shareText(finding)} ask again for keys that were not stored in this window: is there something to store for ` +
        'them, even if it is that there is nothing?'
      );
    case 'written-not-read': {
      const { writes, readsPerWriteInterval } = finding;
      const most = (100 * readsPerWriteInterval[1]).toFixed(1);
      return `${counted(writes, 'write')} and no reads in this window (at most ${most} reads for 100 writes): what is it cached for?`;
    }
    case 'stampedes': {
      const { count, largest, extraMisses, share, shareInterval } = finding;
      return (
        `${counted(count, 'time', 'times')} more than one reader missed a key before it was stored again (at most ` +
        `${largest}); ${counted(extraMisses, 'miss', 'misses')}, ${formatBounded(share, shareInterval, formatRatio)} of all, did ` +
        'work that another did already'
      );
    }
  }
}

type FindingOf<Rule extends TrafficFinding['rule']> = Extract<TrafficFinding, { readonly rule: Rule }>;

/** `71.0 % (65.2 % to 76.4 %) of its 240 misses` */
const shareText = ({ share, shareInterval, misses }: MissShare) =>
  `${formatBounded(share, shareInterval, formatRatio)} of its ${counted(misses, 'miss', 'misses')}`;

function ttlAdvice(finding: FindingOf<'expires-too-soon'>): string {
  const { saveHalfSeconds, saveHalfInterval, neededWindowSeconds: needed } = finding;
  const half = known(saveHalfSeconds, saveHalfInterval, formatSeconds);
  const nine = known(finding.saveNineTenthsSeconds, finding.saveNineTenthsInterval, formatSeconds);
  if (half !== null) return `; ${half} would halve them${nine === null ? '' : `, ${nine} leave a tenth`}`;
  if (needed === null) return '';
  return `; a window of ${formatSeconds(Math.ceil(needed))} would show which TTL halves them (\`--for\`)`;
}

function memoryAdvice(finding: FindingOf<'evicted-too-soon'>): string {
  const half = known(finding.extraForHalfBytes, finding.extraForHalfInterval, formatBytes);
  const nine = known(finding.extraForNineTenthsBytes, finding.extraForNineTenthsInterval, formatBytes);
  if (half === null) return 'the memory is too small for what is read';
  return `${half} more memory would have saved half of them${nine === null ? '' : `, ${nine} nine tenths`}`;
}

const known = (figure: number | null, interval: Bounds, format: (value: number) => string) =>
  figure === null || interval === null ? null : formatBounded(figure, interval, format);
