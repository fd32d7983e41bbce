import { InputError } from '../../failure.ts';
import type { Target } from '../../invalidation/selection.ts';

/** What the command line names, in any of its ways. */
export interface Ways {
  readonly entity: string | undefined;
  readonly ids: readonly string[];
  readonly pattern: string | undefined;
  readonly namespace: string | undefined;
  readonly all: boolean;
}

/** The target, or null where nothing is named. @throws InputError where more than one way is used */
export function targetOf({ entity, ids, pattern, namespace, all }: Ways): Target | null {
  const ways = [
    ...(entity === undefined ? [] : [`\`${entity}\``]),
    ...(pattern === undefined ? [] : ['--pattern']),
    ...(namespace === undefined ? [] : ['--namespace']),
  ];
  if (ways.length > 1) {
    throw new InputError(
      `${ways.join(' and ')} are different ways to say what goes`,
      'name an entity with its ids, or --pattern, or --namespace',
    );
  }
  if (all && pattern === undefined) {
    throw new InputError(
      '--all names no keys: it allows a pattern that matches everything',
      "write --pattern '*' --all",
    );
  }
  if (pattern !== undefined) return { kind: 'pattern', text: pattern, all };
  if (namespace !== undefined) return { kind: 'namespace', name: namespace };
  return entity === undefined ? null : { kind: 'entity', name: entity, ids };
}
