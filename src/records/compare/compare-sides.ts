import type { Progress } from '../../support/progress.ts';
import { sumAccounts, type WalkAccount } from '../../redis/account.ts';
import type { ByteString } from '../../support/bytes.ts';
import { handled } from '../../redis/columns.ts';
import type { RedisServer } from '../../redis/server.ts';
import { walkNodes } from '../../redis/walk-nodes.ts';
import type { KeyFilter } from '../../keyspace/key-selection.ts';
import type { Value } from '../values/value.ts';
import { chunksOf } from '../../support/collections.ts';
import {
  areSameFieldTtls,
  Comparison,
  type ComparisonRules,
  expiringIn,
  isSameTtl,
  outlineOf,
  type Verdict,
  verdictOf,
} from './compare-keys.ts';
import { type FileRecord, type FileRecords, RecordSide } from './file-records.ts';
import { ServerSide } from './server-side.ts';
import type { ComparisonTally } from './tally.ts';

/** Which keys are compared, and with what. */
export interface ComparisonScope extends ComparisonRules {
  readonly filter: KeyFilter;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** One is compared while the next is read. */
const pagesInFlight = 2;

/**
 * Compares every key of `a` with that of `b`, then looks for keys of `b` that `a` has not: two walks, and no more in
 * memory than a few pages. False where it was interrupted.
 * @param accounts filled with what it cost both servers
 * @throws RedisError
 */
export async function compareServers(
  a: RedisServer,
  b: RedisServer,
  scope: ComparisonScope,
  tally: ComparisonTally,
  accounts: WalkAccount[],
): Promise<boolean> {
  const { now, signal } = scope;
  const sides = [new ServerSide(a, now, signal), new ServerSide(b, now, signal)] as const;
  try {
    const comparison = new Comparison(...sides, scope);
    const first = await walkPages(a, scope, accounts, 'comparing', (keys) => comparison.compare(keys, tally));
    return (
      first &&
      (await walkPages(b, scope, accounts, 'looking for more', (keys) =>
        addExtras(keys, ...sides, scope, tally),
      ))
    );
  } finally {
    for (const side of sides) {
      await side.close();
      accounts.push(...side.accounts);
    }
  }
}

/** Enters the keys that stand in `b` and not in `a`. @throws RedisError */
async function addExtras(
  keys: readonly ByteString[],
  a: ServerSide,
  b: ServerSide,
  rules: ComparisonRules,
  tally: ComparisonTally,
): Promise<void> {
  const ofA = await a.describe(keys);
  const candidates = keys.filter((_, index) => ofA[index] === null);
  if (candidates.length === 0) return;
  // Some were written to `a` meanwhile, or have gone from `b`.
  const [nowInA, nowInB] = await Promise.all([a.describe(candidates), b.describe(candidates)]);
  const extras = candidates.flatMap((key, index) => {
    const inB = nowInB[index];
    return nowInA[index] === null && inB ? [{ key, type: inB.type ?? 'unknown' }] : [];
  });
  const names = extras.map(({ key }) => key);
  const expired = await expiringIn(b, names, rules);
  for (const { key, type } of extras) {
    if (expired.has(key)) tally.skipped++;
    else tally.addLone(key, type, 'b');
  }
}

/** Walks all nodes, with a few pages at work at a time. False where it was interrupted. @throws RedisError */
async function walkPages(
  server: RedisServer,
  { filter, signal, progress }: Pick<ComparisonScope, 'filter' | 'signal' | 'progress'>,
  accounts: WalkAccount[],
  label: string,
  work: (keys: readonly ByteString[]) => Promise<void>,
): Promise<boolean> {
  let done = 0;
  progress.start(label, 'keys', null);
  const inFlight: Promise<void>[] = [];
  const own: WalkAccount[] = [];
  try {
    const options = { ...filter, columns: {}, signal };
    for await (const { keys } of walkNodes(server, () => options, own)) {
      inFlight.push(handled(work(keys)));
      if (inFlight.length >= pagesInFlight) await inFlight.shift();
      progress.update((done += keys.length));
    }
    while (inFlight.length > 0) await inFlight.shift();
    return sumAccounts(own, server.nodes.length).complete;
  } finally {
    accounts.push(...own);
    await Promise.allSettled(inFlight);
    progress.stop();
  }
}

/**
 * Compares a file with a server: each of its keys, then the keys of the server that the file has not. Keys of the file
 * that have expired by now are skipped. False where it was interrupted.
 * @throws RedisError, InputError
 */
export async function compareFileWithServer(
  file: FileRecords,
  server: RedisServer,
  scope: ComparisonScope,
  tally: ComparisonTally,
  accounts: WalkAccount[],
): Promise<boolean> {
  const side = new ServerSide(server, scope.now, scope.signal);
  try {
    let done = 0;
    scope.progress.start('comparing', 'keys', file.keys);
    for await (const group of file.read()) {
      const alive = group.filter((record) => isAlive(record, scope, tally));
      for (const page of chunksOf(alive, keysInPage)) {
        const comparison = new Comparison(new RecordSide(page, scope.now), side, scope);
        await comparison.compare(
          page.map(({ key }) => key),
          tally,
        );
        scope.progress.update((done += page.length));
        if (scope.signal.aborted) return false;
      }
    }
    return await walkPages(server, scope, accounts, 'looking for more', async (keys) => {
      const unknown = keys.filter((key) => !file.has(key));
      const found = await side.describe(unknown);
      unknown.forEach((key, index) => {
        const present = found[index];
        if (present) tally.addLone(key, present.type ?? 'unknown', 'b');
      });
    });
  } finally {
    scope.progress.stop();
    await side.close();
    accounts.push(...side.accounts);
  }
}

const keysInPage = 500;

/** What is kept of a record of the second file: not its value. */
interface Digested extends Pick<FileRecord, 'type' | 'expiresAtMillis' | 'outline'> {
  readonly length?: number;
  /** Absent: it cannot be compared. */
  readonly digest?: string;
  /** Of a hash whose fields have TTLs of their own, without its elements. */
  readonly fields: Value;
}

/**
 * Compares two files, with a digest of each record of the second in memory: about 300 bytes in addition to its key.
 * @throws InputError
 */
export async function compareFiles(
  a: FileRecords,
  b: FileRecords,
  scope: ComparisonScope,
  tally: ComparisonTally,
): Promise<boolean> {
  const ofB = new Map<ByteString, Digested>();
  for await (const group of b.read()) {
    for (const record of group) if (isAlive(record, scope, tally)) ofB.set(record.key, digested(record));
    if (scope.signal.aborted) return false;
  }
  for await (const group of a.read()) {
    for (const record of group)
      if (isAlive(record, scope, tally))
        tally.enter(record.key, judgeDigested(digested(record), ofB.get(record.key), scope));
    if (scope.signal.aborted) return false;
  }
  for (const [key, { type }] of ofB) if (!a.has(key)) tally.addLone(key, type, 'b');
  return true;
}

function digested({ type, value, expiresAtMillis, outline }: FileRecord): Digested {
  return {
    ...{ type, expiresAtMillis, ...(value && outlineOf(value)), ...(outline && { outline }) },
    fields: value?.type === 'hash' ? { ...value, elements: [] } : { type: 'list', elements: [] },
  };
}

function judgeDigested(a: Digested, b: Digested | undefined, rules: ComparisonRules): Verdict {
  if (b === undefined) return { kind: 'missing', type: a.type };
  if (a.digest === undefined || b.digest === undefined)
    return { kind: 'failed', reason: a.outline?.reason ?? b.outline?.reason ?? '' };
  return verdictOf(
    {
      ...{ type: a.type === b.type, value: a.digest === b.digest },
      ...{ ttl: isSameTtl(b, a, rules), fieldTtls: areSameFieldTtls(b.fields, a.fields, rules) },
    },
    () => [a, b],
    rules,
  );
}

function isAlive({ expiresAtMillis }: FileRecord, { now }: ComparisonRules, tally: ComparisonTally): boolean {
  const alive = typeof expiresAtMillis !== 'number' || expiresAtMillis > now();
  if (!alive) tally.skipped++;
  return alive;
}
