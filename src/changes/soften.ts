import type { ArchiveWriter } from '../records/archive/writer.ts';
import type { ByteString } from '../support/bytes.ts';
import { asRefusal, type KeyChange, type Refusal } from './change-keys.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import { keepingTtls, refusedBy } from './journal.ts';

interface SofteningOptions {
  /** The last key expires so many milliseconds from now. */
  readonly overMillis: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly journal: ArchiveWriter | null;
  /** Keys that were shortened before, with when that TTL ends, in milliseconds since the epoch: they keep it. */
  readonly shortenedBefore?: ReadonlyMap<ByteString, number | null> | undefined;
}

const mostKeysInBatch = 200;

/** Between the server's clock and ours, for a TTL that we have set ourselves. */
const slackMillis = 1000;

/**
 * Shortens TTLs instead of removing keys, each to a moment of the window drawn at random: the load on what stands behind
 * the cache comes spread over it. A key that expires sooner anyway is left alone. The TTLs as they were go to the journal
 * beforehand.
 *
 * PEXPIRE LT is refused for its arguments by servers before 7.0; there a key that gets a shorter TTL of its own in the
 * round trip since its TTL was read has that replaced by ours.
 */
export function softening({
  overMillis,
  random,
  now,
  journal,
  shortenedBefore,
}: SofteningOptions): KeyChange {
  let knowsConditions = true;
  const kept = journal === null ? null : keepingTtls(journal, now);
  return {
    done: 'shortened',
    mostKeysInBatch,
    async change(line, keys) {
      const left = await line.exchange(keys.map((key) => ['PTTL', key] as const));
      const due: { readonly key: ByteString; readonly millis: number; readonly left: number }[] = [];
      const refused: Refusal[] = [];
      let unchanged = 0;
      keys.forEach((key, index) => {
        const reply = left[index];
        if (typeof reply !== 'number') {
          refused.push({ keys: [key], command: '`PTTL`', reply: asRefusal(reply) });
          return;
        }
        const millis = 1 + Math.floor(random() * overMillis);
        const endsAt = shortenedBefore?.get(key) ?? null;
        const keepsItsEnd = endsAt !== null && now() + reply <= endsAt + slackMillis;
        if (reply === -2 || (reply >= 0 && (reply <= millis || keepsItsEnd))) unchanged++;
        else due.push({ key, millis, left: reply });
      });
      const stop = await kept?.note(due);
      if (stop)
        return { changed: 0, unchanged, refused: [...refused, ...refusedBy(stop, keysOf(due))], stop };
      const condition = () => (knowsConditions ? (['LT'] as const) : []);
      const expire = () =>
        line.exchange(due.map(({ key, millis }) => ['PEXPIRE', key, millis, ...condition()]));
      let replies = due.length === 0 ? [] : await expire();
      if (knowsConditions && replies.some(isAboutArguments)) {
        knowsConditions = false;
        replies = await expire();
      }
      let changed = 0;
      due.forEach(({ key }, index) => {
        const reply = replies[index];
        if (reply === 1) changed++;
        else if (reply === 0) unchanged++;
        else refused.push({ keys: [key], command: '`PEXPIRE`', reply: asRefusal(reply) });
      });
      return { changed, unchanged, refused };
    },
  };
}

function keysOf(due: readonly { readonly key: ByteString }[]): ByteString[] {
  return due.map(({ key }) => key);
}

function isAboutArguments(reply: Reply): boolean {
  return reply instanceof ReplyError && /wrong number of arguments|syntax error/i.test(reply.message);
}
