import { isAboutOneKey, RedisError } from '../redis/errors.ts';
import type { Progress } from '../support/progress.ts';
import type { ByteString } from '../support/bytes.ts';
import type { PaceLimits } from '../redis/pace.ts';
import { countKeys } from '../redis/info.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { emptyAccount, noteRefusal, type WalkAccount } from '../redis/account.ts';
import { walkKeys } from '../redis/walk.ts';
import { escapeGlob } from '../keyspace/pattern.ts';
import type { MentionTally } from './mentions.ts';
import type { InvalidationPlan, Scope, ScopeVerdict } from './plan.ts';
import type { KeyWalk, Selection } from './selection.ts';
import type { Connection } from '../redis/connection.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import { PlanTally, type PlanRow } from './plan-tally.ts';
import { InputError } from '../support/failure.ts';

/** A JavaScript Set ends at 2^24 entries, and so does a plan. */
const mostKeys = 16_000_000;

/** Inferred namespaces are as many as there are different words in the keys. */
const mostNamespaces = 500;

type StayReason = NonNullable<ScopeVerdict['stays']>;

type Tally = PlanTally<'selected', StayReason>;

/** True the first time that a key comes. @throws InputError where a plan cannot hold more */
function isNew(tally: Tally, key: ByteString): boolean {
  if (!tally.isNew(key)) return false;
  if (tally.seenKeys <= mostKeys) return true;
  throw new InputError(
    `more than ${mostKeys.toLocaleString('en-US')} keys match, which is more than one plan can hold`,
    'split it with narrower patterns, or with --only',
  );
}

/** @param memoryBytes Null where the size is not known. */
function select(
  tally: Tally,
  key: ByteString,
  { namespace, stays }: ScopeVerdict,
  memoryBytes: number | null,
): void {
  tally.add(key, namespace, { finding: 'selected', stays }, memoryBytes);
}

function resultOf(
  tally: Tally,
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
  const tally: Tally = new PlanTally(['selected'], mostKeys, mostNamespaces);
  const account = emptyAccount();
  let scans = 0;
  const onScan = () => options.progress.update(++scans * keysPerScan);
  const keyspaceKeys = await countKeys(server);
  let walk = selection.walk;
  let complete = true;
  // Where no walk is needed, one is made for these alone, if it is short.
  let mentions =
    walk !== null || (keyspaceKeys ?? Infinity) <= mostKeysForMentions ? options.mentions : undefined;
  options.progress.start('looking for keys', 'keys', keyspaceKeys);
  for (const node of server.nodes) {
    const sizes = await KeySizes.open(node, account);
    try {
      const own = selection.exactKeys.filter((key) => server.nodeFor(key) === node);
      if (!(await lookUp(own, sizes, tally, options))) walk = walkInstead(selection);
      if (walk !== null)
        complete = (await walkNode(node, walk, sizes, tally, { ...options, mentions, onScan })) && complete;
      else if (
        mentions !== undefined &&
        !(await meetMentions(node, sizes, tally, { ...options, mentions, onScan }))
      )
        mentions = undefined;
    } finally {
      sizes.close();
    }
  }
  options.progress.stop();
  return {
    ...resultOf(tally),
    mentions: mentions?.result() ?? null,
    keyspaceKeys,
    walked: walk !== null,
    complete,
    account,
    durationSeconds: (options.now() - startedAt) / 1000,
  };
}

/** False where the server does not report whether the keys exist. */
async function lookUp(
  keys: readonly ByteString[],
  sizes: KeySizes,
  tally: Tally,
  { scope, absent = false, onSelected }: PlanOptions,
): Promise<boolean> {
  const found = await sizes.read(keys);
  if (sizes.isRefused && !absent) return keys.length === 0;
  keys.forEach((key, index) => {
    const size = found[index] ?? 'unknown';
    if ((size === 'missing' && !absent) || !isNew(tally, key)) return;
    onSelected?.(key);
    const verdict = scope(key);
    const isSized = verdict.stays === null && typeof size === 'number';
    select(tally, key, verdict, isSized ? size : null);
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

interface NodeWalk extends Omit<PlanOptions, 'mentions'> {
  readonly mentions: MentionTally | undefined;
  readonly onScan: () => void;
}

/** Walks over a node for the mentions alone. False where that is not permitted, or was interrupted. */
async function meetMentions(
  node: RedisNode,
  sizes: KeySizes,
  tally: Tally,
  options: NodeWalk,
): Promise<boolean> {
  try {
    return await walkNode(node, { match: null, matches: () => false }, sizes, tally, options);
  } catch (error) {
    if (error instanceof RedisError && error.failure === 'refused') return false;
    throw error;
  }
}

/** False where the walk was interrupted. */
async function walkNode(
  node: RedisNode,
  walk: KeyWalk,
  sizes: KeySizes,
  tally: Tally,
  { scope, signal, limits, onSelected, mentions, onScan }: NodeWalk,
): Promise<boolean> {
  const account = emptyAccount();
  const match = mentions === undefined ? walk.match : mentions.match;
  const pages = walkKeys(
    node,
    {
      columns: {},
      signal,
      pageSize: keysPerScan,
      ...(limits && { limits }),
      onScan,
      ...(match !== null && { match }),
    },
    account,
  );
  // The sizes of one page are asked for while the next page is on its way.
  let sizing: Promise<unknown> = Promise.resolve();
  for await (const page of pages) {
    const wanted: { readonly key: ByteString; readonly verdict: ScopeVerdict }[] = [];
    for (const key of page.keys) {
      if (!walk.matches(key)) {
        mentions?.add(key, tally);
        continue;
      }
      if (!isNew(tally, key)) continue;
      onSelected?.(key);
      const verdict = scope(key);
      if (verdict.stays !== null) select(tally, key, verdict, null);
      else wanted.push({ key, verdict });
    }
    await sizing;
    sizing = sizes.read(wanted.map(({ key }) => key)).then((found) =>
      wanted.forEach(({ key, verdict }, index) => {
        const size: KeySize = found[index] ?? 'unknown';
        if (size !== 'missing') select(tally, key, verdict, size === 'unknown' ? null : size);
      }),
    );
    sizing.catch(() => undefined);
  }
  await sizing;
  sizes.account.commands += account.commands;
  sizes.account.receivedBytes += account.receivedBytes;
  return account.complete;
}

/** Bytes of a key with the allocator's overhead; `unknown` where the server does not report it, which may hide a missing key. */
type KeySize = number | 'missing' | 'unknown';
const mostInOneWrite = 1000;

/** Reads the sizes of keys with MEMORY USAGE, which leaves no trace, over a connection of its own. The caller closes it. */
class KeySizes {
  /** True where the server refused the command altogether; from then on every size is unknown. */
  isRefused = false;

  private constructor(
    private readonly connection: Connection,
    readonly account: WalkAccount,
  ) {}

  static async open(node: RedisNode, account: WalkAccount): Promise<KeySizes> {
    return new KeySizes(await node.openConnection(), account);
  }

  /** The sizes in the order of the keys. @throws RedisError when the connection is lost. */
  async read(keys: readonly ByteString[]): Promise<KeySize[]> {
    const sizes: KeySize[] = [];
    for (let start = 0; start < keys.length; start += mostInOneWrite) {
      const batch = keys.slice(start, start + mostInOneWrite);
      const replies: readonly Reply[] = this.isRefused
        ? []
        : await this.connection.exchange(batch.map((key) => ['MEMORY', 'USAGE', key] as const));
      for (let index = 0; index < batch.length; index++) sizes.push(this.sizeOf(replies[index]));
    }
    return sizes;
  }

  close(): void {
    this.account.commands += this.connection.commandsSent;
    this.account.receivedBytes += this.connection.bytesReceived;
    this.connection.close();
  }

  private sizeOf(reply: Reply | undefined): KeySize {
    if (typeof reply === 'number') return reply;
    if (reply === null) return 'missing';
    if (reply instanceof ReplyError) {
      if (isAboutOneKey(reply)) this.account.unreadableKeys++;
      else {
        this.isRefused = true;
        noteRefusal(this.account, 'memory', reply.message);
      }
    }
    return 'unknown';
  }
}
