import type { MemoryShortage } from '../../records/fixtures/memory.ts';
import { RedisError } from '../../redis/errors.ts';
import { formatBytes } from '../../render/units.ts';

/** What is told where the records would not fit, before anything is written. */
export function shortageFailure({
  address,
  usedBytes,
  maxBytes,
  neededBytes,
  policy,
}: MemoryShortage): RedisError {
  const then =
    policy === null || policy === 'noeviction'
      ? 'the server would refuse writes, those of others too'
      : `the server would evict other keys (${policy})`;
  return new RedisError(
    'refused',
    'OOM',
    `the records need about ${formatBytes(neededBytes)} on ${address}, where ${formatBytes(usedBytes)} of ` +
      `\`maxmemory\` ${formatBytes(maxBytes)} are in use: ${then}; nothing was written`,
    'load fewer records, raise `maxmemory`, or write all the same with --ignore-memory-estimate',
  );
}
