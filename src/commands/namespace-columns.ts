import { otherName } from '../keyspace/segment-tree.ts';
import type { Field } from '../render/table.ts';
import { InputError } from '../support/failure.ts';

/** How a table of namespaces is laid out, by the names of its columns in csv. */
export interface LayoutInput {
  /** With `-` in front the other way round. */
  readonly sort?: string;
  readonly columns?: readonly string[];
}

/** @throws InputError that lists the columns */
export function requireColumns<Row>(
  fields: readonly Field<Row>[],
  { sort = '', columns = [] }: LayoutInput,
): void {
  const known = fields.map(([{ name }]) => name);
  const require = (option: string, name: string) => {
    if (!known.includes(name))
      throw new InputError(
        `${option}: there is no column \`${name}\``,
        `the columns are ${known.join(', ')}`,
      );
  };
  if (sort !== '') require('--sort', sort.replace(/^-/, ''));
  for (const name of columns) require('--columns', name);
}

/** The fields that were asked for, in their order; null: none was. */
export const chosenFields = <Row>(
  fields: readonly Field<Row>[],
  { columns }: LayoutInput,
): readonly Field<Row>[] | null =>
  columns?.flatMap((wanted) => fields.filter(([{ name }]) => name === wanted)) ?? null;

/** The largest figures first, texts from A to Z; what is not known, and `(other)`, is last either way. */
export function sortedRows<Row extends { readonly namespace: string }>(
  rows: readonly Row[],
  fields: readonly Field<Row>[],
  sort: string | undefined,
): readonly Row[] {
  const compare = comparisonOf(fields, sort);
  return compare === undefined ? rows : [...rows].sort(compare);
}

/** The order of `sortedRows`; undefined: none was asked for. */
export function comparisonOf<Row extends { readonly namespace: string }>(
  fields: readonly Field<Row>[],
  sort: string | undefined,
): ((left: Row, right: Row) => number) | undefined {
  const field = fields.find(([{ name }]) => name === sort?.replace(/^-/, ''));
  if (field === undefined) return undefined;
  const direction = sort?.startsWith('-') === true ? -1 : 1;
  const rankOf = (row: Row) => (row.namespace === otherName ? 2 : field[1](row) === null ? 1 : 0);
  return (left, right) => {
    const [one, other] = [field[1](left), field[1](right)];
    const order =
      typeof one === 'number' && typeof other === 'number'
        ? other - one
        : String(one ?? '').localeCompare(String(other ?? ''), 'en');
    return rankOf(left) - rankOf(right) || direction * order;
  };
}
