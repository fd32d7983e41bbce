import { type Cell, type Column, type Fact, fact, type TableBlock, type Unit } from './blocks.ts';

/** A column of rows of one kind, with the cell of a row. */
export type Field<Row> = readonly [column: Column, cell: (row: Row) => Cell];

/** `name` is that of the row's own field where no `cell` is given. */
interface MakeField<Row> {
  (name: CellName<Row>, header: string): Field<Row>;
  (name: string, header: string, cell: (row: Row) => Cell): Field<Row>;
}

type CellName<Row> = { [Name in keyof Row]: Row[Name] extends Cell ? Name : never }[keyof Row] & string;

/** Makers of the columns of `Row`s, by unit: `count('keys', 'KEYS')`. */
export function fieldsOf<Row>() {
  const of =
    (unit: Unit): MakeField<Row> =>
    (name: string, header: string, cell?: (row: Row) => Cell): Field<Row> => [
      { name, header, unit },
      cell ?? ((row) => row[name as keyof Row] as Cell),
    ];
  return {
    ...{ text: of('text'), count: of('count'), bytes: of('bytes'), ratio: of('ratio') },
    ...{ seconds: of('seconds'), perSecond: of('perSecond'), status: of('status') },
    ...{ number: of('number'), micros: of('micros') },
  };
}

/** See Column. */
export const secondary = <Row>([column, cell]: Field<Row>): Field<Row> => [
  { ...column, isSecondary: true },
  cell,
];

interface Presentation<Row> {
  readonly title?: string;
  /** What people see, where it is other than what programs get. */
  readonly shown?: { readonly rows?: readonly Row[]; readonly fields?: readonly Field<Row>[] };
  /** Name of the ratio that people see with a bar. */
  readonly bar?: string;
  /** See TableBlock. */
  readonly moreWith?: string | undefined;
  readonly isSecondary?: true;
}

export function tableOf<Row>(
  name: string,
  rows: readonly Row[],
  fields: readonly Field<Row>[],
  { title, shown, bar, moreWith, isSecondary }: Presentation<Row> = {},
): TableBlock {
  const shownFields = shown?.fields ?? fields;
  const barColumn = shownFields.findIndex(([column]) => column.name === bar);
  return {
    kind: 'table',
    name,
    ...(title !== undefined && { title }),
    ...gridOf(rows, fields),
    ...(shown && { display: gridOf(shown.rows ?? rows, shownFields) }),
    ...(barColumn >= 0 && { barColumn }),
    ...(moreWith !== undefined && { moreWith }),
    ...(isSecondary && { isSecondary }),
  };
}

/** The cells of rows, with their columns. */
export function gridOf<Row>(
  rows: readonly Row[],
  fields: readonly Field<Row>[],
): Pick<TableBlock, 'columns' | 'rows'> {
  return {
    columns: fields.map(([column]) => column),
    rows: rows.map((row) => fields.map(([, cell]) => cell(row))),
  };
}

/** Fields of a result as facts for programs, each under its own name. */
export const plainFacts = <Row>(row: Row, unit: Unit, ...names: readonly CellName<Row>[]): Fact[] =>
  names.map((name) => fact(name, name, row[name] as Cell, unit));
