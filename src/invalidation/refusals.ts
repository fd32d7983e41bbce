import type { ReplyError } from '../redis/reply.ts';

/** True where the user lacks the key, not the command: another key may be permitted. */
export function concernsOneKey({ code, message }: ReplyError): boolean {
  return code === 'NOPERM' && /\bkeys?\b/.test(message) && !/\bcommand\b/.test(message);
}
