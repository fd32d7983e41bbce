import type { SortOrder } from '../../watch/namespaces.ts';
import type { Key } from '../screen.ts';
import { selectedRow, shownNamespaces, type WatchState } from './state.ts';

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

const steps: Readonly<Record<Key, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  'page-up': -10,
  'page-down': 10,
  home: Number.NEGATIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
};

/** What a key makes of the state. */
export function press(before: WatchState, key: Key): WatchState {
  const state = before.notice === null ? before : { ...before, notice: null };
  if (state.showsHelp) return key === 'q' ? { ...state, ended: true } : { ...state, showsHelp: false };
  const order = orders[key];
  if (order !== undefined) return sortBy(state, order);
  const step = steps[key];
  if (step !== undefined) return move(state, step);
  switch (key) {
    case 'q':
      return { ...state, ended: true };
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
      return drill(state);
    case 'escape':
    case 'backspace':
      return { ...state, drilled: null };
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
  const row = Math.min(Math.max(selectedRow(state, rows) + step, 0), rows.length - 1);
  const selected = rows[row]?.namespace ?? null;
  return { ...state, selected, drilled: state.drilled === null ? null : selected };
}

function drill(state: WatchState): WatchState {
  const rows = shownNamespaces(state);
  const drilled = rows[selectedRow(state, rows)]?.namespace ?? null;
  if (drilled === null) return { ...state, notice: 'no namespace is known yet' };
  return { ...state, selected: drilled, drilled };
}

const longer = (seconds: number) => intervalSteps.find((step) => step > seconds) ?? seconds;
const shorter = (seconds: number) => intervalSteps.findLast((step) => step < seconds) ?? seconds;
