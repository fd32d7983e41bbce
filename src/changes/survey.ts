import { inferPattern } from '../keyspace/infer.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { PatternIndex } from '../keyspace/pattern-index.ts';
import type { Progress } from '../support/progress.ts';
import type { ByteString } from '../support/bytes.ts';
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

/** Keys read at most: enough to tell large from small, and done in a second. */
const mostKeysRead = 200_000;

/** Counts what there is to invalidate, for a choice. @throws RedisError */
export async function surveyCandidates(
  server: RedisServer,
  map: NamespaceMap,
  options: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<Survey> {
  const candidates = new Map<string, { -readonly [Field in keyof Candidate]: Candidate[Field] }>();
  const rowOf = (kind: Candidate['kind'], name: string) => {
    const id = `${kind} ${name}`;
    const row = candidates.get(id) ?? { kind, name, keys: 0, memoryBytes: 0 };
    candidates.set(id, row);
    return row;
  };
  for (const { name, patterns } of map.entities) if (patterns.length > 0) rowOf('entity', name);
  const entities = new PatternIndex(
    map.entities.flatMap(({ name, patterns }) => patterns.map((pattern) => ({ pattern, value: name }))),
    map.delimiters,
  );
  const namespaceOf = (key: ByteString): string | null => {
    if (map.isEmpty) return inferPattern(key, map.delimiters);
    const namespace = map.classify(key);
    return namespace?.kind === 'cache' ? namespace.name : null;
  };
  let read = 0;
  options.progress.start('looking for what can be invalidated', 'keys', null);
  const accounts: WalkAccount[] = [];
  const walk = { columns: { memory: true }, signal: options.signal };
  for await (const page of walkNodes(server, () => walk, accounts)) {
    page.keys.forEach((key, index) => {
      const namespace = namespaceOf(key);
      const rows = [...entities.findAll(key)].map((name) => rowOf('entity', name));
      if (namespace !== null) rows.push(rowOf('namespace', namespace));
      for (const row of rows) {
        row.keys++;
        row.memoryBytes += page.memoryBytes[index] ?? 0;
      }
    });
    read += page.keys.length;
    options.progress.update(read);
    if (read >= mostKeysRead) break;
  }
  options.progress.stop();
  return {
    candidates: [...candidates.values()].sort(
      (left, right) =>
        left.kind.localeCompare(right.kind) || right.memoryBytes - left.memoryBytes || right.keys - left.keys,
    ),
    exact: sumAccounts(accounts, server.nodes.length).complete,
  };
}
