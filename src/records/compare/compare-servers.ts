import type { Progress } from '../../support/progress.ts';
import { sumAccounts, type WalkAccount } from '../../redis/account.ts';
import type { ByteString } from '../../support/bytes.ts';
import { handled } from '../../redis/columns.ts';
import type { RedisServer } from '../../redis/server.ts';
import { walkNodes, type WalkOptions } from '../../redis/walk.ts';
import { compareKeys, type ComparisonRules, expiringIn } from './compare-keys.ts';
import { ServerSide } from './server-side.ts';
import type { ComparisonTally } from './tally.ts';

/** Which keys are compared, and with what. */
export interface ComparisonScope extends ComparisonRules {
  readonly filter: Pick<WalkOptions, 'match' | 'accepts'>;
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
  const sides = [new ServerSide(a, scope.now), new ServerSide(b, scope.now)] as const;
  try {
    const first = await walkPages(a, scope, accounts, 'comparing', (keys) =>
      compareKeys(keys, ...sides, scope, tally),
    );
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
  const expired = await expiringIn(
    b,
    extras.map(({ key }) => key),
    rules,
  );
  for (const { key, type } of extras) {
    if (expired.has(key)) tally.skipped++;
    else tally.addExtra(key, type);
  }
}

/** Walks all nodes, with a few pages at work at a time. False where it was interrupted. @throws RedisError */
export async function walkPages(
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
    for await (const { keys } of walkNodes(server.nodes, () => options, own)) {
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
