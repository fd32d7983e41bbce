import type { ByteString } from '../support/bytes.ts';
import { groupBy } from '../support/collections.ts';
import { readIdleTimes, noOwnIdleTime } from '../redis/idle-times.ts';
import type { RedisServer } from '../redis/server.ts';

/** How lately some keys of a plan were used. */
export interface Traffic {
  readonly sampledKeys: number;
  /** Of those, used within the last minute, and within the last hour. */
  readonly usedInMinute: number;
  readonly usedInHour: number;
  /** Sampled as well, but without an idle time of their own. */
  readonly keysWithoutIdleTime: number;
}

const mostSampled = 100;

/**
 * Looks at the idle times of keys that stand evenly in the plan. Each costs a lookup that the server counts as a hit, and
 * touches nothing. Null under an LFU policy, which keeps no idle times, and where OBJECT is refused.
 */
export async function readTraffic(server: RedisServer, keys: readonly ByteString[]): Promise<Traffic | null> {
  const step = Math.max(1, Math.floor(keys.length / mostSampled));
  const sample = keys.filter((_, index) => index % step === 0).slice(0, mostSampled);
  const idle: number[] = [];
  let keysWithoutIdleTime = 0;
  // One key shows whether there are idle times: a refusal under an LFU policy is counted as a lookup too.
  for (const some of [sample.slice(0, 1), sample.slice(1)])
    for (const [node, own] of groupBy(some, (key) => server.nodeFor(key)))
      for (const seconds of await readIdleTimes((commands) => node.batch(commands), own)) {
        if (typeof seconds === 'number') idle.push(seconds);
        else if (seconds === noOwnIdleTime) keysWithoutIdleTime++;
        else if (seconds !== null) return null;
      }
  if (idle.length + keysWithoutIdleTime === 0) return null;
  const within = (seconds: number) => idle.filter((each) => each < seconds).length;
  return {
    sampledKeys: idle.length,
    keysWithoutIdleTime,
    usedInMinute: within(60),
    usedInHour: within(3600),
  };
}
