import type { Finding } from './prune.ts';
import { type ChangeOptions, KeyChanger } from './change-keys.ts';
import type { Problem } from './problem-tally.ts';
import { type BatchLine, type BatchOutcome, type KeyChange, outcomeOf, refusedKeys } from './key-change.ts';
import { journaling } from './journal.ts';
import { settingTtls, slackMillis } from './set-ttls.ts';
import type { WrittenSince } from './written-since.ts';
import type { Namespace, NamespaceMap } from '../keyspace/map.ts';
import { secondsUntilMidnight, ttlSecondsFor } from '../keyspace/ttl.ts';
import type { ArchiveWriter } from '../records/archive/writer.ts';
import { concernsSomeKeys } from '../redis/errors.ts';
import { readIdleTimes } from '../redis/idle-times.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisServer } from '../redis/server.ts';
import type { ByteString } from '../support/bytes.ts';
import { sumOf } from '../support/collections.ts';

/** What was done to a key, by the name of its count in the results. */
type Way = 'removed' | 'shortened' | 'generationsRaised' | 'ttlSet';

/** What became of the keys of a plan: those changed by what was done to them, and the others. */
export interface Done extends Pick<
  KeyChanger,
  'unchanged' | 'failed' | 'notAttempted' | 'stoppedBy' | 'replicasAcknowledged'
> {
  readonly changed: Readonly<Partial<Record<Way, number>>>;
  readonly problems: readonly Problem[];
  readonly durationSeconds: number;
}

interface ApplyOptions extends ChangeOptions {
  /** Of what is removed, and of the TTLs before they are changed. */
  readonly journal?: ArchiveWriter | null;
  /** Keep the values in the journal. */
  readonly withValues?: boolean;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

interface Step {
  readonly way: Way;
  readonly keys: readonly ByteString[];
  readonly change: KeyChange;
}

/** One step after the other; where one is stopped, the rest is not attempted. Failures are in the result. */
async function takeSteps(
  server: RedisServer,
  label: string,
  steps: readonly Step[],
  options: ApplyOptions,
): Promise<Done> {
  const { progress, now } = options;
  const startedAt = now();
  const changer = new KeyChanger(server, options);
  const changed: Partial<Record<Way, number>> = {};
  progress.start(label, 'keys', sumOf(steps.map(({ keys }) => keys.length)));
  try {
    for (const { keys, change } of steps) await changer.take(keys, change);
    await changer.confirm();
    for (const { way, change } of steps) changed[way] = changer.changedWith(change);
  } finally {
    changer.close();
  }
  progress.stop();
  const { unchanged, failed, notAttempted, stoppedBy, replicasAcknowledged } = changer;
  const durationSeconds = (now() - startedAt) / 1000;
  return {
    ...{ changed, unchanged, failed, notAttempted, problems: changer.problems.list, stoppedBy },
    ...{ replicasAcknowledged, durationSeconds },
  };
}

/** What is done to the keys of a plan: removed at once, given a short TTL, or, being counters, incremented. */
export type RemovalMode = 'unlink' | 'soft' | 'generation';

interface RemovalOptions extends ApplyOptions {
  /** Default: unlink. */
  readonly mode?: RemovalMode;
  /** The window of soft mode, in milliseconds. */
  readonly overMillis?: number;
  /** Of soft mode: what an earlier run of the same plan has shortened, with when that TTL ends. */
  readonly shortenedBefore?: ReadonlyMap<ByteString, number | null>;
  /** Of a saved plan: sees what was written since, which stays and is in its `spared`. */
  readonly writtenSince?: WrittenSince | null;
}

const removals = {
  unlink: { label: 'removing', way: 'removed', changeOf: removing },
  soft: { label: 'shortening TTLs', way: 'shortened', changeOf: softening },
  generation: { label: 'incrementing', way: 'generationsRaised', changeOf: incrementing },
} as const;

/** Does to the keys what the mode says. */
export async function removeKeys(
  server: RedisServer,
  keys: readonly ByteString[],
  options: RemovalOptions,
): Promise<Done> {
  const { mode = 'unlink', writtenSince = null } = options;
  const { label, way, changeOf } = removals[mode];
  const change = changeOf(options);
  const sparing = writtenSince === null ? change : writtenSince.sparing(change);
  const done = await takeSteps(server, label, [{ way, keys, change: sparing }], options);
  return { ...done, changed: { removed: 0, shortened: 0, generationsRaised: 0, ...done.changed } };
}

interface PruningOptions extends ApplyOptions {
  readonly random: () => number;
  readonly map: NamespaceMap;
  /** Share (0 to 1) in place of the namespaces' own; null: theirs. */
  readonly jitter: number | null;
  /** What counts as idle. */
  readonly idleSeconds: number | null;
}

/** Changes the keys of a plan that still need it: those without TTL get one, those with too long a one a shorter one, idle ones go. */
export function applyPruning(
  server: RedisServer,
  { keys }: { readonly keys: Readonly<Record<Finding, readonly ByteString[]>> },
  options: PruningOptions,
): Promise<Done> {
  const { journal = null, now, idleSeconds } = options;
  const setting = { ttlMillisFor: ttlSource(options), journal, now };
  const idle = removingIdle(idleSeconds ?? Number.POSITIVE_INFINITY, removing(options));
  const steps = [
    { way: 'removed', keys: keys.idle, change: idle },
    { way: 'ttlSet', keys: keys.withoutTtl, change: settingTtls('none', setting) },
    { way: 'shortened', keys: keys.tooLong, change: settingTtls('longer', setting) },
  ] as const;
  return takeSteps(server, 'pruning', steps, options);
}

/** The server works on one UNLINK without looking at anything else. */
const mostKeysInUnlink = 500;

/** Of what changes key by key. */
const mostKeysInBatch = 200;

/** UNLINK, with many keys in one command where the server takes them. */
function unlinking(): KeyChange {
  let singly = false;
  return {
    done: 'removed',
    mostKeysInBatch: mostKeysInUnlink,
    async change(line, keys) {
      if (singly || line.inCluster) return unlinkSingly(line, keys);
      const [reply] = await line.exchange([['UNLINK', ...keys]]);
      if (typeof reply === 'number') return { changed: reply, refused: [] };
      if (!(reply instanceof ReplyError) || !concernsSomeKeys(reply))
        return { changed: 0, refused: [refusedKeys(keys, '`UNLINK`', reply)] };
      // A user who lacks one key of a batch lacks it in that batch only; slots differ in every batch.
      if (reply.code !== 'NOPERM') singly = true;
      return unlinkSingly(line, keys);
    },
  };
}

async function unlinkSingly(line: BatchLine, keys: readonly ByteString[]): Promise<BatchOutcome> {
  return outcomeOf(keys, await line.exchange(keys.map((key) => ['UNLINK', key] as const)), '`UNLINK`');
}

function removing({ journal = null, withValues = false, now }: ApplyOptions): KeyChange {
  return journal === null ? unlinking() : journaling(unlinking(), journal, withValues, now);
}

/** Increments counters. One that is not there yet begins at 1. */
function incrementing(): KeyChange {
  return {
    done: 'incremented',
    mostKeysInBatch,
    async change(line, keys) {
      const replies = await line.exchange(keys.map((key) => ['INCR', key] as const));
      return outcomeOf(keys, replies, '`INCR`', () => true);
    },
  };
}

/**
 * Shortens TTLs instead of removing keys, each to a moment of the window drawn at random: the load on what is behind
 * the cache comes spread over it. A key that expires sooner anyway is left alone, and so is one with the TTL of an earlier run.
 */
function softening(options: RemovalOptions): KeyChange {
  const { overMillis = 0, random = Math.random, journal = null, now, shortenedBefore } = options;
  const keeps = (key: ByteString, endsAtMillis: number) => {
    const endedAt = shortenedBefore?.get(key) ?? null;
    return endedAt !== null && endsAtMillis <= endedAt + slackMillis;
  };
  return settingTtls('noneOrLonger', {
    ttlMillisFor: () => 1 + Math.floor(random() * overMillis),
    ...{ journal, now, done: 'shortened' },
    ...((shortenedBefore?.size ?? 0) > 0 && { keeps }),
  });
}

/** The TTL that the rule gives a key now, in milliseconds. */
function ttlSource({ map, jitter, now, random }: PruningOptions): (key: ByteString) => number {
  /** Milliseconds since the epoch: finding the end of the day takes longer than setting a TTL. */
  const midnights = new Map<string, number>();
  const untilMidnight = (timeZone: string) => {
    let midnight = midnights.get(timeZone) ?? 0;
    if (midnight <= now()) {
      midnight = now() + secondsUntilMidnight(timeZone, now()) * 1000;
      midnights.set(timeZone, midnight);
    }
    return midnight - now();
  };
  return (key) => {
    const { ttl, jitter: own } = requireRule(map.classify(key));
    if (ttl.kind === 'untilMidnight') return Math.max(1, Math.round(untilMidnight(ttl.timeZone)));
    return (ttlSecondsFor(ttl, jitter ?? own, now(), random) ?? Number.NaN) * 1000;
  };
}

/** A plan gives TTLs to keys of cache namespaces with a rule only; anything else must not come this far. */
function requireRule(namespace: Namespace | null): Namespace & { ttl: NonNullable<Namespace['ttl']> } {
  const ttl = namespace?.ttl ?? null;
  if (namespace?.kind !== 'cache' || ttl === null || ttl.kind === 'permanent')
    throw new TypeError('a key without a rule for its TTL is in the plan');
  return { ...namespace, ttl };
}

/**
 * Removes keys that are still idle: their idle time is read once more, and what was used meanwhile stays. A key that is
 * used in the round trip between that reading and its removal goes all the same; only a script could close that gap.
 *
 * @param removal May keep a journal: it reads values after the idle time was read, for reading counts as a use.
 */
function removingIdle(idleSeconds: number, removal: KeyChange): KeyChange {
  return {
    done: 'removed',
    mostKeysInBatch: Math.min(mostKeysInBatch, removal.mostKeysInBatch),
    async change(line, keys) {
      const times = await readIdleTimes(line.exchange, keys);
      const refused = keys.flatMap((key, index) =>
        times[index] instanceof ReplyError ? refusedKeys([key], '`OBJECT IDLETIME`', times[index]) : [],
      );
      const idle = keys.filter((_, index) => {
        const time = times[index];
        return typeof time === 'number' && time >= idleSeconds;
      });
      if (idle.length === 0) return { changed: 0, refused };
      const removed = await removal.change(line, idle);
      return { ...removed, refused: [...refused, ...removed.refused] };
    },
  };
}
