import type { Block, Cell, Unit } from '../../render/blocks.ts';
import { formatEstimate } from '../../render/units.ts';
import type { Progress } from '../../support/progress.ts';
import type { ListColumn } from '../screen-list.ts';
import type { Removal } from './removal.ts';

/** What Enter opens: at once where it shows what was read at the start. An abort ends the reading early. @throws RedisError */
export type Opening = (signal: AbortSignal, progress: Progress) => Page | Promise<Page>;

export interface PlaceFigure {
  readonly value: Cell;
  /** The interval of an estimate. */
  readonly interval?: readonly [number, number] | null;
}

/** Something that can be looked into: a namespace, a part of one, a key. */
export interface Place {
  /** Of a list no two are the same. */
  readonly name: string;
  readonly figures: Readonly<Record<string, PlaceFigure>>;
  /** Null: there is no more to see. */
  readonly open: Opening | null;
  readonly removal: Removal;
}

/** One picture: a list of places, or a text about one. */
export interface Page {
  /** Where this is. */
  readonly title: string;
  /** In a few words, behind the title. */
  readonly summary: string;
  /** What it lacks. */
  readonly caveat?: string | null;
  readonly content: PageList | PageText;
}

export interface PageList {
  readonly kind: 'list';
  /** Over the names. */
  readonly header: string;
  readonly places: readonly Place[];
  /** Those that matter most first. */
  readonly columns: readonly ListColumn<Place>[];
  /** What `s` goes through: names of figures, the largest first, and `name`. */
  readonly orders: readonly [string, ...string[]];
}

export interface PageText {
  readonly kind: 'text';
  readonly blocks: readonly Block[];
  /** What the text is about. */
  readonly about: Place;
  /** What Enter shows of it, for the line of keys. */
  readonly more: string;
}

/** A figure of places as a column. */
export const figureColumn = (name: string, header: string, width: number, unit: Unit): ListColumn<Place> => ({
  ...{ header, width, order: name },
  cell: ({ figures: { [name]: figure } }) => ({
    text: formatEstimate(figure?.value ?? null, unit, figure?.interval ?? null),
  }),
});

/** The largest figure first; what is not known comes last. */
export function sortedPlaces(places: readonly Place[], order: string): readonly Place[] {
  const rankOf = ({ figures: { [order]: figure } }: Place) => {
    const value = figure?.value ?? null;
    return typeof value === 'number' ? value : Number.NEGATIVE_INFINITY;
  };
  return places.toSorted((left, right) => {
    const [first, second] = [rankOf(left), rankOf(right)];
    if (first !== second) return second - first;
    return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
  });
}
