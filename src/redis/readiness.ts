import { setTimeout as sleep } from 'node:timers/promises';
import { mayPass } from './errors.ts';
import { type Reply, ReplyError } from './reply.ts';

const pauseMillis = 100;
const defaultPatienceMillis = 10_000;

/**
 * Sends commands that change nothing again while the server answers one of them with what may pass (LOADING, CLUSTERDOWN,
 * MASTERDOWN, BUSY, TRYAGAIN). After `patienceMillis`, and once
 * the signal is aborted, the replies are what they are.
 * @throws RedisError when the connection is lost
 */
export async function whenReady(
  send: () => Promise<Reply[]>,
  signal: AbortSignal | undefined,
  patienceMillis = defaultPatienceMillis,
): Promise<Reply[]> {
  const endsAt = performance.now() + patienceMillis;
  for (;;) {
    const replies = await send();
    const isReady = !replies.some((reply) => reply instanceof ReplyError && mayPass(reply));
    if (isReady || signal?.aborted === true || performance.now() >= endsAt) return replies;
    await sleep(pauseMillis, undefined, signal && { signal }).catch(() => undefined);
  }
}
