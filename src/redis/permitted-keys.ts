import { asBytes, type ByteString } from '../support/bytes.ts';
import type { Exchange } from './idle-times.ts';
import { type Reply, replyText } from './reply.ts';

/**
 * A name for a key of our own that the permissions of this user let through: `name` within one of the user's key patterns.
 * Null where the user may not ask for them, or has none that a name can be made from.
 * @param access what is done with the key. @throws RedisError where the connection is lost
 */
export async function permittedName(
  exchange: Exchange,
  access: 'read' | 'read and write',
): Promise<((name: ByteString) => ByteString) | null> {
  const [user] = await exchange([['ACL', 'WHOAMI']]);
  if (typeof user !== 'string') return null;
  const [rules] = await exchange([['ACL', 'GETUSER', asBytes(user)]]);
  const wanted = access === 'read' ? /^(?:%R~|%RW~|~)(.*)$/s : /^(?:%RW~|~)(.*)$/s;
  for (const rule of keyRulesIn(rules)) {
    // A brace may be a hash tag, which the name has of its own.
    const [, before, after] = /^([^*?[\\{]*)\*([^?[\\{]*)$/.exec(wanted.exec(rule)?.[1] ?? '') ?? [];
    if (before === undefined) continue;
    return (name) => asBytes(`${before}${name}${(after ?? '').replaceAll('*', '')}`);
  }
  return null;
}

/** `keys` in a reply to ACL GETUSER: one text from Redis 7.0 on, before it a list. */
function keyRulesIn(reply: Reply | undefined): string[] {
  if (!Array.isArray(reply)) return [];
  const keys = reply[reply.findIndex((each) => each === 'keys') + 1] ?? null;
  return Array.isArray(keys) ? keys.map(replyText) : replyText(keys).split(' ');
}
