import { asBytes } from '../support/bytes.ts';
import { refusal } from '../redis/errors.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisServer } from '../redis/server.ts';
import { type Clock, millisSince } from './clock.ts';
import { type Canary, canaryTtlSeconds } from './facts.ts';

/**
 * Writes a key of its own, reads it back and removes it. The read is the one lookup a check adds to the server's hits.
 * @throws RedisError when the connection is lost
 */
export async function tryCanary(
  server: RedisServer,
  surroundings: { readonly clock: Clock; readonly random: () => number },
): Promise<Canary> {
  const { clock, random } = surroundings;
  const randomBytes = (length: number) =>
    Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 256))).join('');
  const name = Buffer.from(randomBytes(8), 'latin1').toString('hex');
  const key = asBytes(`cachectl:check:${name}`);
  // Bytes that a relay which treats values as text would change.
  const value = asBytes(`\r\n\0\xff${randomBytes(60)}`);
  const node = server.nodeFor(key);
  const startedAt = clock();
  const ask = async (...command: RedisCommand) => (await node.batch([command]))[0];
  const errorOf = (command: string, reply: ReplyError) => refusal(reply, `\`${command}\``, node.address);
  const refused = (command: 'SET' | 'GET', reply: ReplyError): Canary => ({
    outcome: 'refused',
    command,
    error: errorOf(command, reply),
    durationMillis: millisSince(startedAt, clock),
  });

  const written = await ask('SET', key, value, 'PX', canaryTtlSeconds * 1000);
  if (written instanceof ReplyError) return refused('SET', written);
  const read = await ask('GET', key);
  const removed = await ask('UNLINK', key);
  if (read instanceof ReplyError) return refused('GET', read);
  return {
    outcome: 'returned',
    sameBytes: read === value,
    valueBytes: value.length,
    notRemoved: removed instanceof ReplyError ? errorOf('UNLINK', removed) : null,
    durationMillis: millisSince(startedAt, clock),
  };
}
