import { Readable } from 'node:stream';
import { RedisError } from '../../redis/errors.ts';
import { InputError } from '../../support/failure.ts';
import type { Progress } from '../../support/progress.ts';
import type { Key, OpenScreen } from '../screen.ts';
import { frameOf } from './frame.ts';
import type { Page, Place } from './page.ts';
import { type RemovalContext, removeChosen, requireRemovable } from './removal.ts';
import {
  type BrowseRequest,
  type BrowseState,
  press,
  type Reached,
  startOf,
  withoutPlace,
  withPage,
} from './state.ts';

type BrowseEvent =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'opened'; readonly page: Page }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'progress'; readonly progress: Reached }
  | { readonly kind: 'draw' }
  | { readonly kind: 'end' };

const notRead: BrowseEvent = { kind: 'failed', text: 'not read' };

/** Nothing was found before the reading ended. */
const isEmpty = ({ content }: Page) => content.kind === 'list' && content.places.length === 0;

/**
 * Shows a place, and what is in it, on a screen until `q` or an interruption; the screen is closed whatever ends it. What comes in is
 * one queue of events, and each of them makes a state of the state before.
 * @param isInner Esc on the first page ends it too
 * @returns the last state
 */
export async function browse(
  context: RemovalContext,
  openScreen: OpenScreen,
  address: string,
  start: Pick<Place, 'name' | 'open'>,
  isInner = false,
): Promise<BrowseState> {
  const { signal } = context;
  const events = new Readable({ objectMode: true, read: () => undefined });
  const push = (event: BrowseEvent) => void events.push(event);
  const end = () => push({ kind: 'end' });
  let reading = new AbortController();
  const read = (before: BrowseState, { open }: Pick<Place, 'open'>): BrowseState => {
    const own = new AbortController();
    reading = own;
    const progress = progressOf((reached) => push({ kind: 'progress', progress: reached }));
    const opened = open?.(AbortSignal.any([signal, own.signal]), progress);
    if (opened === undefined) return before;
    // The next key may have come with the one that opened it.
    if (!(opened instanceof Promise)) return withPage(before, opened, before.removed);
    opened.then(
      (page) => push(own.signal.aborted && isEmpty(page) ? notRead : { kind: 'opened', page }),
      (error: unknown) => {
        if (own.signal.aborted) push(notRead);
        else if (isExpected(error)) push({ kind: 'failed', text: error.message });
        else events.destroy(error as Error);
      },
    );
    return before;
  };
  const open = () =>
    openScreen({
      key: (key) => push({ kind: 'key', key }),
      changed: () => push({ kind: 'draw' }),
      suspending: () => Promise.resolve(),
      resumed: () => undefined,
    });
  const remove = async (before: BrowseState, place: Place): Promise<BrowseState> => {
    try {
      await requireRemovable(context, place.removal);
    } catch (error) {
      if (isExpected(error)) return { ...before, notice: error.message };
      throw error;
    }
    screen.close();
    const removed = await removeChosen(context, place.removal);
    if (!signal.aborted) screen = await open();
    const after = withoutPlace(before, place, removed);
    return removed.declined === undefined ? after : { ...after, notice: removed.declined };
  };
  const carryOut = (before: BrowseState, request: BrowseRequest): BrowseState | Promise<BrowseState> => {
    if (request.kind === 'open') return read(before, request.place);
    if (request.kind === 'remove') return remove(before, request.place);
    reading.abort();
    return before;
  };
  let state = startOf(address, start, isInner);
  let screen = await open();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    state = read(state, start);
    screen.draw(frameOf(state, screen));
    for await (const event of events as AsyncIterable<BrowseEvent>) {
      state = after(state, event, screen);
      const { request } = state;
      if (request !== null) state = await carryOut({ ...state, request: null }, request);
      if (state.ended !== null) break;
      // Keys that came together are one picture.
      if (events.readableLength === 0) screen.draw(frameOf(state, screen));
    }
  } finally {
    signal.removeEventListener('abort', end);
    reading.abort();
    screen.close();
  }
  return state;
}

const drawMillis = 100;

/** Progress as events, a few in a second. */
function progressOf(push: (reached: Reached) => void): Progress {
  let work: Omit<Reached, 'done' | 'seconds'> | null = null;
  let [begun, pushed] = [0, 0];
  return {
    start(label, unit, total) {
      work = { label, unit, total };
      begun = performance.now();
    },
    update(done) {
      const now = performance.now();
      if (work === null || now - pushed < drawMillis) return;
      pushed = now;
      push({ ...work, done, seconds: (now - begun) / 1000 });
    },
    stop: () => (work = null),
  };
}

const isExpected = (error: unknown): error is Error =>
  error instanceof RedisError || error instanceof InputError;

function after(state: BrowseState, event: BrowseEvent, screen: Parameters<typeof frameOf>[1]): BrowseState {
  switch (event.kind) {
    case 'key':
      return press(state, event.key, screen);
    case 'opened':
      return withPage(state, event.page);
    case 'failed':
      return {
        ...state,
        reading: null,
        progress: null,
        notice: event.text,
        ended: state.pages.length === 0 ? 'back' : null,
      };
    case 'progress':
      return state.reading === null ? state : { ...state, progress: event.progress };
    case 'draw':
      return state;
    case 'end':
      return { ...state, ended: 'quit' };
  }
}
