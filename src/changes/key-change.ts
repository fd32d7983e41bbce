import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCommand } from '../redis/server.ts';
import type { ByteString } from '../support/bytes.ts';

/** One way of changing keys. */
export interface KeyChange {
  /** As it reads in `whether it was removed is unknown`. */
  readonly done: string;
  readonly mostKeysInBatch: number;
  /** True: the batches are not kept, and `confirm` makes none of them again. */
  readonly isOnce?: true;
  /**
   * Changes the keys of one batch. It may get keys again that it has changed, or may have: where no answer came, and where
   * another server has taken over that does not have the change. @throws RedisError when the connection is lost
   */
  change(line: BatchLine, keys: readonly ByteString[]): Promise<BatchOutcome>;
}

/** The way to the node that holds the keys of a batch. */
export interface BatchLine {
  /** The keys of one command must share a slot. */
  readonly inCluster: boolean;
  /** The keys were sent before. */
  readonly again: boolean;
  /** Sends the commands, each about keys of the batch; an error reply is a value in its place. */
  readonly exchange: (commands: readonly RedisCommand[]) => Promise<Reply[]>;
}

/** What became of a batch. A key that is neither changed nor refused was gone, or did not need the change any more. */
export interface BatchOutcome {
  readonly changed: number;
  readonly refused: readonly Refusal[];
  /** Why no further batch may follow, although this one was changed. */
  readonly stop?: Error | null;
}

export interface Refusal {
  readonly keys: readonly ByteString[];
  /** In backticks, for messages. */
  readonly command: string;
  readonly reply: ReplyError;
  /** The reply is about these keys, and others may be answered all the same. */
  readonly concernsThese?: true;
}

/** An answer that is not of the kind that was asked for, as an error reply. @param command in backticks, for messages */
export const refusedKeys = (keys: readonly ByteString[], command: string, reply: unknown): Refusal => ({
  keys,
  command,
  reply: reply instanceof ReplyError ? reply : new ReplyError('ERR an answer that is no number'),
});

/** What the replies to one command for each key come to: 0 where there was nothing to change, else another number. */
export function outcomeOf(
  keys: readonly ByteString[],
  replies: readonly Reply[],
  command: string,
  isChanged: (reply: number) => boolean = (reply) => reply !== 0,
): BatchOutcome {
  let changed = 0;
  const refused: Refusal[] = [];
  keys.forEach((key, index) => {
    const reply = replies[index];
    if (typeof reply !== 'number') refused.push(refusedKeys([key], command, reply));
    else if (isChanged(reply)) changed++;
  });
  return { changed, refused };
}

/** A batch that was sent: so many of its keys were changed. */
export interface ChangedBatch {
  readonly keys: readonly ByteString[];
  readonly change: KeyChange;
  changed: number;
}
