import type { Progress } from '../support/progress.ts';
import type { SeededRandom } from '../support/random.ts';
import type { WalkAccount, ColumnName } from '../redis/account.ts';
import type { WalkColumns } from '../redis/columns.ts';
import type { RedisError } from '../redis/errors.ts';
import type { NodeFacts } from '../redis/node-facts.ts';
import type { PaceLimits } from '../redis/pace.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { Figures } from './figures.ts';
import { type KeyFilter, keyFilter, type KeySelection } from './key-selection.ts';
import type { NamespaceMap } from './map.ts';
import type { MostElements } from './most-elements.ts';
import type { NamespaceTree, OnKey, TreeState } from './namespace-tree.ts';

/** Which keys are read, and how. */
export interface ReadingOptions extends PaceLimits {
  /**
   * True: every key, with all that is read of keys. False: a sample. Left out: every key of a small keyspace, with what costs lookups
   * of a part of them, and a sample of a large one.
   */
  readonly exact?: boolean;
  /** Every key of a keyspace of up to so many keys is read (default 250,000, and 0 with a `precision`). */
  readonly exactUpTo?: number;
  /** Relative half-width of the 95 % intervals of large namespaces at which a sample is enough (default 0.02). */
  readonly precision?: number;
  /** COUNT of each SCAN. */
  readonly pageSize?: number;
  readonly draw: SeededRandom;
  /** Continues from here instead of the start; implies every key. */
  readonly resume?: WalkState;
  /** Called with the state of a walk from time to time, and when it ends early; implies every key. */
  readonly onState?: (state: WalkState) => void;
}

export interface AnalysisOptions {
  readonly map: NamespaceMap;
  /** Levels of the namespace tree, see NamespaceTree. */
  readonly depth: number;
  /** `memory` is read of every key; what costs lookups too where `exact` is asked for, and else of chosen keys. */
  readonly columns: WalkColumns;
  /** What else is read of the keys of which not only `memory` is. */
  readonly details: WalkColumns;
  /** Only these keys. */
  readonly selection?: KeySelection;
  /** How many of the largest keys to keep. */
  readonly top: number;
  /** How many keys with the most elements to find of each type, in a walk of its own (default: none). */
  readonly mostElements?: number | undefined;
  readonly reading: ReadingOptions;
  /** See NamespaceTree. */
  readonly onKey?: OnKey;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => number;
}

/** Why the bytes of a sample were not held against what the server says that its keys take. */
export type UncheckedReason = 'filtered' | 'not-reported' | 'other-databases' | 'unreadable';

/** How the figures of an analysis came about. */
export interface Method {
  /** `partial`: every key was to be read, and the walk ended early. */
  readonly kind: 'exact' | 'sample' | 'partial';
  /** Keys in the database, whether wanted or not; null where DBSIZE is not permitted. */
  readonly population: number | null;
  /** The same when the reading ended; null where that is not known. */
  readonly populationAtEnd: number | null;
  /** Keys that were looked at, whether wanted or not; null where they were not counted. */
  readonly scannedKeys: number | null;
  /** False where the figures are of the keys that were read, and not of the whole. */
  readonly coversAll: boolean;
  /** Share of the keyspace that was looked at, from 0 to 1. */
  readonly coverage: number | null;
  /** Relative half-width of the widest interval of a large namespace, had the keyspace kept still; null: no sample. */
  readonly precision: { readonly target: number; readonly reached: number | null } | null;
  /** Keys of which types, TTLs and the like were read; null where of every key, or none. */
  readonly lookedUpKeys: number | null;
  /** Keys that SCAN gave again and that are counted once; null of a sample. */
  readonly repeatedKeys: number | null;
  /** Keys that may be counted more than once, at the most, with 97.5 % certainty; null of a sample. */
  readonly mostRecountedKeys: number | null;
  /**
   * Bytes that the server holds beyond those of all keys, where they are more than MEMORY USAGE is known to leave out; 0: it holds no
   * more; null: not every key was read, or what the server holds is not of these keys alone.
   */
  readonly uncountedBytes: number | null;
  /** Of a sample; null: it was checked, or there is nothing to check. */
  readonly unchecked?: UncheckedReason | null;
}

export interface Analysis {
  /** Its `largest` are of the keys that were read. */
  readonly tree: NamespaceTree;
  /** True where not all keys were wanted. */
  readonly narrowed: boolean;
  /** What was read of the keys, or refused: see the account. */
  readonly columns: ReadonlySet<ColumnName>;
  readonly figures: Figures;
  readonly method: Method;
  /** Sums over all nodes; `complete` only when every walk came to its end. */
  readonly account: WalkAccount;
  readonly durationSeconds: number;
  /** Keys of the whole database without TTL, as INFO has counted them at the end; null where not all keys were asked for. */
  readonly persistentKeys: number | null;
  /** Keys of the whole database with fields that have TTLs of their own, by INFO; null: not reported, or not all keys were asked for. */
  readonly keysWithFieldTtls: number | null;
  /** CPU that the servers used meanwhile, for us and for everybody else; null where INFO is not permitted. */
  readonly serverCpuSeconds: number | null;
  /** The first of each type, then the second of each; null: not asked for, or not read to the end. */
  readonly mostElements: readonly MostElements[] | null;
  /** What ended the reading early; the other fields show how far it got. */
  readonly failure: RedisError | null;
}

/** What a way of reading gives back. */
export type KeyspaceReading = Pick<Analysis, 'tree' | 'figures' | 'method' | 'account' | 'failure'>;

/** A node with what is known of it. */
export interface ReadNode {
  readonly node: RedisNode;
  readonly facts: NodeFacts;
}

export type ReadInput = AnalysisOptions & {
  readonly server: RedisServer;
  readonly nodes: readonly ReadNode[];
};

export function namesOf(columns: WalkColumns): ColumnName[] {
  return (Object.keys(columns) as ColumnName[]).filter((name) => columns[name] === true);
}

/** What every key was asked for by its type has. */
export function wantedColumns(options: AnalysisOptions): WalkColumns {
  const { columns } = options;
  return { ...columns, type: columns.type === true && filtersOf(options).type === undefined };
}

/** Where no precision was requested: see ReadingOptions. */
export const defaultPrecision = 0.02;

/** True where the sizes of keys are refused. */
export function refusesMemory({ refusedColumns }: WalkAccount): boolean {
  return refusedColumns.some(({ column }) => column === 'memory');
}

/** True where not all keys of the database are wanted. */
export function isNarrowed(options: AnalysisOptions): boolean {
  return Object.keys(filtersOf(options)).length > 0;
}

/** What is wanted of the keys, for the server to test and for us. */
export const filtersOf = ({ map, selection }: AnalysisOptions): KeyFilter =>
  selection === undefined ? {} : keyFilter(map, selection);

/** A walk half-way, as far as another process needs it to go on. */
export interface WalkState {
  /** By node: which process of the server it was, and what its walk had done. */
  readonly nodes: readonly { readonly runId: string | null; readonly account: WalkAccount }[];
  readonly collected: TreeState;
}
