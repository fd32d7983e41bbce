import { inferNames } from '../changes/inferred-names.ts';
import { namesTest } from '../keyspace/key-selection.ts';
import { type NamespaceMap, unmappedName } from '../keyspace/map.ts';
import { compilePattern, givenPattern } from '../keyspace/pattern.ts';
import { sourcesOf } from '../keyspace/read-sample.ts';
import { emptyAccount, type WalkAccount } from '../redis/account.ts';
import { askColumns, receiveColumns } from '../redis/columns.ts';
import { readNodeFacts } from '../redis/node-facts.ts';
import { samplePages } from '../redis/sample.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { walkNodes } from '../redis/walk-nodes.ts';
import type { ByteString } from '../support/bytes.ts';
import { groupBy } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';
import { SeededRandom } from '../support/random.ts';
import { seed } from './keys.ts';
import type { Likeness } from './options.ts';

/** A key of an application, as it was when it was found. */
export interface FoundKey {
  readonly key: ByteString;
  readonly type: string;
  /** Null where the user may not call MEMORY USAGE. */
  readonly memoryBytes: number | null;
  /** -1: it has none. Null where it was not read, or may not be. */
  readonly ttlMillis: number | null;
}

export interface FoundKeys {
  /** In the order of the namespaces that were wanted. */
  readonly namespaces: readonly (readonly FoundKey[])[];
  /** Keys whose names were looked at. */
  readonly scannedKeys: number;
}

interface FindTools {
  readonly map: NamespaceMap;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** So many keys show those of every namespace that has a thousandth of them, in well under a second. */
const mostScanned = 100_000;
const batchKeys = 1000;

/**
 * Finds keys of namespaces by a sample of all keys: their names by SCAN, and of those that are wanted type and size, and for a shape
 * the TTL. @param most Of all namespaces together. @throws RedisError, InputError for a name that is no pattern
 */
export async function findKeys(
  server: RedisServer,
  { namespaces, isShape }: Likeness,
  most: number,
  { map, signal, progress }: FindTools,
): Promise<FoundKeys> {
  progress.start('looking for keys', 'keys', null);
  const names: ByteString[] = [];
  const account = emptyAccount();
  try {
    for await (const keys of namesOf(server, account, signal)) {
      names.push(...keys);
      progress.update(names.length);
      if (names.length >= mostScanned || signal.aborted) break;
    }
    const inferred = map.isEmpty ? inferNames(names, map) : null;
    const each = Math.max(1, Math.floor(most / namespaces.length));
    const found: FoundKey[][] = [];
    for (const { name } of namespaces) {
      const test = testOf(name, map, inferred);
      const wanted = [...new Set(names.filter(test))].slice(0, each);
      found.push(await readKeys(server, wanted, isShape, account, signal));
    }
    return { namespaces: found, scannedKeys: names.length };
  } finally {
    progress.stop();
  }
}

/** Random names where the server reports what a sample needs, else names in the order of SCAN. */
async function* namesOf(
  server: RedisServer,
  account: WalkAccount,
  signal: AbortSignal,
): AsyncGenerator<readonly ByteString[]> {
  const nodes = await Promise.all(
    server.nodes.map(async (node) => ({ node, facts: await readNodeFacts(node) })),
  );
  const sources = nodes.every(({ facts }) => facts.keys !== null) ? await sourcesOf(nodes) : null;
  const draw = new SeededRandom(seed, 'find');
  const pages =
    sources === null
      ? walkNodes(server, () => ({ columns: {}, signal }), [])
      : samplePages(server, sources, { columns: () => ({}), limits: {}, signal, draw }, account);
  for await (const { keys } of pages) yield keys;
}

/** Whether a key is in a namespace of the map, in one that `inspect` infers, or matches a pattern. */
function testOf(
  name: string,
  map: NamespaceMap,
  inferred: ReturnType<typeof inferNames> | null,
): (key: ByteString) => boolean {
  if (inferred?.has(name) === true) return (key) => inferred.of(key) === name;
  const isMapped =
    inferred === null && (name === unmappedName || map.namespaces.some((each) => each.name === name));
  const test = isMapped ? namesTest(map, { patterns: [], namespaces: [name] }) : null;
  return test ?? compilePattern(givenPattern(name), map.delimiters);
}

/** What is gone by then, moved, or not permitted is left out. */
async function readKeys(
  server: RedisServer,
  keys: readonly ByteString[],
  isShape: boolean,
  account: WalkAccount,
  signal: AbortSignal,
): Promise<FoundKey[]> {
  const found: FoundKey[] = [];
  for (const [node, own] of groupBy(keys, (key): RedisNode => server.nodeFor(key))) {
    const connection = await node.openConnection();
    try {
      for (let start = 0; start < own.length && !signal.aborted; start += batchKeys) {
        const batch = own.slice(start, start + batchKeys);
        const columns = { memory: true, type: true, ttl: isShape };
        const read = await receiveColumns(askColumns(connection, batch, columns, account), account, {
          signal,
        });
        batch.forEach((key, index) => {
          const type = read.types[index] ?? null;
          if (type === null) return;
          const [memoryBytes, ttlMillis] = [read.memoryBytes[index] ?? null, read.ttlMillis[index] ?? null];
          found.push({ key, type, memoryBytes, ttlMillis });
        });
      }
    } finally {
      connection.close();
    }
  }
  return found;
}
