import type { ArchiveWriter } from '../records/archive/writer.ts';
import { startPacing } from '../redis/pace.ts';
import type { Progress } from '../support/progress.ts';
import type { ByteString } from '../support/bytes.ts';
import { changeKeys, type ChangeProblem, type KeyChange, unlinking } from './change-keys.ts';
import type { PaceLimits } from '../redis/pace.ts';
import type { RedisServer } from '../redis/server.ts';
import { incrementing } from './generation.ts';
import { journaling } from './journal.ts';
import { softening } from './soften.ts';
import type { WrittenSince } from './written-since.ts';

/** What is done to the keys of a plan: removed at once, given a short TTL, or, being counters, incremented. */
export type RemovalMode = 'unlink' | 'soft' | 'generation';

/** What became of the keys of a plan: `changed + gone + rewritten + failed + notAttempted` is always their number. */
export interface Removal {
  /** Removed; in soft mode: shortened; in generation mode: incremented. */
  readonly changed: number;
  /** Vanished between the plan and the removal; in soft mode also: expire sooner anyway. */
  readonly gone: number;
  /** Written since the plan was saved, and left alone. */
  readonly rewritten: number;
  /** Refused by the server, or without an answer. */
  readonly failed: number;
  readonly notAttempted: number;
  readonly problems: readonly ChangeProblem[];
  /** Why the work ended before its end; null where it did not, or where it was interrupted. */
  readonly stoppedBy: Error | null;
  readonly durationSeconds: number;
}

export interface RemovalOptions {
  /** Default: unlink. */
  readonly mode?: RemovalMode;
  /** The window of soft mode, in milliseconds. */
  readonly overMillis?: number;
  readonly journal?: ArchiveWriter | null;
  /** Of soft mode: what an earlier run of the same plan has shortened, with when that TTL ends. */
  readonly shortenedBefore?: ReadonlyMap<ByteString, number | null>;
  /** Of a saved plan: sees what was written since, which stays. */
  readonly writtenSince?: WrittenSince | null;
  /** Keep the values in the journal. */
  readonly withValues?: boolean;
  readonly limits?: PaceLimits;
  /** Once aborted, the batches on their way are finished, and no more are sent. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => number;
  /** From 0 to 1; spreads the window of soft mode. */
  readonly random?: () => number;
}

const labels: Readonly<Record<RemovalMode, string>> = {
  unlink: 'removing',
  soft: 'shortening TTLs',
  generation: 'incrementing',
};

/** Does to the keys what the mode says. Failures are told in the result. */
export async function removeKeys(
  server: RedisServer,
  keys: readonly ByteString[],
  options: RemovalOptions,
): Promise<Removal> {
  const { signal, progress, now, limits = {}, mode = 'unlink' } = options;
  const startedAt = now();
  progress.start(labels[mode], 'keys', keys.length);
  const { writtenSince = null } = options;
  const change = writtenSince === null ? changeOf(options) : writtenSince.sparing(changeOf(options));
  const { changed, unchanged, ...rest } = await changeKeys(server, keys, change, {
    signal,
    onDone: (done) => progress.update(done),
    pacing: (node) => startPacing(node, limits, signal),
  });
  progress.stop();
  return {
    ...rest,
    changed,
    gone: unchanged - (writtenSince?.spared ?? 0),
    rewritten: writtenSince?.spared ?? 0,
    durationSeconds: (now() - startedAt) / 1000,
  };
}

function changeOf(options: RemovalOptions): KeyChange {
  const { mode = 'unlink', journal = null, withValues = false, now } = options;
  const { overMillis = 0, random = Math.random } = options;
  switch (mode) {
    case 'unlink':
      return journal === null ? unlinking() : journaling(unlinking(), journal, withValues, now);
    case 'soft':
      return softening({
        ...{ overMillis, random, now, journal },
        shortenedBefore: options.shortenedBefore,
      });
    case 'generation':
      return incrementing();
  }
}
