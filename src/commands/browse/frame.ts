import { progressLine } from '../../render/progress-line.ts';
import { fitted, lineOf, type StyledLine } from '../../render/styled-line.ts';
import { displayWidth } from '../../render/width.ts';
import { wrapped } from '../../render/wrap.ts';
import type { FrameSize } from '../screen.ts';
import { ellipsis, filterKeys, helpLines, joined, listLines, tooSmall, typingLine } from '../screen-list.ts';
import { headRows, insideOf, textLines, textRoom } from './layout.ts';
import type { PageList } from './page.ts';
import {
  type BrowseState,
  type OpenPage,
  removedText,
  selectedPlace,
  shownPage,
  shownPlaces,
} from './state.ts';

/** The screen, line by line; never more lines than rows, and the last column left free. */
export function frameOf(state: BrowseState, screen: FrameSize): readonly StyledLine[] {
  const excuse = tooSmall(screen);
  if (excuse !== null) return excuse;
  const size = insideOf(screen);
  const { rows } = size;
  if (state.showsHelp) return helpLines(keys, size).slice(0, rows);
  const open = shownPage(state);
  const head = [
    {
      spans: [
        { text: 'cachectl ', tone: 'title' as const },
        { text: state.address, tone: 'accent' as const },
      ],
    },
    titleLine(open, size),
    { spans: [] },
  ].slice(0, headRows(size));
  const foot = [...noticeLines(state, size), keysLine(state, size)];
  const room = rows - head.length - foot.length;
  const body = open === null ? [] : bodyOf(open, size, room);
  const filling = Array.from({ length: Math.max(0, room - body.length) }, () => ({ spans: [] }));
  return [...head, ...body.slice(0, room), ...filling, ...foot];
}

function titleLine(open: OpenPage | null, size: FrameSize): StyledLine {
  if (open === null) return { spans: [] };
  const { title } = open.page;
  const summary = open.page.summary + removedText(open.since);
  const room = Math.max(12, size.columns - displayWidth(summary) - 2);
  return {
    spans: [
      {
        text: fitted(title, Math.min(room, displayWidth(fitted(title, room, size).trimEnd())), size),
        tone: 'title',
      },
      { text: `  ${summary}`, tone: 'dim' },
    ],
  };
}

function bodyOf(open: OpenPage, size: FrameSize, room: number): readonly StyledLine[] {
  const { content } = open.page;
  if (content.kind === 'text') return textLines(content, size).slice(open.scroll, open.scroll + room);
  const places = shownPlaces(open);
  if (places.length === 0) return [lineOf(fitted(emptyText(open, content), size.columns, size), 'dim')];
  const { header, columns } = content;
  const list = { header, rows: places, nameOf: ({ name }: (typeof places)[number]) => name, columns };
  return listLines({ ...list, selected: selectedPlace(open, places), order: open.order }, size, room);
}

const emptyText = ({ filter }: OpenPage, { places }: PageList) =>
  places.length > 0 && filter !== ''
    ? `nothing here contains \`${filter}\`: Esc shows all`
    : 'there are no keys';

/** An answer may be longer than a line: what it covers comes back with the next key. */
function noticeLines(state: BrowseState, size: FrameSize): readonly StyledLine[] {
  const { notice, reading } = state;
  if (notice === null || reading !== null) return [readingLine(state, size)];
  return wrapped(notice, size.columns)
    .slice(0, mostNoticeLines)
    .map((line) => lineOf(fitted(line, size.columns, size), 'warning'));
}

const mostNoticeLines = 3;

function readingLine({ reading, progress, pages }: BrowseState, size: FrameSize): StyledLine {
  const open = pages.at(-1) ?? null;
  if (reading !== null)
    return lineOf(
      fitted(
        progress === null
          ? `reading ${reading} ${ellipsis(size)}`
          : progressLine(progress, progress.done, progress.seconds, size),
        size.columns,
        size,
      ),
      'accent',
    );
  if (open?.page.content.kind !== 'text') return { spans: [] };
  const lines = textLines(open.page.content, size).length;
  const below = lines - open.scroll - textRoom(size);
  return below <= 0 && open.scroll === 0
    ? { spans: [] }
    : lineOf(
        `lines ${open.scroll + 1} to ${Math.min(lines, open.scroll + textRoom(size))} of ${lines}`,
        'dim',
      );
}

function keysLine(state: BrowseState, { columns }: FrameSize): StyledLine {
  const open = shownPage(state);
  if (state.reading !== null || open === null)
    return lineOf(joined(['q quit', 'Esc cancel'], '  ', columns), 'dim');
  if (open.isTypingFilter) return typingLine(open, columns);
  const { content } = open.page;
  const back = state.pages.length > 1 || state.isInner ? ['Esc back'] : [];
  const keys =
    content.kind === 'text'
      ? [
          'q quit',
          ...back,
          ...(content.about.open === null ? [] : [`Enter ${content.more}`]),
          'd remove',
          'arrows scroll',
          '? help',
        ]
      : [
          'q quit',
          '? help',
          ...back,
          'Enter look into',
          'd remove',
          ...(content.orders.length > 1 ? ['s sort'] : []),
          ...filterKeys(open),
        ];
  return lineOf(joined(keys, '  ', columns), 'dim');
}

const keys: readonly (readonly [key: string, purpose: string])[] = [
  ['q', 'quit'],
  ['arrows', 'choose, or scroll; also j, k, Page Up, Page Down, Home, End'],
  ['Enter', 'look into it; also the arrow to the right'],
  ['Esc', 'go back; also Backspace, and the arrow to the left'],
  ['d', 'remove its keys, after the plan and a question'],
  ['s', 'sort by the next figure'],
  ['b  n', 'sort by bytes, by name'],
  ['/', 'show the names that contain what is typed'],
  ['Ctrl-L', 'draw everything again'],
  ['Ctrl-Z', 'suspend; fg comes back'],
];
