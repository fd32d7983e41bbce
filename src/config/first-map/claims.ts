import { inferSegments } from '../../keyspace/infer.ts';
import { KeyStatistics } from '../../keyspace/key-statistics.ts';
import { quotePattern } from '../../keyspace/pattern.ts';
import type { ByteString } from '../../support/bytes.ts';
import { type Layout, layouts } from './kind.ts';
import type { ObservedKey } from './shapes.ts';

/** Keys that a known library wrote. */
export interface Claim {
  readonly layout: Layout;
  readonly statistics: KeyStatistics;
  readonly patterns: readonly string[];
}

/** More queues than this behind one prefix become one placeholder. */
const mostPlaces = 20;

interface Find {
  readonly prefix: string;
  readonly sign: string;
}

/** Tells the keys of known libraries from all others, by the names that stand behind one prefix. */
export function claimKeys(keys: readonly ObservedKey[]): { claims: Claim[]; rest: ObservedKey[] } {
  const places = placesOf(keys);
  const claims = new Map<string, { layout: Layout; statistics: KeyStatistics; patterns: Set<string> }>();
  const rest: ObservedKey[] = [];
  for (const observed of keys) {
    const owner = ownerOf(observed.key, places);
    if (owner === null) {
      rest.push(observed);
      continue;
    }
    const { layout, pattern } = owner;
    const claim = claims.get(layout.name) ?? { layout, statistics: new KeyStatistics(), patterns: new Set() };
    claims.set(layout.name, claim);
    claim.statistics.add(observed);
    claim.patterns.add(pattern);
  }
  return {
    claims: [...claims.values()].map((claim) => ({ ...claim, patterns: joined(claim.patterns) })),
    rest,
  };
}

/** Who writes behind which prefix, the one with the most signs first. */
function placesOf(keys: readonly ObservedKey[]): ReadonlyMap<string, readonly Layout[]> {
  const places = new Map<string, { layout: Layout; signs: number }[]>();
  for (const layout of layouts) {
    const found = new Map<string, Set<string>>();
    for (const { key } of keys) {
      const find = findSign(layout, key);
      if (find === null) continue;
      const signs = found.get(find.prefix);
      if (signs) signs.add(find.sign);
      else found.set(find.prefix, new Set([find.sign]));
    }
    for (const [prefix, signs] of found) {
      const isDecided = layout.decisive?.some((sign) => signs.has(sign)) ?? true;
      if (isDecided && signs.size >= layout.least)
        places.set(prefix, [...(places.get(prefix) ?? []), { layout, signs: signs.size }]);
    }
  }
  return new Map(
    [...places].map(([prefix, found]) => [
      prefix,
      found.sort((left, right) => right.signs - left.signs).map(({ layout }) => layout),
    ]),
  );
}

function ownerOf(
  key: ByteString,
  places: ReadonlyMap<string, readonly Layout[]>,
): { layout: Layout; pattern: string } | null {
  if (places.size === 0) return null;
  for (let end = 0; end >= 0; end = nextJoint(key, end)) {
    const prefix = key.slice(0, end);
    for (const layout of places.get(prefix) ?? []) {
      if (layout.takes === 'prefix' && prefix !== '') return { layout, pattern: `${prefixPattern(prefix)}*` };
      const find = findSign(layout, key);
      if (find?.prefix === prefix)
        return {
          layout,
          pattern: prefixPattern(prefix, find.sign) + find.sign.replace(/[^*]+/, quotePattern),
        };
    }
  }
  return null;
}

function nextJoint(key: string, from: number): number {
  for (let at = from; at < key.length; at++) if (':_.-'.includes(key.charAt(at))) return at + 1;
  return -1;
}

const expressions = new Map<Layout, RegExp>();

/** Where the key has one of the layout's names, and which. */
function findSign(layout: Layout, key: ByteString): Find | null {
  let expression = expressions.get(layout);
  if (expression === undefined) {
    const signs = layout.signs.map(
      (sign) => `(${sign.replace(/[^*\w]/g, '\\$&').replace(/\*$|$/, (end) => (end === '*' ? '' : '$'))})`,
    );
    expression = new RegExp(`(?:^|[${layout.joints}])(?:${signs.join('|')})`);
    expressions.set(layout, expression);
  }
  const match = expression.exec(key);
  if (match === null) return null;
  const groups: (string | undefined)[] = match.slice(1);
  const at = groups.findIndex((group) => group !== undefined);
  const sign = layout.signs[at] ?? '';
  return { prefix: key.slice(0, match.index + match[0].length - (groups[at] ?? '').length), sign };
}

/** Ids in a prefix, and what no one could read, stay out of the map. @param sign the name behind it, which may tell a version from an id */
function prefixPattern(prefix: string, sign = ''): string {
  const end = prefix.lastIndexOf(':') + 1;
  const tail = prefix.slice(end);
  const segments = inferSegments((prefix.slice(0, end) + sign) as ByteString, [':']);
  const inferred = segments.slice(0, prefix.split(':').length - 1).join('');
  return inferred + (/^[\w.-]*$/.test(tail) ? tail : '*');
}

/** Where there are many queues their names become a placeholder: `bull:<queue>:*`. */
function joined(patterns: ReadonlySet<string>): string[] {
  const parentOf = (pattern: string) => /^(.*:|)[^:]+:\*$/.exec(pattern)?.[1];
  const counts = new Map<string, number>();
  for (const pattern of patterns) {
    const parent = parentOf(pattern);
    if (parent !== undefined) counts.set(parent, (counts.get(parent) ?? 0) + 1);
  }
  const short = [...patterns].map((pattern) => {
    const parent = parentOf(pattern);
    return parent !== undefined && (counts.get(parent) ?? 0) > mostPlaces ? `${parent}<queue>:*` : pattern;
  });
  return [...new Set(short)].sort();
}
