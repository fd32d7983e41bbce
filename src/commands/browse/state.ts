import { counted } from '../../render/units.ts';
import type { FrameSize, Key } from '../screen.ts';
import { filteredBy, type ListState, selectedIn, stepped, steps, typeFilter } from '../screen-list.ts';
import { insideOf, textLines, textRoom } from './layout.ts';
import { type Page, type Place, sortedPlaces } from './page.ts';
import type { Removal, Removed } from './removal.ts';

/** A page, and what the keys have made of it. */
export interface OpenPage extends ListState {
  readonly page: Page;
  /** Of the list. */
  readonly order: string;
  /** Lines of the text above the screen. */
  readonly scroll: number;
  /** What was removed after it was read. */
  readonly since: Removals;
}

/** What was removed by the keys of a screen. */
export interface Removals {
  readonly keys: number;
  /** Of what is gone as a whole. */
  readonly names: ReadonlySet<string>;
}

export const nothingRemoved: Removals = { keys: 0, names: new Set() };

/** Behind figures that are older. */
export const removedText = ({ keys }: Removals): string =>
  keys === 0 ? '' : `, before ${counted(keys, 'key was', 'keys were')} removed`;

const withRemoval = (before: Removals, { name }: Removal, { keys, isWhole }: Removed): Removals => ({
  keys: before.keys + keys,
  names: isWhole ? new Set([...before.names, name]) : before.names,
});

/** What a key asks for that takes time. */
export type BrowseRequest =
  { readonly kind: 'open' | 'remove'; readonly place: Place } | { readonly kind: 'cancel' };

/** So much of what is being read. */
export interface Reached {
  readonly label: string;
  readonly unit: string;
  readonly total: number | null;
  readonly done: number;
  readonly seconds: number;
}

export interface BrowseState {
  readonly address: string;
  /** The way from the first page to the one that is shown; empty until the first is there. */
  readonly pages: readonly OpenPage[];
  /** The name of what is being read; null: nothing is. */
  readonly reading: string | null;
  /** How far the reading is; null: it does not say. */
  readonly progress: Reached | null;
  /** An answer to the last key. */
  readonly notice: string | null;
  readonly showsHelp: boolean;
  /** Esc on the first page leads back to where the person came from. */
  readonly isInner: boolean;
  readonly removed: Removals;
  readonly ended: 'quit' | 'back' | null;
  /** To be carried out, and taken away. */
  readonly request: BrowseRequest | null;
}

export const startOf = (address: string, { name }: Pick<Place, 'name'>, isInner: boolean): BrowseState => ({
  ...{ address, pages: [], reading: name, notice: null, showsHelp: false, isInner, removed: nothingRemoved },
  ...{ progress: null, ended: null, request: null },
});

/** @param since what was removed after the page was read */
export function withPage(state: BrowseState, page: Page, since = nothingRemoved): BrowseState {
  const order = page.content.kind === 'list' ? page.content.orders[0] : 'name';
  const open = { page, order, scroll: 0, selected: null, filter: '', isTypingFilter: false, since };
  return {
    ...state,
    reading: null,
    progress: null,
    notice: page.caveat ?? null,
    pages: [...state.pages, open],
  };
}

/** The pages are of before it; what is gone is on none of them. */
export function withoutPlace(state: BrowseState, { removal }: Place, removed: Removed): BrowseState {
  const isGone = ({ page: { content } }: OpenPage) =>
    removed.isWhole && content.kind === 'text' && content.about.removal.name === removal.name;
  const first = state.pages.findIndex(isGone);
  const pages = state.pages
    .slice(0, first < 0 ? undefined : Math.max(first, 1))
    .map((open) => ({ ...open, since: withRemoval(open.since, removal, removed) }));
  return { ...state, pages, removed: withRemoval(state.removed, removal, removed) };
}

export const shownPage = ({ pages }: BrowseState): OpenPage | null => pages.at(-1) ?? null;

/** The places of a list in the order of the screen. */
export function shownPlaces({ page, order, since, ...list }: OpenPage): readonly Place[] {
  if (page.content.kind !== 'list') return [];
  const places = page.content.places.filter(({ removal }) => !since.names.has(removal.name));
  return sortedPlaces(filteredBy(list, places, nameOf), order);
}

const nameOf = ({ name }: Place) => name;

export const selectedPlace = (open: OpenPage, places: readonly Place[]): number =>
  selectedIn(open, places.map(nameOf));

/** What a key makes of the state. */
export function press(before: BrowseState, key: Key, size: FrameSize): BrowseState {
  const state = before.notice === null ? before : { ...before, notice: null };
  const open = shownPage(state);
  if (open?.isTypingFilter !== true && key === 'q') return { ...state, ended: 'quit' };
  if (state.showsHelp) return { ...state, showsHelp: false };
  if (state.reading !== null) return leads.back.has(key) ? { ...state, request: { kind: 'cancel' } } : state;
  if (open === null) return state;
  const change = (changed: Partial<OpenPage>) => ({
    ...state,
    pages: [...state.pages.slice(0, -1), { ...open, ...changed }],
  });
  const typed = open.isTypingFilter ? typeFilter(open, key) : null;
  if (typed !== null) return change(typed);
  const step = steps[key];
  if (step !== undefined) return change(moved(open, step, size));
  if (open.isTypingFilter) return state;
  if (leads.into.has(key)) return into(state, open);
  if (leads.back.has(key)) {
    if (open.filter !== '') return change({ filter: '' });
    if (state.pages.length > 1) return { ...state, pages: state.pages.slice(0, -1) };
    return state.isInner ? { ...state, ended: 'back' } : state;
  }
  if (key === '?') return { ...state, showsHelp: true };
  if (key === 'd') {
    const place = placeOf(open);
    return place === null ? state : { ...state, request: { kind: 'remove', place } };
  }
  const { content } = open.page;
  if (content.kind !== 'list') return state;
  if (key === '/') return change({ isTypingFilter: true });
  const order = orderOf(key, open, content.orders);
  // The largest is on top again, and seen.
  return order === null ? state : change({ order, selected: null });
}

const leads = {
  into: new Set<Key>(['enter', 'right']),
  back: new Set<Key>(['escape', 'backspace', 'left']),
};

function orderOf(key: Key, { order }: OpenPage, orders: readonly string[]): string | null {
  if (key === 's') return orders[(orders.indexOf(order) + 1) % orders.length] ?? null;
  const named = key === 'b' ? 'memoryBytes' : key === 'n' ? 'name' : null;
  return named !== null && orders.includes(named) ? named : null;
}

function moved(open: OpenPage, step: number, size: FrameSize): Partial<OpenPage> {
  if (open.page.content.kind === 'text') {
    const most = Math.max(0, textLines(open.page.content, insideOf(size)).length - textRoom(size));
    return { scroll: Math.min(Math.max(open.scroll + step, 0), most) };
  }
  const names = shownPlaces(open).map(nameOf);
  return { selected: names[stepped(open, names, step)] ?? null };
}

/** The place that Enter and `d` act on. */
export function placeOf(open: OpenPage): Place | null {
  const { content } = open.page;
  if (content.kind === 'text') return content.about;
  const places = shownPlaces(open);
  return places[selectedPlace(open, places)] ?? null;
}

function into(state: BrowseState, open: OpenPage): BrowseState {
  const place = placeOf(open);
  if (place === null) return state;
  if (place.open === null) return { ...state, notice: `there is no more to see of ${place.name}` };
  return { ...state, reading: place.name, request: { kind: 'open', place } };
}
