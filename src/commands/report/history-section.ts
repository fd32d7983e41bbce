import type { Html } from '../../render/html.ts';
import { type Line, lineChartOf } from '../../render/line-chart.ts';
import { counted, formatRatio } from '../../render/units.ts';
import { fewestLookups } from '../../traffic/report.ts';
import { momentText, type PageColumn, section, tableOf } from './parts.ts';
import type { ReportData, SavedWindow } from './result.ts';
import { causesOf, legend } from './traffic-section.ts';

/** Lines, beside that of all keys, which the eye can still tell apart. */
const mostLines = 6;

/** Hit rates window by window, with the causes of misses. */
export function historyOf({ windows, file }: NonNullable<ReportData['history']>): Html {
  const names = mostMissed(windows);
  const [first, last] = [windows[0], windows.at(-1)];
  const range =
    first === undefined || last === undefined ? '' : `, ${momentText(first.at)} to ${momentText(last.at)}`;
  const invalid = windows.filter(({ valid }) => !valid).length;
  const doubt = invalid === 0 ? '' : ` ${invalid} of them are not to be relied on, and not drawn.`;
  return section(
    'Hit rates over time',
    `${counted(windows.length, 'window')} of ${file}${range}.${doubt}`,
    chartOf(windows, names),
    legend,
    tableOf('Hit rates window by window', columnsOf(names), windows),
  );
}

/** With most misses over all windows. */
function mostMissed(windows: readonly SavedWindow[]): string[] {
  const misses = new Map<string, number>();
  for (const { namespaces } of windows)
    for (const each of namespaces)
      misses.set(each.namespace, (misses.get(each.namespace) ?? 0) + (each.misses ?? 0));
  return [...misses]
    .sort((left, right) => right[1] - left[1])
    .slice(0, mostLines)
    .map(([name]) => name)
    .filter((name) => windows.some((window) => window.valid && rateOf(window, name) !== null));
}

/** Null where the reads are too few for a rate. */
function rateOf({ namespaces }: SavedWindow, name: string): number | null {
  const row = namespaces.find(({ namespace }) => namespace === name);
  return row === undefined || (row.reads ?? 0) < fewestLookups ? null : row.hitRate;
}

function chartOf(windows: readonly SavedWindow[], names: readonly string[]): Html | null {
  const known = windows.filter(({ valid }) => valid);
  const [from, to] = [Date.parse(known[0]?.at ?? ''), Date.parse(known.at(-1)?.at ?? '')];
  const xOf = ({ at }: SavedWindow) => (to > from ? (Date.parse(at) - from) / (to - from) : 0);
  const lineOf = (name: string, rate: (window: SavedWindow) => number | null): Line => ({
    name,
    points: known.flatMap((window) => {
      const y = rate(window);
      return y === null ? [] : { x: xOf(window), y };
    }),
  });
  const lines = [
    lineOf('all keys', ({ hitRate }) => hitRate),
    ...names.map((name) => lineOf(name, (window) => rateOf(window, name))),
  ].filter(({ points }) => points.length > 0);
  if (lines.length === 0) return null;
  const moment = (millis: number) => new Date(millis).toISOString().slice(0, 16).replace('T', ' ');
  return lineChartOf({
    label: 'Hit rates over time; the table has the figures',
    lines,
    xMarks: to > from ? [moment(from), moment(to)] : [moment(from)],
    yMarks: [0, 0.25, 0.5, 0.75, 1].map(formatRatio),
  });
}

function columnsOf(names: readonly string[]): PageColumn<SavedWindow>[] {
  return [
    { header: 'Window until', unit: 'text', value: ({ at }) => momentText(at) },
    { header: 'Reads', unit: 'count', value: ({ reads }) => reads },
    { header: 'Hit rate', unit: 'ratio', value: ({ hitRate }) => hitRate },
    { header: 'Why', unit: 'text', value: () => null, markup: causesOf },
    ...names.map((name): PageColumn<SavedWindow> => ({
      header: name,
      unit: 'ratio',
      value: (window) => rateOf(window, name),
    })),
  ];
}
