import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisNode } from './server.ts';

const probeMillis = 20;

/**
 * Sends PING over a connection of its own while a walk goes on, and tells `observe` what each round trip took, in
 * milliseconds: the latency that every other client sees, the walk's own part in it included.
 * @returns ends the probe and closes its connection
 * @throws RedisError when no connection can be had
 */
export async function probeLatency(
  node: RedisNode,
  observe: (roundTripMillis: number) => void,
): Promise<() => void> {
  const lane = await node.openLane();
  let ended = false;
  const run = async () => {
    while (!ended) {
      const startedAt = performance.now();
      await lane.exchange([['PING']]);
      observe(performance.now() - startedAt);
      await sleep(probeMillis, undefined, { ref: false });
    }
  };
  // A probe that fails loses its connection as the walk loses its own, and the walk is the one to tell.
  run().catch(() => undefined);
  return () => {
    ended = true;
    lane.close();
  };
}
