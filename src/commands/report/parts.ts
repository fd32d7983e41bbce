import type { Cell, Unit } from '../../render/blocks.ts';
import { type Html, html } from '../../render/html.ts';
import { formatCell, formatEstimate, formatRange, formatSeconds } from '../../render/units.ts';
import type { IntervalOrNull, SpanSeconds } from '../namespace-summary.ts';

/** @param moment in ISO 8601 */
export const momentText = (moment: string): string => moment.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');

/** A part of the page under a heading. */
export const section = (title: string, about: string | null, ...contents: readonly (Html | null)[]): Html =>
  html`<section>
    <h2>${title}</h2>
    ${about === null ? null : html`<p>${wordsOf(about)}</p>`}${contents}
  </section>`;

export const listOf = (lines: readonly { readonly tone: string; readonly text: string }[]): Html =>
  html`<ul class="findings">
    ${lines.map(({ tone, text }) => html`<li class="${tone}">${wordsOf(text)}</li>`)}
  </ul>`;

/** A sentence, with what is between backticks as code. */
const wordsOf = (text: string): Html[] =>
  text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));

/** A column of a table, of figures or of texts. */
export interface PageColumn<Row> {
  readonly header: string;
  readonly unit: Unit;
  readonly value: (row: Row) => Cell;
  readonly interval?: (row: Row) => IntervalOrNull;
  /** From 0 to 1, drawn as a bar behind the figure. */
  readonly share?: (row: Row) => number | null;
  /** In place of the figure. */
  readonly markup?: (row: Row) => Html | null;
}

/** A longer table is folded. */
const mostRows = 24;

/** A table that can be sorted by its headers. @param caption what it shows, also for who does not see it */
export function tableOf<Row>(
  caption: string,
  columns: readonly PageColumn<Row>[],
  rows: readonly Row[],
): Html {
  const head = columns.map(
    ({ header, unit }, index) =>
      html`<th scope="col" class="${unit === 'text' || index === 0 ? 'words' : 'figure'}">${header}</th>`,
  );
  const body = rows.map(
    (row) =>
      html`<tr>
        ${columns.map((column, index) => cellOf(column, row, index === 0))}
      </tr> `,
  );
  const table = html`<div class="table" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
  if (rows.length <= mostRows) return table;
  return html`<details>
    <summary>${caption}: all ${rows.length}</summary>
    ${table}
  </details>`;
}

function cellOf<Row>(
  { unit, value, interval, share, markup }: PageColumn<Row>,
  row: Row,
  isHead: boolean,
): Html {
  const cell = value(row);
  const bounds = interval?.(row) ?? null;
  const within =
    bounds === null ? null : html` title="${formatRange(bounds, (each) => formatCell(each, unit), ' … ')}"`;
  const sortedBy = typeof cell === 'number' ? html` data-value="${cell}"` : null;
  const part = share?.(row) ?? null;
  const content = html`${markup?.(row) ?? formatEstimate(cell, unit, bounds)}${part === null ? null : barOf(part)}`;
  return isHead
    ? html`<th scope="row" ${sortedBy}>${content}</th>`
    : html`<td class="${unit === 'text' ? 'words' : 'figure'}" ${sortedBy}${within}>${content}</td>`;
}

/** `up to 5m`, …, `over 7d`. */
export const spanLabels = (spans: readonly SpanSeconds[]): string[] =>
  spans.map(({ upToSeconds }, index) =>
    upToSeconds === null
      ? `over ${formatSeconds(spans[index - 1]?.upToSeconds ?? 0)}`
      : `up to ${formatSeconds(upToSeconds)}`,
  );

/** A bar for a share from 0 to 1. */
const barOf = (share: number): Html => stackOf([{ share, name: 'share' }]);

/** Shares of a whole, one after the other, each with the class `part-NAME`. The figures are next to it. */
export function stackOf(parts: readonly { readonly share: number; readonly name: string }[]): Html {
  let from = 0;
  const drawn = parts.map(({ share, name }) => {
    const start = from;
    from += Math.max(0, share);
    return html`<rect x="${percent(start)}" width="${percent(share)}" height="100%" class="part-${name}" />`;
  });
  return html`<svg class="bar" aria-hidden="true" width="100%" height="6">${drawn}</svg>`;
}

const percent = (share: number) => `${(Math.max(0, Math.min(1, share)) * 100).toFixed(2)}%`;
