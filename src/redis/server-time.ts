import type { Reply } from './reply.ts';
import type { RedisServer } from './server.ts';

/** What TIME answered, in milliseconds since the epoch; null where it is not permitted. */
export function timeOf(reply: Reply | undefined): number | null {
  const [seconds, micros] = Array.isArray(reply) ? reply : [];
  const millis = Number(seconds) * 1000 + Number(micros) / 1000;
  return Number.isFinite(millis) ? millis : null;
}

/** The server's clock in milliseconds since the epoch; null where TIME is not permitted. @throws RedisError */
export async function readServerTime(server: RedisServer): Promise<number | null> {
  const [reply] = await server.nodes[0].batch([['TIME']]);
  return timeOf(reply);
}
