import type { TtlPoint } from '../../curves/ttl-curve.ts';
import type { MemoryPoint } from '../../curves/what-if.ts';
import { type Html, html } from '../../render/html.ts';
import { type Line, lineChartOf } from '../../render/line-chart.ts';
import { formatBytes, formatRatio, formatRatioRange, formatSeconds } from '../../render/units.ts';
import type { NamespaceAnswer, WhatifResult } from '../whatif/result.ts';
import {
  conclusionOf,
  leastEarningText,
  memoryTexts,
  modelText,
  policyText,
  sampleText,
  threeFigures,
} from '../whatif/sentences.ts';
import { listOf, type PageColumn, section, tableOf } from './parts.ts';

/** Lines, beside that of all keys, which the eye can still tell apart. */
const mostLines = 6;

/** What more memory, less memory and other TTLs would do. */
export function whatifOf(result: WhatifResult): Html {
  const { namespaces, invalidReasons, remarks, from } = result;
  const linesOf = (tone: string, texts: readonly (string | false | null)[]) =>
    texts.flatMap((text) => (text === null || text === false ? [] : { tone, text }));
  return section(
    'With more memory, less, or other TTLs',
    `${conclusionOf(result)}.`,
    listOf([
      ...linesOf(
        'bad',
        invalidReasons.map((reason) => `not to be relied on: ${reason}`),
      ),
      ...linesOf('plain', [
        ...memoryTexts(result, from === null ? '--hits' : '--for'),
        leastEarningText(result),
      ]),
      ...linesOf('warning', [...remarks, modelText(result), policyText(result)]),
    ]),
    memoryChartOf(result),
    tableOf('Hit rate by memory', memoryColumns, result.memory),
    tableOf(
      'Namespaces with half of the memory and with twice as much',
      namespaceColumns(result),
      namespaces,
    ),
    ...ttlsOf(result),
    html`<p><small>${sampleText(result)}</small></p>`,
  );
}

const bandNames = { around: 'interval', instead: 'the window tells these bounds only' };

/** All keys with their interval, and the namespaces with most reads. */
function memoryChartOf({ memory, namespaces, todayBytes }: WhatifResult): Html | null {
  const [low = 0, high = 0] = [memory[0]?.memoryBytes, memory.at(-1)?.memoryBytes];
  if (low <= 0 || high <= low) return null;
  const xOf = (bytes: number) => Math.log(bytes / low) / Math.log(high / low);
  const drawn = mostRead(namespaces);
  const axis = ratioAxis([
    ...memory.flatMap(endsOf),
    ...drawn.flatMap((each) => each.memory.flatMap(({ hitRate }) => hitRate ?? [])),
  ]);
  if (axis === null) return null;
  const lineOf = (name: string, points: readonly MemoryPoint[], isWhole: boolean): Line => ({
    name,
    points: points.map(({ memoryBytes, hitRate, hitRateInterval }) => ({
      x: xOf(memoryBytes),
      ...axis.placeOf(hitRate, isWhole ? hitRateInterval : null),
    })),
  });
  const marks = 4;
  return lineChartOf({
    label: 'Hit rate by memory; the tables have the figures',
    lines: [
      lineOf('all keys', memory, true),
      ...drawn.map((each) => lineOf(each.namespace, each.memory, false)),
    ],
    xMarks: Array.from({ length: marks }, (_, index) =>
      formatBytes(low * (high / low) ** (index / (marks - 1))),
    ),
    yMarks: axis.marks,
    marked: { name: `today, ${formatBytes(todayBytes)}`, x: xOf(todayBytes) },
    bandNames,
  });
}

const mostRead = (namespaces: readonly NamespaceAnswer[]) =>
  namespaces.filter(({ memory }) => memory.some(({ hitRate }) => hitRate !== null)).slice(0, mostLines);

const endsOf = ({ hitRate, hitRateInterval }: Pick<MemoryPoint, 'hitRate' | 'hitRateInterval'>) => [
  ...(hitRate === null ? [] : [hitRate]),
  ...(hitRateInterval ?? []),
];

/** Distances between the marks of an axis. */
const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25];
const spaces = 4;

/** Marks at plain ratios around the values, and where a value is between them; null where there are none. */
function ratioAxis(values: readonly number[]) {
  if (values.length === 0) return null;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const startOf = (step: number) => Math.min(Math.floor(least / step + 1e-9) * step, 1 - spaces * step);
  const step = steps.find((each) => startOf(each) + spaces * each >= most - 1e-9) ?? 0.25;
  const start = Math.max(0, startOf(step));
  const place = (ratio: number) => (ratio - start) / (spaces * step);
  return {
    marks: Array.from({ length: spaces + 1 }, (_, index) => formatRatio(start + index * step)),
    placeOf: (ratio: number | null, interval: MemoryPoint['hitRateInterval']) => ({
      y: ratio === null ? null : place(ratio),
      interval: interval && ([place(interval[0]), place(interval[1])] as const),
    }),
  };
}

const memoryColumns: readonly PageColumn<MemoryPoint>[] = [
  { header: 'Memory', unit: 'bytes', value: ({ memoryBytes }) => memoryBytes },
  { header: 'Of today', unit: 'ratio', value: ({ timesToday }) => timesToday },
  { header: 'Hit rate', unit: 'ratio', value: ({ hitRate }) => hitRate },
  { header: 'At least', unit: 'ratio', value: ({ hitRateInterval }) => hitRateInterval?.[0] ?? null },
  { header: 'At most', unit: 'ratio', value: ({ hitRateInterval }) => hitRateInterval?.[1] ?? null },
  {
    ...{ header: 'More misses a day', unit: 'count' },
    value: ({ extraMissesPerDay: misses }) => misses && threeFigures(misses),
  },
];

function namespaceColumns({ namespaces }: WhatifResult): PageColumn<NamespaceAnswer>[] {
  const at = (header: string, share: number): PageColumn<NamespaceAnswer> => {
    const pointOf = ({ memory }: NamespaceAnswer) => memory.find(({ timesToday }) => timesToday === share);
    return {
      ...{ header, unit: 'ratio', value: (row) => pointOf(row)?.hitRate ?? null },
      markup: (row) => rateOf(pointOf(row)),
    };
  };
  const money = [
    ['Saves an hour', 'savedPerHour'],
    ['Saves an hour per GB', 'savedPerGigabyteHour'],
    ['Its memory an hour', 'memoryCostPerHour'],
  ] as const;
  return [
    { header: 'Namespace', unit: 'text', value: ({ namespace }) => namespace },
    { header: 'Reads', unit: 'count', value: ({ reads }) => reads },
    { header: 'Hit rate', unit: 'ratio', value: ({ hitRate }) => hitRate },
    ...[at('With half', 0.5), at('With twice', 2)],
    { header: 'In use', unit: 'bytes', value: ({ activeBytes }) => activeBytes },
    { header: 'TTL', unit: 'seconds', value: ({ currentTtlSeconds }) => currentTtlSeconds },
    ...money
      .filter(([, field]) => namespaces.some((each) => each[field] !== null))
      .map(([header, field]): PageColumn<NamespaceAnswer> => ({
        ...{ header, unit: 'number', value: (row) => row[field] },
      })),
  ];
}

/** What is not known has its bounds. */
const rateOf = (answer: Pick<MemoryPoint, 'hitRate' | 'hitRateInterval'> | undefined): Html | null =>
  answer === undefined || answer.hitRate !== null || answer.hitRateInterval === null
    ? null
    : html`${formatRatioRange(answer.hitRateInterval)}`;

interface TtlRow {
  readonly ttlSeconds: number;
  /** In the order of the namespaces that are drawn. */
  readonly answers: readonly (TtlPoint | undefined)[];
}

/** The curve of each namespace whose keys have TTLs, for those with most reads. */
function ttlsOf({ ttl, namespaces }: WhatifResult): (Html | null)[] {
  const drawn = namespaces.filter(({ currentTtlSeconds }) => currentTtlSeconds !== null).slice(0, mostLines);
  const axis = ratioAxis(drawn.flatMap((each) => each.ttl.flatMap(endsOf)));
  if (axis === null || ttl.length < 2) return [];
  const rows = ttl.map(({ ttlSeconds }, index): TtlRow => ({
    ttlSeconds,
    answers: drawn.map((each) => each.ttl[index]),
  }));
  const columns = drawn.map(({ namespace }, index): PageColumn<TtlRow> => {
    const of = ({ answers }: TtlRow) => answers[index];
    return {
      ...{ header: namespace, unit: 'ratio', value: (row) => of(row)?.hitRate ?? null },
      markup: (row) => ttlCell(of(row)),
    };
  });
  return [
    html`<h3>One TTL for all keys of a namespace, with memory enough for them</h3>`,
    lineChartOf({
      label: 'Hit rate by TTL; the table has the figures',
      lines: drawn.map((each) => ({
        name: `${each.namespace} (now ${formatSeconds(each.currentTtlSeconds ?? 0)})`,
        points: each.ttl.map(({ hitRate, hitRateInterval }, index) => ({
          x: index / (each.ttl.length - 1),
          ...axis.placeOf(hitRate, hitRateInterval),
        })),
      })),
      xMarks: ttl.map(({ ttlSeconds }, index) => (index % 2 === 0 ? formatSeconds(ttlSeconds) : '')),
      yMarks: axis.marks,
      bandNames,
    }),
    tableOf(
      'Hit rate and memory by TTL',
      [{ header: 'TTL', unit: 'seconds', value: ({ ttlSeconds }) => ttlSeconds }, ...columns],
      rows,
    ),
  ];
}

function ttlCell(answer: TtlPoint | undefined): Html | null {
  if (answer === undefined) return null;
  const rate = answer.hitRate === null ? rateOf(answer) : html`${formatRatio(answer.hitRate)}`;
  const held =
    answer.heldBytes === null ? null : html`<br /><small>holds ${formatBytes(answer.heldBytes)}</small>`;
  return html`${rate ?? '–'}${held}`;
}
