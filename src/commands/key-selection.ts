import type { KeyConditions } from '../redis/key-conditions.ts';
import { keyExpression } from '../keyspace/key-expression.ts';
import type { KeyNames, KeySelection } from '../keyspace/key-selection.ts';
import { type NamespaceMap, unmappedName } from '../keyspace/map.ts';
import { readPattern } from '../keyspace/pattern.ts';
import type { ByteString } from '../support/bytes.ts';
import { given, pick } from '../support/collections.ts';
import { InputError } from '../support/failure.ts';
import type { Range } from '../support/quantity.ts';
import { shellWord } from '../render/shell-word.ts';
import { counted } from '../render/units.ts';
import { parseRangeOf, parseType } from './arguments.ts';
import type { Context } from './context.ts';

/** Which keys a command takes, as the options say it: of one option any of the values, and of several options all. */
export interface SelectionInput extends KeyConditions, NameInput {
  readonly match?: ByteString;
}

/** What is judged by the name alone. */
export interface NameInput {
  readonly namespace?: readonly string[];
  readonly exclude?: readonly string[];
  readonly regex?: readonly string[];
  /** What no option says: the keys of a row on a screen. */
  readonly isNamed?: (key: ByteString) => boolean;
}

/** @throws InputError for a pattern, an expression or a range that is none, with the names that the map has */
export function selectionOf(
  map: NamespaceMap,
  patterns: readonly string[],
  input: SelectionInput,
): KeySelection {
  const { namespace: namespaces = [], exclude, regex, isNamed, match: glob } = input;
  for (const name of namespaces) requireNamespace(map, name);
  const { type: types = [], ...others } = input;
  const conditions = conditionsOf(types.length > 1 ? input : others);
  return {
    patterns: patterns.map(readPattern),
    namespaces,
    ...given({
      excluded: exclude && namesIn(map, exclude),
      nameTests: [...(regex ? [nameTest(regex)] : []), ...(isNamed ? [isNamed] : [])],
      glob,
      type: types.length === 1 ? types[0] : undefined,
      conditions,
    }),
  };
}

/** @throws InputError for an expression that is none */
export function nameTest(regex: readonly string[]): (key: ByteString) => boolean {
  const tests = regex.map(keyExpression);
  return (key) => tests.some((test) => test(key));
}

/** Namespaces of the map by their names; anything else is a pattern, and has to look like one. @throws InputError */
export function namesIn(map: NamespaceMap, texts: readonly string[]): KeyNames {
  const isName = (text: string) => map.namespaces.some(({ name }) => name === text) || text === unmappedName;
  const isPattern = (text: string) =>
    /[*<]/.test(text) || map.delimiters.some((delimiter) => text.includes(delimiter));
  const names = texts.filter((text) => isName(text) || (!map.isEmpty && !isPattern(text)));
  for (const name of names) requireNamespace(map, name);
  return { namespaces: names, patterns: texts.filter((text) => !names.includes(text)).map(readPattern) };
}

/** The same for a change: without a map each is a pattern, and the name of an inferred namespace too. @throws InputError */
export const excludedBy = (map: NamespaceMap, texts: readonly string[] = []): KeyNames => {
  const names = namesIn(map, texts);
  return map.isEmpty ? { ...names, namespaces: texts } : names;
};

const rangeNames = ['ttl', 'size', 'idle', 'elements'] as const;
const conditionNames = ['type', ...rangeNames] as const;

/** Undefined where nothing has to be read of a key. @throws InputError for ranges that let every key through */
export function conditionsOf(input: KeyConditions): KeyConditions | undefined {
  for (const name of rangeNames) requireLimit(name, input[name] ?? []);
  const conditions = given(pick(input, conditionNames));
  return Object.keys(conditions).length === 0 ? undefined : conditions;
}

/** As they were written, for plans, journals and files. */
export const conditionTexts = (conditions: KeyConditions): Readonly<Record<string, readonly string[]>> => ({
  ...given({ type: conditions.type }),
  ...Object.fromEntries(
    rangeNames.flatMap((name) => {
      const ranges = conditions[name];
      return ranges === undefined ? [] : [[name, ranges.map(({ text }) => text)]];
    }),
  ),
});

/** From what `conditionTexts` made of them. */
export const parseConditions = (texts: Readonly<Record<string, readonly string[]>>): KeyConditions =>
  given({
    type: texts['type']?.map(parseType),
    ...Object.fromEntries(rangeNames.map((name) => [name, texts[name]?.map(parseRangeOf[name])])),
  });

/** One range of several is enough: `>1KB` and `<1MB` together are everything, and not what is between them. */
function requireLimit(name: string, ranges: readonly Range[]): void {
  const upTo = Math.max(...ranges.map(({ low, high }) => (low === 0 ? high : -1)));
  const from = Math.min(
    ...ranges.map(({ low, high }) => (high === Number.POSITIVE_INFINITY ? low : Infinity)),
  );
  if (ranges.length < 2 || upTo < from) return;
  const boundOf = (range: Range | undefined) => range?.text.replace(/^([<>]=?|\.\.)|\.\.$/, '') ?? '';
  const low = boundOf(ranges.find((range) => range.low === from && range.high !== upTo));
  const high = boundOf(ranges.find((range) => range.high === upTo));
  throw new InputError(
    `${ranges.map(({ text }) => `--${name} \`${text}\``).join(' or ')} is every value: of ranges that are given together, one is enough`,
    `write what is between them as one range: --${name} ${low}..${high}`,
  );
}

/** The options as they were given, for plans, journals and files. */
export function selectionText(input: SelectionInput): string {
  const { namespace = [], exclude = [], regex = [] } = input;
  return Object.entries({ namespace, exclude, regex, ...conditionTexts(input) })
    .flatMap(([name, values]) => values.map((text) => ` --${name} ${shellWord(text)}`))
    .join('');
}

/** What could not be judged is left out, which must not look as if it did not fit. */
export function warnOfUnjudged({ warnOfResult }: Context, unjudgedKeys: number | undefined): void {
  if (unjudgedKeys === undefined || unjudgedKeys === 0) return;
  warnOfResult(
    `${counted(unjudgedKeys, 'key was', 'keys were')} left out: the server reports no idle time (small integers that it shares), or the type has no number of elements`,
  );
}

function requireNamespace(map: NamespaceMap, name: string): void {
  if (map.namespaces.some((namespace) => namespace.name === name)) return;
  if (map.isEmpty) {
    throw new InputError(
      `there is no namespace \`${name}\`: no map was found`,
      'give a pattern instead, or write a map with `cachectl config init`',
    );
  }
  if (name === unmappedName) return;
  const names = map.namespaces.map((namespace) => namespace.name);
  throw new InputError(`the map has no namespace \`${name}\``, `namespaces are: ${names.join(', ')}`);
}

/** As files of before have it: one of a list is a text, and none is left out. */
export function oneOrMore(texts: readonly string[] = []): string | readonly string[] | undefined {
  return texts.length > 1 ? texts : texts[0];
}
