import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { buildMap } from '../../src/config/build-map.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { readInfo } from '../../src/redis/info.ts';

import type { RedisCommand, RedisNode, RedisServer } from '../../src/redis/server.ts';
import { observe, type ObserveOptions } from '../../src/traffic/observe.ts';
import { until } from '../server/until.ts';
import { testTerms } from './notifications-server.ts';

const map = buildMap({
  namespaces: {
    users: { pattern: 'user:*', hitRateTarget: 0.5 },
    pages: { pattern: 'page:*' },
    counters: { pattern: 'count:*', kind: 'state', hitRateTarget: 0.9 },
  },
});

/** Observes with the rights of a user, whose reconnections are those of the test. */
export function observeFor(server: RedisServer, changes: Partial<ObserveOptions> = {}) {
  return observe(server, optionsOf(changes));
}

export function optionsOf(changes: Partial<ObserveOptions> = {}): ObserveOptions {
  return {
    ...testTerms(),
    ...{ map, mode: 'exact', mayChange: true, duty: 0.2, random: Math.random },
    ...{ signal: new AbortController().signal, seconds: 0.5, maxCost: null, maxBytes: 1e9 },
    reconnect: () => Promise.reject(new Error('no other way')),
    ...changes,
  };
}

/** Ever the same commands in ever new order, from before a window until after it. */
export async function startTraffic(server: RedisServer, { tag = '', missing = true } = {}): Promise<void> {
  const connection = await server.nodes[0].openConnection();
  let [running, turn] = [true, 0];
  const random = (below: number) => ((turn = (turn * 69_069 + 12_345) % 2 ** 31) >> 8) % below;
  const name = (kind: string) => asBytes(`${kind}:${tag}${random(missing ? 40 : 4)}`);
  const commands: readonly (() => RedisCommand)[] = [
    () => ['GET', name('user')],
    () => ['MGET', name('user'), name('page'), name('user')],
    () => ['SET', name('user'), asBytes('v"\r\n'), asBytes('px'), 20 + random(50)],
    () => ['SET', name('page'), asBytes('v'), 'GET'],
    () => ['DEL', name('page')],
    () => ['INCR', name('count')],
    () => ['EXISTS', name('count'), name('page')],
    () => ['OBJECT', 'REFCOUNT', name('count')],
    () => ['TTL', name('user')],
    () => ['GETEX', name('user'), 'PX', 30],
  ];
  const hits: typeof commands = [() => ['GET', name('user')], () => ['EXISTS', name('count')]];
  if (!missing) {
    const keys = ['user', 'count'].flatMap((kind) => [0, 1, 2, 3].map((number) => `${kind}:${tag}${number}`));
    await connection.exchange(keys.map((key) => ['SET', asBytes(key), 1]));
  }
  const run = async () => {
    while (running) {
      const chosen = missing ? commands : hits;
      const batch = Array.from(
        { length: 20 },
        (): RedisCommand => chosen[random(chosen.length)]?.() ?? ['PING'],
      );
      await connection.exchange(batch);
      await sleep(1 + random(3));
    }
  };
  // No event reports a miss of OBJECT: it asks for keys that are always there.
  await connection.exchange(
    Array.from({ length: 40 }, (_, number) => ['INCR', asBytes(`count:${tag}${number}`)]),
  );
  const done = run().catch(() => undefined);
  onTestFinished(async () => {
    running = false;
    await done;
    connection.close();
  });
  await sleep(30);
}

export const sumOf = (values: readonly (number | null)[]) =>
  values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

type WindowOptions = Pick<ObserveOptions, 'seconds' | 'onBegin' | 'signal'>;

/** A window that lasts until something was done in it. */
export function during(action: () => Promise<unknown>): WindowOptions {
  const done = new AbortController();
  const act = () => action().finally(() => done.abort());
  return { seconds: null, signal: done.signal, onBegin: () => void sleep(100).then(act) };
}

/** Waits until each node of the server has counted so many lookups more. */
export async function lookupsBeyond(server: RedisServer, count: number): Promise<void> {
  const counted = (node: RedisNode) =>
    readInfo(node).then((info) => ['keyspace_hits', 'keyspace_misses'].map((name) => Number(info[name])));
  const before = await Promise.all(server.nodes.map(counted));
  for (const [index, node] of server.nodes.entries())
    await until(
      `${count} lookups are made`,
      async () => sumOf(await counted(node)) >= sumOf(before[index] ?? []) + count,
    );
}

/** A window with so many lookups at least, however slow the machine is. @param server over connections of the test's own */
export const untilLookups = (server: RedisServer, count: number) =>
  during(() => lookupsBeyond(server, count));

/** A window that ends by itself because of what is done in it. */
export function endedBy(action: () => Promise<unknown>): Pick<ObserveOptions, 'seconds' | 'onBegin'> {
  return { seconds: 60, onBegin: () => void sleep(100).then(action) };
}
