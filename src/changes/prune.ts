import { type Plan, type PlanRow, PlanTally, type Verdict } from './plan-tally.ts';
import type { KeyFilter } from '../keyspace/key-selection.ts';
import { type Namespace, type NamespaceMap, unmappedName } from '../keyspace/map.ts';
import { secondsUntilMidnight, type TtlRule, ttlJudge } from '../keyspace/ttl.ts';
import { type ColumnName, sumAccounts, type WalkAccount } from '../redis/account.ts';
import { isAboutPolicy, type RedisError, refusal } from '../redis/errors.ts';
import { type IdleTime, noOwnIdleTime } from '../redis/idle-times.ts';
import { noIdleTimes } from '../redis/key-conditions.ts';
import { countKeys, infoNumber, readInfoIfPermitted } from '../redis/info.ts';
import type { PaceLimits } from '../redis/pace.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { WalkPage } from '../redis/walk.ts';
import { walkNodes } from '../redis/walk-nodes.ts';
import type { ByteString } from '../support/bytes.ts';
import type { Progress } from '../support/progress.ts';

/** What is looked for. */
export interface PruningGoals {
  /** Keys without TTL whose namespace has a rule for it. */
  readonly withoutTtl: boolean;
  /** Keys with more time left than their rule allows. */
  readonly tooLong: boolean;
  /** Keys that were not used for so long; null: idle time does not matter. */
  readonly idleSeconds: number | null;
  /** Only keys of these namespaces of the map; none: all. */
  readonly namespaces: readonly string[];
}

/** What speaks against a key. Of several things the last counts: what goes needs no TTL. */
export const findings = ['withoutTtl', 'tooLong', 'idle'] as const;
export type Finding = (typeof findings)[number];

/** Why a key stays as it is although something speaks against it. */
export type Reason = 'state' | 'unmapped' | 'noRule' | 'guessedRule';

/** A rule is judged by the time of day, and a walk takes time. */
const judgedForMillis = 10_000;
const midnightToleranceMillis = 60_000;

/** Says what speaks against a key by the map. A key belongs to the namespace with the most specific pattern, and no other. */
export class KeyJudge {
  private tooLongTests = new Map<Namespace, (ttlMillis: number) => boolean>();
  private judgedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly map: NamespaceMap,
    private readonly goals: PruningGoals,
  ) {}

  /** False where nothing that can be read of the namespace's keys matters; null: keys outside the map. */
  isOfInterest(namespace: Namespace | null): boolean {
    const { idleSeconds, namespaces } = this.goals;
    if (namespaces.length > 0 && !namespaces.includes(namespace?.name ?? unmappedName)) return false;
    return idleSeconds !== null || this.needsTtl(namespace, null);
  }

  /** False where the TTL of a key decides nothing: that of an idle one, and of one whose rule says permanent. */
  needsTtl(namespace: Namespace | null, idleSeconds: IdleTime | null): boolean {
    const { withoutTtl, tooLong } = this.goals;
    if (this.isIdle(idleSeconds) || namespace?.ttl?.kind === 'permanent') return false;
    return withoutTtl || (tooLong && namespace !== null && ruleOf(namespace) !== null);
  }

  private isIdle(idleSeconds: IdleTime | null): boolean {
    const least = this.goals.idleSeconds;
    return least !== null && typeof idleSeconds === 'number' && idleSeconds >= least;
  }

  /**
   * @param ttlMillis -1 without TTL; null where it was not read, as with `idleSeconds`.
   * @param now Milliseconds since the epoch, at about the time of the reading.
   */
  judge(
    namespace: Namespace | null,
    ttlMillis: number | null,
    idleSeconds: IdleTime | null,
    now: number,
  ): Verdict<Finding, Reason> | null {
    const finding = this.findingOf(namespace, ttlMillis, idleSeconds, now);
    if (finding === null) return null;
    if (namespace === null) return { finding, stays: 'unmapped' };
    if (namespace.kind === 'state') return { finding, stays: 'state' };
    if (finding === 'idle' || namespace.ttl !== null) return { finding, stays: null };
    return { finding, stays: namespace.guessedTtl === null ? 'noRule' : 'guessedRule' };
  }

  private findingOf(
    namespace: Namespace | null,
    ttlMillis: number | null,
    idleSeconds: IdleTime | null,
    now: number,
  ): Finding | null {
    const { goals } = this;
    if (this.isIdle(idleSeconds)) return 'idle';
    if (ttlMillis === null || namespace?.ttl?.kind === 'permanent') return null;
    if (ttlMillis < 0) return goals.withoutTtl ? 'withoutTtl' : null;
    if (!goals.tooLong || namespace === null) return null;
    return this.testOf(namespace, now)?.(ttlMillis) === true ? 'tooLong' : null;
  }

  private testOf(namespace: Namespace, now: number): ((ttlMillis: number) => boolean) | undefined {
    if (now - this.judgedAt >= judgedForMillis) {
      const byRule = new Map<string, (ttlMillis: number) => boolean>();
      this.tooLongTests = new Map();
      for (const each of this.map.namespaces) {
        const rule = ruleOf(each);
        if (rule === null) continue;
        // To find midnight takes half a millisecond, and many namespaces may have one rule.
        const name = JSON.stringify(rule);
        const test = byRule.get(name) ?? tooLongTest(rule, now);
        byRule.set(name, test);
        this.tooLongTests.set(each, test);
      }
      this.judgedAt = now;
    }
    return this.tooLongTests.get(namespace);
  }
}

/** What keys are held against; those that a guess speaks against are counted, and stay as they are. */
function ruleOf({ ttl, guessedTtl }: Namespace): TtlRule | null {
  return ttl ?? guessedTtl;
}

function tooLongTest(rule: TtlRule, now: number): (ttlMillis: number) => boolean {
  const judge = ttlJudge(rule, now);
  if (rule.kind !== 'untilMidnight') return (ttlMillis) => judge(ttlMillis) === 'too-long';
  // The rule never gives more than the rest of the day; what ends before its midnight is not too long.
  const mostMillis = secondsUntilMidnight(rule.timeZone, now) * 1000 + midnightToleranceMillis;
  return (ttlMillis) => ttlMillis > mostMillis;
}

interface PlanOptions {
  readonly limits: PaceLimits;
  /** Only these keys. */
  readonly filter?: KeyFilter;
  /** Keys to change that a plan holds at most; about 100 bytes of memory each. */
  readonly mostKeys?: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const mostKeysInPlan = 1_000_000;

/**
 * Reads every key of the goals' namespaces once, and changes nothing: TTL and idle time each cost a lookup that the
 * server counts as a hit, and neither counts as a use of the key.
 * @throws RedisError, also where the server does not report what the goals need
 */
export async function planPruning(
  server: RedisServer,
  map: NamespaceMap,
  goals: PruningGoals,
  options: PlanOptions,
): Promise<PruningPlan> {
  const { signal, progress, now, filter = {} } = options;
  const startedAt = now();
  const wantsIdle = goals.idleSeconds !== null;
  const wantsTtl = goals.withoutTtl || goals.tooLong;
  const facts = await readFacts(server, wantsIdle);
  const tally = new PlanTally<Finding, Reason>(findings, map, options.mostKeys ?? mostKeysInPlan);
  const judge = new KeyJudge(map, goals);
  const withTtlToJudge = ({ keys, idleSeconds }: WalkPage) =>
    keys.flatMap((key, index) =>
      judge.needsTtl(map.classify(key), idleSeconds[index] ?? null) ? [index] : [],
    );
  const accounts: WalkAccount[] = [];
  let keysWithoutIdleTime = 0;
  let judgedKeys = 0;
  let scanned = 0;
  progress.start('looking for keys', 'keys', facts.keys);
  const walk = {
    columns: { memory: true, ttl: wantsTtl && !wantsIdle, idle: wantsIdle },
    ...(wantsTtl && wantsIdle && { further: [{ columns: { ttl: true }, of: withTtlToJudge }] }),
    ...filter,
    accepts: (key: ByteString) =>
      judge.isOfInterest(map.classify(key)) && (filter.accepts === undefined || filter.accepts(key)),
    limits: options.limits,
    signal,
    onScan: (count: number) => progress.update((scanned += count)),
  };
  for await (const page of walkNodes(server, () => walk, accounts)) {
    requireColumns(page.account, page.node);
    judgedKeys += page.keys.length;
    page.keys.forEach((key, index) => {
      const namespace = map.classify(key);
      const [ttl, idle] = [page.ttlMillis[index] ?? null, page.idleSeconds[index] ?? null];
      const verdict = judge.judge(namespace, ttl, idle, now());
      if (idle === noOwnIdleTime && namespace?.kind === 'cache') keysWithoutIdleTime++;
      if (verdict !== null)
        tally.take(key, namespace?.name ?? unmappedName, verdict, page.memoryBytes[index] ?? null);
    });
    if (tally.isFull) break;
  }
  progress.stop();
  const account = sumAccounts(accounts, server.nodes.length);
  const found = tally.result(byKeys);
  return {
    ...found,
    namespaces: found.namespaces.map((row) => ({
      ...row,
      namespace: map.namespaces.find(({ name }) => name === row.name) ?? null,
    })),
    keysWithoutIdleTime,
    judgedKeys,
    keyspaceKeys: facts.keys,
    complete: account.complete,
    full: tally.isFull,
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
  const keys = await countKeys(server);
  let replicas: number | null = 0;
  for (const node of wantsIdle ? server.nodes : []) {
    const info = (await readInfoIfPermitted(node)) ?? {};
    const policy = info['maxmemory_policy'] ?? '';
    if (/lfu$/.test(policy)) throw noIdleTime(node, `its eviction policy is \`${policy}\``);
    const connected = infoNumber(info, 'connected_slaves');
    replicas = replicas === null || connected === null ? null : replicas + connected;
  }
  return { keys, replicas };
}

const noIdleTime = ({ address }: RedisNode, why: string): RedisError =>
  noIdleTimes(address, why, 'give a namespace a TTL in the map, and --set-ttl to the keys it has');

const commandOf: Readonly<Partial<Record<ColumnName, string>>> = {
  ttl: '`PTTL`',
  idle: '`OBJECT IDLETIME`',
};

/** Without them nothing could be found, which must not look as if nothing was there. @throws RedisError */
function requireColumns({ refusedColumns }: WalkAccount, node: RedisNode): void {
  for (const { column, reason } of refusedColumns) {
    const command = commandOf[column];
    if (column === 'idle' && isAboutPolicy(reason)) throw noIdleTime(node, 'its eviction policy is LFU');
    if (command !== undefined) throw refusal(new ReplyError(reason), command, node.address);
  }
}

/** What a pruning will change. */
export interface PruningPlan extends Plan {
  /** The keys to change by what speaks against them; no key is in two lists. */
  readonly keys: Readonly<Record<Finding, readonly ByteString[]>>;
  /** Those with keys to change first, then by keys. */
  readonly namespaces: readonly PrunedNamespace[];
  /** Some of the keys to change, from every namespace. */
  readonly sample: readonly { readonly key: ByteString; readonly finding: Finding }[];
  /** Keys of cache namespaces of which the server keeps no idle time, see `noOwnIdleTime`: they do not count as idle. */
  readonly keysWithoutIdleTime: number;
  /** Keys that were asked for, whatever was found of them. */
  readonly judgedKeys: number;
  /** True where the plan holds as many keys as one run takes on. */
  readonly full: boolean;
  /** Replicas that the primaries feed: what is read there counts as unused on the primary. */
  readonly replicas: number | null;
}

type Row = PlanRow<Finding, Reason>;

/** The keys of a namespace that something speaks against. */
export interface PrunedNamespace extends Row {
  /** Null for the keys outside the map. */
  readonly namespace: Namespace | null;
}

const keysIn = ({ found }: Row) => found.withoutTtl + found.tooLong + found.idle;
const staysWhole = (row: Row) => row.left?.keys === keysIn(row);

/** Those with keys to change first, then by keys. */
export const byKeys = (left: Row, right: Row): number =>
  Number(staysWhole(left)) - Number(staysWhole(right)) || keysIn(right) - keysIn(left);
