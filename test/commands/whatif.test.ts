import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readRecording } from '../../src/commands/whatif/recording.ts';
import type { WhatifResult } from '../../src/commands/whatif/result.ts';
import { asWritten, resultOf as workedOut } from '../../src/commands/whatif/run.ts';
import { viewWhatif } from '../../src/commands/whatif/view.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { type Progress, silentProgress } from '../../src/support/progress.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { ownerIndex, startCluster, storeInCluster } from '../server/cluster.ts';
import { sendAll } from '../server/redis.ts';
import { startRedis, temporaryFolder } from '../server/own.ts';
import { startCacheAside } from '../traffic/cache-aside.ts';
import { readerOf } from '../traffic/reuse-traces.ts';
import { encode, LoadConnection } from '../traffic/load-connection.ts';
import { urlAs } from './reading.ts';

const folder = temporaryFolder();
const file = join(folder, 'window.curves');
const keys = 6000;
const sizes = new SeededRandom(1, 'sizes');
const bytes = Array.from({ length: keys }, () => sizes.size(700));
const nameOf = (key: number) => (key % 3 === 0 ? `page:${key}:secret` : `user:${key}:profile`);
const map = {
  namespaces: {
    page: { pattern: 'page:<id>:secret', missCost: 0.001 },
    profile: { pattern: 'user:<id>:profile', missCost: 0.1 },
  },
  gigabyteHourCost: 0.02,
};

const run = (args: readonly string[], url?: string, terminal = false) =>
  cli(['whatif', ...args], {
    ...(url !== undefined && { url }),
    ...{ cwd: folder, env: { XDG_STATE_HOME: join(folder, 'state') }, terminal },
  });

const resultOf = (outcome: Awaited<ReturnType<typeof run>>) => {
  const result = jsonOf(outcome) as unknown as WhatifResult & { readonly ok: boolean };
  if (!result.ok) throw new Error(outcome.stdout);
  return result;
};

/** A full server under load, what a window of it said, and what hit in that window. */
let observed: { result: WhatifResult; hitRate: number; rateAtHalf: number };

beforeAll(async () => {
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
  const maxmemory = 4_500_000;
  const redis = await startRedis({
    args: ['--maxmemory', String(maxmemory), '--maxmemory-policy', 'allkeys-lru'],
  });
  const random = new SeededRandom(2, 'reads');
  const load = {
    next: readerOf('zipf 0.9', keys, random),
    nameOf,
    bytes,
    ttlMillis: 60_000,
    readsPerSecond: 8000,
  };
  const application = await startCacheAside(redis.port, load);
  await sleep(1000);
  application.count();
  const result = resultOf(await run(['--for', '2500ms', '--record', file, '--output', 'json'], redis.url));
  const during = application.count();
  const admin = await LoadConnection.open(redis.port);
  await admin.exchange(encode('CONFIG', 'SET', 'maxmemory', maxmemory / 2), 1, () => undefined);
  await sleep(500);
  application.count();
  await sleep(1000);
  const half = application.count();
  await application.stop();
  admin.close();
  observed = { result, hitRate: during.hits / during.reads, rateAtHalf: half.hits / half.reads };
});

describe('a window of a full server', () => {
  test('has the hit rate that the application had, and half the memory the one that it gets with it', () => {
    const { result, hitRate, rateAtHalf } = observed;
    expect(result).toMatchObject({ valid: true, policy: 'allkeys-lru', hasEvicted: true, remarks: [] });
    expect(Math.abs((result.hitRate ?? 0) - hitRate)).toBeLessThan(0.08);
    expect(Math.abs((result.modelledHitRate ?? 0) - (result.hitRate ?? 0))).toBeLessThan(0.08);
    const [low = 0, high = 1] = result.half?.hitRateInterval ?? [];
    // A busy machine slows the load down within the second that it is measured in.
    expect(rateAtHalf).toBeGreaterThan(low - 0.1);
    expect(rateAtHalf).toBeLessThan(high + 0.1);
    expect(result.half?.extraMissesPerDay).toBeGreaterThan(0);
  });

  test('has a curve that never falls with more memory, and each point within its interval', () => {
    const { memory, namespaces } = observed.result;
    for (const { memory: points } of [{ memory }, ...namespaces]) {
      const rates = points.flatMap(({ hitRate }) => (hitRate === null ? [] : [hitRate]));
      expect(rates.length).toBeGreaterThan(8);
      rates.slice(1).forEach((rate, index) => expect(rate).toBeGreaterThan((rates[index] ?? 0) - 0.02));
      for (const { hitRate, hitRateInterval: interval } of points) {
        if (hitRate === null || interval === null) continue;
        expect(interval[0]).toBeLessThanOrEqual(hitRate);
        expect(interval[1]).toBeGreaterThanOrEqual(hitRate);
      }
      const intervals = points.flatMap(({ hitRateInterval }) => hitRateInterval ?? []);
      for (let index = 2; index < intervals.length; index++)
        expect(intervals[index]).toBeGreaterThanOrEqual(intervals[index - 2] ?? 0);
    }
  });

  test('says what each namespace saves for its memory, and which one saves least', async () => {
    const { namespaces } = observed.result;
    const worth = Object.fromEntries(
      namespaces.map((each) => [each.namespace, each.savedPerGigabyteHour ?? 0]),
    );
    expect((worth['profile'] ?? 0) / (worth['page'] ?? 1)).toBeGreaterThan(50);
    expect(namespaces.reduce((sum, { memoryShare }) => sum + (memoryShare ?? 0), 0)).toBeCloseTo(1, 6);
    const { stdout } = await run(['--from', file], undefined, true);
    expect(stdout).toContain('`page` earns least');
    const half = stdout
      .replaceAll(/\s+/g, ' ')
      .match(/half the memory, .* the memory costs [\d.e-]+ less/)?.[0];
    expect(half).toMatch(/; loses [\d.,]+ an hour \([\d.,]+ to [\d.,]+\), the memory costs/);
  });

  test('is the same again from its recording, which has no names of keys', async () => {
    const again = resultOf(await run(['--from', file, '--output', 'json']));
    expect(again).toMatchObject({
      memory: observed.result.memory,
      hitRate: observed.result.hitRate,
      from: file,
    });
    const text = readFileSync(file, 'latin1');
    expect(text).not.toContain(':profile');
    expect(text).not.toContain(':secret');
  });

  test('says the same of a size, whatever other sizes are asked for', async () => {
    const more = '--memory 1MB --memory 1.7MB --memory 2MB --memory 2.7MB --memory 3.1MB --output json';
    const result = resultOf(await run(['--from', file, ...more.split(' ')]));
    const { half, namespaces } = observed.result;
    expect(Math.abs((result.half?.hitRate ?? 0) - (half?.hitRate ?? 1))).toBeLessThan(0.002);
    const rateOf = ({ memory }: WhatifResult['namespaces'][number]) =>
      memory.find(({ timesToday }) => timesToday === 0.5)?.hitRate ?? 0;
    for (const [index, each] of namespaces.entries())
      expect(Math.abs(rateOf(each) - rateOf(result.namespaces[index] ?? each))).toBeLessThan(0.003);
  });

  test('is asked whole when it was recorded', async () => {
    const { exitCode, stderr } = await run(['--from', file, 'user:*']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('keys cannot be chosen from a recording');
  });

  test('answers other questions from its recording: sizes, TTLs, a policy, a target', async () => {
    const line =
      '--memory 1MB --memory 5MB --ttl 200ms --ttl 1s --policy allkeys-lfu --target 60% --output json';
    const result = resultOf(await run(['--from', file, ...line.split(' ')]));
    const sizesOf = result.memory.map(({ memoryBytes }) => Math.round(memoryBytes));
    expect(sizesOf).toEqual(expect.arrayContaining([1_000_000, 5_000_000]));
    const [short, long] = result.namespaces[0]?.ttl ?? [];
    expect(short).toMatchObject({ ttlSeconds: 0.2 });
    expect(long?.hitRate ?? 0).toBeGreaterThan(short?.hitRate ?? 1);
    expect(long?.heldBytes ?? 0).toBeGreaterThan(short?.heldBytes ?? Number.POSITIVE_INFINITY);
    expect(result).toMatchObject({ policy: 'allkeys-lfu', serverPolicy: 'allkeys-lru' });
    // The other policy has a curve of its own.
    const ratesOf = ({ memory }: WhatifResult) =>
      new Map(memory.map(({ timesToday, hitRate }) => [timesToday, hitRate]));
    const own = ratesOf(observed.result);
    expect([...ratesOf(result)].some(([share, rate]) => own.has(share) && own.get(share) !== rate)).toBe(
      true,
    );
    expect(result.forTarget?.point?.hitRateInterval?.[0]).toBeGreaterThanOrEqual(0.6);
  });

  test('exits with 1 where no memory is known to reach the target', async () => {
    const { exitCode, stdout } = await run(['--from', file, '--target', '100%'], undefined, true);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/no memory reaches 100.0 %|which memory reaches 100.0 % cannot be told/);
  });

  test('is drawn for a person, in ASCII too', async () => {
    const { stdout } = await cli(['whatif', '--from', file], {
      ...{
        cwd: folder,
        terminal: true,
        env: { LANG: 'C', NO_COLOR: '1', XDG_STATE_HOME: join(folder, 'state') },
      },
    });
    expect(stdout).toContain('Hit rate by memory\n');
    expect(stdout).toMatch(/^ +[\d.]+ % +\*+/m);
    expect(stdout).toMatch(/^[\x00-\x7f]*$/);
  });
});

describe('the answers on a screen', () => {
  const tablesOf = (result: WhatifResult, input: Parameters<typeof viewWhatif>[1]) =>
    viewWhatif(result, input, { isPerson: true }).filter((block) => block.kind === 'table');

  test('are those that an option asks for, also on a small one', () => {
    const { result } = observed;
    const secondary = (input: Parameters<typeof viewWhatif>[1]) =>
      tablesOf(result, input).flatMap(({ name, isSecondary }) => (isSecondary ? [name] : []));
    expect(secondary({})).toEqual(['memory', 'ttl']);
    expect(secondary({ memory: [result.todayBytes / 2], ttl: [60] })).toEqual([]);
    const [memory] = tablesOf(result, { memory: [result.todayBytes / 2] }).filter(
      ({ name }) => name === 'memory',
    );
    expect(memory?.display?.rows).toHaveLength(2);
  });

  test('are none without a read', () => {
    const blocks = viewWhatif({ ...observed.result, reads: 0, hitRate: null }, {}, { isPerson: true });
    expect(blocks[0]).toMatchObject({
      text: expect.stringMatching(/^no reads were observed in \d+ s$/) as string,
    });
    expect(blocks.map(({ kind }) => kind)).not.toContain('table');
    expect(blocks.map(({ kind }) => kind)).not.toContain('plot');
  });
});

describe('Ctrl-C', () => {
  const resultWhen = async (isEnded: boolean, mostParts: number) => {
    const interrupting = new AbortController();
    if (isEnded) interrupting.abort();
    const record = await readRecording(file, new AbortController().signal);
    let parts = 0;
    const progress: Progress = {
      ...silentProgress,
      update: (part) => {
        parts = part;
        if (part === mostParts) interrupting.abort();
      },
    };
    const result = await workedOut({ map: buildMap(map), signal: interrupting.signal, progress }, {}, record);
    return { parts, result: { ...result, ...asWritten } };
  };

  test('while the curves are worked out ends that after the part in hand, and leaves what was counted', async () => {
    const { parts, result } = await resultWhen(false, 2);
    expect(parts).toBe(2);
    expect(result).toMatchObject({ memory: [], ttl: [], half: null, reads: observed.result.reads });
    expect(result.hitRate).toBe(observed.result.hitRate);
    expect(result.namespaces.length).toBe(observed.result.namespaces.length);
    for (const isPerson of [true, false]) expect(() => viewWhatif(result, {}, { isPerson })).not.toThrow();
  });

  test('that ended the window leaves time to say what it held', async () => {
    const { parts, result } = await resultWhen(true, 2);
    expect(parts).toBeGreaterThan(8);
    expect(result.memory).toEqual(observed.result.memory);
  });
});

describe('a recording', () => {
  test('that was damaged, or is something else, is refused', async () => {
    const text = readFileSync(file, 'utf8');
    const damaged = join(folder, 'damaged.curves');
    for (const content of [
      text.replace(/"windowSeconds":\d/, '"windowSeconds":9'),
      text.slice(0, -100),
      '{}',
      '[]',
    ]) {
      writeFileSync(damaged, content);
      const { exitCode, stderr } = await run(['--from', damaged]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('cannot be read');
    }
  });

  test('whose columns do not fit together is refused, whatever its digest', async () => {
    const { sha256: _, ...record } = JSON.parse(readFileSync(file, 'utf8')) as {
      sha256: string;
      nodes: { accesses: { key: string } }[];
    };
    const wrong = join(folder, 'wrong.curves');
    const [node] = record.nodes;
    if (node === undefined) throw new Error('no node');
    for (const key of ['AAAA', Buffer.from(new Uint32Array([4_000_000]).buffer).toString('base64')]) {
      writeFileSync(
        wrong,
        JSON.stringify({ ...record, nodes: [{ ...node, accesses: { ...node.accesses, key } }] }),
      );
      const { exitCode, stderr } = await run(['--from', wrong]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('do not fit together');
    }
  });

  test('that cannot be written is refused before the window', async () => {
    const { exitCode, stderr } = await run(['--for', '1h', '--record', folder]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('cannot be written');
  });
});

test('a user who may not see commands is refused', async () => {
  const redis = await startRedis({ config: ['user nomonitor on >secret ~* &* +@all -monitor'] });
  const { exitCode, stderr } = await run(['--for', '1s'], urlAs(redis.url, 'nomonitor'));
  expect(exitCode).toBe(4);
  expect(stderr).toContain('MONITOR');
});

test('keys that were never there take no memory, and those that are not stored again may all be lost with less', async () => {
  const redis = await startRedis();
  const application = await startCacheAside(redis.port, {
    next: readerOf('zipf 0.9', 300, new SeededRandom(3, 'reads')),
    nameOf: (key) => `page:${key}:secret`,
    ...{ bytes: bytes.slice(0, 300), ttlMillis: 200, readsPerSecond: 2000 },
  });
  const sessions = await LoadConnection.open(redis.port);
  const exchange = (...commands: string[][]) =>
    sessions.exchange(
      Buffer.concat(commands.map((words) => Buffer.from(encode(...words)))),
      commands.length,
      () => undefined,
    );
  const ids = Array.from({ length: 200 }, (_, id) => String(id));
  await exchange(...ids.slice(0, 150).map((id) => ['SET', `sess:${id}`, 'x'.repeat(20_000)]));
  const over = new AbortController();
  const random = new SeededRandom(4, 'sessions');
  const reading = (async () => {
    while (!over.signal.aborted) {
      const chosen = ids.filter(() => random.chance(0.3));
      await exchange(
        ...chosen.flatMap((id) => [
          ['STRLEN', `sess:${id}`],
          ['STRLEN', `geo:${id}`],
        ]),
      );
      await sleep(20);
    }
  })();
  // A map would call them unmapped.
  const options = { url: redis.url, cwd: temporaryFolder(), env: { XDG_STATE_HOME: join(folder, 'state') } };
  const { namespaces } = resultOf(await cli(['whatif', '--for', '1500ms', '--output', 'json'], options));
  const printed = await cli(['whatif', '--for', '300ms', '--no-color'], { ...options, terminal: true });
  over.abort();
  await reading;
  await application.stop();
  sessions.close();
  const of = (name: string) => namespaces.find(({ namespace }) => namespace === name);
  const halfOf = (name: string) => of(name)?.memory.find(({ timesToday }) => timesToday === 0.5);

  expect(of('geo:<id>')).toMatchObject({ hitRate: 0, activeBytes: 0, memoryShare: 0, refilled: false });
  expect(of('sess:<id>')).toMatchObject({ refilled: false });
  expect(halfOf('sess:<id>')?.hitRateInterval?.[0]).toBe(0);
  expect(halfOf('sess:<id>')?.hitRateInterval?.[1]).toBeGreaterThan(0.1);
  expect(of('page:<id>:secret')).toMatchObject({ refilled: true });
  expect(printed.stdout.replaceAll(/\s+/g, ' ')).toContain(
    'misses of `sess:<id>` are not followed by a write: an evicted key may never come back',
  );
});

test('the nodes of a cluster add up', async () => {
  const cluster = await startCluster(3);
  onTestFinished(() => cluster.stop());
  const all = Array.from({ length: 60 }, (_, index) => `user:${index}:profile`);
  await storeInCluster(cluster, all.slice(0, 45));
  const state = { isDone: false };
  const running = cli(['whatif', '--for', '1200ms', '--cluster', '--output', 'json'], {
    ...{ url: cluster.nodes[0].url, env: { XDG_STATE_HOME: temporaryFolder() } },
  }).finally(() => (state.isDone = true));
  while (!state.isDone) {
    for (const [index, admin] of cluster.admins.entries()) {
      const own = all.filter((key) => ownerIndex(slotOf(asBytes(key)), 3) === index);
      await sendAll(
        admin,
        own.map((key) => ['GET', key]),
      );
    }
    await sleep(10);
  }
  const result = resultOf(await running);
  expect(result).toMatchObject({ hasEvicted: false, sampledKeys: 60, sampleRate: 1 });
  expect(result.hitRate).toBeCloseTo(0.75, 1);
  expect(result.twice?.hitRate).toBeCloseTo(result.hitRate ?? 0, 6);
  expect(result.todayBytes).toBeGreaterThan(3 * 800_000);
});
