import { fitted, lineOf, type StyledLine } from '../../render/styled-line.ts';
import type { Unit } from '../../render/blocks.ts';
import { formatCell, formatEstimate } from '../../render/units.ts';
import type { WatchedNamespace } from '../../watch/namespaces.ts';
import { causeTexts } from '../traffic-columns.ts';
import type { FrameSize } from '../screen.ts';
import { ellipsis, type ListColumn, listLines } from '../screen-list.ts';
import { isAway, lastAnswer, selectedRow, shownNamespaces, type WatchState } from './state.ts';

type TableColumn = ListColumn<WatchedNamespace>;

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

/** The table of namespaces with its head, in no more than `room` lines. */
export function namespaceLines(state: WatchState, size: FrameSize, room: number): StyledLine[] {
  if (room <= 0) return [];
  const known = shownNamespaces(state);
  const rows = isAway(state) ? known.map(withoutFigures) : known;
  if (rows.length === 0) return [emptyLine(state, size)];
  const list = {
    ...{ header: 'NAMESPACE', rows, nameOf: ({ namespace }: WatchedNamespace) => namespace },
    ...{ selected: selectedRow(state, rows), columns: columnsOf(state, rows), order: state.order },
  };
  return listLines(list, size, room);
}

const withoutFigures = (row: WatchedNamespace): WatchedNamespace => ({
  ...row,
  ...{ keys: null, memoryBytes: null, memoryShare: null, readsPerSecond: null, missesPerSecond: null },
  ...{ hitRate: null, targetMet: null, topCause: null },
});

function columnsOf(state: WatchState, rows: readonly WatchedNamespace[]): readonly TableColumn[] {
  const hasTarget = rows.some(({ hitRateTarget }) => hitRateTarget !== null);
  return (state.withTraffic ? trafficColumns : sizeColumns).filter(
    (column) => column !== target || hasTarget,
  );
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
