import { type Html, html } from '../../render/html.ts';
import { counted, formatCell, formatSeconds } from '../../render/units.ts';
import type { MissCause, NamespaceTraffic } from '../../traffic/report.ts';
import { findingText } from '../hits/finding-text.ts';
import type { HitsResult } from '../hits/result.ts';
import { causeTexts } from '../traffic-columns.ts';
import { listOf, type PageColumn, section, stackOf, tableOf } from './parts.ts';

const missCauses = Object.keys(causeTexts) as MissCause[];

/** Who hits, who misses, and why. */
export function trafficOf(hits: HitsResult): Html {
  const { windowSeconds, valid, invalidReasons, mode, findings, mostMissed } = hits;
  const reads = hits.reads === null ? '' : `${counted(hits.reads, 'read')} in `;
  const doubt = valid
    ? []
    : invalidReasons.map((text) => ({ tone: 'bad', text: `not to be relied on: ${text}` }));
  return section(
    'Who hits, who misses',
    `${reads}${formatSeconds(windowSeconds)} of traffic, observed in mode ${mode}.`,
    doubt.length + findings.length === 0 ? null : listOf([...doubt, ...findings.map(findingText)]),
    legend,
    tableOf('Hits and misses by namespace', columns, hits.namespaces),
    mostMissed.length === 0 ? null : tableOf('Keys that miss most', missedColumns, mostMissed),
  );
}

/** Of the bars that `causesOf` draws. */
export const legend = html`<p class="legend">
  <span class="part-hit">hit</span>${missCauses.map(
    (cause) => html`<span class="part-${cause}">${causeTexts[cause]}</span>`,
  )}
</p>`;

const columns: readonly PageColumn<NamespaceTraffic>[] = [
  { header: 'Namespace', unit: 'text', value: ({ namespace }) => namespace },
  {
    header: 'Reads',
    unit: 'count',
    value: ({ reads }) => reads,
    interval: ({ readsInterval }) => readsInterval,
  },
  {
    ...{ header: 'Hit rate', unit: 'ratio', value: ({ hitRate }) => hitRate },
    interval: ({ hitRateInterval }) => hitRateInterval,
  },
  { header: 'Target', unit: 'ratio', value: ({ hitRateTarget }) => hitRateTarget },
  { header: 'Misses', unit: 'count', value: ({ misses }) => misses },
  { header: 'Why', unit: 'text', value: () => null, markup: causesOf },
  { header: 'Writes', unit: 'count', value: ({ writes }) => writes },
];

/** Hits and the causes of misses as shares of the reads. */
export function causesOf({
  reads,
  hits,
  causes,
}: Pick<NamespaceTraffic, 'reads' | 'hits' | 'causes'>): Html | null {
  if (reads === null || reads === 0 || causes === null) return null;
  const found = missCauses.filter((cause) => causes[cause] > 0);
  const words = found.map((cause) => `${causeTexts[cause]} ${formatCell(causes[cause], 'count')}`);
  const parts = found.map((cause) => ({ name: cause, share: causes[cause] / reads }));
  return html`${stackOf([{ name: 'hit', share: (hits ?? 0) / reads }, ...parts])}<small
      >${words.join(', ')}</small
    >`;
}

const missedColumns: readonly PageColumn<HitsResult['mostMissed'][number]>[] = [
  { header: 'Key', unit: 'text', value: ({ key }) => key },
  { header: 'Misses', unit: 'count', value: ({ misses }) => misses },
  { header: 'Why', unit: 'text', value: ({ cause }) => causeTexts[cause] },
  { header: 'Namespace', unit: 'text', value: ({ namespace }) => namespace },
];
