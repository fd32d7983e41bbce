import type { PlotBlock, PlotPoint } from './blocks.ts';
import { formatCell } from './units.ts';
import { plainWhereNeeded, type TerminalStyle } from './width.ts';

const height = 8;
const mostColumns = 64;
const fewestColumns = 16;

/** Line, interval, what is marked. */
const unicodeMarks = ['●', '░', '│'] as const;
const plainMarks = ['*', '.', '|'] as const;

/** A curve as lines of a terminal: its points, the interval around them, and a line where things are today. */
export function plotLines({ points, xUnit, yUnit, markedX }: PlotBlock, style: TerminalStyle): string[] {
  const known = points.filter(({ y, interval }) => y !== null || interval !== null);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || first.x === last.x) return [];
  const values = known.flatMap(({ y, interval }) => [...(y === null ? [] : [y]), ...(interval ?? [])]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = Math.max(high - low, 1e-9);
  const text = (value: number, unit: PlotBlock['xUnit']) => plainWhereNeeded(formatCell(value, unit), style);
  const labels = [text(high, yUnit), text((low + high) / 2, yUnit), text(low, yUnit)];
  const labelWidth = Math.max(...labels.map((label) => label.length));
  const columns = Math.max(fewestColumns, Math.min(mostColumns, style.width - labelWidth - 4));
  const [line, shade, mark] = style.unicode ? unicodeMarks : plainMarks;
  const octaves = Math.log(last.x / first.x);
  const columnOf = (x: number) => Math.round((Math.log(x / first.x) / octaves) * (columns - 1));
  const rowOf = (value: number) => Math.round(((high - value) / span) * (height - 1));
  const grid = Array.from({ length: height }, () => Array.from({ length: columns }, () => ' '));
  const marked = markedX === null ? -1 : columnOf(markedX);
  for (let column = 0; column < columns; column++) {
    const point = pointAt(known, first.x * Math.exp((column / (columns - 1)) * octaves));
    for (let row = 0; row < height; row++) {
      const cells = grid[row] ?? [];
      const { y, interval } = point;
      if (y !== null && rowOf(y) === row) cells[column] = line;
      else if (interval !== null && row >= rowOf(interval[1]) && row <= rowOf(interval[0]))
        cells[column] = shade;
      else if (column === marked) cells[column] = mark;
    }
  }
  const lines = grid.map((cells, row) => {
    const label =
      row === 0 ? labels[0] : row === height - 1 ? labels[2] : row === height >> 1 ? labels[1] : '';
    return `  ${(label ?? '').padStart(labelWidth)}  ${cells.join('')}`.trimEnd();
  });
  const axis = Array.from({ length: columns }, () => ' ').join('');
  const put = (into: string, x: number) => {
    const name = text(x, xUnit);
    const at = Math.max(0, Math.min(columns - name.length, columnOf(x) - (name.length >> 1)));
    return into.slice(at - 1, at + name.length + 1).trim() === ''
      ? into.slice(0, at) + name + into.slice(at + name.length)
      : into;
  };
  const ends = [first.x, ...(markedX === null ? [] : [markedX]), last.x];
  return [...lines, `${' '.repeat(labelWidth + 4)}${ends.reduce(put, axis)}`.trimEnd()];
}

/** On a straight line between the points next to it. */
function pointAt(points: readonly PlotPoint[], x: number): PlotPoint {
  const above = points.findIndex((point) => point.x >= x * (1 - 1e-9));
  const right = points[above < 0 ? points.length - 1 : above] ?? { x, y: null, interval: null };
  const left = points[Math.max(0, above - 1)] ?? right;
  const part = right.x === left.x ? 1 : (x - left.x) / (right.x - left.x);
  const between = (one: number | null | undefined, other: number | null | undefined) =>
    one == null || other == null ? null : one + part * (other - one);
  const low = between(left.interval?.[0], right.interval?.[0]);
  const high = between(left.interval?.[1], right.interval?.[1]);
  return { x, y: between(left.y, right.y), interval: low === null || high === null ? null : [low, high] };
}
