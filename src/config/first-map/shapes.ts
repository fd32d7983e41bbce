import { otherName } from '../../keyspace/segment-tree.ts';
import { given, groupBy } from '../../support/collections.ts';
import { inferSegments, looksLikeId } from '../../keyspace/infer.ts';
import { KeyStatistics, sumOfStatistics } from '../../keyspace/key-statistics.ts';
import type { IdleTime } from '../../redis/idle-times.ts';
import { emptyMap } from '../../keyspace/map.ts';
import { parsePattern, patternShape } from '../../keyspace/pattern.ts';
import { NamespaceTree } from '../../keyspace/namespace-tree.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { TtlRuleConfig } from '../schema.ts';
import { observedRule, writtenTtlSeconds } from './ttl-rule.ts';

/** A key as it was found. */
export interface ObservedKey {
  readonly key: ByteString;
  /** Time left; -1: no TTL, null: not readable. */
  readonly ttlMillis: number | null;
  /** Null: not read. */
  readonly idleSeconds?: IdleTime | null;
}

/** Where and when the keys were looked at. */
export interface Observation {
  readonly delimiters: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly localTimeZone: string;
  /** See SegmentTreeOptions. */
  readonly versionedPrefixes?: ReadonlySet<string>;
}

/** Keys that seem to have been made from one template: its segments, each with the delimiter behind it. */
export interface KeyShape {
  readonly path: readonly string[];
  readonly statistics: KeyStatistics;
}

export const isVariable = (segment: string): boolean => /^(<|\*)/.test(segment);

/** A segment of which nothing is known but that it varies. */
const isFree = (segment: string): boolean => /^<text>/.test(segment);

/** A segment that says whose key it is; what follows it is a field of that thing rather than one more parameter. */
const isIdentity = (segment: string | undefined): boolean => /^<(id|uuid|email)>/.test(segment ?? '');

/** Distinct words after an identity from which on they are taken for values of a variable; the same of pages in languages. */
const manyFields = 6;

/** Distinct codes of languages at one place, from which on they are taken for such. */
const fewestLanguages = 3;

/** The templates behind the keys: as few as their TTLs allow, largest first. */
export function keyShapes(keys: readonly ObservedKey[], observation: Observation): KeyShape[] {
  const { delimiters, versionedPrefixes } = observation;
  const tree = new NamespaceTree({
    ...{ map: { ...emptyMap, delimiters }, depth: Number.POSITIVE_INFINITY },
    ...given({ versionedPrefixes }),
  });
  const prefixless: ObservedKey[] = [];
  for (const observed of keys) {
    const [first = ''] = inferSegments(observed.key, delimiters);
    if (first.includes('<text>')) prefixless.push(observed);
    else tree.add(observed.key, observed);
  }
  const rows = tree.rows(Number.POSITIVE_INFINITY).filter(({ namespace }) => namespace !== otherName);
  return oneOfEachPattern(
    [...simplify(rows, 0, observation), ...stemShapes(prefixless, delimiters)].map(shortened),
  );
}

/** Shapes whose patterns match the same keys as one, with the placeholders of the largest; largest first. */
export function oneOfEachPattern(shapes: readonly KeyShape[]): KeyShape[] {
  const bySize = (left: KeyShape, right: KeyShape) => right.statistics.keys - left.statistics.keys;
  const patternOf = ({ path }: KeyShape) => patternShape(parsePattern(path.join('')));
  return joinEqual([...shapes].sort(bySize), patternOf).sort(bySize);
}

/** Joins at each level the words that are values of one variable. */
function simplify(shapes: readonly KeyShape[], level: number, observation: Observation): KeyShape[] {
  const ended = shapes.filter(({ path }) => path.length === level);
  const going = shapes.filter(({ path }) => path.length > level);
  if (going.length === 0) return [...ended];
  const names = variableNames(going, level, observation);
  const renamed = joinEqual(
    going.map(({ path, statistics }) => ({
      path: path.with(level, names.get(path[level] ?? '') ?? path[level] ?? ''),
      statistics,
    })),
  );
  const groups = groupBy(renamed, ({ path }) => path[level]);
  return [...ended, ...[...groups.values()].flatMap((group) => simplify(group, level + 1, observation))];
}

/** What the segments of one level should be called, where that is not their own text. */
function variableNames(
  shapes: readonly KeyShape[],
  level: number,
  observation: Observation,
): Map<string, string> {
  const { delimiters } = observation;
  const names = new Map<string, string>();
  const segments = [...groupBy(shapes, ({ path }) => path[level] ?? '')].map(([segment, under]) => ({
    segment,
    delimiter: delimiters.includes(segment.slice(-1)) ? segment.slice(-1) : '',
    statistics: sumOfShapes(under),
    // What a page is called in an address: its only variants are languages.
    isTranslated: languagesAmong(under.map(({ path }) => path[level + 1] ?? '')).size === under.length,
  }));
  type Segment = (typeof segments)[number];
  const words = segments.filter(({ segment }) => !isVariable(segment));
  const unnamed = (among: readonly Segment[]) => among.filter(({ segment }) => !names.has(segment));
  const callText = (some: readonly Segment[]) => {
    for (const { segment, delimiter } of some) names.set(segment, `<text>${delimiter}`);
  };

  for (const { segment } of words) if (segment.includes('<id>')) names.set(segment, segment);
  const stemOf = ({ segment }: Segment) => /^(.*\D)\d+(\D?)$/.exec(segment)?.slice(1).join('<id>') ?? '';
  for (const [stem, members] of groupBy(words, stemOf))
    if (stem !== '' && members.length >= 3) for (const { segment } of members) names.set(segment, stem);
  if (level === 0) return names;

  // An id is no part of a map, even where it is alone.
  callText(
    words.filter(({ segment, delimiter }) => looksLikeId(segment.slice(0, -delimiter.length || undefined))),
  );
  const languages = languagesAmong(unnamed(words).map(({ segment }) => segment));
  const translated = unnamed(words).filter(({ isTranslated }) => isTranslated);
  callText(words.filter(({ segment }) => languages.has(segment)));
  if (translated.length >= manyFields) callText(translated);

  const previous = shapes[0]?.path[level - 1];
  for (const [delimiter, siblings] of groupBy(segments, (each) => each.delimiter)) {
    const free = siblings.filter(({ segment }) => isFree(segment));
    const others = unnamed(siblings).filter(({ segment }) => !isVariable(segment));
    const single = others.filter(({ statistics }) => delimiter === '' && statistics.keys === 1);
    callText(free);
    if (single.length >= 3) callText(single);
    const least =
      free.length > 0 ? 1 : isIdentity(previous) ? manyFields : isVariable(previous ?? '') ? 2 : Infinity;
    for (const alike of groupByRule([...free, ...others], observation)) {
      const joined = alike.filter(({ segment }) => !isVariable(segment));
      // A word among free text is one more text, unless it is what most keys have there.
      const absorbs = free.length === 0 || alike.some(({ segment }) => isFree(segment));
      if (absorbs && joined.length >= least) callText(joined);
    }
  }
  return names;
}

const languageNames = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });

/** Of the segments at one place those that are codes of languages (`en`, `pt-BR`), where most of the words there are such. */
function languagesAmong(segments: readonly string[]): ReadonlySet<string> {
  const found = new Set(segments.filter(isLanguage));
  const words = new Set(segments.filter((segment) => !isVariable(segment)));
  return found.size >= fewestLanguages && found.size * 2 > words.size ? found : new Set();
}

function isLanguage(segment: string): boolean {
  const code = /^([a-z]{2}(?:[_-][A-Za-z]{2})?)\W?$/.exec(segment)?.[1];
  return code !== undefined && languageNames.of(code.replace('_', '-')) !== undefined;
}

/** Things that were written with the same TTL, as far as that can be seen. */
export function groupByRule<Item extends { readonly statistics: KeyStatistics }>(
  items: readonly Item[],
  { now, localTimeZone }: Observation,
): Item[][] {
  const groups: { rule: TtlRuleConfig | undefined; maxSeconds: number; items: Item[] }[] = [];
  const observed = items
    .map((item) => ({ item, ...observedRule(item.statistics, now, localTimeZone) }))
    .sort(
      (left, right) =>
        Number(right.sure) - Number(left.sure) || right.item.statistics.keys - left.item.statistics.keys,
    );
  for (const { item, rule, sure } of observed) {
    const seconds = writtenTtlSeconds(item.statistics);
    const fits = groups.find((group) =>
      sure
        ? JSON.stringify(group.rule) === JSON.stringify(rule)
        : (group.rule === 'permanent') === (rule === 'permanent') && seconds <= group.maxSeconds * 1.05 + 1,
    );
    if (fits) fits.items.push(item);
    else groups.push({ rule, maxSeconds: seconds, items: [item] });
  }
  return groups.map((group) => group.items);
}

/** Keys whose first segment is no word, by the word they start with: `db_query_*`. */
function stemShapes(keys: readonly ObservedKey[], delimiters: readonly string[]): KeyShape[] {
  const stems = groupBy(keys, ({ key }) => /^[A-Za-z][A-Za-z0-9]*(?=[^A-Za-z0-9])/.exec(key)?.[0] ?? '');
  return [...stems].flatMap(([stem, members]) => {
    const start = stem === '' ? '' : commonStart(members.map(({ key }) => key));
    const lead = start.replace(/[^\w./-].*$/s, '').replace(/[A-Za-z0-9]*$/, '');
    return members.map((member) => ({
      // What is alone, or has nothing in common with others, goes by the number of its segments.
      path: lead === '' || members.length === 1 ? inferSegments(member.key, delimiters) : [`${lead}*`],
      statistics: new KeyStatistics([member]),
    }));
  });
}

function commonStart(texts: readonly string[]): string {
  let start = texts[0] ?? '';
  for (const text of texts) {
    let length = 0;
    while (length < start.length && text[length] === start[length]) length++;
    start = start.slice(0, length);
  }
  return start;
}

/** Three variables in a row at the end, of which nothing is known, are no segments but one text with delimiters in it. */
function shortened({ path, statistics }: KeyShape): KeyShape {
  let end = path.length;
  while (end > 0 && isFree(path[end - 1] ?? '')) end--;
  return { path: end > 0 && path.length - end >= 3 ? [...path.slice(0, end), '*'] : path, statistics };
}

function joinEqual(
  shapes: readonly KeyShape[],
  nameOf: (shape: KeyShape) => string = ({ path }) => path.join(''),
): KeyShape[] {
  return [...groupBy(shapes, nameOf).values()].flatMap((equal) => {
    const [first] = equal;
    return first === undefined ? [] : [{ path: first.path, statistics: sumOfShapes(equal) }];
  });
}

export const sumOfShapes = (shapes: readonly KeyShape[]): KeyStatistics =>
  sumOfStatistics(shapes.map(({ statistics }) => statistics));
