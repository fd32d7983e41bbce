import { createHash } from 'node:crypto';
import { Html, html } from '../../render/html.ts';
import {
  counted,
  formatBytes,
  formatCell,
  formatRatio,
  formatRatioRange,
  formatSeconds,
} from '../../render/units.ts';
import { chartsOf } from './bench-section.ts';
import { comparisonOf } from './comparison-section.ts';
import { historyOf } from './history-section.ts';
import { keyspaceOf } from './keyspace-section.ts';
import { sentenceOf } from '../doctor/view.ts';
import type { ReportData } from './result.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import { listOf, momentText, section } from './parts.ts';
import type { DataReads } from '../../health/lookups/counters.ts';
import { fewestLookups } from '../../traffic/report.ts';
import { trafficOf } from './traffic-section.ts';
import { whatifOf } from './whatif-section.ts';

/**
 * The page: one text that asks for nothing from anywhere. What is in it by name comes from a server and is a stranger's: `html`
 * escapes it, and the policy of the page lets nothing run but its own script.
 * @param before what it is compared with; null: nothing
 */
export function pageOf(data: ReportData, before: ReportData | null): string {
  const { server } = data.stats;
  const title = `cachectl report: ${server?.address ?? 'a Redis cache'}`;
  const policy = [
    "default-src 'none'",
    `style-src ${sourceOf(style)}`,
    `script-src ${sourceOf(script)}`,
    "base-uri 'none'; form-action 'none'",
  ].join('; ');
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${new Html(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${inlined('style', style)}
      </head>
      <body>
        <header>
          <h1>${server?.address ?? 'Redis'}</h1>
          <p>${headline(data)}</p>
          ${cardsOf(data)}
        </header>
        <main>
          ${verdictOf(data)} ${findingsOf(data)} ${before === null ? null : comparisonOf(before, data)}
          ${data.hits === null ? null : trafficOf(data.hits)}
          ${data.history == null ? null : historyOf(data.history)}
          ${data.whatif == null ? null : whatifOf(data.whatif)} ${keyspaceOf(data.inspect, data.hits)}
          ${data.bench.length === 0 ? null : chartsOf(data.bench)}
        </main>
        <footer>
          <p>${groundOf(data)}</p>
          <p>Made by cachectl ${data.version}.</p>
        </footer>
        ${inlined('script', script)}
      </body>
    </html> `;
  return page.markup;
}

const inlined = (element: 'style' | 'script', text: string) => new Html(`<${element}>${text}</${element}>`);

/** The one text of its kind that may be in the page, by its digest. */
const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function headline({ stats: { server, database }, createdAt }: ReportData): string {
  const product = server === null ? '' : `${server.product} ${server.version}, `;
  return `${product}database ${database}, ${momentText(createdAt)}`;
}

interface Card {
  readonly title: string;
  readonly value: string;
  readonly text: string;
}

function cardsOf({ stats, inspect, hits }: ReportData): Html {
  const { server, lifetime, grade } = stats;
  const reads = lifetime?.dataReads ?? null;
  const judged = reads?.hitRateInterval ?? null;
  const limit = server?.maxBytes ?? null;
  const cards: Card[] = [
    { title: 'Grade', value: grade ?? '–', text: grade === null ? ungraded(reads) : 'of A to F' },
    {
      title: 'Hit rate',
      ...(hits !== null
        ? {
            value: formatCell(hits.hitRate, 'ratio'),
            text: `in ${formatSeconds(hits.windowSeconds)} of traffic`,
          }
        : {
            value: judged === null ? '–' : formatRatioRange(judged),
            text: 'of the reads of data since the counters began',
          }),
    },
    {
      title: 'Keys',
      value: formatCell(inspect.keys, 'count'),
      text: inspect.withoutTtl === null ? '' : `${formatCell(inspect.withoutTtl, 'count')} without a TTL`,
    },
    {
      title: 'Memory of keys',
      value: formatCell(inspect.memoryBytes, 'bytes'),
      text: limit === null || limit === 0 ? 'no limit is set' : `the server may use ${formatBytes(limit)}`,
    },
    {
      title: 'Evicted',
      value: formatCell(server?.evictedKeys ?? null, 'count'),
      text: 'keys since the counters began',
    },
  ];
  return html`<dl class="cards">
    ${cards.map(
      ({ title, value, text }) =>
        html`<div>
          <dt>${title}</dt>
          <dd><strong>${value}</strong><span>${text}</span></dd>
        </div>`,
    )}
  </dl>`;
}

/** Why there is no grade. */
const ungraded = (reads: DataReads | null) =>
  reads !== null && reads.reads >= fewestLookups
    ? 'the hit rate is not certain enough to judge by'
    : 'too few reads to judge by';

function findingsOf({ doctor: { findings } }: ReportData): Html | null {
  if (findings.length === 0) return null;
  const lines = findings.map((each) => ({
    tone: each.severity === 'critical' ? 'bad' : each.severity === 'warning' ? 'warning' : 'plain',
    text: `${each.rule}: ${sentenceOf(each)} (${each.remedy})`,
  }));
  return section(
    'What the doctor finds',
    'Rules about single keys are left out here: `cachectl doctor` has them.',
    listOf(lines),
  );
}

function verdictOf({ stats: { reasons, refused } }: ReportData): Html | null {
  if (reasons.length === 0) return null;
  const lines = reasons.map(({ tone, text, points }) => ({
    tone,
    text: points > 0 ? `${text} (−${counted(points, 'point')})` : text,
  }));
  const unread = refused.map(({ command, reason }) => ({
    tone: 'plain',
    text: `${command} was refused: ${reason}`,
  }));
  return section('Why this grade', null, listOf([...lines, ...unread]));
}

/** How the figures came about, for who doubts them. */
function groundOf({ inspect: { exact, reading, keys, serverCost } }: ReportData): string {
  const read = exact
    ? `Every key was read, ${formatCell(keys, 'count')} in all.`
    : `${counted(reading.scannedKeys ?? 0, 'key')} of ${formatCell(reading.keyspaceKeys, 'count')} were read, chosen at random: ~ marks an estimate, and its 95 % interval is shown where the pointer rests on it.`;
  const cpu = serverCost.serverCpuSeconds;
  const share = reading.coverage === null || exact ? '' : ` (${formatRatio(reading.coverage)})`;
  return `${read}${share} This took ${formatSeconds(serverCost.durationSeconds)} and ${counted(serverCost.commands, 'command')}${cpu === null ? '' : `, ${formatSeconds(cpu)} of the server's CPU`}.`;
}
