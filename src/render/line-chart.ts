import { type Html, html } from './html.ts';
import { paletteSize } from './treemap.ts';

/** A line over a chart: its points from the left to the right. */
export interface Line {
  readonly name: string;
  /** Both from 0 to 1, from the left and from the bottom. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

interface Chart {
  /** What the picture shows, for who does not see it. */
  readonly label: string;
  readonly lines: readonly Line[];
  /** At equal distances, from the left. */
  readonly xMarks: readonly string[];
  /** At equal distances, from the bottom. */
  readonly yMarks: readonly string[];
}

/** Points alone, where there are too few for a line. */
const fewestForLine = 2;

/**
 * Lines over a grid, with their names below. The picture takes any width, and its marks are texts of the page, which keep their
 * size. The figures belong in a table next to it.
 */
export function lineChartOf({ label, lines, xMarks, yMarks }: Chart): Html {
  const grid = yMarks.map((_, index) => {
    const y = percent(1 - index / Math.max(1, yMarks.length - 1));
    return html`<line class="grid" x1="0" x2="100" y1="${y}" y2="${y}" />`;
  });
  const drawn = lines.map(({ points }, index) => {
    const [first] = points;
    // The cap of a line of no length is a dot.
    const path = points.length < fewestForLine && first !== undefined ? [first, first] : points;
    const places = path.map(({ x, y }) => `${percent(x)},${percent(1 - y)}`).join(' ');
    return html`<polyline class="line c-${index % paletteSize}" points="${places}" />`;
  });
  return html`<figure class="chart">
    <div class="plot">
      <div class="marks-y" aria-hidden="true">
        ${[...yMarks].reverse().map((mark) => html`<span>${mark}</span>`)}
      </div>
      <svg role="img" aria-label="${label}" viewBox="0 0 100 100" preserveAspectRatio="none">
        ${grid}${drawn}
      </svg>
      <div class="marks-x" aria-hidden="true">${xMarks.map((mark) => html`<span>${mark}</span>`)}</div>
    </div>
    <figcaption class="legend">
      ${lines.map(({ name }, index) => html`<span class="c-${index % paletteSize}">${name}</span>`)}
    </figcaption>
  </figure>`;
}

const percent = (share: number) => (Math.max(0, Math.min(1, share)) * 100).toFixed(1);

/** Columns of equal width, as high as their share of the highest: how something is spread. The figures are next to it. */
export function spreadOf(values: readonly number[]): Html {
  const highest = Math.max(1, ...values);
  const columns = values.flatMap((value, index) => {
    const height = value === 0 ? 0 : Math.max(4, (value / highest) * 100);
    return height === 0 ? [] : [`M${index} 100v-${height.toFixed(0)}h.9v${height.toFixed(0)}z`];
  });
  return html`<svg
    class="spread"
    aria-hidden="true"
    viewBox="0 0 ${values.length} 100"
    preserveAspectRatio="none"
  >
    <path d="${columns.join('')}" />
  </svg>`;
}
