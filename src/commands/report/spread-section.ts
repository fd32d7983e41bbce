import { type Html, html } from '../../render/html.ts';
import { spreadOf } from '../../render/line-chart.ts';
import { formatBytes } from '../../render/units.ts';
import type { InspectResult } from '../inspect/result.ts';
import { type NamespaceSummary, rowName, type SpanSeconds } from '../namespace-summary.ts';
import { type PageColumn, spanLabels, stackOf, tableOf } from './parts.ts';

/** How large the keys of each namespace are; null where no sizes are known. */
export function sizesOf({ namespaces }: InspectResult): Html | null {
  const rows = namespaces.filter(({ sizes }) => sizes !== null);
  const bounds = rows.flatMap(({ sizes }) => sizes?.sizeHistogram.map(({ upToBytes }) => upToBytes) ?? []);
  if (bounds.length === 0) return null;
  const [least, most] = [Math.min(...bounds), Math.max(...bounds)];
  const columns: PageColumn<NamespaceSummary>[] = [
    { header: 'Namespace', unit: 'text', value: rowName },
    {
      header: `${formatBytes(least)} to ${formatBytes(most)}`,
      unit: 'text',
      value: () => null,
      markup: ({ sizes }) => spreadOf(keysBySize(sizes?.sizeHistogram ?? [], least, most)),
    },
    { header: 'Half up to', unit: 'bytes', value: ({ sizes }) => sizes?.p50Bytes ?? null },
    { header: '90 % up to', unit: 'bytes', value: ({ sizes }) => sizes?.p90Bytes ?? null },
    { header: '99 % up to', unit: 'bytes', value: ({ sizes }) => sizes?.p99Bytes ?? null },
    { header: 'Largest', unit: 'bytes', value: ({ sizes }) => sizes?.largestBytes ?? null },
  ];
  return tableOf('Sizes of keys, a column for each power of two', columns, rows);
}

/** A figure for each power of two between the two. */
function keysBySize(
  histogram: NonNullable<NamespaceSummary['sizes']>['sizeHistogram'],
  least: number,
  most: number,
): number[] {
  const known = new Map(histogram.map(({ upToBytes, readKeys }) => [upToBytes, readKeys]));
  const length = Math.round(Math.log2(most / least)) + 1;
  return Array.from({ length }, (_, index) => known.get(least * 2 ** index) ?? 0);
}

/** Bytes by the time since their keys were last used; null where idle times or sizes are not known. */
export function idleBytesOf({ namespaces }: InspectResult): Html | null {
  const rows = namespaces.flatMap((row) => {
    const { idleHistogram } = row;
    if (idleHistogram === null || idleHistogram.some(({ memoryBytes }) => memoryBytes === null)) return [];
    const whole = idleHistogram.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
    return whole === 0 ? [] : { name: rowName(row), spans: idleHistogram, whole };
  });
  const [first] = rows;
  if (first === undefined) return null;
  type Row = (typeof rows)[number];
  const labels = spanLabels(first.spans);
  const columns: PageColumn<Row>[] = [
    { header: 'Namespace', unit: 'text', value: ({ name }) => name },
    { header: 'Age', unit: 'text', value: () => null, markup: agesOf },
    ...labels.map((header, index): PageColumn<Row> => ({
      ...{ header, unit: 'bytes', value: ({ spans }) => spans[index]?.memoryBytes ?? null },
    })),
  ];
  return html`<p class="legend">
      ${labels.map((label, index) => html`<span class="part-age-${index}">${label}</span>`)}
    </p>
    ${tableOf('Bytes by the time since the last use', columns, rows)}`;
}

const agesOf = ({ spans, whole }: { readonly spans: readonly SpanSeconds[]; readonly whole: number }): Html =>
  stackOf(
    spans.map(({ memoryBytes }, index) => ({ name: `age-${index}`, share: (memoryBytes ?? 0) / whole })),
  );
