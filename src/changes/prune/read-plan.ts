import type { NamespaceMap } from '../../keyspace/map.ts';
import { startPacing } from '../../keyspace/pacing.ts';
import type { Progress } from '../../support/progress.ts';
import { emptyAccount, sumAccounts, type WalkAccount } from '../../redis/account.ts';
import type { ColumnName } from '../../redis/columns.ts';
import { RedisError, refusal } from '../../redis/errors.ts';
import { infoNumber, readInfoIfPermitted } from '../../redis/info.ts';
import type { PaceLimits } from '../../redis/pace.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode, RedisServer } from '../../redis/server.ts';
import { walkKeys, type WalkOptions, type WalkPage } from '../../redis/walk.ts';
import { KeyJudge, type PruningGoals } from './findings.ts';
import { Gathering, type PruningPlan } from './plan.ts';

interface PlanOptions {
  readonly limits: PaceLimits;
  /** Keys to change that a plan holds at most; about 100 bytes of memory each. */
  readonly mostKeys?: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const mostKeysInPlan = 1_000_000;
/** COUNT of each SCAN where no pace decides. */
const keysPerScan = 500;

/**
 * Reads every key of the goals' namespaces once, and changes nothing: TTL and idle time each cost a lookup that the
 * server counts as a hit, and neither counts as a use of the key.
 * @throws RedisError, also where the server does not tell what the goals need to know
 */
export async function planPruning(
  server: RedisServer,
  map: NamespaceMap,
  goals: PruningGoals,
  options: PlanOptions,
): Promise<PruningPlan> {
  const { signal, progress, now } = options;
  const startedAt = now();
  const wantsIdle = goals.idleSeconds !== null;
  const wantsTtl = goals.withoutTtl || goals.tooLong;
  const facts = await readFacts(server, wantsIdle);
  const gathering = new Gathering(options.mostKeys ?? mostKeysInPlan);
  const judge = new KeyJudge(map, goals);
  const withTtlToJudge = ({ keys, idleSeconds }: WalkPage) =>
    keys.flatMap((key, index) =>
      judge.needsTtl(map.classify(key), idleSeconds[index] ?? null) ? [index] : [],
    );
  const accounts: WalkAccount[] = [];
  let scanned = 0;
  progress.start('looking for keys', 'keys', facts.keys);
  for (const node of server.nodes) {
    if (signal.aborted || gathering.isFull()) break;
    const account = emptyAccount();
    accounts.push(account);
    const pacing = await startPacing(node, options.limits, signal);
    const walk: WalkOptions = {
      columns: { memory: true, ttl: wantsTtl && !wantsIdle, idle: wantsIdle },
      ...(wantsTtl && wantsIdle && { further: [{ columns: { ttl: true }, of: withTtlToJudge }] }),
      accepts: (key: Parameters<typeof map.classify>[0]) => judge.isOfInterest(map.classify(key)),
      pageSize: keysPerScan,
      pace: pacing.pace,
      signal,
      onScan: () => progress.update((scanned += pacing.pace?.pageSize ?? keysPerScan)),
    };
    try {
      for await (const page of walkKeys(node, walk, account)) {
        requireColumns(account, node);
        page.keys.forEach((key, index) => {
          const namespace = map.classify(key);
          const [ttl, idle] = [page.ttlMillis[index] ?? null, page.idleSeconds[index] ?? null];
          const verdict = judge.judge(namespace, ttl, idle, now());
          if (verdict !== null) gathering.add(key, namespace, verdict, page.memoryBytes[index] ?? null);
        });
        if (gathering.isFull()) break;
      }
    } finally {
      pacing.end();
    }
  }
  progress.stop();
  const account = sumAccounts(accounts, server.nodes.length);
  return {
    ...gathering.result(),
    keyspaceKeys: facts.keys,
    complete: account.complete,
    full: gathering.isFull(),
    replicas: wantsIdle ? facts.replicas : 0,
    account,
    durationSeconds: (now() - startedAt) / 1000,
  };
}

/** @throws RedisError where idle time is asked for and not kept */
async function readFacts(
  server: RedisServer,
  wantsIdle: boolean,
): Promise<{ readonly keys: number | null; readonly replicas: number | null }> {
  let keys: number | null = 0;
  let replicas: number | null = 0;
  for (const node of server.nodes) {
    const [size] = await node.batch([['DBSIZE']]);
    keys = keys === null || typeof size !== 'number' ? null : keys + size;
    if (!wantsIdle) continue;
    const info = (await readInfoIfPermitted(node)) ?? {};
    const policy = info['maxmemory_policy'] ?? '';
    if (/lfu$/.test(policy)) throw noIdleTime(node, `its eviction policy is \`${policy}\``);
    const connected = infoNumber(info, 'connected_slaves');
    replicas = replicas === null || connected === null ? null : replicas + connected;
  }
  return { keys, replicas };
}

function noIdleTime(node: RedisNode, why: string): RedisError {
  return new RedisError(
    'refused',
    'ENOIDLE',
    `${node.address} keeps no idle times: ${why}, and counts how often a key is used in place of when`,
    'give a namespace a TTL in the map, and --set-ttl to the keys it has',
  );
}

const commandOf: Readonly<Partial<Record<ColumnName, string>>> = {
  ttl: '`PTTL`',
  idle: '`OBJECT IDLETIME`',
};

/** Without them nothing could be found, which must not look as if nothing was there. @throws RedisError */
function requireColumns({ refusedColumns }: WalkAccount, node: RedisNode): void {
  for (const { column, reason } of refusedColumns) {
    const command = commandOf[column];
    if (column === 'idle' && /\bLFU\b/.test(reason)) throw noIdleTime(node, 'its eviction policy is LFU');
    if (command !== undefined) throw refusal(new ReplyError(reason), command, node.address);
  }
}
