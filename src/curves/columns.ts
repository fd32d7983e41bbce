/** Three kinds and no more: V8 makes slow code for a fifth. */
type Column = Uint8Array | Uint32Array | Float64Array;

/** What is known of many things, each at the same index of all columns. */
type Columns<Name extends PropertyKey> = Readonly<Record<Name, Column>>;

const mapColumns = <Table extends Columns<keyof Table>>(table: Table, change: (column: Column) => Column) =>
  Object.fromEntries(
    Object.entries<Column>(table).map(([name, column]) => [name, change(column)]),
  ) as unknown as Table;

const emptyLike = (column: Column, length: number) =>
  new (column.constructor as new (length: number) => Column)(length);

export function addTo(column: Column, index: number, amount: number): void {
  column[index] = (column[index] ?? 0) + amount;
}

/** The first `length` of each column, in the same memory. */
export const firstOf = <Table extends Columns<keyof Table>>(table: Table, length: number): Table =>
  mapColumns(table, (column) => column.subarray(0, length));

/** The same in columns twice as long. */
export const enlarged = <Table extends Columns<keyof Table>>(table: Table): Table =>
  mapColumns(table, (column) => {
    const larger = emptyLike(column, 2 * column.length);
    larger.set(column);
    return larger;
  });

/** A copy of what is at these indexes. */
export const copyAt = <Table extends Columns<keyof Table>>(table: Table, indexes: ArrayLike<number>): Table =>
  mapColumns(table, (column) => {
    const copy = emptyLike(column, indexes.length);
    for (let to = 0; to < copy.length; to++) copy[to] = column[indexes[to] ?? 0] ?? 0;
    return copy;
  });

/** Moves what is at these indexes, ascending, to the front. */
export function moveToFront<Table extends Columns<keyof Table>>(
  table: Table,
  indexes: ArrayLike<number>,
): void {
  for (const column of Object.values<Column>(table))
    for (let to = 0; to < indexes.length; to++) column[to] = column[indexes[to] ?? 0] ?? 0;
}

/** Of the numbers below `length`, those that it says yes to. */
export function indexesWhere(length: number, isWanted: (index: number) => boolean): Uint32Array {
  const found = new Uint32Array(length);
  let count = 0;
  for (let index = 0; index < length; index++) if (isWanted(index)) found[count++] = index;
  return found.subarray(0, count);
}
