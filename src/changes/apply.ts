import type { ArchiveWriter } from '../records/archive/writer.ts';
import type { ByteString } from '../support/bytes.ts';
import {
  changeKeys,
  type ChangeOptions,
  type ChangeTally,
  type KeyChange,
  unlinking,
} from './change-keys.ts';
import type { RedisServer } from '../redis/server.ts';
import { incrementing } from './generation.ts';
import { journaling, keepingTtls } from './journal.ts';
import { softening } from './set-ttls.ts';
import type { WrittenSince } from './written-since.ts';

/** What is done to the keys of a plan: removed at once, given a short TTL, or, being counters, incremented. */
export type RemovalMode = 'unlink' | 'soft' | 'generation';

/** What became of the keys of a plan: `changed + gone + rewritten + failed + notAttempted` is always their number. */
export interface Removal extends Omit<ChangeTally, 'unchanged'> {
  /** Vanished between the plan and the removal; in soft mode also: expire sooner anyway. */
  readonly gone: number;
  /** Written since the plan was saved, and left alone. */
  readonly rewritten: number;
  readonly durationSeconds: number;
}

interface RemovalOptions extends ChangeOptions {
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
  const { progress, now, mode = 'unlink', writtenSince = null } = options;
  const startedAt = now();
  progress.start(labels[mode], 'keys', keys.length);
  const change = writtenSince === null ? changeOf(options) : writtenSince.sparing(changeOf(options));
  const { unchanged, ...rest } = await changeKeys(server, keys, change, options);
  progress.stop();
  return {
    ...rest,
    gone: unchanged - (writtenSince?.spared ?? 0),
    rewritten: writtenSince?.spared ?? 0,
    durationSeconds: (now() - startedAt) / 1000,
  };
}

function changeOf(options: RemovalOptions): KeyChange {
  const { mode = 'unlink', journal = null, withValues = false, now } = options;
  const { overMillis = 0, random = Math.random, shortenedBefore = new Map() } = options;
  switch (mode) {
    case 'unlink':
      return journal === null ? unlinking() : journaling(unlinking(), journal, withValues, now);
    case 'soft':
      return softening({
        ...{ overMillis, random, now, shortenedBefore },
        kept: journal && keepingTtls(journal),
      });
    case 'generation':
      return incrementing();
  }
}
