import type { ByteString } from '../support/bytes.ts';
import {
  asRefusal,
  type BatchLine,
  type BatchOutcome,
  concernsSomeKeys,
  type KeyChange,
  type Refusal,
} from './change-keys.ts';
import { ReplyError } from '../redis/reply.ts';

/** The server works on one UNLINK without looking at anything else. */
const mostKeysInUnlink = 500;

/** UNLINK, with many keys in one command where the server takes them. */
export function unlinking(): KeyChange {
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
