import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import { type Html, html } from './html.ts';

/** Something with a size, made up of others or not. */
export interface Box {
  readonly name: string;
  /** As people read its size. */
  readonly text: string;
  readonly size: number;
  readonly parts: readonly Box[];
  /** Which color of the palette; null: what is summed up, or belongs to nothing. */
  readonly color: number | null;
  /** Where it leads; null: nowhere. */
  readonly href: string | null;
}

/** Layouts are made for a picture this wide and high, in pixels; it is drawn as wide as there is room. */
const [width, height] = [1100, 440];
/** Of a character in a label. */
const characterWidth = 7.2;
/** Viewports by their name in the style sheet, with the width of the picture in them. */
const viewports = [
  ['', 310],
  ['medium', 680],
  ['wide', 1040],
] as const;

/**
 * The boxes side by side, each as large as its share (squarified; Bruls, Huizing and van Wijk 2000), in SVG of percentages: it takes
 * any width, and its labels keep their size.
 * @param label what the picture shows, for who does not see it
 */
export function treemapOf(boxes: readonly Box[], label: string): Html {
  const root = hierarchy<{ readonly parts: readonly Box[]; readonly box: Box | null }>(
    { parts: boxes, box: null },
    ({ parts, box }) => (box === null ? parts.map((each) => ({ parts: [], box: each })) : []),
  )
    .sum(({ box }) => box?.size ?? 0)
    .sort((left, right) => (right.value ?? 0) - (left.value ?? 0));
  const placed = treemap<(typeof root)['data']>().tile(treemapSquarify).size([width, height])(root).leaves();
  const drawn = placed.flatMap(({ data: { box }, x0, x1, y0, y1 }) =>
    box === null || x1 - x0 < 0.5 || y1 - y0 < 0.5 ? [] : [boxMarkup(box, [x0, x1, y0, y1])],
  );
  return html`<svg class="treemap" role="group" aria-label="${label}" width="100%" height="${height}">
    ${drawn}
  </svg>`;
}

type Edges = readonly [x0: number, x1: number, y0: number, y1: number];

function boxMarkup(box: Box, [x0, x1, y0, y1]: Edges): Html {
  const share = (part: number, whole: number) => `${((part / whole) * 100).toFixed(3)}%`;
  const place = html`x="${share(x0, width)}" y="${share(y0, height)}" width="${share(x1 - x0, width)}"
  height="${share(y1 - y0, height)}"`;
  const title = `${box.name}: ${box.text}`;
  const color = box.color === null ? 'none' : String(box.color % paletteSize);
  const [name, size] = [
    labelMarkup(box.name, box.name.length, 18, x1 - x0, y1 - y0),
    // A size without a name says nothing.
    labelMarkup(box.text, Math.max(box.name.length, box.text.length), 36, x1 - x0, y1 - y0),
  ];
  const shape = html`<svg ${place}>
    <rect class="box c-${color}" width="100%" height="100%" />
    <title>${title}</title>
    ${name}${size}
  </svg>`;
  return box.href === null ? shape : html`<a href="${box.href}">${shape}</a>`;
}

/** How many colors a style sheet has for boxes. */
export const paletteSize = 8;

/** The text where the box has room for it: it is left out, and not cut, in viewports that are too narrow. */
function labelMarkup(
  text: string,
  characters: number,
  y: number,
  boxWidth: number,
  boxHeight: number,
): Html | null {
  const needed = characters * characterWidth + 12;
  const fits = viewports.find(([, available]) => (boxWidth / width) * available >= needed);
  if (fits === undefined || boxHeight < y + 6) return null;
  return html`<text x="7" y="${y}" class="label ${fits[0]}" aria-hidden="true">${text}</text>`;
}
