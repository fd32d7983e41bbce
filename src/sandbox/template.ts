import type { SeededRandom } from '../support/random.ts';
import type { Clock } from './clock.ts';
import {
  audio,
  combination,
  embedding,
  fernetToken,
  namedUsers,
  nthId,
  prose,
  telegramId,
} from './formats.ts';
import type { Language } from './formats.ts';

export interface RecordContext {
  /** From 0 upwards within the family; low indexes are the ones most used. */
  readonly index: number;
  readonly draw: SeededRandom;
  readonly clock: Clock;
}

/** Gives a part of a key or of a value. */
export type Make = (record: RecordContext) => unknown;

/** What a template may name. */
export interface Scope {
  readonly language: Language;
  readonly lists: Readonly<Record<string, readonly unknown[]>>;
  /** Further templates. */
  readonly words: Readonly<Record<string, unknown>>;
  /** Lists of which each record has a combination of its own. */
  readonly combine: readonly string[];
}

type List = readonly [unknown, ...unknown[]];

/** What `${name arguments}` in a template gives. An argument is a number, or the name of a list, or a list such as `draft|active`. */
const generators: Readonly<Record<string, (record: RecordContext, ...args: never[]) => unknown>> = {
  index: ({ index }) => index,
  /** The ids of a list come first, then all others; each for `times` records. */
  nth: ({ index }, first: List, times = 1) => nthId(Math.floor(index / times), first),
  /** The ids of a list come first, then those most used. */
  early: ({ index, draw }, first: List, spread: number) =>
    nthId(index < first.length ? index : draw.rank(spread), first),
  /** Ids without those of a list. */
  later: ({ index }, without: List) => nthId(index + without.length, without),
  telegram: ({ index }) => telegramId(index),
  cycle: ({ index }, list: List) => list[index % list.length],
  one: ({ draw }, list: List) => draw.pick(list),
  between: ({ draw }, low: number, high: number) => draw.between(low, high),
  fraction: ({ draw }) => draw.fraction(),
  rank: ({ draw }, spread: number) => draw.rank(spread),
  hex: ({ draw }, digits: number) => draw.hex(digits),
  token: ({ draw }) => draw.token(),
  pyhash: ({ draw }) => draw.pythonHash(),
  fernet: ({ draw, clock }) => fernetToken(draw, clock.now),
  embedding: ({ draw }, dimensions: number) => embedding(draw, dimensions),
  audio: ({ draw }, median: number) => audio(draw, draw.size(median)),
  /** A moment within the day before, as Python's `isoformat()` writes it. */
  time: ({ draw, clock }) => new Date(clock.now - draw.below(86_400_000)).toISOString().replace('Z', '000'),
  epoch: ({ draw, clock }, most: number) => Math.floor(clock.now / 1000) - draw.below(most),
  prague: ({ draw, clock }, from = 0, to = from) => clock.pragueDate(draw.between(from, to)),
  utc: ({ draw, clock }, from = 0, to = from) => clock.utcDate(draw.between(from, to)),
};

/**
 * A template is a text with `${…}` in it, or a list or object of such. A text that is one call and nothing else has what
 * the call gives, a number as a number.
 */
export function compile(template: unknown, scope: Scope): Make {
  if (typeof template === 'string') return compileText(template, scope);
  if (typeof template !== 'object' || template === null) return () => template;
  if (Array.isArray(template)) {
    const makers = template.map((each) => compile(each, scope));
    return (record) => makers.map((make) => make(record));
  }
  const makers = Object.entries(template).map(([name, each]) => [name, compile(each, scope)] as const);
  return (record) => Object.fromEntries(makers.map(([name, make]) => [name, make(record)]));
}

function compileText(text: string, scope: Scope): Make {
  const parts = text
    .split(/\$\{([^}]*)\}/)
    .map((part, at) => (at % 2 === 0 ? part : compileCall(part, scope)));
  const [before, call, after] = parts;
  if (parts.length === 3 && before === '' && after === '' && typeof call === 'function') return call;
  return (record) => parts.map((part) => String(typeof part === 'function' ? part(record) : part)).join('');
}

function compileCall(text: string, scope: Scope): Make {
  const [name = '', ...words] = text.split(' ');
  if (name === 'of') return choiceOf(scope, words);
  if (name === 'prose' || name === 'text') {
    const [size = '', language = scope.language] = words as [string?, Language?];
    const length = Number(scope.words[size] ?? size);
    return ({ draw }) => prose(draw, language, name === 'text' ? draw.size(length) : length);
  }
  const generator = generators[name];
  if (generator === undefined) return compile(wordOf(name, scope), scope);
  const args = words.map((word) => (/^\d+$/.test(word) ? Number(word) : listOf(word, scope))) as never[];
  return (record) => generator(record, ...args);
}

/** What the combination of the record has from one list, or from one column of it. */
function choiceOf({ lists, combine }: Scope, [name = '', column]: readonly string[]): Make {
  const [list = [], place] = [lists[name], combine.indexOf(name)];
  const sizes = combine.map((each) => lists[each]?.length ?? 0);
  return ({ index }) => {
    const chosen = list[combination(index, sizes)[place] ?? 0];
    return column === undefined ? chosen : (chosen as List)[Number(column)];
  };
}

function listOf(name: string, { lists }: Scope): readonly unknown[] {
  return name === 'users' ? namedUsers : (lists[name] ?? name.split('|'));
}

function wordOf(name: string, { words }: Scope): unknown {
  if (words[name] === undefined) throw new Error(`there is no generator and no word \`${name}\``);
  return words[name];
}
