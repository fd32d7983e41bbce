import { Readable } from 'node:stream';
import type { TrafficReport } from '../../traffic/report.ts';
import { type WatchInterval, intervalsOf, type IntervalOptions } from '../../watch/interval.ts';
import type { Observer } from '../../watch/observer.ts';
import type { Key, OpenScreen } from '../screen.ts';
import type { StyledLine } from '../../render/styled-line.ts';
import { frameOf } from './frame.ts';
import { press, withInterval, type WatchState } from './state.ts';

type LiveEvent =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'interval'; readonly interval: WatchInterval; readonly traffic: TrafficReport | null }
  | { readonly kind: 'clock' }
  | { readonly kind: 'draw' }
  | { readonly kind: 'end' };

/** An answer may take this long before the screen says that it is missing. */
const graceSeconds = 1.5;

/**
 * Shows the intervals on a screen until `q`, the end of the options, or an interruption; the screen is closed whatever
 * ends it. What comes in is one queue of events, and each of them makes a state of the state before.
 */
export async function watchLive(
  openScreen: OpenScreen,
  observer: Observer,
  start: WatchState,
  options: Omit<IntervalOptions, 'intervalSeconds'>,
): Promise<void> {
  const events = new Readable({ objectMode: true, read: () => undefined });
  const push = (event: LiveEvent) => void events.push(event);
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  let state = start;
  let answeredAt = options.now();
  let last: readonly StyledLine[] = [];
  const screen = await openScreen({
    key: (key) => push({ kind: 'key', key }),
    changed: () => push({ kind: 'draw' }),
    suspending: () => observer.rest(),
    resumed: () => {
      // The server was not asked meanwhile.
      answeredAt = options.now();
      observer.wake();
    },
  });
  const clock = setInterval(() => push({ kind: 'clock' }), 1000);
  const read = async () => {
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
      const late = (options.now() - answeredAt) / 1000 - state.intervalSeconds;
      state = after(state, event, late > graceSeconds ? late : 0);
      // Who leaves the view has seen it; one that ends by itself may have had no reader yet.
      if (event.kind === 'end') last = frameOf(state, screen, true);
      if (state.ended) break;
      // Keys that came together are one picture.
      if (events.readableLength === 0) screen.draw(frameOf(state, screen));
    }
  } finally {
    clearInterval(clock);
    ended.abort();
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
    case 'end':
      return { ...state, ended: true };
  }
}
