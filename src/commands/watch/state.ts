import type { TrafficReport } from '../../traffic/report.ts';
import type { WatchInterval } from '../../watch/interval.ts';
import { sortedNamespaces, type SortOrder, type WatchedNamespace } from '../../watch/namespaces.ts';

/** What has been seen of the server. */
interface WatchData {
  /** Oldest first, no more than are kept. */
  readonly history: readonly WatchInterval[];
  /** Of the last interval; null without live traffic. */
  readonly traffic: TrafficReport | null;
}

/** All that the screen shows, and what the keys have made of it. */
export interface WatchState {
  readonly address: string;
  /** Hits by namespace are observed. */
  readonly withTraffic: boolean;
  readonly data: WatchData;
  /** What is shown while paused; the history goes on behind it. */
  readonly frozen: WatchData | null;
  readonly order: SortOrder;
  readonly intervalSeconds: number;
  /** The namespace that the keys act on; null: the one on top, whichever it is. */
  readonly selected: string | null;
  /** The namespace that is looked into. */
  readonly drilled: string | null;
  readonly showsHelp: boolean;
  /** An answer to the last key. */
  readonly notice: string | null;
  /** How long the server has kept the next interval waiting, in seconds; 0: it is not due. */
  readonly lateSeconds: number;
  readonly ended: boolean;
}

/** Ten minutes at a second each, and more than a screen is wide. */
export const historyLength = 600;

export function initialState(
  given: Pick<WatchState, 'address' | 'withTraffic' | 'intervalSeconds'>,
): WatchState {
  return {
    ...given,
    data: { history: [], traffic: null },
    frozen: null,
    order: given.withTraffic ? 'misses' : 'bytes',
    selected: null,
    drilled: null,
    showsHelp: false,
    notice: null,
    lateSeconds: 0,
    ended: false,
  };
}

export function withInterval(
  state: WatchState,
  interval: WatchInterval,
  traffic: TrafficReport | null,
): WatchState {
  const history = [...state.data.history, interval].slice(-historyLength);
  return { ...state, data: { history, traffic }, lateSeconds: 0 };
}

/** What is on the screen: now, or when it was paused. */
export const shownData = ({ data, frozen }: WatchState): WatchData => frozen ?? data;

/** The last interval in which the server answered. */
export function lastAnswer(state: WatchState): WatchInterval | null {
  return shownData(state).history.findLast(({ ok }) => ok) ?? null;
}

/** The server did not answer in the newest interval: figures of the one before would look as if they were of now. */
export function isAway(state: WatchState): boolean {
  return shownData(state).history.at(-1)?.ok === false;
}

/** The namespaces in the order of the screen. */
export function shownNamespaces(state: WatchState): readonly WatchedNamespace[] {
  return sortedNamespaces(lastAnswer(state)?.namespaces ?? [], state.order);
}

/** The row that the keys act on; 0 where there is none. */
export function selectedRow(state: WatchState, rows: readonly WatchedNamespace[]): number {
  return Math.max(
    0,
    rows.findIndex(({ namespace }) => namespace === state.selected),
  );
}
