import { Readable } from 'node:stream';
import type { TrafficReport } from '../../traffic/report.ts';
import { type WatchInterval, intervalsOf, type IntervalOptions } from '../../watch/interval.ts';
import type { Observer } from '../../watch/observer.ts';
import type { Key, LiveScreen, OpenScreen, ScreenListener } from '../screen.ts';
import type { StyledLine } from '../../render/styled-line.ts';
import { frameOf } from './frame.ts';
import { press, withInterval, type WatchRequest, type WatchState } from './state.ts';
import type { Visited, VisitedTerminal } from './visit.ts';

type LiveEvent =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'interval'; readonly interval: WatchInterval; readonly traffic: TrafficReport | null }
  | { readonly kind: 'clock' }
  | { readonly kind: 'draw' }
  | { readonly kind: 'back'; readonly visited: Visited; readonly isAway: boolean }
  | { readonly kind: 'end' };

/** An answer may take this long before the screen says that it is missing. */
const graceSeconds = 1.5;

export interface LiveOptions extends Omit<IntervalOptions, 'intervalSeconds'> {
  /** Leads to the keys of a namespace, and resolves when the person is back. `signal` ends it. */
  readonly visit: (request: WatchRequest, terminal: VisitedTerminal, signal: AbortSignal) => Promise<Visited>;
}

/**
 * Shows the intervals on a screen until `q`, the end of the options, or an interruption; the screen is open before the observation
 * begins, and closed whatever ends it. What comes in is one queue of events, and each of them makes a state of the state before. The intervals go on while the
 * terminal shows keys of a namespace.
 */
export async function watchLive(
  openScreen: OpenScreen,
  observer: Observer,
  begin: () => Promise<void>,
  start: WatchState,
  options: LiveOptions,
): Promise<void> {
  const events = new Readable({ objectMode: true, read: () => undefined });
  const push = (event: LiveEvent) => void events.push(event);
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  let state = start;
  let answeredAt = options.now();
  let last: readonly StyledLine[] = [];
  let visit: Promise<void> | null = null;
  let isOver = false;
  const open = (listener: ScreenListener) =>
    openScreen({
      ...listener,
      suspending: () => Promise.all([observer.rest(), listener.suspending()]).then(() => undefined),
      resumed: () => {
        // The server was not asked meanwhile.
        answeredAt = options.now();
        observer.wake();
        listener.resumed();
      },
    });
  const openOwn = () =>
    open({
      key: (key) => push({ kind: 'key', key }),
      changed: () => push({ kind: 'draw' }),
      suspending: () => Promise.resolve(),
      resumed: () => undefined,
    });
  let screen: LiveScreen = await openOwn();
  const leaveFor = async (request: WatchRequest) => {
    let isAway = false;
    const giveUp = () => {
      isAway = true;
      screen.close();
    };
    const terminal = { address: state.address, open, giveUp };
    const visited = await options.visit(request, terminal, signal);
    push({ kind: 'back', visited, isAway });
  };
  const clock = setInterval(() => push({ kind: 'clock' }), 1000);
  const read = async () => {
    await begin();
    const intervals = intervalsOf(() => observer.next(), {
      ...options,
      signal,
      intervalSeconds: () => state.intervalSeconds,
    });
    for await (const interval of intervals) push({ kind: 'interval', interval, traffic: observer.traffic });
    push({ kind: 'end' });
  };
  read().catch((error: unknown) => events.destroy(error as Error));
  try {
    screen.draw(frameOf(state, screen));
    for await (const event of events as AsyncIterable<LiveEvent>) {
      if (event.kind === 'interval') answeredAt = options.now();
      if (event.kind === 'end') isOver = true;
      if (event.kind === 'back') {
        visit = null;
        if (event.isAway && !signal.aborted) screen = await openOwn();
      }
      // Typed behind the one that led away.
      if (event.kind === 'key' && visit !== null) continue;
      const late = (options.now() - answeredAt) / 1000 - state.intervalSeconds;
      state = after(state, event, late > graceSeconds ? late : 0);
      if (visit !== null) continue;
      // Who leaves the view has seen it; one that ends by itself may have had no reader yet.
      if (isOver) last = frameOf(state, screen, true);
      if (state.ended || isOver) break;
      const { request } = state;
      if (request !== null) {
        state = { ...state, request: null };
        visit = leaveFor(request).catch((error: unknown) => void events.destroy(error as Error));
        continue;
      }
      // Keys that came together are one picture.
      if (events.readableLength === 0) screen.draw(frameOf(state, screen));
    }
  } finally {
    clearInterval(clock);
    ended.abort();
    await visit;
    screen.close(last);
  }
}

function after(state: WatchState, event: LiveEvent, lateSeconds: number): WatchState {
  switch (event.kind) {
    case 'key':
      return press(state, event.key);
    case 'interval':
      return withInterval(state, event.interval, event.traffic);
    case 'clock':
      return { ...state, lateSeconds };
    case 'draw':
      return state;
    case 'back':
      return { ...state, notice: event.visited.notice, ended: event.visited.isQuit };
    case 'end':
      return state;
  }
}
