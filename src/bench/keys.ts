import { asBytes, type ByteString } from '../support/bytes.ts';
import { refusal } from '../redis/errors.ts';
import type { Connection } from '../redis/connection.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode } from '../redis/server.ts';
import { type BenchOptions, needsKeys } from './options.ts';
import { encodeWrite, type OwnKey, repliesOf } from './workload.ts';

/** Keys and values are the same in every run. */
export const seed = 1;

/** A key outlives the run that wrote it by so much at most, should that run be killed. */
export const spareSeconds = 600;
const batchKeys = 1000;
const batchBytes = 2 ** 20;

/** Keys of one run on one node: how they are made, and removed. */
export class KeyStore {
  /** How many of `keys`, from the first, may exist on the server. */
  private written = 0;

  /** @param value Of the largest size; others are its beginning. */
  constructor(
    private readonly node: RedisNode,
    readonly keys: readonly OwnKey[],
    private readonly value: string,
  ) {}

  /** Writes every key, or renews its TTL. Stops between batches where the signal is aborted. @throws RedisError */
  async fill(connection: Connection, signal: AbortSignal): Promise<void> {
    for (let start = 0; start < this.keys.length && !signal.aborted;) {
      let [encoded, replies, end] = ['', 0, start];
      while (end < this.keys.length && end - start < batchKeys && encoded.length < batchBytes) {
        const key = this.keys[end++] as OwnKey;
        encoded += encodeWrite(key, this.value);
        replies += repliesOf(key);
      }
      this.written = Math.max(this.written, end);
      const answers = await connection.send(encoded, replies);
      const refused = answers.find((reply) => reply instanceof ReplyError);
      if (refused)
        throw refusal(refused, this.keys[start]?.fields === null ? '`SET`' : '`HSET`', connection.address);
      start = end;
    }
  }

  /** Makes sure that what is written can be removed again. @throws RedisError where UNLINK is refused */
  async probeRemoval(connection: Connection): Promise<void> {
    const [reply] = await connection.exchange(this.keys.slice(0, 1).map(({ name }) => ['UNLINK', name]));
    if (reply instanceof ReplyError) throw refusal(reply, '`UNLINK`', connection.address);
  }

  /** Removes what was written, one command for each key: keys of a cluster node lie in different slots. */
  async remove(): Promise<Removal> {
    const keys = this.keys.slice(0, this.written);
    const removal = { removed: 0, left: keys.length };
    if (keys.length === 0) return removal;
    try {
      // The connections of the run may be broken.
      const connection = await this.node.openConnection();
      try {
        for (let start = 0; start < keys.length; start += batchKeys) {
          const batch = keys.slice(start, start + batchKeys);
          for (const reply of await connection.exchange(batch.map(({ name }) => ['UNLINK', name]))) {
            if (typeof reply !== 'number') continue;
            removal.removed += reply;
            removal.left--;
          }
        }
      } finally {
        connection.close();
      }
    } catch (error) {
      return { ...removal, error: error as Error };
    }
    return removal;
  }
}

/** What became of the keys of a run. Those neither removed nor left had already gone: expired, or evicted. */
export interface Removal {
  readonly removed: number;
  /** Keys that could not be removed; they expire. */
  readonly left: number;
  readonly error?: Error;
}

/** @param targets Servers that are measured in turn. */
export function ttlSecondsOf(
  { workloads, limit, warmupSeconds, rounds }: BenchOptions,
  targets: number,
): number {
  const longest = limit.kind === 'duration' ? limit.seconds : 0;
  const phases = workloads.filter(needsKeys).length * rounds * targets;
  return spareSeconds + Math.ceil(phases * (longest + warmupSeconds));
}

/** Names of the same length under a prefix that no other run has. Those of a group share a hash tag, and so a slot. */
export function keyNames(runId: string, count: number, group: number | null = null): ByteString[] {
  const digits = String(count - 1).length;
  const padded = (number: number) => String(number).padStart(digits, '0');
  return Array.from({ length: count }, (_, index) => {
    const tag = group === null ? '' : `{${padded(Math.floor(index / group))}}:`;
    return asBytes(`cachectl:bench:${runId}:${tag}${padded(index)}`);
  });
}
