import { inferPattern } from '../keyspace/infer.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import {
  compilePattern,
  escapeGlob,
  givenPattern,
  matchesEverything,
  prefixOf,
} from '../keyspace/pattern.ts';
import { SegmentTree } from '../keyspace/segment-tree.ts';
import type { Leaf } from '../keyspace/tree-node.ts';
import type { PaceLimits } from '../redis/pace.ts';
import type { RedisServer } from '../redis/server.ts';
import { walkNodes } from '../redis/walk-nodes.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { InputError } from '../support/failure.ts';
import type { Progress } from '../support/progress.ts';

/** The namespaces of keys without a map, by the names that `inspect` gives them. */
export interface InferredNames {
  readonly of: (key: ByteString) => string | null;
  readonly has: (name: string) => boolean;
}

/** As far as a key alone shows; enough to check what was asked for before a server is. */
export const namesByKeyAlone = (map: NamespaceMap): InferredNames => ({
  of: (key) => inferPattern(key, map.delimiters),
  has: () => false,
});

/** Tests whether keys are in the namespace of this name; one that ends in `*` may cover several. @throws InputError */
export function inferredNamespace(
  name: string,
  map: NamespaceMap,
  names: InferredNames,
): (key: ByteString) => boolean {
  const pattern = givenPattern(name);
  if (matchesEverything(pattern, map.delimiters)) {
    throw new InputError(
      `namespace \`${name}\` has no name of its own`,
      "`cachectl inspect` lists the namespaces; for every key use --pattern '*' --all",
    );
  }
  return name.includes('*') && !names.has(name)
    ? compilePattern(pattern, map.delimiters)
    : (key) => names.of(key) === name;
}

class KeyCount implements Leaf<KeyCount> {
  keys = 0;

  merge(other: KeyCount): void {
    this.keys += other.keys;
  }
}

interface LearnOptions {
  readonly limits?: PaceLimits;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/**
 * Reads the names of keys to learn what these namespaces are: which words vary, only other keys show. A walk of its own, for a key
 * that is removed must be in the namespace, and not only look like it. @throws RedisError
 */
export async function learnNames(
  server: RedisServer,
  map: NamespaceMap,
  wanted: readonly string[],
  { limits, signal, progress }: LearnOptions,
): Promise<InferredNames> {
  if (!wanted.some((name) => name.includes('<'))) return namesByKeyAlone(map);
  const tree = treeFor(map);
  const match = globOfSiblings(wanted, map);
  const walk = { columns: {}, signal, ...(limits && { limits }), ...(match !== null && { match }) };
  progress.start('learning the namespaces', 'keys', null);
  let read = 0;
  for await (const { keys } of walkNodes(server, () => walk, [])) {
    for (const key of keys) tree.leafOf(key, null).keys++;
    progress.update((read += keys.length));
  }
  progress.stop();
  return namesOf(tree);
}

/** The same of keys that were read already. */
export function inferNames(keys: readonly ByteString[], map: NamespaceMap): InferredNames {
  const tree = treeFor(map);
  for (const key of keys) tree.leafOf(key, null).keys++;
  return namesOf(tree);
}

const treeFor = (map: NamespaceMap) =>
  new SegmentTree({ map, depth: Number.POSITIVE_INFINITY, newLeaf: () => new KeyCount() });

function namesOf(tree: SegmentTree<KeyCount>): InferredNames {
  const rows = new Set(tree.rows().map(({ namespace }) => namespace));
  return { of: (key) => tree.nameOf(key)?.namespace ?? null, has: (name) => rows.has(name) };
}

/** Lets through all keys that have a say in the names: those with the same constant segments before the first variable one. */
function globOfSiblings(names: readonly string[], { delimiters }: NamespaceMap): ByteString | null {
  const [first = '', ...others] = names.map((name) => prefixOf(givenPattern(name)));
  let common: string = first;
  while (!others.every((prefix) => prefix.startsWith(common))) common = common.slice(0, -1);
  while (common !== '' && !delimiters.includes(common.slice(-1))) common = common.slice(0, -1);
  return common === '' ? null : asBytes(`${escapeGlob(asBytes(common))}*`);
}
