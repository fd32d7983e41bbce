import { setTimeout as sleep } from 'node:timers/promises';
import type { WhatifResult } from '../../src/commands/whatif/result.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { cli } from '../run-cli.ts';
import { startRedisProcess } from '../server/redis-process.ts';
import { encode, LoadConnection } from '../traffic/load-connection.ts';
import { type CacheAside, startCacheAside } from '../traffic/cache-aside.ts';
import { readerOf, type Shape } from '../traffic/reuse-traces.ts';
import { say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { sayTable } from './table.ts';

/**
 * What `whatif` says a server would do, beside what it does: one window at the memory of the middle, then `maxmemory` is set to
 * five points of the curve under the same load; and in the same way three TTLs.
 * Usage: npm run bench:curves-server -- [seconds of the window] [seconds of each point] [keys] [load] [--server PROGRAM]
 * The loads after the first have other keys in use and other sizes; a mixed one needs points of 12 seconds and more, to go round.
 */
const {
  numbers: [windowSeconds = 0, pointSeconds = 0, keys = 0, number = 0],
  server: program,
} = programArguments(20, 8, 40_000, 1);
const shares = [0.25, 0.5, 0.75, 1, 1.25, 1.5];
const random = new SeededRandom(1, 'sizes');
const loads: readonly (readonly [shape: Shape, bytes: () => number])[] = [
  ['zipf 0.9', () => random.size(700)],
  ['zipf 0.7', () => random.size(700)],
  ['zipf 1.1', () => 900],
  ['zipf 1.2', () => random.size(700)],
  ['zipf 0.9', () => (random.chance(0.15) ? 4000 : 150)],
  ['mixed', () => (random.chance(0.15) ? 4000 : 150)],
];
const [shape, sizeOf] = loads[number - 1] ?? ['zipf 0.9', () => random.size(700)];
const bytes = Array.from({ length: keys }, sizeOf);

for (const policy of ['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl']) await memory(policy);
if (number === 1) await ttls();

async function memory(policy: string): Promise<void> {
  const maxmemory = Math.round(0.35 * (keys * 1000) + 2e6);
  const server = await startRedisProcess(program, {
    args: ['--maxmemory', String(maxmemory), '--maxmemory-policy', policy],
  });
  const admin = await LoadConnection.open(server.port);
  const load: CacheAside = {
    next: readerOf(shape, keys, new SeededRandom(2, 'reads')),
    nameOf: (key) => `item:${key}`,
    // At full speed MONITOR slows it down, and what a clock of seconds knows of keys depends on the speed.
    ...{ bytes, ttlMillis: policy.startsWith('volatile') ? 3_600_000 : null, readsPerSecond: 6000 },
  };
  const application = await startCacheAside(server.port, load);
  try {
    await sleep(pointSeconds * 1000);
    const args = [
      'whatif',
      '--for',
      `${windowSeconds}s`,
      ...shares.flatMap((share) => ['--memory', String(Math.round(share * maxmemory))]),
    ];
    const { stdout, stderr } = await cli([...args, '--output', 'json'], {
      url: server.url,
      env: { XDG_STATE_HOME: server.directory },
    });
    const result = JSON.parse(stdout) as WhatifResult & { readonly ok: boolean };
    if (!result.ok) throw new Error(stdout + stderr);
    say(
      `${policy}, ${server.product} ${server.version}, maxmemory ${maxmemory}: ${result.sampledKeys} keys, ${result.sampledAccesses} accesses, rate ${result.sampleRate.toFixed(2)}, hit rate ${result.hitRate?.toFixed(4)}, by the model ${result.modelledHitRate?.toFixed(4)}, seen ${result.seenShare.toFixed(2)} ${stderr.trim()}`,
    );
    const rows: string[][] = [];
    for (const share of shares) {
      const size = Math.round(share * maxmemory);
      await admin.exchange(encode('CONFIG', 'SET', 'maxmemory', size), 1, () => undefined);
      await sleep(pointSeconds * 1000);
      application.count();
      await sleep(pointSeconds * 1000);
      const { reads, hits } = application.count();
      const point = result.memory.find(({ memoryBytes }) => Math.abs(memoryBytes - size) < 1);
      rows.push(
        rowOf(`${share} × memory`, point?.hitRate ?? null, point?.hitRateInterval ?? null, hits / reads),
      );
    }
    sayTable(['point', 'predicted', 'low', 'high', 'measured', 'error'], rows);
  } finally {
    await application.stop();
    admin.close();
    await server.stop();
  }
}

async function ttls(): Promise<void> {
  const server = await startRedisProcess(program);
  const run = (ttlMillis: number) =>
    startCacheAside(server.port, {
      next: readerOf('zipf 0.6', keys / 4, new SeededRandom(2, 'reads')),
      nameOf: (key) => `item:${key}`,
      ...{ bytes, ttlMillis, readsPerSecond: 5000 },
    });
  const seconds = [1, 2, 6];
  try {
    const today = await run(2000);
    await sleep(4000);
    const { stdout } = await cli(
      [
        'whatif',
        '--for',
        `${windowSeconds}s`,
        ...seconds.flatMap((each) => ['--ttl', `${each}s`]),
        '--output',
        'json',
      ],
      { url: server.url, env: { XDG_STATE_HOME: server.directory } },
    );
    await today.stop();
    const result = JSON.parse(stdout) as WhatifResult;
    const rows: string[][] = [];
    for (const ttl of seconds) {
      const application = await run(ttl * 1000);
      await sleep(2000 * ttl + 1000);
      application.count();
      // Keys that were stored together expire together: the time holds as many lives of each.
      await sleep(ttl * 1000 * Math.ceil(pointSeconds / ttl));
      const { reads, hits } = application.count();
      await application.stop();
      const point = result.ttl.find(({ ttlSeconds }) => ttlSeconds === ttl);
      rows.push(rowOf(`TTL ${ttl} s`, point?.hitRate ?? null, point?.hitRateInterval ?? null, hits / reads));
    }
    say(
      `TTLs, 2 s today, ${server.product} ${server.version}: ${result.reads} reads in the window, hit rate ${result.hitRate?.toFixed(4)}`,
    );
    sayTable(['point', 'predicted', 'low', 'high', 'measured', 'error'], rows);
  } finally {
    await server.stop();
  }
}

function rowOf(
  name: string,
  rate: number | null,
  interval: readonly [number, number] | null,
  measured: number,
): string[] {
  const shown = (value: number | null | undefined) => value?.toFixed(4) ?? '-';
  const error = rate === null ? null : rate - measured;
  return [name, shown(rate), shown(interval?.[0]), shown(interval?.[1]), shown(measured), shown(error)];
}
