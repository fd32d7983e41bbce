import { InputError } from '../../support/failure.ts';
import type { Target } from '../../changes/selection.ts';

/** What the command line names, in any of its ways. */
export interface Ways {
  readonly entity: string | undefined;
  readonly ids: readonly string[];
  readonly patterns: readonly string[];
  readonly namespaces: readonly string[];
  readonly all: boolean;
}

/** The target, or null where nothing is named. @throws InputError where more than one way is used */
export function targetOf({ entity, ids, patterns, namespaces, all }: Ways): Target | null {
  const ways = [
    ...(entity === undefined ? [] : [`\`${entity}\``]),
    ...(patterns.length === 0 ? [] : ['--pattern']),
    ...(namespaces.length === 0 ? [] : ['--namespace']),
  ];
  if (ways.length > 1) {
    throw new InputError(
      `${ways.join(' and ')} are different ways to say what goes`,
      'name an entity with its ids, or --pattern, or --namespace',
    );
  }
  if (all && patterns.length === 0) {
    throw new InputError(
      '--all names no keys: it allows a pattern that matches everything',
      "write --pattern '*' --all",
    );
  }
  if (patterns.length > 0) return { kind: 'pattern', texts: patterns, all };
  if (namespaces.length > 0) return { kind: 'namespace', names: namespaces };
  return entity === undefined ? null : { kind: 'entity', name: entity, ids };
}
