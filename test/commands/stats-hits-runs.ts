import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../src/redis/server.ts';
import type { CliOptions } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { replyText } from '../../src/redis/reply.ts';
import { open, startServer, temporaryFolder } from '../server/own.ts';

type Commands = readonly (readonly string[])[];

export const gets = (prefix: string, count: number, from = 0): Commands =>
  Array.from({ length: count }, (_, index) => ['GET', `${prefix}:${from + index}`]);
export const sets = (prefix: string, count: number): Commands =>
  Array.from({ length: count }, (_, index) => ['SET', `${prefix}:${index}`, 'x'.repeat(50)]);

/** Sends the same commands over and over, on a connection of its own, while something runs. */
export async function whileReading<T>(url: string, commands: Commands, run: () => Promise<T>): Promise<T> {
  const reader = await open(url);
  const state = { ended: false };
  const reading = (async () => {
    while (!state.ended) {
      await sendAll(reader, commands);
      await sleep(5);
    }
  })();
  try {
    return await run();
  } finally {
    state.ended = true;
    await reading;
  }
}

/** An environment with a folder for notes, gone at the test's end. */
export function homed(): Pick<CliOptions, 'env'> {
  const folder = temporaryFolder();
  return { env: { XDG_STATE_HOME: folder } };
}

export const flagsOf = async (server: RedisServer) => {
  const [, flags] = (await send(server, 'CONFIG', 'GET', 'notify-keyspace-events')) as string[];
  return flags;
};

/** Resolves when the observation has begun: events are switched on first, then MONITOR, and the window opens at a mark soon after. */
export async function observed(server: RedisServer): Promise<void> {
  await until('events are switched on', async () => (await flagsOf(server)) !== '');
  await untilMonitored(server);
  await sleep(300);
}

/** Waits for a MONITOR connection, for a second: not every mode of observation has one. */
export async function untilMonitored(server: RedisServer, seconds = 1): Promise<void> {
  for (let looks = 0; looks < 50 * seconds; looks++) {
    if (/cmd=monitor/.test(replyText(await send(server, 'CLIENT', 'LIST')))) return;
    await sleep(20);
  }
}

/** `product` hits 40 %, `user` 90 %. */
export const reads: Commands = [
  ...gets('product', 4),
  ...gets('product', 6, 1000),
  ...gets('user', 9),
  ...gets('user', 1, 1000),
];
export const targets = {
  namespaces: {
    product: { pattern: 'product:<id>', hitRateTarget: '90%' },
    user: { pattern: 'user:<id>', hitRateTarget: '80%' },
  },
} as const;

export async function shop(options: Parameters<typeof startServer>[0] = {}) {
  const { redis, server } = await startServer(options);
  await sendAll(server, [...sets('product', 20), ...sets('user', 20)]);
  return { redis, server };
}
