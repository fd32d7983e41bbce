import type { Progress } from '../progress.ts';
import type { ByteString } from '../redis/bytes.ts';
import { RedisError } from '../redis/errors.ts';
import { infoNumber, readInfoIfPermitted } from '../redis/info.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import {
  emptyAccount,
  type WalkAccount,
  type WalkColumns,
  walkKeys,
  type WalkOptions,
} from '../redis/walk.ts';
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
  /** What ended the reading half-way; the rest tells how far it came. */
  readonly failure: RedisError | null;
}

const pageSize = 500;

/** Reads every key of every node once, and sums up by namespace. @throws RedisError where nothing could be read */
export async function analyzeKeyspace(server: RedisServer, options: AnalysisOptions): Promise<Analysis> {
  const { now, progress, signal, type } = options;
  const startedAt = now();
  const tree = new NamespaceTree({ map: options.map, depth: options.depth });
  const largest = new LargestKeys(options.top);
  const accounts: WalkAccount[] = [];
  const walkOptions = walkOptionsOf(options);
  const cpuBefore = await cpuSecondsOf(server);
  let failure: RedisError | null = null;
  const expected = await expectedKeys(server);
  progress.start('reading keys', 'keys', expected);
  let scanned = 0;
  const onScan = () => progress.update(Math.min((scanned += pageSize), expected ?? scanned));
  try {
    for (const node of server.nodes) {
      const account = emptyAccount();
      accounts.push(account);
      for await (const page of walkKeys(node, { ...walkOptions, onScan }, account)) {
        page.keys.forEach((key, index) => {
          const reading = {
            memoryBytes: page.memoryBytes[index] ?? null,
            type: type ?? page.types[index] ?? null,
            ttlMillis: page.ttlMillis[index] ?? null,
          };
          tree.add(key, reading);
          if (reading.memoryBytes !== null) largest.offer(key, reading.memoryBytes, reading.type);
        });
      }
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!(error instanceof RedisError) || tree.total.keys === 0) throw error;
    failure = error;
  }
  progress.stop();
  const cpuAfter = failure === null ? await cpuSecondsOf(server) : null;
  return {
    tree,
    largest: largest.list(),
    account: sumAccounts(accounts, server.nodes.length),
    durationSeconds: (now() - startedAt) / 1000,
    serverCpuSeconds: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
    failure,
  };
}

function walkOptionsOf({ map, pattern, namespace, type, columns, signal }: AnalysisOptions): WalkOptions {
  const matches = pattern && compilePattern(pattern, map.delimiters);
  const accepts = (key: ByteString) =>
    (matches === undefined || matches(key)) &&
    (namespace === undefined || (map.classify(key)?.name ?? unmappedName) === namespace);
  return {
    // What every key was asked for by its type has.
    columns: { ...columns, type: columns.type === true && type === undefined },
    signal,
    pageSize,
    ...((matches !== undefined || namespace !== undefined) && { accepts }),
    ...(pattern !== undefined && { match: globOf(pattern) }),
    ...(type !== undefined && { type }),
  };
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
