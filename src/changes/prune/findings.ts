import type { Verdict } from '../plan-tally.ts';
import type { IdleTime } from '../../redis/idle-times.ts';
import { type Namespace, type NamespaceMap, unmappedName } from '../../keyspace/map.ts';
import { secondsUntilMidnight, type TtlRule, ttlJudge } from '../../keyspace/ttl.ts';

/** What is looked for. */
export interface PruningGoals {
  /** Keys without TTL whose namespace has a rule for it. */
  readonly withoutTtl: boolean;
  /** Keys with more time left than their rule allows. */
  readonly tooLong: boolean;
  /** Keys that nobody used for so long; null: idle time does not matter. */
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

  /** False where nothing that can be read of the namespace's keys matters; null stands for keys outside the map. */
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
