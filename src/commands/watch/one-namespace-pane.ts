import { mostKeys } from '../../traffic/figures/listed-keys.ts';
import { fitted, lineOf, type Span, type StyledLine } from '../../render/styled-line.ts';
import { counted, formatCell, formatEstimate, formatRatio } from '../../render/units.ts';
import type { MissCause } from '../../traffic/report.ts';
import type { WatchedNamespace } from '../../watch/namespaces.ts';
import { causeTexts } from '../traffic-columns.ts';
import { type Course, courseLine } from './figures-pane.ts';
import type { FrameSize } from '../screen.ts';
import { isAway, lastAnswer, shownData, type WatchState } from './state.ts';

/** One namespace: its figures over time, the causes of its misses, and the keys that are missed most. */
export function namespaceFigures(
  state: WatchState,
  name: string,
  size: FrameSize,
  room: number,
): StyledLine[] {
  const rowOf = (rows: readonly WatchedNamespace[]) => rows.find(({ namespace }) => namespace === name);
  const courses = shownData(state).history.map(({ namespaces }) => rowOf(namespaces));
  const known = rowOf(lastAnswer(state)?.namespaces ?? []);
  const last = isAway(state) ? undefined : known;
  const title: Span[] = [
    { text: fitted(name, Math.min(name.length + 2, size.columns - 12), size), tone: 'title' },
    { text: known?.kind ?? '', tone: 'dim' },
  ];
  const blank: StyledLine[] = room >= 12 ? [{ spans: [] }] : [];
  return [
    { spans: title },
    ...coursesOf(courses, last, state.withTraffic).map((course) => courseLine(course, size)),
    ...blank,
    ...causeLines(last, size),
    ...blank,
    ...missingKeyLines(state, name, size),
  ].slice(0, room);
}

function coursesOf(
  rows: readonly (WatchedNamespace | undefined)[],
  last: WatchedNamespace | undefined,
  withTraffic: boolean,
): Course[] {
  const of = (name: 'memoryBytes' | 'keys' | 'hitRate' | 'readsPerSecond' | 'missesPerSecond') =>
    rows.map((row) => row?.[name] ?? null);
  const share =
    last?.memoryShare == null
      ? ''
      : `${formatEstimate(last.memoryShare, 'ratio', last.memoryShareInterval)} of all namespaces`;
  const sizes: Course[] = [
    {
      ...{ label: 'bytes', unit: 'bytes', values: of('memoryBytes'), showsChange: true },
      ...{ interval: last?.memoryBytesInterval, remark: share },
    },
    { label: 'keys', unit: 'count', values: of('keys'), showsChange: true, interval: last?.keysInterval },
  ];
  if (!withTraffic) return sizes;
  const isLow = last?.targetMet === false;
  const target = last?.hitRateTarget == null ? '' : `target ${formatRatio(last.hitRateTarget)}`;
  return [
    {
      ...{ label: 'hit rate', unit: 'ratio', values: of('hitRate'), showsChange: true },
      ...{ interval: last?.hitRateInterval, remark: isLow ? `LOW: ${target}` : target },
      ...(isLow && { tone: 'bad' }),
    },
    {
      ...{ label: 'reads', unit: 'perSecond', values: of('readsPerSecond') },
      interval: last?.readsPerSecondInterval,
    },
    { label: 'misses', unit: 'perSecond', values: of('missesPerSecond') },
    ...sizes,
  ];
}

function causeLines(last: WatchedNamespace | undefined, size: FrameSize): StyledLine[] {
  if (last?.causes == null) return [];
  const causes = (Object.entries(last.causes) as [MissCause, number][]).filter(([, count]) => count > 0);
  if (causes.length === 0) return [lineOf('no misses in this interval', 'dim')];
  const misses = causes.reduce((sum, [, count]) => sum + count, 0);
  return [
    lineOf(`Causes of ${counted(misses, 'miss', 'misses')}`, 'title'),
    ...causes
      .toSorted(([, left], [, right]) => right - left)
      .map(([cause, count]) => {
        const figures = [
          formatCell(count, 'count').padStart(9),
          formatCell(count / misses, 'ratio').padStart(10),
        ];
        return lineOf(fitted(`  ${causeTexts[cause].padEnd(14)}${figures.join('')}`, size.columns, size));
      }),
  ];
}

function missingKeyLines(state: WatchState, name: string, size: FrameSize): StyledLine[] {
  const keys = (shownData(state).traffic?.mostMissed ?? [])
    .filter(({ namespace }) => namespace === name)
    .slice(0, mostKeys);
  if (keys.length === 0) return [];
  return [
    lineOf('Keys missed most in this interval', 'title'),
    ...keys.map(({ key, misses, cause }): StyledLine => ({
      spans: [
        { text: formatCell(misses, 'count').padStart(9) + '  ' },
        { text: fitted(key, Math.max(8, size.columns - 26), size) },
        { text: '  ' + causeTexts[cause], tone: 'dim' },
      ],
    })),
  ];
}
