import { formatSeconds } from '../../render/units.ts';
import { fitted, lineOf, type StyledLine } from '../../render/styled-line.ts';
import type { FrameSize } from '../screen.ts';
import { filterKeys, helpLines, joined, tooSmall, typingLine } from '../screen-list.ts';
import { factsLine, figureLines, notesOf } from './figures-pane.ts';
import { displayWidth } from '../../render/width.ts';
import { wrapped } from '../../render/wrap.ts';
import { namespaceLines } from './namespaces-pane.ts';
import { namespaceFigures } from './one-namespace-pane.ts';
import { lastAnswer, shownData, type WatchState } from './state.ts';

/** From so many rows on blank lines part the panes. */
const roomyRows = 20;

/**
 * The screen, line by line; never more lines than rows, and the last column left free.
 * @param isLast what stays of it when the view is over: no keys to press, no row selected, and no line more than is needed
 */
export function frameOf(
  state: WatchState,
  { columns, rows, unicode }: FrameSize,
  isLast = false,
): readonly StyledLine[] {
  const excuse = tooSmall({ columns, rows, unicode });
  if (excuse !== null) return excuse;
  const size = { columns: columns - 1, rows, unicode };
  if (state.showsHelp && !isLast) return helpLines(keys, size).slice(0, rows);
  const blank: StyledLine[] = rows >= roomyRows ? [{ spans: [] }] : [];
  const head = [titleLine(state, size), ...(rows >= 12 ? [factsLine(state, size)] : []), ...blank];
  const foot = footLines(state, size).slice(0, isLast ? -1 : undefined);
  const room = rows - head.length - foot.length;
  const middle = middleOf(state, size, room, blank);
  if (isLast) return [...head, ...middle.slice(0, room), ...foot].map(({ spans }) => ({ spans }));
  const filling = Array.from({ length: Math.max(0, room - middle.length) }, () => ({ spans: [] }));
  return [...head, ...middle.slice(0, room), ...filling, ...foot].slice(0, rows);
}

function middleOf(
  state: WatchState,
  size: FrameSize,
  room: number,
  blank: readonly StyledLine[],
): StyledLine[] {
  if (state.drilled !== null) return namespaceFigures(state, state.drilled, size, room);
  const figures = figureLines(state, size, room);
  const rest = room - figures.length - blank.length;
  return [...figures, ...blank, ...namespaceLines(state, size, rest)];
}

/** What is wrong comes first, then where this is, then the rhythm: what has no room is left out from the end. */
function titleLine(state: WatchState, { columns, unicode }: FrameSize): StyledLine {
  const program = 'cachectl ';
  const status = statusOf(state);
  const statusText = status === null ? '' : `${status.text}  `;
  const room = columns - program.length - displayWidth(statusText);
  const rhythm = `every ${formatSeconds(state.intervalSeconds)}`;
  const time = lastAnswer(state)?.endedAt.slice(11, 19);
  const ends = [...(time === undefined ? [] : [`  ${rhythm}  ${time}Z`]), `  ${rhythm}`, ''];
  const end = ends.find((text) => room - text.length >= leastAddressWidth) ?? '';
  const address = room < leastAddressWidth ? '' : fitted(state.address, room - end.length, { unicode });
  return {
    spans: [
      { text: program, tone: 'title' },
      ...(status === null ? [] : [{ text: statusText, tone: status.tone }]),
      { text: address, tone: 'accent' },
      { text: end, tone: 'dim' },
    ],
  };
}

const leastAddressWidth = 12;

function statusOf(state: WatchState): { text: string; tone: 'warning' | 'bad' } | null {
  if (state.frozen !== null) return { text: 'PAUSED', tone: 'warning' };
  const last = state.data.history.at(-1);
  if (last?.ok === false) return { text: 'RECONNECTING', tone: 'bad' };
  if (state.lateSeconds > 0) return { text: `no answer for ${Math.round(state.lateSeconds)} s`, tone: 'bad' };
  return null;
}

/** What there is to say, and the keys. */
function footLines(state: WatchState, size: FrameSize): StyledLine[] {
  const { rows, columns } = size;
  const { notice } = state;
  const notes =
    notice === null
      ? notesOf(state, size)
      : wrapped(notice, columns).map((line) => lineOf(fitted(line, columns, size), 'warning'));
  const most = rows >= 30 ? 3 : rows >= 14 ? 2 : 1;
  const keys = keysText(state, columns);
  return [...notes.slice(0, most - 1), notes[most - 1] ?? null, keys]
    .filter((line) => line !== null)
    .slice(-most - 1);
}

function keysText(state: WatchState, columns: number): StyledLine {
  if (state.isTypingFilter) return typingLine(state, columns);
  const pause = shownData(state) === state.data ? 'p pause' : 'p resume';
  const sort = state.withTraffic ? 'r m h b n sort' : 'b n sort';
  const keys =
    state.drilled === null
      ? ['q quit', '? help', pause, sort, ...filterKeys(state), 'Enter look into', 'd remove', '+ - interval']
      : ['q quit', 'Esc back', 'Enter keys', 'd remove', pause, 'arrows next', '? help'];
  return lineOf(joined(keys, '  ', columns), 'dim');
}

const keys: readonly (readonly [key: string, purpose: string])[] = [
  ['q', 'quit'],
  ['p, space', 'pause or resume'],
  ['+  -', 'a longer, a shorter interval'],
  ['b  n', 'sort by bytes, by name'],
  ['r  m  h', 'sort by reads, misses, hit rate (with --hits)'],
  ['arrows', 'choose a namespace; also j and k'],
  ['Enter', 'look into it, and then at its keys; Esc leads back'],
  ['d', 'remove its keys, after the plan and a question'],
  ['/', 'show the namespaces that contain what is typed'],
  ['Ctrl-L', 'draw everything again'],
  ['Ctrl-Z', 'suspend; fg comes back'],
];
