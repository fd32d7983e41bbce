import type { TrafficReport } from '../../traffic/report.ts';
import type { WatchInterval } from '../../watch/interval.ts';
import { sortedNamespaces, type SortOrder, type WatchedNamespace } from '../../watch/namespaces.ts';
import type { Key } from '../screen.ts';
import { filteredBy, type ListState, selectedIn, stepped, steps, typeFilter } from '../screen-list.ts';

/** What has been seen of the server. */
interface WatchData {
  /** Oldest first, no more than are kept. */
  readonly history: readonly WatchInterval[];
  /** Of the last interval; null without live traffic. */
  readonly traffic: TrafficReport | null;
}

/** What a key asks for that needs the terminal for itself: the keys of a namespace, or their removal. */
export interface WatchRequest {
  readonly kind: 'keys' | 'remove';
  readonly namespace: string;
}

/** All that the screen shows, and what the keys have made of it. */
export interface WatchState extends ListState {
  readonly address: string;
  /** Hits by namespace are observed. */
  readonly withTraffic: boolean;
  readonly data: WatchData;
  /** What is shown while paused; intervals are still added to the history. */
  readonly frozen: WatchData | null;
  readonly order: SortOrder;
  readonly intervalSeconds: number;
  /** The namespace that is looked into. */
  readonly drilled: string | null;
  readonly showsHelp: boolean;
  /** An answer to the last key. */
  readonly notice: string | null;
  /** How long the server has kept the next interval waiting, in seconds; 0: it is not due. */
  readonly lateSeconds: number;
  readonly ended: boolean;
  /** To be carried out, and taken away. */
  readonly request: WatchRequest | null;
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
    filter: '',
    isTypingFilter: false,
    showsHelp: false,
    notice: null,
    lateSeconds: 0,
    ended: false,
    request: null,
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
  const rows = filteredBy(state, lastAnswer(state)?.namespaces ?? [], nameOf);
  return sortedNamespaces(rows, state.order);
}

const nameOf = ({ namespace }: WatchedNamespace) => namespace;

/** The row that the keys act on; 0 where there is none. */
export const selectedRow = (state: WatchState, rows: readonly WatchedNamespace[]): number =>
  selectedIn(state, rows.map(nameOf));

/** The intervals that `+` and `-` go through, in seconds. */
export const intervalSteps = [0.2, 0.5, 1, 2, 5, 10, 30, 60, 300] as const;
const orders: Readonly<Record<Key, SortOrder>> = {
  r: 'reads',
  m: 'misses',
  b: 'bytes',
  h: 'hitRate',
  n: 'name',
};
const ofTraffic: ReadonlySet<SortOrder> = new Set(['reads', 'misses', 'hitRate']);

/** What a key makes of the state. */
export function press(before: WatchState, key: Key): WatchState {
  const state = before.notice === null ? before : { ...before, notice: null };
  if (state.showsHelp) return key === 'q' ? { ...state, ended: true } : { ...state, showsHelp: false };
  if (state.isTypingFilter) {
    const typed = typeFilter(state, key);
    return typed === null ? move(state, steps[key] ?? 0) : { ...state, ...typed };
  }
  const order = orders[key];
  if (order !== undefined) return sortBy(state, order);
  const step = steps[key];
  if (step !== undefined) return move(state, step);
  switch (key) {
    case 'q':
      return { ...state, ended: true };
    case '/':
      return { ...state, isTypingFilter: true, drilled: null };
    case '?':
      return { ...state, showsHelp: true };
    case 'p':
    case ' ':
      return { ...state, frozen: state.frozen === null ? state.data : null };
    case '+':
    case '=':
      return { ...state, intervalSeconds: longer(state.intervalSeconds) };
    case '-':
      return { ...state, intervalSeconds: shorter(state.intervalSeconds) };
    case 'enter':
      return state.drilled === null ? drill(state) : ask(state, 'keys');
    case 'd':
      return ask(state, 'remove');
    case 'escape':
    case 'backspace':
      return state.drilled === null ? { ...state, filter: '' } : { ...state, drilled: null };
    default:
      return state;
  }
}

function sortBy(state: WatchState, order: SortOrder): WatchState {
  if (ofTraffic.has(order) && !state.withTraffic)
    return { ...state, notice: 'reads and misses by namespace need `cachectl watch --hits`' };
  // The worst is on top again, and seen.
  return { ...state, order, selected: null, drilled: null };
}

/** In a namespace the arrows go to the next one. */
function move(state: WatchState, step: number): WatchState {
  const rows = shownNamespaces(state);
  const selected = rows[stepped(state, rows.map(nameOf), step)]?.namespace ?? null;
  return { ...state, selected, drilled: state.drilled === null ? null : selected };
}

function drill(state: WatchState): WatchState {
  const rows = shownNamespaces(state);
  const drilled = rows[selectedRow(state, rows)]?.namespace ?? null;
  if (drilled === null) return { ...state, notice: 'no namespace is known yet' };
  return { ...state, selected: drilled, drilled };
}

function ask(state: WatchState, kind: WatchRequest['kind']): WatchState {
  const { selected, drilled, notice } = drill(state);
  // Where it is looked into it stays the one that is meant, also when its figures have gone.
  const namespace = state.drilled ?? drilled;
  return namespace === null ? { ...state, notice } : { ...state, selected, request: { kind, namespace } };
}

const longer = (seconds: number) => intervalSteps.find((step) => step > seconds) ?? seconds;
const shorter = (seconds: number) => intervalSteps.findLast((step) => step < seconds) ?? seconds;
