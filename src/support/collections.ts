export const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** The sum; null where one of the values is not known. */
export function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

/** The items by what `keyOf` says of each, in the order of their first appearance. */
export function groupBy<Key, Item>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** The items in order, so many at a time. */
export function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** The fields that have a value: what is undefined is left out. */
export function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** These fields alone. */
export function pick<Fields extends object, Name extends keyof Fields>(
  fields: Fields,
  names: readonly Name[],
): Pick<Fields, Name> {
  return Object.fromEntries(names.map((name) => [name, fields[name]])) as Pick<Fields, Name>;
}

/** The same fields with other values. */
export const mapFields = <Name extends string, From, To>(
  fields: Readonly<Record<Name, From>>,
  of: (value: From) => To,
): Record<Name, To> =>
  Object.fromEntries(Object.entries<From>(fields).map(([name, value]) => [name, of(value)])) as Record<
    Name,
    To
  >;

/** Index of the first of ascending sums that is above `value`, by bisection; the last where none is. */
export function firstAbove(sums: ArrayLike<number>, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
