import { fitted, lineOf, type Span, type StyledLine } from '../../render/styled-line.ts';
import type { Unit } from '../../render/blocks.ts';
import { formatCell, formatEstimate } from '../../render/units.ts';
import type { SortOrder, WatchedNamespace } from '../../watch/namespaces.ts';
import { causeTexts } from '../traffic-columns.ts';
import { ellipsis } from './figures-pane.ts';
import {
  type FrameSize,
  isAway,
  lastAnswer,
  selectedRow,
  shownNamespaces,
  type WatchState,
} from './state.ts';

interface TableColumn {
  readonly header: string;
  readonly width: number;
  readonly cell: (row: WatchedNamespace) => Span;
  readonly order?: SortOrder;
  readonly align?: 'left';
}

const gap = 2;
const markWidth = 2;

/** A name is cut to no less than this, as long as there is a column to leave out. */
const leastNameWidth = 16;
const mostNameWidth = 60;

/** What has an interval where it is an estimate. */
type Estimated = 'memoryBytes' | 'keys' | 'memoryShare' | 'readsPerSecond';

const estimate =
  (name: Estimated, unit: Unit): TableColumn['cell'] =>
  (row) => ({ text: formatEstimate(row[name], unit, row[`${name}Interval`]) });

const bytes: TableColumn = {
  header: 'BYTES',
  width: 9,
  order: 'bytes',
  cell: estimate('memoryBytes', 'bytes'),
};
const keys: TableColumn = { header: 'KEYS', width: 12, cell: estimate('keys', 'count') };
const share: TableColumn = { header: 'SHARE', width: 8, cell: estimate('memoryShare', 'ratio') };
const reads: TableColumn = {
  ...{ header: 'READS', width: 9, order: 'reads' },
  cell: estimate('readsPerSecond', 'perSecond'),
};
const misses: TableColumn = {
  ...{ header: 'MISSES', width: 9, order: 'misses' },
  cell: ({ missesPerSecond }) => ({ text: formatCell(missesPerSecond, 'perSecond') }),
};
const hitRate: TableColumn = {
  ...{ header: 'HIT RATE', width: 10, order: 'hitRate' },
  // A target that is missed has a word in addition to its color.
  cell({ hitRate: value, hitRateInterval, targetMet }) {
    const text = formatEstimate(value, 'ratio', hitRateInterval);
    if (targetMet === false) return { text: `LOW ${text.replace(' %', '%')}`, tone: 'bad' };
    return targetMet === true ? { text, tone: 'good' } : { text };
  },
};
const target: TableColumn = {
  ...{ header: 'TARGET', width: 7 },
  cell: ({ hitRateTarget }) => ({ text: formatCell(hitRateTarget, 'ratio'), tone: 'dim' }),
};
const kind: TableColumn = {
  ...{ header: 'KIND', width: 5, align: 'left' },
  cell: (row) => ({ text: row.kind ?? '-', tone: 'dim' }),
};
const cause: TableColumn = {
  ...{ header: 'MOST MISSES', width: 12, align: 'left' },
  cell: ({ topCause }) => ({ text: topCause === null ? '-' : causeTexts[topCause] }),
};

/** The first that matter most: those that do not fit are left out from the end. */
const trafficColumns = [misses, hitRate, reads, cause, bytes, target, keys, share, kind];
const sizeColumns = [bytes, keys, share, target, kind];

/** The table of namespaces with its head, in no more than `room` lines; the selected row is always among them. */
export function namespaceLines(state: WatchState, size: FrameSize, room: number): StyledLine[] {
  if (room <= 0) return [];
  const known = shownNamespaces(state);
  const rows = isAway(state) ? known.map(withoutFigures) : known;
  if (rows.length === 0) return [emptyLine(state, size)];
  const columns = columnsFor(state, size.columns, rows);
  const nameWidth = nameWidthFor(columns, size.columns, rows);
  const selected = selectedRow(state, rows);
  const rowsRoom = Math.max(1, room - 1);
  // Where there is hardly a row the number in the head must do.
  const cut = rows.length > rowsRoom && rowsRoom > 2;
  const visible = cut ? rowsRoom - 1 : rowsRoom;
  const first = selected < visible ? 0 : selected - visible + 1;
  const head = headLine(columns, nameWidth, state, rows.length, size);
  const lines = rows.slice(first, first + visible).map((row, index): StyledLine => {
    const isSelected = first + index === selected;
    return {
      selected: isSelected,
      spans: [
        { text: isSelected ? '> ' : '  ', tone: 'accent' },
        { text: fitted(row.namespace, nameWidth, size) },
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
  return [head, ...lines, ...(cut ? [lineOf(`  ${left}: the arrows go there`, 'dim')] : [])];
}

const withoutFigures = (row: WatchedNamespace): WatchedNamespace => ({
  ...row,
  ...{ keys: null, memoryBytes: null, memoryShare: null, readsPerSecond: null, missesPerSecond: null },
  ...{ hitRate: null, targetMet: null, topCause: null },
});

function columnsFor(
  state: WatchState,
  width: number,
  rows: readonly WatchedNamespace[],
): readonly TableColumn[] {
  const hasTarget = rows.some(({ hitRateTarget }) => hitRateTarget !== null);
  const all = (state.withTraffic ? trafficColumns : sizeColumns).filter(
    (column) => column !== target || hasTarget,
  );
  let count = all.length;
  while (count > 1 && width - markWidth - widthOf(all.slice(0, count)) < leastNameWidth) count--;
  return all.slice(0, count);
}

const widthOf = (columns: readonly TableColumn[]) =>
  columns.reduce((sum, column) => sum + column.width + gap, 0);

function nameWidthFor(
  columns: readonly TableColumn[],
  width: number,
  rows: readonly WatchedNamespace[],
): number {
  const longest = Math.max(leastNameWidth, ...rows.map(({ namespace }) => namespace.length));
  return Math.max(1, Math.min(mostNameWidth, longest, width - markWidth - widthOf(columns)));
}

function headLine(
  columns: readonly TableColumn[],
  nameWidth: number,
  state: WatchState,
  rowCount: number,
  size: FrameSize,
): StyledLine {
  const sorted = size.unicode ? '▼' : 'v';
  const named = (text: string, isSorted: boolean) => (isSorted ? `${text}${sorted}` : text);
  const isByName = state.order === 'name';
  const counted = named(`NAMESPACE (${rowCount})`, isByName);
  return {
    spans: [
      { text: '  ' },
      {
        text: fitted(counted.length <= nameWidth ? counted : named('NAMESPACE', isByName), nameWidth, size),
        tone: 'dim',
      },
      ...columns.map(({ header, width, order, align }): Span => {
        const isSorted = order === state.order;
        const text = ' '.repeat(gap) + fitted(named(header, isSorted), width, size, align ?? 'right');
        return { text, tone: isSorted ? 'title' : 'dim' };
      }),
    ],
  };
}

function emptyLine(state: WatchState, size: FrameSize): StyledLine {
  if (state.filter !== '' && (lastAnswer(state)?.namespaces.length ?? 0) > 0)
    return lineOf(
      fitted(`no namespace contains \`${state.filter}\`: Esc shows all`, size.columns, size),
      'dim',
    );
  const wasRead = (lastAnswer(state)?.namespacesReadAt ?? null) !== null;
  const text = wasRead ? 'no keys in this database' : `the namespaces are being read ${ellipsis(size)}`;
  return lineOf(fitted(text, size.columns, size), 'dim');
}
