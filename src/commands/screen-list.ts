import { fitted, lineOf, type Span, type StyledLine } from '../render/styled-line.ts';
import { printable } from '../render/printable.ts';
import { sharedStarts } from '../render/width.ts';
import type { FrameSize, Key } from './screen.ts';

/** Below this nothing can be read. */
export const leastColumns = 40;
export const leastRows = 10;

/** In place of a frame where the screen has no room for one. */
export const tooSmall = ({ columns, rows }: FrameSize): StyledLine[] | null =>
  columns < leastColumns || rows < leastRows
    ? [lineOf(`too small: ${columns}x${rows}, ${leastColumns}x${leastRows} needed; q quits`)]
    : null;

/** A list that keys act on. */
export interface ListState {
  /** The name of the row that the keys act on; null: the one on top, whichever it is. */
  readonly selected: string | null;
  /** Only rows whose name contains it are shown, in letters of either case; empty: all. */
  readonly filter: string;
  /** Keys are letters of the filter. */
  readonly isTypingFilter: boolean;
}

/** How far a key moves in a list. */
export const steps: Readonly<Record<Key, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  'page-up': -10,
  'page-down': 10,
  home: Number.NEGATIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
};

/** The names that contain what was typed. */
export function filteredBy<Row>(
  { filter }: Pick<ListState, 'filter'>,
  rows: readonly Row[],
  nameOf: (row: Row) => string,
): readonly Row[] {
  const part = filter.toLowerCase();
  return part === '' ? rows : rows.filter((row) => nameOf(row).toLowerCase().includes(part));
}

/** The row that the keys act on, by the names of those that are shown; 0 where there is none. */
export const selectedIn = ({ selected }: Pick<ListState, 'selected'>, names: readonly string[]): number =>
  Math.max(0, selected === null ? 0 : names.indexOf(selected));

/** The row that is so many steps away. */
export function stepped(state: Pick<ListState, 'selected'>, names: readonly string[], step: number): number {
  return Math.min(Math.max(selectedIn(state, names) + step, 0), names.length - 1);
}

/** A key while the filter is typed: Enter keeps it, Esc drops it; null: the key is none of the filter's. */
export function typeFilter(state: ListState, key: Key): ListState | null {
  const { selected, filter, isTypingFilter } = state;
  const filtered = (text: string): ListState => ({ selected: null, filter: text, isTypingFilter });
  if (key === 'enter') return { selected, filter, isTypingFilter: false };
  if (key === 'escape') return { ...filtered(''), isTypingFilter: false };
  if (key === 'backspace') return filtered(filter.replace(/.$/su, ''));
  return /^.$/su.test(key) && printable(key) === key ? filtered(filter + key) : null;
}

/** The line of keys while the filter is typed. */
export const typingLine = ({ filter }: ListState, columns: number): StyledLine =>
  lineOf(joined([`/${filter}_`, 'Enter keeps it', 'Esc shows all'], '  ', columns), 'accent');

/** What the line of keys says of the filter. */
export const filterKeys = ({ filter }: ListState): readonly string[] =>
  filter === '' ? ['/ filter'] : [`/${filter}`, 'Esc show all'];

/** The parts in one text: those that have no room are left out from the end. */
export function joined(parts: readonly string[], separator: string, columns: number): string {
  const shown = [...parts];
  while (shown.length > 1 && shown.join(separator).length > columns) shown.pop();
  return shown.join(separator);
}

export const ellipsis = ({ unicode }: Pick<FrameSize, 'unicode'>) => (unicode ? '…' : '...');

/** The keys; those that matter most on top, for a small screen. */
export function helpLines(
  keys: readonly (readonly [key: string, purpose: string])[],
  { columns }: FrameSize,
): StyledLine[] {
  return [
    {
      spans: [
        { text: 'Keys', tone: 'title' },
        { text: '   (any key leads back)', tone: 'dim' },
      ],
    },
    ...keys.map(([key, purpose]): StyledLine => ({
      spans: [
        { text: `  ${key.padEnd(10)}`, tone: 'accent' },
        { text: purpose.slice(0, Math.max(0, columns - 12)) },
      ],
    })),
  ];
}

/** A column of a list on a screen. */
export interface ListColumn<Row> {
  readonly header: string;
  readonly width: number;
  readonly cell: (row: Row) => Span;
  readonly order?: string;
  readonly align?: 'left';
}

const gap = 2;
const markWidth = 2;

/** A name is cut to no less than this, as long as there is a column to leave out. */
const leastNameWidth = 16;
const mostNameWidth = 60;

interface ShownList<Row> {
  readonly header: string;
  readonly rows: readonly Row[];
  readonly nameOf: (row: Row) => string;
  readonly selected: number;
  /** Those that matter most first: those that do not fit are left out from the end. */
  readonly columns: readonly ListColumn<Row>[];
  /** Of a column; `name` is that of the names. */
  readonly order: string;
}

/** The list with its head, in no more than `room` lines; the selected row is always among them. */
export function listLines<Row>(list: ShownList<Row>, size: FrameSize, room: number): StyledLine[] {
  const { rows, nameOf, selected } = list;
  const columns = columnsFor(list.columns, size.columns);
  const nameWidth = nameWidthFor(columns, size.columns, rows.map(nameOf));
  const rowsRoom = Math.max(1, room - 1);
  // Where there is hardly a row the number in the head must do.
  const cut = rows.length > rowsRoom && rowsRoom > 2;
  const visible = cut ? rowsRoom - 1 : rowsRoom;
  const first = selected < visible ? 0 : selected - visible + 1;
  // Names that begin alike are cut where they differ.
  const shared = sharedStarts(rows.slice(first, first + visible).map(nameOf));
  const lines = rows.slice(first, first + visible).map((row, index): StyledLine => {
    const isSelected = first + index === selected;
    return {
      selected: isSelected,
      spans: [
        { text: isSelected ? '> ' : '  ', tone: 'accent' },
        { text: fitted(nameOf(row), nameWidth, size, 'left', shared.get(nameOf(row))) },
        ...columns.flatMap(({ width, cell, align }): Span[] => {
          const { text, tone = 'plain' } = cell(row);
          return [{ text: ' '.repeat(gap) }, { text: fitted(text, width, size, align ?? 'right'), tone }];
        }),
      ],
    };
  });
  if (room === 1) return lines;
  const left = [
    ...(first > 0 ? [`${first} above`] : []),
    ...(first + visible < rows.length ? [`${rows.length - first - visible} below`] : []),
  ].join(', ');
  const head = headLine(columns, nameWidth, list, size);
  return [head, ...lines, ...(cut ? [lineOf(`  ${left}: the arrows go there`, 'dim')] : [])];
}

function columnsFor<Row>(columns: readonly ListColumn<Row>[], width: number): readonly ListColumn<Row>[] {
  let count = columns.length;
  while (count > 1 && width - markWidth - widthOf(columns.slice(0, count)) < leastNameWidth) count--;
  return columns.slice(0, count);
}

const widthOf = (columns: readonly ListColumn<never>[]) =>
  columns.reduce((sum, column) => sum + column.width + gap, 0);

function nameWidthFor(
  columns: readonly ListColumn<never>[],
  width: number,
  names: readonly string[],
): number {
  if (columns.length === 0) return width - markWidth;
  const longest = Math.max(leastNameWidth, ...names.map(({ length }) => length));
  return Math.max(1, Math.min(mostNameWidth, longest, width - markWidth - widthOf(columns)));
}

function headLine<Row>(
  columns: readonly ListColumn<Row>[],
  nameWidth: number,
  { header, rows, order: chosen }: ShownList<Row>,
  size: FrameSize,
): StyledLine {
  const sorted = size.unicode ? '▼' : 'v';
  const named = (text: string, isSorted: boolean) => (isSorted ? `${text}${sorted}` : text);
  const isByName = chosen === 'name';
  const counted = named(`${header} (${rows.length})`, isByName);
  return {
    spans: [
      { text: '  ' },
      {
        text: fitted(counted.length <= nameWidth ? counted : named(header, isByName), nameWidth, size),
        tone: 'dim',
      },
      ...columns.map(({ header: text, width, order, align }): Span => {
        const isSorted = order === chosen;
        return {
          text: ' '.repeat(gap) + fitted(named(text, isSorted), width, size, align ?? 'right'),
          tone: isSorted ? 'title' : 'dim',
        };
      }),
    ],
  };
}
