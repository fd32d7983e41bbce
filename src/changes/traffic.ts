import type { ByteString } from '../support/bytes.ts';
import { readIdleTimes, noOwnIdleTime } from '../redis/idle-times.ts';
import type { RedisServer } from '../redis/server.ts';

/** How lately some keys of a plan were used. */
export interface Traffic {
  readonly sampledKeys: number;
  /** Sampled as well, but the server shares their values between keys, and keeps no idle time of their own. */
  readonly keysWithoutIdleTime: number;
  /** Of those, used within the last minute, and within the last hour. */
  readonly usedInMinute: number;
  readonly usedInHour: number;
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
  for (const key of sample) {
    const node = server.nodeFor(key);
    const [seconds] = await readIdleTimes((commands) => node.batch(commands), [key]);
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
