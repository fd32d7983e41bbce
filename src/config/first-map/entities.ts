import type { EntityConfig } from '../schema.ts';
import { type DraftNamespace, isOwner } from './namespaces.ts';

export interface DraftEntity {
  readonly name: string;
  readonly config: EntityConfig;
}

/**
 * What keys are kept of, by id: the words that stand right before one (`user:<id>`). A word in the middle of a key is
 * taken only where it names an owner, for `offset:<id>` is no entity. State is left out: nothing would be removed.
 */
export function draftEntities(
  namespaces: readonly DraftNamespace[],
  delimiters: readonly string[],
): DraftEntity[] {
  const patterns = new Map<string, Set<string>>();
  for (const { kind, paths } of namespaces) {
    if (kind === 'state') continue;
    for (const path of paths) {
      path.forEach((segment, at) => {
        const word = /^<(id|uuid|email)>/.test(segment)
          ? entityWord(path[at - 1], at, delimiters)
          : ownerWithin(segment);
        if (word === null) return;
        patterns.set(word, (patterns.get(word) ?? new Set()).add(entityPattern(path, at)));
      });
    }
  }
  const largestFirst = [...patterns].sort(([, left], [, right]) => right.size - left.size);
  return largestFirst.map(([name, found]) => {
    const hashedIn = namespaces
      .filter(({ hashed, paths }) => hashed && paths.flat().some((segment) => mentions(segment, name)))
      .map((namespace) => namespace.name);
    return { name, config: { patterns: [...found], ...(hashedIn.length > 0 && { hashedIn }) } };
  });
}

/** `user` of `user:` and of `user_profile:`; `scenario` of a leading `scenario:`; null for all that is no such word. */
function entityWord(before: string | undefined, at: number, delimiters: readonly string[]): string | null {
  if (before === undefined || !delimiters.includes(before.slice(-1))) return null;
  const word = before.slice(0, -1);
  const owner = /^[a-z]+(?=[_-])/.exec(word)?.[0];
  if (owner !== undefined && isOwner(owner)) return owner;
  if (isOwner(word)) return word;
  // A plural names a collection, not one of its members.
  return at === 1 && /^[a-z]{3,}$/.test(word) && !word.endsWith('s') ? word : null;
}

/** `user` of `user-<int>` and of `app_user<int>`; null for all that is no owner with its number. */
function ownerWithin(segment: string): string | null {
  const word = /^(?:[^<]*[_.-])?([a-z]+)[_.-]?<int>/.exec(segment)?.[1];
  return word !== undefined && isOwner(word) ? word : null;
}

/** The one placeholder is `<id>`; another id of the same key must not take its value. */
function entityPattern(path: readonly string[], at: number): string {
  return path
    .map((segment, index) => {
      if (index === at) return segment.replace(/<[a-z]+>/, '<id>');
      return segment.replace(/^<id>/, '<other>');
    })
    .join('');
}

function mentions(segment: string, word: string): boolean {
  return !segment.startsWith('<') && segment.split(/[^A-Za-z0-9]+/).includes(word);
}
