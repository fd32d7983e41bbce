import type { Progress } from '../progress.ts';
import type { ByteString } from '../redis/bytes.ts';
import { changeKeys, type ChangeProblem } from '../redis/change-keys.ts';
import type { RedisError } from '../redis/errors.ts';
import type { RedisServer } from '../redis/server.ts';
import { unlinking } from '../redis/unlink.ts';

/** What became of the keys of a plan: `removed + gone + failed + notAttempted` is always their number. */
export interface Removal {
  readonly removed: number;
  /** Vanished between the plan and the removal. */
  readonly gone: number;
  /** Refused by the server, or without an answer. */
  readonly failed: number;
  readonly notAttempted: number;
  readonly problems: readonly ChangeProblem[];
  /** Why the work ended before its end; null where it did not, or where it was interrupted. */
  readonly stoppedBy: RedisError | null;
  readonly durationSeconds: number;
}

interface RemovalOptions {
  /** Once aborted, the batches on their way are finished, and no more are sent. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => number;
}

/** Removes the keys with UNLINK, which frees their memory in the background. Failures are told in the result. */
export async function removeKeys(
  server: RedisServer,
  keys: readonly ByteString[],
  { signal, progress, now }: RemovalOptions,
): Promise<Removal> {
  const startedAt = now();
  progress.start('removing', 'keys', keys.length);
  const onDone = (done: number) => progress.update(done);
  const { changed, unchanged, ...rest } = await changeKeys(server, keys, unlinking(), { signal, onDone });
  progress.stop();
  return { ...rest, removed: changed, gone: unchanged, durationSeconds: (now() - startedAt) / 1000 };
}
