/** The fields of a result where there is none. */
export type Blank<Result> = { readonly [Field in keyof Result]: Result[Field] | null };

/**
 * The fields of a result as JSON shows them where there is none, in their order: a name with `[]` is an empty list, any
 * other is null. A text that lacks a field, or has one too many, does not compile, and the error names it.
 */
export function blankOf<Result extends object>() {
  return <const Text extends string>(fields: Complete<Result, Words<Text>, Text>): Blank<Result> =>
    Object.fromEntries(
      fields
        .trim()
        .split(/\s+/)
        .map((field) => (field.endsWith('[]') ? [field.slice(0, -2), []] : [field, null])),
    ) as unknown as Blank<Result>;
}

type Words<Text extends string> = Text extends `${infer First}${' ' | '\n'}${infer Rest}`
  ? Words<First> | Words<Rest>
  : Exclude<Text, ''>;

/** A field as it is written: an optional one may be left out, and a list may be null. */
type Complete<Result, Written extends string, Text extends string> = [Missing<Result, Written>] extends [
  never,
]
  ? [Exclude<Written, keyof Result | `${ListsOf<Result>}[]`>] extends [never]
    ? Text
    : `has no field ${Exclude<Written, keyof Result | `${ListsOf<Result>}[]`>}`
  : `lacks ${Missing<Result, Written>}`;

type Missing<Result, Written extends string> = Exclude<
  {
    [Field in keyof Result]-?: undefined extends Result[Field] ? never : Field & string;
  }[keyof Result],
  Written extends `${infer Name}[]` ? Name : Written
>;

type ListsOf<Result> = {
  [Field in keyof Result]-?: Result[Field] extends readonly unknown[] ? Field & string : never;
}[keyof Result];
