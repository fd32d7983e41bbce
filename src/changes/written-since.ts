import { isRedirection } from '../redis/errors.ts';
import { createHash } from 'node:crypto';
import { type Exchange, readIdleTimes } from '../redis/idle-times.ts';
import type { ByteString } from '../support/bytes.ts';
import { type ChangeOptions, KeyChanger } from './change-keys.ts';
import type { KeyChange } from './key-change.ts';
import { silentProgress } from '../support/progress.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisServer } from '../redis/server.ts';

/** DUMP builds a value at one go: a batch is what the server does without looking at anyone else. */
const mostKeysInBatch = 50;

/** DUMP ends with the version of the format and a checksum, which say nothing about the value. */
const footerBytes = 10;

/** The server counts idle time in whole seconds, by a clock that is up to a second late. */
const idleSlackSeconds = 1;

/** A plan that is no larger carries the digests of its values. */
export const mostKeysDigested = 100_000;
export const mostBytesDigested = 100_000_000;

/** Once the signal is aborted, what is left is not looked at. */
type LookTerms = Omit<ChangeOptions, 'progress'>;

/**
 * Digests of the values of a plan, each for a DUMP: a lookup that the server counts as a hit and a use of the key. A key that
 * is gone, or that this user may not read, has none. @throws RedisError where the connection is lost
 */
export async function readDigests(
  server: RedisServer,
  keys: readonly ByteString[],
  terms: LookTerms,
): Promise<Map<ByteString, string>> {
  const digests = new Map<ByteString, string>();
  await lookThrough(server, keys, terms, async (exchange, batch) => {
    const replies = await exchange(batch.map((key) => ['DUMP', key] as const));
    batch.forEach((key, index) => {
      const payload = replies[index];
      if (typeof payload === 'string') digests.set(key, digestOf(payload));
    });
  });
  return digests;
}

/**
 * Which keys of a plan were written since it was made. Where the plan has the digest of a value, the value is compared with it.
 * Else the idle time decides, which reading starts again as well: a key that was used since the plan counts as written.
 */
export class WrittenSince {
  /** Keys that the server says nothing about: it keeps no idle times (LFU, shared values), or refuses OBJECT or DUMP. */
  readonly untold = new Set<ByteString>();
  readonly found = new Set<ByteString>();
  /** Keys that a change has left alone. */
  spared = 0;

  /** @param elapsedSeconds Since the plan was made, on the server's clock where it is known. */
  constructor(
    private readonly digests: ReadonlyMap<ByteString, string>,
    private readonly elapsedSeconds: () => number,
  ) {}

  /** Looks at all of the keys. @throws RedisError where the connection is lost */
  look(server: RedisServer, keys: readonly ByteString[], terms: LookTerms): Promise<void> {
    return lookThrough(server, keys, terms, (exchange, batch) => this.lookAt(exchange, batch));
  }

  /** The change without the keys that were written; they count as unchanged, and are in `found`. */
  sparing(change: KeyChange): KeyChange {
    return {
      ...change,
      mostKeysInBatch: Math.min(mostKeysInBatch, change.mostKeysInBatch),
      change: async (line, keys) => {
        await this.lookAt(line.exchange, keys);
        const due = keys.filter((key) => !this.found.has(key));
        // What was sent before is counted as what came of it then.
        if (!line.again) this.spared += keys.length - due.length;
        return due.length === 0 ? { changed: 0, refused: [] } : change.change(line, due);
      },
    };
  }

  private async lookAt(exchange: Exchange, keys: readonly ByteString[]): Promise<void> {
    const digested = keys.filter((key) => this.digests.has(key));
    const others = keys.filter((key) => !this.digests.has(key));
    const payloads =
      digested.length === 0 ? [] : await exchange(digested.map((key) => ['DUMP', key] as const));
    const times = await readIdleTimes(exchange, others);
    digested.forEach((key, index) => {
      const payload = payloads[index];
      if (typeof payload !== 'string') this.noteUntold(key, payload);
      else if (digestOf(payload) !== this.digests.get(key)) this.found.add(key);
    });
    others.forEach((key, index) => {
      const time = times[index];
      if (typeof time !== 'number') this.noteUntold(key, time);
      else if (time < this.elapsedSeconds() + idleSlackSeconds) this.found.add(key);
    });
  }

  /** One that is gone, or has moved, says so when it is changed. */
  private noteUntold(key: ByteString, reply: unknown): void {
    const isElsewhere = reply instanceof ReplyError && isRedirection(reply);
    if (reply !== null && reply !== undefined && !isElsewhere) this.untold.add(key);
  }
}

/** 128 bits are enough to see an accidental change. */
function digestOf(payload: string): string {
  return createHash('sha256')
    .update(Buffer.from(payload, 'latin1').subarray(0, -footerBytes))
    .digest('hex')
    .slice(0, 32);
}

/** Looks at the keys batch by batch, as a change that changes nothing does. @throws RedisError where the connection is lost */
async function lookThrough(
  server: RedisServer,
  keys: readonly ByteString[],
  terms: LookTerms,
  look: (exchange: Exchange, batch: readonly ByteString[]) => Promise<void>,
): Promise<void> {
  const looking: KeyChange = {
    done: 'looked at',
    mostKeysInBatch,
    change: async (line, batch) => {
      await look(line.exchange, batch);
      return { changed: 0, refused: [] };
    },
  };
  const changer = new KeyChanger(server, { ...terms, progress: silentProgress });
  await changer.take(keys, looking).finally(() => changer.close());
  if (changer.stoppedBy !== null) throw changer.stoppedBy;
}
