import { groupBy } from '../../support/collections.ts';
import { buildMap } from '../build-map.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import type { RedisServer } from '../../redis/server.ts';
import { claimKeys } from './claims.ts';
import { type Evidence, judgeKind, type KeySample, observedEncoding } from './kind.ts';
import type { ConfigFile, EntityConfig, NamespaceConfig, ProfileConfig } from '../schema.ts';
import { keyShapes, type KeyShape, oneOfEachPattern, type ObservedKey, type Observation } from './shapes.ts';
import { type DraftNamespace, draftNamespaces, ownerOf } from './namespaces.ts';
import { guessDelimiters } from '../../keyspace/delimiters.ts';
import { inferPattern, inferSegments } from '../../keyspace/infer.ts';
import { isVersion } from '../../keyspace/key-versions.ts';
import {
  evictsAnyKey,
  sampleValues,
  type Survey,
  surveyKeys,
  type SurveyOptions,
  usedCommands,
} from './survey.ts';
import { expireAtMidnight } from './ttl-rule.ts';
import { KeyStatistics } from '../../keyspace/key-statistics.ts';

/** A first map, as far as keys and TTLs alone can tell. */
export interface Draft {
  readonly delimiters: readonly string[];
  readonly namespaces: readonly DraftNamespace[];
  readonly entities: readonly DraftEntity[];
  /** Ratio from 0 to 1 of the observed keys that the namespaces take in. */
  readonly coverage: number;
  /** Some keys of each namespace, by its name: of its first pattern, and of some others. */
  readonly exampleKeys: ReadonlyMap<string, readonly ObservedKey[]>;
}

/** A map longer than this is no first map any more; the smallest namespaces are left out. */
const mostNamespaces = 80;
const enoughCoverage = 0.95;

/** A pattern that takes any one-word key is worth it only where there are many such keys. */
const rareShare = 0.01;

/** Of the first pattern of a namespace, of each other one, and in all. */
const examplesOfFirst = 3;
const examplesOfOther = 1;
const examplesEach = 12;

/** Drafts a map from the keys of a cache. */
export function draftMap(all: readonly ObservedKey[], observation: Omit<Observation, 'delimiters'>): Draft {
  // Redis takes an empty key, but no pattern can name it.
  const keys = all.filter(({ key }) => key !== '');
  const delimiters = guessDelimiters(keys.map(({ key }) => key));
  const full = { ...observation, delimiters, versionedPrefixes: versionedPrefixes(keys, delimiters) };
  const { claims, rest } = claimKeys(keys);
  const shapes = keyShapes(rest, full).filter(
    ({ path, statistics }) => !isCatchAll(path) || statistics.keys >= keys.length * rareShare,
  );
  let namespaces = draftNamespaces(claims, shapes, full).filter(
    ({ layout }, index) => layout !== null || index < mostNamespaces,
  );
  let map = mapOf(namespaces, delimiters);
  const findMissed = (): ObservedKey[] => keys.filter(({ key }) => map.classify(key) === null);
  let missed = findMissed();
  if (missed.length > keys.length * (1 - enoughCoverage)) {
    const kept = shapes.filter(({ path }) => namespaces.some(({ paths }) => paths.includes(path)));
    namespaces = draftNamespaces(
      claims,
      oneOfEachPattern([...kept, ...wideShapes(missed, delimiters)]),
      full,
    );
    map = mapOf(namespaces, delimiters);
    missed = findMissed();
  }
  return {
    delimiters,
    namespaces,
    entities: draftEntities(namespaces, delimiters),
    coverage: keys.length === 0 ? 1 : 1 - missed.length / keys.length,
    exampleKeys: examplesOf(keys, map, delimiters),
  };
}

/** What is known by names that a framework claims is so of the other keys of the prefix as well. */
function versionedPrefixes(keys: readonly ObservedKey[], delimiters: readonly string[]): ReadonlySet<string> {
  const segments = keys.map(({ key }) => inferSegments(key, delimiters, 3));
  return new Set(
    segments.flatMap(([first = '', second = '']) => (first.length > 1 && isVersion(second) ? first : [])),
  );
}

function isCatchAll(path: readonly string[]): boolean {
  return path.every((segment) => /^(?:<(?:text|id)>|\*)$/.test(segment));
}

/** Wider nets for keys that slipped through: by the first word where it is common, else by having a first word at all. */
function wideShapes(keys: readonly ObservedKey[], delimiters: readonly string[]): KeyShape[] {
  const firstOf = ({ key }: ObservedKey) => inferSegments(key, delimiters, 2)[0] ?? '';
  const counts = groupBy(keys, firstOf);
  const wide = groupBy(keys, (observed) => {
    const first = firstOf(observed);
    const isCommon = (counts.get(first)?.length ?? 0) >= keys.length / mostNamespaces;
    if (isCommon) return first;
    return delimiters.includes(first.slice(-1)) ? `<text>${first.slice(-1)}` : '<text>';
  });
  return [...wide].map(([first, members]) => {
    const path = delimiters.includes(first.slice(-1)) ? [first, '*'] : [first];
    return { path, statistics: new KeyStatistics(members) };
  });
}

function mapOf(namespaces: readonly DraftNamespace[], delimiters: readonly string[]): NamespaceMap {
  return buildMap({
    delimiters: [...delimiters],
    namespaces: Object.fromEntries(
      namespaces.map(({ name, patterns }) => [name, { pattern: [...patterns] }]),
    ),
  });
}

function examplesOf(
  keys: readonly ObservedKey[],
  map: NamespaceMap,
  delimiters: readonly string[],
): Map<string, ObservedKey[]> {
  const found = new Map<string, { examples: ObservedKey[]; counts: Map<string, number> }>();
  for (const observed of keys) {
    const name = map.classify(observed.key)?.name;
    if (name === undefined) continue;
    const chosen = found.get(name) ?? { examples: [], counts: new Map<string, number>() };
    found.set(name, chosen);
    const { examples, counts } = chosen;
    if (examples.length >= examplesEach) continue;
    const pattern = inferPattern(observed.key, delimiters);
    const count = counts.get(pattern) ?? 0;
    counts.set(pattern, count + 1);
    const [first] = counts.keys();
    if (count < (pattern === first ? examplesOfFirst : examplesOfOther)) examples.push(observed);
  }
  return new Map([...found].map(([name, { examples }]) => [name, examples]));
}

/** The draft with what values and the commands of clients speak for; `samples` are by the namespace's name. */
function withEvidence(
  draft: Draft,
  samples: ReadonlyMap<string, readonly KeySample[]>,
  observed: Pick<Evidence, 'commands' | 'evictsAnyKey'>,
): Draft {
  const namespaces = draft.namespaces.map((namespace) => {
    const seen = samples.get(namespace.name) ?? [];
    const encoding = observedEncoding(seen.flatMap(({ value }) => value ?? []));
    return {
      ...namespace,
      ...judgeKind(namespace, { samples: seen, encoding, ...observed }),
      encoding: namespace.layout === null ? encoding : null,
    };
  });
  return { ...draft, namespaces, entities: draftEntities(namespaces, draft.delimiters) };
}

/** The draft as a map. */
export function configOf(
  { delimiters, namespaces, entities }: Pick<Draft, 'delimiters' | 'namespaces' | 'entities'>,
  profile: { readonly name: string; readonly config: ProfileConfig },
): ConfigFile {
  return {
    defaultProfile: profile.name,
    profiles: { [profile.name]: profile.config },
    ...(delimiters.join('') !== ':' && { delimiters: [...delimiters] }),
    namespaces: Object.fromEntries(namespaces.map((each) => [each.name, namespaceConfig(each)])),
    ...(entities.length > 0 && {
      entities: Object.fromEntries(entities.map(({ name, config }) => [name, config])),
    }),
  };
}

function namespaceConfig({ patterns, kind, ttl, encoding, hashed }: DraftNamespace): NamespaceConfig {
  const [first = '', ...more] = patterns;
  return {
    pattern: more.length === 0 ? first : [...patterns],
    kind,
    ...(ttl !== undefined && { ttl, ttlGuessed: true }),
    ...encoding,
    ...(hashed && { hashed }),
  };
}

interface DraftEntity {
  readonly name: string;
  readonly config: EntityConfig;
}

/**
 * What keys are kept of, by id: the words that stand right before one (`user:<id>`). A word in the middle of a key is
 * taken only where it names an owner, for `offset:<id>` is no entity. Keys of an entity that are state belong to it too, for a
 * plan names what stays, and so do those that are state by their type alone, which may be wrong; where all others are state, nothing
 * would be removed.
 */
function draftEntities(namespaces: readonly DraftNamespace[], delimiters: readonly string[]): DraftEntity[] {
  const patterns = new Map<string, Set<string>>();
  const wanted = new Set<string>();
  for (const { kind, paths, signs } of namespaces) {
    const isSure = kind === 'state' && signs.some(({ from }) => from !== 'type');
    for (const path of paths) {
      path.forEach((segment, at) => {
        const word = /^<(id|uuid|email)>/.test(segment)
          ? entityWord(path[at - 1], at, delimiters)
          : ownerWithin(segment);
        if (word === null) return;
        patterns.set(word, (patterns.get(word) ?? new Set()).add(entityPattern(path, at)));
        if (!isSure) wanted.add(word);
      });
    }
  }
  const largestFirst = [...patterns]
    .filter(([name]) => wanted.has(name))
    .sort(([, left], [, right]) => right.size - left.size);
  return largestFirst.map(([name, found]) => {
    const hashedIn = namespaces
      .filter(({ hashed, paths }) => hashed && paths.flat().some((segment) => mentions(segment, name)))
      .map((namespace) => namespace.name);
    return { name, config: { patterns: [...found], ...(hashedIn.length > 0 && { hashedIn }) } };
  });
}

/** `user` of `user:`, `users:` and `user_profile:`; `scenario` of a leading `scenario:`; null for all that is no such word. */
function entityWord(before: string | undefined, at: number, delimiters: readonly string[]): string | null {
  if (before === undefined || !delimiters.includes(before.slice(-1))) return null;
  const word = before.slice(0, -1);
  const owner = ownerOf(/^[a-z]+(?=[_-])/.exec(word)?.[0] ?? '') ?? ownerOf(word);
  if (owner !== null) return owner;
  // Any other plural may name what has no members, such as statistics.
  return at === 1 && /^[a-z]{3,}$/.test(word) && !word.endsWith('s') ? word : null;
}

/** `user` of `user-<id>` and of `app_user<id>`; null for all that is no owner with its number. */
function ownerWithin(segment: string): string | null {
  const word = /^(?:[^<]*[_.-])?([a-z]+)[_.-]?<id>/.exec(segment)?.[1];
  return ownerOf(word ?? '');
}

/** The one placeholder is `<id>`; another id of the same key must not take its value. */
function entityPattern(path: readonly string[], at: number): string {
  return path
    .map((segment, index) => {
      if (index === at) return segment.replace(/<[a-z]+>/, '<id>');
      return segment.replaceAll('<id>', '<other>');
    })
    .join('');
}

function mentions(segment: string, word: string): boolean {
  const words = segment.startsWith('<') ? [] : segment.split(/[^A-Za-z0-9]+/);
  return words.some((each) => each === word || ownerOf(each) === word);
}

export interface FirstMap extends Omit<Survey, 'keys'>, Omit<Draft, 'namespaces' | 'exampleKeys'> {
  /** Keys looked at. */
  readonly keys: number;
  readonly namespaces: readonly (DraftNamespace & { readonly remarks: readonly Remark[] })[];
}

/**
 * Looks at a live cache and drafts a map of it. `now` is in milliseconds since the epoch; `localTimeZone` is tried first
 * for keys that expire at midnight. @throws RedisError
 */
export async function drawFirstMap(
  server: RedisServer,
  options: SurveyOptions & { readonly now: () => number; readonly localTimeZone: string },
): Promise<FirstMap> {
  const survey = await surveyKeys(server, options);
  const now = options.now();
  const drafted = draftMap(survey.keys, { now, localTimeZone: options.localTimeZone });
  const observed = { commands: await usedCommands(server), evictsAnyKey: await evictsAnyKey(server) };
  const draft = withEvidence(drafted, await sampleValues(server, drafted.exampleKeys), observed);
  return {
    ...survey,
    ...draft,
    keys: survey.keys.length,
    namespaces: draft.namespaces.map((each) => ({ ...each, remarks: remarksOn(each, now) })),
  };
}

const integer = new Intl.NumberFormat('en-US');

/** What a person should look at before the draft of a namespace is relied on, in sentences without a full stop. */
interface Remark {
  readonly text: string;
  /** The same of several namespaces. */
  readonly ofMany: string;
}

function remarksOn({ kind, statistics, ttl, encoding }: DraftNamespace, now: number): Remark[] {
  const { ttlKnown, withoutTtl, ttlMaxSeconds } = statistics;
  const remarks: Remark[] = [];
  const add = (text: string, ofMany = text) => remarks.push({ text, ofMany });
  if (kind === 'cache' && encoding?.encoding === 'integer') {
    add('holds integers: if the application counts with them, make it "state"');
  }
  if (withoutTtl > 0 && withoutTtl === ttlKnown) {
    if (kind === 'cache') add('no key has a TTL: if it cannot be computed again, make it "state"');
  } else if (withoutTtl > 0) {
    add(
      `${integer.format(withoutTtl)} of ${integer.format(ttlKnown)} keys have no TTL`,
      'some keys have no TTL',
    );
  }
  if (typeof ttl === 'string' && expireAtMidnight(statistics, now)) {
    const time = new Date(now + ttlMaxSeconds * 1000).toISOString().slice(11, 16);
    add(
      `all keys expire at ${time} UTC: if that is midnight somewhere, write { "untilMidnight": time zone }`,
    );
  }
  return remarks;
}
