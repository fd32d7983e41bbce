import { type Html, html } from './html.ts';
import { paletteSize } from './treemap.ts';

/** A line over a chart: its points from the left to the right. */
export interface Line {
  readonly name: string;
  readonly points: readonly LinePoint[];
}

/** All from 0 to 1, from the left and from the bottom. */
interface LinePoint {
  readonly x: number;
  /** Null: not known, and the line has a gap. */
  readonly y: number | null;
  /** Where it may be as well: a band around the line, or in its place. */
  readonly interval?: readonly [number, number] | null;
}

interface Chart {
  /** What the picture shows, for who does not see it. */
  readonly label: string;
  readonly lines: readonly Line[];
  /** At equal distances, from the left. */
  readonly xMarks: readonly string[];
  /** At equal distances, from the bottom. */
  readonly yMarks: readonly string[];
  /** A line from the bottom to the top. */
  readonly marked?: { readonly name: string; readonly x: number };
  /** What bands are, around a line and in its place, for the names below. */
  readonly bandNames?: { readonly around: string; readonly instead: string };
}

/**
 * Lines over a grid, with their names below. The picture takes any width, and its marks are texts of the page, which keep their
 * size. The figures belong in a table next to it.
 */
export function lineChartOf({ label, lines, xMarks, yMarks, marked, bandNames }: Chart): Html {
  const grid = yMarks.map((_, index) => {
    const y = percent(1 - index / Math.max(1, yMarks.length - 1));
    return html`<line class="grid" x1="0" x2="100" y1="${y}" y2="${y}" />`;
  });
  const bands = lines.map(({ points }, index) => bandsOf(points, `c-${index % paletteSize}`));
  const isDrawn = (of: 'around' | 'instead') => bands.some((each) => each[of].length > 0);
  const drawn = lines.map(({ points }, index) =>
    linesOf(points).map((places) => {
      const [name, path] = places.length === 1 ? ['line dot', [...places, ...places]] : ['line', places];
      // The cap of a line of no length is a dot.
      return html`<polyline class="${name} c-${index % paletteSize}" points="${path.join(' ')}" />`;
    }),
  );
  const mark =
    marked &&
    html`<line class="marked" x1="${percent(marked.x)}" x2="${percent(marked.x)}" y1="0" y2="100" />`;
  return html`<figure class="chart">
    <div class="plot">
      <div class="marks-y" aria-hidden="true">
        ${[...yMarks].reverse().map((mark) => html`<span>${mark}</span>`)}
      </div>
      <svg role="img" aria-label="${label}" viewBox="0 0 100 100" preserveAspectRatio="none">
        ${grid}${bands.map(({ around, instead }) => [...instead, ...around])}${mark ?? null}${drawn}
      </svg>
      <div class="marks-x" aria-hidden="true">${xMarks.map((mark) => html`<span>${mark}</span>`)}</div>
    </div>
    <figcaption class="legend">
      ${lines.map(({ name }, index) => html`<span class="c-${index % paletteSize}">${name}</span>`)}
      ${bandNames && isDrawn('around') ? html`<span class="around">${bandNames.around}</span>` : null}
      ${bandNames && isDrawn('instead') ? html`<span class="instead">${bandNames.instead}</span>` : null}
      ${marked ? html`<span class="marked">${marked.name}</span>` : null}
    </figcaption>
  </figure>`;
}

/** The places of each stretch of a line without a gap. */
function linesOf(points: readonly LinePoint[]): string[][] {
  const stretches: string[][] = [[]];
  for (const { x, y } of points)
    if (y === null) stretches.push([]);
    else stretches.at(-1)?.push(placeOf(x, y));
  return stretches.filter(({ length }) => length > 0);
}

/** The bands of a line, each from point to point: around it, and where it has a gap. */
function bandsOf(points: readonly LinePoint[], color: string) {
  const bands = { around: [] as LinePoint[][], instead: [] as LinePoint[][] };
  let last: LinePoint | undefined;
  for (const point of points) {
    if (last?.interval && point.interval) {
      const kind = last.y === null || point.y === null ? bands.instead : bands.around;
      if (kind.at(-1)?.at(-1) === last) kind.at(-1)?.push(point);
      else kind.push([last, point]);
    }
    last = point;
  }
  const drawn = (band: readonly LinePoint[], name: string) => {
    const edge = (end: 0 | 1) => band.map(({ x, interval }) => placeOf(x, interval?.[end] ?? 0));
    return html`<polygon
      class="${name} ${color}"
      points="${[...edge(1), ...edge(0).reverse()].join(' ')}"
    />`;
  };
  return {
    around: bands.around.map((band) => drawn(band, 'around')),
    instead: bands.instead.map((band) => drawn(band, 'instead')),
  };
}

const placeOf = (x: number, y: number) => `${percent(x)},${percent(1 - y)}`;

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
