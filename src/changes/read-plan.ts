import type { Progress } from '../support/progress.ts';
import type { ByteString } from '../support/bytes.ts';
import { startPacing } from '../keyspace/pacing.ts';
import type { PaceLimits } from '../redis/pace.ts';
import { RedisError } from '../redis/errors.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { emptyAccount } from '../redis/account.ts';
import { walkKeys } from '../redis/walk.ts';
import { escapeGlob } from '../keyspace/pattern.ts';
import { type KeySize, KeySizes } from './key-sizes.ts';
import type { MentionTally } from './mentions.ts';
import type { InvalidationPlan } from './plan.ts';
import type { Scope, Verdict } from './scope.ts';
import type { KeyWalk, Selection } from './selection.ts';
import { Tally } from './tally.ts';

interface PlanOptions {
  readonly scope: Scope;
  /** How fast the keyspace is walked. */
  readonly limits?: PaceLimits;
  /** True where keys that are not there belong to the plan too. */
  readonly absent?: boolean;
  /** Takes the keys that a walk meets and that are not selected. */
  readonly mentions?: MentionTally;
  /** Called once with each key that was selected, also where it stays. */
  readonly onSelected?: (key: ByteString) => void;
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
  options: PlanOptions,
): Promise<InvalidationPlan> {
  const startedAt = options.now();
  const tally = new Tally();
  const cost = {
    commands: 0,
    bytesReceived: 0,
    scans: 0,
    unreadableKeys: 0,
    sizesRefused: null as string | null,
  };
  const keyspaceKeys = await countKeys(server);
  let walk = selection.walk;
  let complete = true;
  // Where no walk is needed, one is made for these alone, if it is short.
  let mentions =
    walk !== null || (keyspaceKeys ?? Infinity) <= mostKeysForMentions ? options.mentions : undefined;
  options.progress.start('looking for keys', 'keys', keyspaceKeys);
  for (const node of server.nodes) {
    const sizes = await KeySizes.open(node);
    try {
      const own = selection.exactKeys.filter((key) => server.nodeFor(key) === node);
      if (!(await lookUp(own, sizes, tally, options))) walk = walkInstead(selection);
      if (walk !== null)
        complete = (await walkNode(node, walk, sizes, tally, { ...options, mentions }, cost)) && complete;
      else if (mentions !== undefined && !(await meetMentions(node, mentions, tally, options, cost)))
        mentions = undefined;
    } finally {
      cost.commands += sizes.commandsSent;
      cost.bytesReceived += sizes.bytesReceived;
      cost.unreadableKeys += sizes.unreadableKeys;
      cost.sizesRefused ??= sizes.refused;
      sizes.close();
    }
  }
  options.progress.stop();
  return {
    ...tally.result(),
    mentions: mentions?.result() ?? null,
    keyspaceKeys,
    walked: walk !== null,
    complete,
    cost: { ...cost, durationSeconds: (options.now() - startedAt) / 1000 },
  };
}

/** Keys of the database; null where DBSIZE is not permitted. */
async function countKeys(server: RedisServer): Promise<number | null> {
  let sum = 0;
  for (const node of server.nodes) {
    const [size] = await node.batch([['DBSIZE']]);
    if (typeof size !== 'number') return null;
    sum += size;
  }
  return sum;
}

/** False where the server does not tell whether the keys are there. */
async function lookUp(
  keys: readonly ByteString[],
  sizes: KeySizes,
  tally: Tally,
  { scope, absent = false, onSelected }: PlanOptions,
): Promise<boolean> {
  const found = await sizes.read(keys);
  if (sizes.refused !== null && !absent) return keys.length === 0;
  keys.forEach((key, index) => {
    const size = found[index] ?? 'unknown';
    if ((size === 'missing' && !absent) || !tally.isNew(key)) return;
    onSelected?.(key);
    const verdict = scope(key);
    if (verdict.stays !== null) tally.keep(verdict, verdict.stays);
    else tally.remove(key, verdict, typeof size === 'number' ? size : null);
  });
  return true;
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
/** So many are walked over in a tenth of a second. */
const mostKeysForMentions = 100_000;

interface WalkCost {
  commands: number;
  bytesReceived: number;
  scans: number;
}

/** Walks over a node for the mentions alone. False where that is not permitted, or was interrupted. */
async function meetMentions(
  node: RedisNode,
  mentions: MentionTally,
  tally: Tally,
  options: PlanOptions,
  cost: WalkCost,
): Promise<boolean> {
  const walk: KeyWalk = { match: mentions.match, matches: () => false };
  const sizes = { read: () => Promise.resolve([]) };
  try {
    return await walkNode(node, walk, sizes, tally, { ...options, mentions }, cost);
  } catch (error) {
    if (error instanceof RedisError && error.failure === 'refused') return false;
    throw error;
  }
}

/** False where the walk was interrupted. */
async function walkNode(
  node: RedisNode,
  walk: KeyWalk,
  sizes: Pick<KeySizes, 'read'>,
  tally: Tally,
  {
    scope,
    signal,
    progress,
    limits = {},
    onSelected,
    mentions,
  }: Omit<PlanOptions, 'mentions'> & { readonly mentions: MentionTally | undefined },
  cost: WalkCost,
): Promise<boolean> {
  const account = emptyAccount();
  const match = mentions === undefined ? walk.match : mentions.match;
  const pacing = await startPacing(node, { ...limits, pageSize: keysPerScan }, signal);
  const pages = walkKeys(
    node,
    {
      columns: {},
      signal,
      pageSize: keysPerScan,
      pace: pacing.pace,
      onScan: () => progress.update(++cost.scans * keysPerScan),
      ...(match !== null && { match }),
    },
    account,
  );
  try {
    // The sizes of one page are asked for while the next page is on its way.
    let sizing: Promise<unknown> = Promise.resolve();
    for await (const page of pages) {
      const wanted: { readonly key: ByteString; readonly verdict: Verdict }[] = [];
      for (const key of page.keys) {
        if (!walk.matches(key)) {
          mentions?.add(key, tally);
          continue;
        }
        if (!tally.isNew(key)) continue;
        onSelected?.(key);
        const verdict = scope(key);
        if (verdict.stays !== null) tally.keep(verdict, verdict.stays);
        else wanted.push({ key, verdict });
      }
      await sizing;
      sizing = sizes.read(wanted.map(({ key }) => key)).then((found) =>
        wanted.forEach(({ key, verdict }, index) => {
          const size: KeySize = found[index] ?? 'unknown';
          if (size !== 'missing') tally.remove(key, verdict, size === 'unknown' ? null : size);
        }),
      );
      sizing.catch(() => undefined);
    }
    await sizing;
  } finally {
    pacing.end();
  }
  cost.commands += account.commands;
  cost.bytesReceived += account.receivedBytes;
  return account.complete;
}
