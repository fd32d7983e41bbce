import type { Progress } from '../progress.ts';
import type { ByteString } from '../redis/bytes.ts';
import {
  asRefusal,
  type BatchLine,
  type BatchOutcome,
  changeKeys,
  type ChangeProblem,
  concernsSomeKeys,
  type KeyChange,
  type Refusal,
} from '../redis/change-keys.ts';
import type { RedisError } from '../redis/errors.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisServer } from '../redis/server.ts';

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
  const { changed, unchanged, ...rest } = await changeKeys(server, keys, removal(), { signal, onDone });
  progress.stop();
  return { ...rest, removed: changed, gone: unchanged, durationSeconds: (now() - startedAt) / 1000 };
}

/** The server works on one UNLINK without looking at anything else. */
const mostKeysInUnlink = 500;

/** UNLINK, with many keys in one command where the server takes them. */
function removal(): KeyChange {
  let singly = false;
  return {
    done: 'removed',
    mostKeysInBatch: mostKeysInUnlink,
    async change(line, keys) {
      if (singly || line.inCluster) return unlinkSingly(line, keys);
      const [reply] = await line.exchange([['UNLINK', ...keys]]);
      if (typeof reply === 'number') return { changed: reply, unchanged: keys.length - reply, refused: [] };
      if (!(reply instanceof ReplyError) || !concernsSomeKeys(reply))
        return {
          changed: 0,
          unchanged: 0,
          refused: [{ keys, command: '`UNLINK`', reply: asRefusal(reply) }],
        };
      // A user who lacks one key of a batch lacks it in that batch only; slots differ in every batch.
      if (reply.code !== 'NOPERM') singly = true;
      return unlinkSingly(line, keys);
    },
  };
}

async function unlinkSingly(line: BatchLine, keys: readonly ByteString[]): Promise<BatchOutcome> {
  const replies = await line.exchange(keys.map((key) => ['UNLINK', key] as const));
  let [changed, unchanged] = [0, 0];
  const refused: Refusal[] = [];
  keys.forEach((key, index) => {
    const reply = replies[index];
    if (reply === 1) changed++;
    else if (reply === 0) unchanged++;
    else refused.push({ keys: [key], command: '`UNLINK`', reply: asRefusal(reply) });
  });
  return { changed, unchanged, refused };
}
