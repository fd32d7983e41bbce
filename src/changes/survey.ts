import type { NamespaceMap } from '../keyspace/map.ts';
import { PatternIndex } from '../keyspace/pattern-index.ts';
import { otherName, SegmentTree } from '../keyspace/segment-tree.ts';
import type { Leaf } from '../keyspace/tree-node.ts';
import type { Progress } from '../support/progress.ts';
import type { RedisServer } from '../redis/server.ts';
import { sumAccounts, type WalkAccount } from '../redis/account.ts';
import { walkNodes } from '../redis/walk-nodes.ts';

/** Something that can be invalidated, with the keys it has. */
export interface Candidate {
  readonly kind: 'entity' | 'namespace';
  readonly name: string;
  readonly keys: number;
  readonly memoryBytes: number;
}

interface Survey {
  /** Entities of the map first, then its cache namespaces or the inferred ones; each kind largest first. */
  readonly candidates: readonly Candidate[];
  /** False where the keyspace is larger than what was read, and the numbers are of a part of it. */
  readonly exact: boolean;
}

class Size implements Leaf<Size> {
  keys = 0;
  memoryBytes = 0;

  add(memoryBytes: number | null): void {
    this.keys++;
    this.memoryBytes += memoryBytes ?? 0;
  }

  merge({ keys, memoryBytes }: Size): void {
    this.keys += keys;
    this.memoryBytes += memoryBytes;
  }
}

/** Keys read at most: enough to tell large from small, and done in a second. */
const mostKeysRead = 200_000;

/** Counts what there is to invalidate, for a choice. @throws RedisError */
export async function surveyCandidates(
  server: RedisServer,
  map: NamespaceMap,
  options: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<Survey> {
  const entities = new Map(
    map.entities.filter(({ patterns }) => patterns.length > 0).map(({ name }) => [name, new Size()]),
  );
  const entitiesOf = new PatternIndex(
    map.entities.flatMap(({ name, patterns }) => patterns.map((pattern) => ({ pattern, value: name }))),
    map.delimiters,
  );
  const depth = map.isEmpty ? Number.POSITIVE_INFINITY : 1;
  const tree = new SegmentTree({ map, depth, newLeaf: () => new Size() });
  let read = 0;
  options.progress.start('looking for what can be invalidated', 'keys', null);
  const accounts: WalkAccount[] = [];
  const walk = { columns: { memory: true }, signal: options.signal };
  for await (const page of walkNodes(server, () => walk, accounts)) {
    page.keys.forEach((key, index) => {
      const memoryBytes = page.memoryBytes[index] ?? null;
      for (const name of entitiesOf.findAll(key)) entities.get(name)?.add(memoryBytes);
      const namespace = map.classify(key);
      if (map.isEmpty || namespace?.kind === 'cache') tree.leafOf(key, namespace).add(memoryBytes);
    });
    read += page.keys.length;
    options.progress.update(read);
    if (read >= mostKeysRead) break;
  }
  options.progress.stop();
  const largestFirst = (candidates: readonly Candidate[]) =>
    [...candidates].sort((left, right) => right.memoryBytes - left.memoryBytes || right.keys - left.keys);
  const named = tree.rows().filter(({ namespace }) => namespace !== otherName);
  return {
    candidates: [
      ...largestFirst(
        [...entities].map(([name, { keys, memoryBytes }]) => ({ kind: 'entity', name, keys, memoryBytes })),
      ),
      ...largestFirst(
        named.map(({ namespace, leaf: { keys, memoryBytes } }) => ({
          kind: 'namespace',
          name: namespace,
          keys,
          memoryBytes,
        })),
      ),
    ],
    exact: sumAccounts(accounts, server.nodes.length).complete,
  };
}
