import type { Progress } from '../progress.ts';
import { infoNumber, readInfoIfPermitted } from '../redis/info.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { emptyAccount, type WalkAccount, type WalkColumns, walkKeys } from '../redis/walk.ts';
import { type LargeKey, LargestKeys } from './largest-keys.ts';
import type { NamespaceMap } from './map.ts';
import { NamespaceTree, unmappedName } from './namespace-tree.ts';
import { compilePattern, globOf, type KeyPattern } from './pattern.ts';

export interface AnalysisOptions {
  readonly map: NamespaceMap;
  /** Levels of the namespace tree, see NamespaceTree. */
  readonly depth: number;
  readonly columns: WalkColumns;
  /** Only keys that match. */
  readonly pattern?: KeyPattern;
  /** Only keys of this namespace of the map, or `(unmapped)`. */
  readonly namespace?: string;
  /** Only keys of this Redis type; tested by the server. */
  readonly type?: string;
  /** How many of the largest keys to keep. */
  readonly top: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => number;
}

export interface Analysis {
  readonly tree: NamespaceTree;
  readonly largest: readonly LargeKey[];
  /** Sums over all nodes; `complete` only when every walk came to its end. */
  readonly account: WalkAccount;
  readonly durationSeconds: number;
  /** CPU that the servers used meanwhile, for us and for everybody else; null where INFO is not permitted. */
  readonly serverCpuSeconds: number | null;
}

/** Reads every key of every node once, and sums up by namespace. @throws RedisError */
export async function analyzeKeyspace(server: RedisServer, options: AnalysisOptions): Promise<Analysis> {
  const startedAt = options.now();
  const tree = new NamespaceTree({ map: options.map, depth: options.depth });
  const largest = new LargestKeys(options.top);
  const accounts: WalkAccount[] = [];
  const accepts = acceptorOf(options);
  const cpuBefore = await cpuSecondsOf(server);
  options.progress.start('reading keys', 'keys', await expectedKeys(server));
  let seen = 0;
  for (const node of server.nodes) {
    const account = emptyAccount();
    accounts.push(account);
    for await (const page of walkKeys(node, walkOptionsOf(options), account)) {
      page.keys.forEach((key, index) => {
        if (!accepts(key)) return;
        const memoryBytes = page.memoryBytes[index] ?? null;
        const type = page.types[index] ?? null;
        tree.add(key, { memoryBytes, type, ttlMillis: page.ttlMillis[index] ?? null });
        if (memoryBytes !== null) largest.offer(key, memoryBytes, type);
      });
      seen += page.keys.length;
      options.progress.update(seen);
    }
    if (options.signal.aborted) break;
  }
  options.progress.stop();
  const cpuAfter = await cpuSecondsOf(server);
  return {
    tree,
    largest: largest.list(),
    account: sumAccounts(accounts, server.nodes.length),
    durationSeconds: (options.now() - startedAt) / 1000,
    serverCpuSeconds: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
  };
}

function walkOptionsOf({ pattern, type, columns, signal }: AnalysisOptions): Parameters<typeof walkKeys>[1] {
  return {
    columns,
    signal,
    ...(pattern !== undefined && { match: globOf(pattern) }),
    ...(type !== undefined && { type }),
  };
}

function acceptorOf({
  map,
  pattern,
  namespace,
}: AnalysisOptions): (key: Parameters<NamespaceTree['add']>[0]) => boolean {
  const matches = pattern === undefined ? null : compilePattern(pattern, map.delimiters);
  if (namespace === undefined) return matches ?? (() => true);
  return (key) =>
    (map.classify(key)?.name ?? unmappedName) === namespace && (matches === null || matches(key));
}

/** Keys in the database, as the length of the walk; null where DBSIZE is not permitted. */
async function expectedKeys(server: RedisServer): Promise<number | null> {
  let sum = 0;
  for (const node of server.nodes) {
    const [size] = await node.batch([['DBSIZE']]);
    if (typeof size !== 'number') return null;
    sum += size;
  }
  return sum;
}

async function cpuSecondsOf(server: RedisServer): Promise<number | null> {
  let sum = 0;
  for (const node of server.nodes) {
    const seconds = await nodeCpuSeconds(node);
    if (seconds === null) return null;
    sum += seconds;
  }
  return sum;
}

async function nodeCpuSeconds(node: RedisNode): Promise<number | null> {
  const info = await readInfoIfPermitted(node);
  const user = info && infoNumber(info, 'used_cpu_user');
  const system = info && infoNumber(info, 'used_cpu_sys');
  return user === null || system === null ? null : user + system;
}

function sumAccounts(accounts: readonly WalkAccount[], nodes: number): WalkAccount {
  const sum = emptyAccount();
  sum.complete = accounts.length === nodes && accounts.every(({ complete }) => complete);
  for (const account of accounts) {
    sum.commands += account.commands;
    sum.bytesReceived += account.bytesReceived;
    sum.ownHits += account.ownHits;
    sum.ownMisses += account.ownMisses;
    sum.unreadableKeys += account.unreadableKeys;
    for (const refused of account.refusedColumns) {
      if (!sum.refusedColumns.some(({ column }) => column === refused.column))
        sum.refusedColumns.push(refused);
    }
  }
  return sum;
}
