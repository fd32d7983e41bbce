import { groupBy } from '../../support/collections.ts';
import type { Claim } from './claims.ts';
import { groupByRule, isVariable, type KeyShape, type Observation, sumOfShapes } from './shapes.ts';
import { judgeKind, type Judged, type ObservedEncoding, type Sign } from './kind.ts';
import { observedRule } from './ttl-rule.ts';
import type { TtlRuleConfig } from '../schema.ts';

/** A namespace as the keys suggest it. */
export interface DraftNamespace extends Judged {
  readonly name: string;
  readonly patterns: readonly string[];
  readonly kind: 'cache' | 'state';
  /** What made it state. */
  readonly signs: readonly Sign[];
  readonly ttl: TtlRuleConfig | undefined;
  /** Null: its values were not looked at, differ, or are those of a library, which writes many kinds. */
  readonly encoding: ObservedEncoding | null;
  /** The only variable part is a digest. */
  readonly hashed: boolean;
}

/** Those whose records have fields under their id (`user:<id>:profile`): each field is a namespace. */
const owners = new Set(
  'user account customer member player tenant org organization team device company client'.split(' '),
);

/** The owner that a word names, in the singular; null for any other word. */
export function ownerOf(word: string): string | null {
  return [word, word.replace(/s$/, ''), word.replace(/ies$/, 'y')].find((each) => owners.has(each)) ?? null;
}

/**
 * What known libraries wrote, and then shapes: those that start with the same words, and were written with the same TTL, are one
 * namespace. Largest first.
 */
export function draftNamespaces(
  claims: readonly Claim[],
  shapes: readonly KeyShape[],
  observation: Observation,
): DraftNamespace[] {
  const shared = sharedStart(shapes);
  const wordsIn = (segments: readonly string[]) =>
    segments
      .filter((segment) => !isVariable(segment))
      .map((segment) => trimmed(segment, observation.delimiters))
      .filter((word) => word !== '');
  const stemOf = (shape: KeyShape): string => {
    const rest = shape.path.slice(shared);
    const firstVariable = rest.findIndex(isVariable);
    const lead = wordsIn(rest.slice(0, firstVariable < 0 ? rest.length : firstVariable));
    const words = lead.length === 1 && ownerOf(lead[0] ?? '') !== null ? wordsIn(rest) : lead;
    return words.length > 0 ? words.join('-') : variableName(rest[0] ?? '');
  };
  // One stem may hold digests and plain keys, and keys of different TTLs: a suffix distinguishes them.
  const groups = [...groupBy(shapes, stemOf)].flatMap(([stem, members]) => {
    const byHash = [...groupBy(members, ({ path }) => isHashed([path]))];
    return byHash.flatMap(([hashed, alike]) =>
      groupByRule(alike, observation).map((ofOneRule) => {
        const paths = withoutCovered(ofOneRule.map(({ path }) => path));
        const [only, ...more] = ofOneRule;
        const own = only && more.length === 0 ? wordsIn(only.path.slice(shared)).join('-') : '';
        const name = own || stem;
        return {
          ...{ layout: null, paths, patterns: paths.map((path) => path.join('')) },
          name: hashed && byHash.length > 1 && name === stem ? `${stem}-hashed` : name,
          statistics: sumOfShapes(ofOneRule),
        };
      }),
    );
  });
  groups.sort((left, right) => right.statistics.keys - left.statistics.keys);
  const taken = new Set<string>();
  return [...claims.map((claim) => ({ ...claim, name: claim.layout.name, paths: [] })), ...groups]
    .map((each) => draftOf({ ...each, name: uniqueName(each.name, taken) }, observation))
    .sort((left, right) => right.statistics.keys - left.statistics.keys);
}

function draftOf(
  { name, layout, patterns, paths, statistics }: Judged & Pick<DraftNamespace, 'name' | 'patterns'>,
  { now, localTimeZone }: Observation,
): DraftNamespace {
  const { withoutTtl, ttlKnown } = statistics;
  // A queue and its locks are written with different TTLs.
  const isMixed = layout !== null && withoutTtl > 0 && withoutTtl < ttlKnown;
  return {
    ...{ name, layout, patterns, paths, statistics, encoding: null },
    ...judgeKind({ layout, paths, statistics }),
    ttl: isMixed ? undefined : observedRule(statistics, now, localTimeZone).rule,
    hashed: layout === null && isHashed(paths),
  };
}

/** Without the patterns that another one of them matches too: `session:<text>` takes what `session:<token>` takes. */
function withoutCovered(paths: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const isFreeForm = (path: readonly string[]) =>
    path.every((segment) => !/^<(hash|date|token|uuid|email|ip)>/.test(segment));
  const alike = groupBy(paths, (path) => path.map((segment) => segment.replace(/^<[a-z]+>/, '<>')).join(''));
  const covered = new Set<readonly string[]>();
  for (const members of alike.values()) {
    const cover = members.find(isFreeForm);
    if (cover !== undefined) for (const path of members) if (path !== cover) covered.add(path);
  }
  return paths.filter((path) => !covered.has(path));
}

function isHashed(paths: readonly (readonly string[])[]): boolean {
  return paths.every((path) => path.some((segment) => segment.startsWith('<hash>')) && !path.some(isNamed));
}

/** A variable by which a key can be found. */
function isNamed(segment: string): boolean {
  return /^<(id|uuid|email|token)>/.test(segment);
}

/** How many leading words all keys share: the application's own name, which says nothing inside its map. */
function sharedStart(shapes: readonly KeyShape[]): number {
  const [first] = shapes;
  if (first === undefined || shapes.length < 2) return 0;
  let length = 0;
  for (const segment of first.path) {
    const everywhere = shapes.every(({ path }) => path[length] === segment && path.length > length + 1);
    if (isVariable(segment) || !everywhere) break;
    length++;
  }
  return length;
}

function variableName(segment: string): string {
  const name = /^<([a-z]+)>/.exec(segment)?.[1] ?? 'other';
  return name === 'text' ? 'other' : name;
}

function trimmed(segment: string, delimiters: readonly string[]): string {
  const bare = delimiters.includes(segment.slice(-1)) ? segment.slice(0, -1) : segment;
  return bare
    .replace(/(<[a-z]+>|\*)/g, '')
    .replace(/([_.-])\1+/g, '$1')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
    .replace(/[^\w.-]+/g, '-');
}

const longestName = 48;

function uniqueName(wanted: string, taken: Set<string>): string {
  // A name of digits alone would move to the front of every object.
  const base = wanted.slice(0, longestName).replace(/^(\d*)$/, 'keys$1');
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
  taken.add(name);
  return name;
}
