import type { MentionTally, Mentions } from './mentions.ts';
import { type Plan, type PlanRow, PlanTally } from './plan-tally.ts';
import { type KeyWalk, requireCache, requireNamespace, type Selection } from './selection.ts';
import { inferredNamespace, namesByKeyAlone } from './inferred-names.ts';
import { type KeyNames, namesTest } from '../keyspace/key-selection.ts';
import { type NamespaceMap, unmappedName } from '../keyspace/map.ts';
import { escapeGlob } from '../keyspace/pattern.ts';
import { emptyAccount, noteRefusal, sumAccounts, type WalkAccount } from '../redis/account.ts';
import { isAboutOneKey, isRedirection, RedisError } from '../redis/errors.ts';
import { keepFitting, type KeyConditions } from '../redis/key-conditions.ts';
import { noColumns } from '../redis/columns.ts';
import { countKeys } from '../redis/info.ts';
import type { PaceLimits } from '../redis/pace.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { walkNodes } from '../redis/walk-nodes.ts';
import { whenReady } from '../redis/readiness.ts';
import type { ByteString } from '../support/bytes.ts';
import { given } from '../support/collections.ts';
import { InputError } from '../support/failure.ts';
import type { Progress } from '../support/progress.ts';

/** What an invalidation will remove. */
export interface InvalidationPlan extends Plan {
  readonly keys: readonly ByteString[];
  /** Largest first. */
  readonly namespaces: readonly PlannedNamespace[];
  /** Keys that were selected and stay. */
  readonly excluded: readonly ExcludedNamespace[];
  /** Of an entity: keys selected by id, those that stay included. */
  readonly keysById: ReadonlyMap<string, number>;
  /** Some of the keys, from every namespace. */
  readonly sample: readonly ByteString[];
  /** Keys that only contain an id; null where the keyspace was not looked through for them. */
  readonly mentions: Mentions | null;
}

export interface PlannedNamespace {
  readonly namespace: string;
  readonly keys: number;
  readonly memoryBytes: number | null;
}

export interface ExcludedNamespace {
  readonly namespace: string;
  readonly keys: number;
  readonly reason: 'state' | 'option';
}

/** How much of the cache is rebuilt after the removal. */
export type RiskLevel = 'low' | 'medium' | 'high';

/**
 * The load that comes back: every removed key is a miss at its next read. From a quarter of the keyspace, or 100,000
 * keys, the source behind the cache feels it at once; from a twentieth, or 1,000 keys, it may.
 */
export function riskOf(keys: number, keyspaceKeys: number | null): RiskLevel {
  const share = keyspaceKeys === null || keyspaceKeys < smallKeyspace ? 0 : keys / keyspaceKeys;
  if (share >= 0.25 || keys >= 100_000) return 'high';
  if (share >= 0.05 || keys >= 1000) return 'medium';
  return 'low';
}

/** Of a few hundred keys any share is rebuilt in a moment. */
const smallKeyspace = 1000;

/** Where a key belongs, and why it stays although it was selected: it is state, or `--only` or `--exclude` says so. */
export interface ScopeVerdict {
  /** Null: without a map, what the keys of the plan show together. */
  readonly namespace: string | null;
  readonly stays: 'state' | 'option' | null;
}

/** Which of the selected keys may go. */
export type Scope = (key: ByteString) => ScopeVerdict;

/**
 * @param only Namespaces to which the removal is limited; empty: all.
 * @param exclude Namespaces and patterns that are left alone.
 * @param inferred what the namespaces are where there is no map
 * @throws InputError where the map has no such namespace, or where a state namespace is asked for.
 */
export function scopeOf(
  map: NamespaceMap,
  only: readonly string[],
  exclude: KeyNames = { namespaces: [], patterns: [] },
  inferred = namesByKeyAlone(map),
): Scope {
  if (map.isEmpty) {
    const testsOf = (names: readonly string[]) => names.map((name) => inferredNamespace(name, map, inferred));
    const [admits, excludes] = [testsOf(only), testsOf(exclude.namespaces)];
    const { patterns } = exclude;
    const matches = namesTest(map, { patterns, namespaces: [] });
    if (matches !== null) excludes.push(matches);
    const isIn = (key: ByteString, tests: typeof admits) => tests.some((test) => test(key));
    return (key) => {
      const stays = (only.length > 0 && !isIn(key, admits)) || isIn(key, excludes);
      return { namespace: null, stays: stays ? 'option' : null };
    };
  }
  for (const name of only) if (name !== unmappedName) requireCache(name, map);
  for (const name of exclude.namespaces) if (name !== unmappedName) requireNamespace(name, map);
  const isExcluded = namesTest(map, exclude) ?? (() => false);
  const admitted = (name: string, key: ByteString) =>
    (only.length === 0 || only.includes(name)) && !isExcluded(key);
  return (key) => {
    const namespace = map.classify(key);
    const name = namespace?.name ?? unmappedName;
    return {
      namespace: name,
      stays: namespace?.kind === 'state' ? 'state' : admitted(name, key) ? null : 'option',
    };
  };
}

/** A JavaScript Set ends at 2^24 entries, and so does a plan. */
const mostKeys = 16_000_000;

/** Inferred namespaces are as many as there are different words in the keys. */
const mostNamespaces = 500;

/** So many are walked over in a tenth of a second. */
const mostKeysForMentions = 100_000;

interface PlanOptions {
  readonly map: NamespaceMap;
  readonly scope: Scope;
  /** How fast the keyspace is walked. */
  readonly limits?: PaceLimits;
  /** True where keys that are not there belong to the plan too. */
  readonly absent?: boolean;
  /** Of the selected keys only those with such a name. */
  readonly namedSo?: (key: ByteString) => boolean;
  /** Of the selected keys only those like this; of keys that are known in full the others stay, and are listed. */
  readonly conditions?: KeyConditions;
  /** Takes the keys that a walk meets and that are not selected. */
  readonly mentions?: MentionTally;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => number;
}

/**
 * Finds the keys of a selection, and changes nothing. Keys that are known in full are looked up directly; one walk over
 * each node finds the rest. Neither leaves a trace in the server's counters. @throws RedisError, InputError
 */
export async function planInvalidation(
  server: RedisServer,
  selection: Selection,
  { map, scope, limits, absent = false, namedSo, conditions, mentions, signal, progress, now }: PlanOptions,
): Promise<InvalidationPlan> {
  const startedAt = now();
  const tally = new PlanTally<'selected', StayReason>(
    ['selected'],
    map,
    Number.POSITIVE_INFINITY,
    mostNamespaces,
  );
  const keysById = new Map<string, number>();
  /** @param bytes Null where the size is not known. */
  const select = (key: ByteString, { namespace, stays }: ScopeVerdict, bytes: number | null) => {
    if (!tally.take(key, namespace, { finding: 'selected', stays }, stays === null ? bytes : null)) return;
    for (const id of selection.idsOf?.(key) ?? []) keysById.set(id, (keysById.get(id) ?? 0) + 1);
    if (tally.seenKeys <= mostKeys) return;
    throw new InputError(
      `more than ${mostKeys.toLocaleString('en-US')} keys match, which is more than one plan can hold`,
      'split it with narrower patterns, or with --only',
    );
  };
  const accounts = server.nodes.map(emptyAccount);
  const keyspaceKeys = await countKeys(server);
  progress.start('looking for keys', 'keys', keyspaceKeys);
  let { walk } = selection;
  const isNamedSo = namedSo ?? (() => true);
  for (const [index, node] of server.nodes.entries()) {
    const own = selection.exactKeys.filter((key) => server.nodeFor(key) === node && isNamedSo(key));
    const { sizes, unfit } = await readSizes(node, own, accounts[index] as WalkAccount, conditions, signal);
    const isRefused = accounts[index]?.refusedColumns.length !== 0;
    if ((own.length > 0 && isRefused && !absent) || sizes.includes('elsewhere'))
      walk = walkInstead(selection);
    if (isRefused && !absent) continue;
    own.forEach((key, at) => {
      const size = sizes[at] ?? 'unknown';
      if (typeof size === 'number' || size === 'unknown' || absent)
        select(key, stayingIf(unfit.has(key), scope(key)), typeof size === 'number' ? size : null);
    });
  }
  // Where no walk is needed, one is made for the mentions alone, if it is short.
  let met = walk !== null || (keyspaceKeys ?? Infinity) <= mostKeysForMentions ? mentions : undefined;
  const match = met === undefined ? (walk?.match ?? null) : met.match;
  let scanned = 0;
  const walking = {
    columns: { memory: true },
    accepts: (key: ByteString) => {
      if (walk?.matches(key) !== true) {
        met?.add(key, tally);
        return false;
      }
      if (!isNamedSo(key)) return false;
      const verdict = scope(key);
      if (verdict.stays !== null) select(key, verdict, null);
      return verdict.stays === null;
    },
    ...{ signal, leastPageSize: keysPerScan, onScan: (count: number) => progress.update((scanned += count)) },
    ...given({ limits, conditions, match: match ?? undefined }),
  };
  try {
    const isNeeded = walk !== null || met !== undefined;
    for await (const page of isNeeded ? walkNodes(server, () => walking, accounts) : []) {
      // Of a user who may read some keys only, a key without a size may be there.
      const { refusedColumns, unreadableKeys } = page.account;
      const mayHide = refusedColumns.length > 0 || unreadableKeys > 0;
      page.keys.forEach((key, index) => {
        const bytes = page.memoryBytes[index] ?? null;
        if (bytes !== null || mayHide) select(key, scope(key), bytes);
      });
    }
  } catch (error) {
    if (walk !== null || !(error instanceof RedisError) || error.failure !== 'refused') throw error;
    met = undefined;
  }
  progress.stop();
  const account = sumAccounts(accounts, accounts.length);
  return {
    ...resultOf(tally),
    keysById,
    mentions: (walk === null && !account.complete ? null : met?.result()) ?? null,
    keyspaceKeys,
    complete: walk === null || account.complete,
    account,
    durationSeconds: (now() - startedAt) / 1000,
  };
}

type StayReason = NonNullable<ScopeVerdict['stays']>;

function resultOf(
  tally: PlanTally<'selected', StayReason>,
): Pick<InvalidationPlan, 'keys' | 'memoryBytes' | 'namespaces' | 'excluded' | 'sample'> {
  const changed = ({ found, left }: PlanRow<'selected', StayReason>) => found.selected - (left?.keys ?? 0);
  const { keys, memoryBytes, namespaces, sample } = tally.result(
    (left, right) =>
      (right.memoryBytes ?? 0) - (left.memoryBytes ?? 0) ||
      changed(right) - changed(left) ||
      (left.name < right.name ? -1 : 1),
  );
  return {
    keys: keys.selected,
    memoryBytes,
    namespaces: namespaces.flatMap((row) =>
      changed(row) === 0 ? [] : { namespace: row.name, keys: changed(row), memoryBytes: row.memoryBytes },
    ),
    excluded: namespaces
      .flatMap(({ name, left }) => (left === null ? [] : { namespace: name, ...left }))
      .sort((left, right) => right.keys - left.keys),
    sample: sample.map(({ key }) => key),
  };
}

/** Where single keys cannot be asked for, the walk looks for them too. */
function walkInstead({ exactKeys, walk }: Selection): KeyWalk {
  const wanted = new Set(exactKeys);
  const [only, ...more] = exactKeys;
  return {
    match: walk === null && only !== undefined && more.length === 0 ? escapeGlob(only) : null,
    matches: (key) => wanted.has(key) || (walk?.matches(key) ?? false),
  };
}

/** Keys that one SCAN goes through, whether they match or not. */
const keysPerScan = 1000;

type KeySize = number | 'missing' | 'unknown' | 'elsewhere';

const batchIsRefused = ({ refusedColumns }: WalkAccount) => refusedColumns.length > 0;

/** Keys that do not fit a condition stay, as if an option had named them. */
const stayingIf = (unfit: boolean, verdict: ScopeVerdict): ScopeVerdict =>
  unfit && verdict.stays === null ? { ...verdict, stays: 'option' } : verdict;

/**
 * Bytes of each key with the allocator's overhead, which leaves no trace; `unknown` where the server does not report it, which
 * may hide a missing key; `elsewhere` where another node of the cluster has it. Where the command is refused altogether, which is
 * noted, it is asked no further. `unfit` are those of the keys that the conditions do not let through.
 */
async function readSizes(
  node: RedisNode,
  keys: readonly ByteString[],
  account: WalkAccount,
  conditions: KeyConditions | undefined,
  signal: AbortSignal,
): Promise<{ readonly sizes: KeySize[]; readonly unfit: ReadonlySet<ByteString> }> {
  const sizes: KeySize[] = [];
  const unfit = new Set<ByteString>();
  if (keys.length === 0) return { sizes, unfit };
  const connection = await node.openConnection();
  try {
    for (let start = 0; start < keys.length && account.refusedColumns.length === 0; start += keysPerScan) {
      const batch = keys.slice(start, start + keysPerScan);
      const commands = batch.map((key) => ['MEMORY', 'USAGE', key] as const);
      for (const reply of await whenReady(connection, () => connection.exchange(commands), signal)) {
        if (reply instanceof ReplyError && isRedirection(reply)) {
          sizes.push('elsewhere');
          continue;
        }
        if (reply instanceof ReplyError) {
          if (isAboutOneKey(reply)) account.unreadableKeys++;
          else noteRefusal(account, 'memory', reply.message);
        }
        sizes.push(typeof reply === 'number' ? reply : reply === null ? 'missing' : 'unknown');
      }
      if (conditions === undefined || batchIsRefused(account)) continue;
      const there = batch.filter((_, index) => typeof sizes[start + index] === 'number');
      const memoryBytes = sizes.slice(start).filter((size) => typeof size === 'number');
      const page = { ...noColumns, keys: there, memoryBytes };
      const fitting = new Set((await keepFitting(connection, page, conditions, account, { signal })).keys);
      for (const [index, key] of batch.entries())
        if (sizes[start + index] !== 'missing' && !fitting.has(key)) unfit.add(key);
    }
  } finally {
    account.commands += connection.commandsSent;
    account.receivedBytes += connection.bytesReceived;
    connection.close();
  }
  return { sizes, unfit };
}
