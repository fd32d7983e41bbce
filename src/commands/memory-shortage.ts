import { RedisError } from '../redis/errors.ts';
import type { MemoryShortage } from '../redis/memory-shortage.ts';
import { formatBytes } from '../render/units.ts';

/** What is said where it would not fit, before anything is written. @param subject In the plural: `the records` */
export function shortageFailure(
  { address, usedBytes, maxBytes, neededBytes, policy }: MemoryShortage,
  subject: string,
  hint: string,
): RedisError {
  const then =
    policy === null || policy === 'noeviction'
      ? 'the server would refuse writes, those of others too'
      : `the server would evict other keys (${policy})`;
  return new RedisError(
    'refused',
    'OOM',
    `${subject} need about ${formatBytes(neededBytes)} on ${address}, where ${formatBytes(usedBytes)} of ` +
      `\`maxmemory\` ${formatBytes(maxBytes)} are in use: ${then}; nothing was written`,
    hint,
  );
}
