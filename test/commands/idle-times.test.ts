import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildMap } from '../../src/config/build-map.ts';
import { applyPruning } from '../../src/changes/apply.ts';
import { planPruning } from '../../src/changes/prune.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { silentProgress } from '../../src/support/progress.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { emptyDatabase, send, sendAll, testServer, testUrl } from '../server/redis.ts';
import { store, storedKeys } from './invalidate-setup.ts';
import { countersOf, urlAs } from './reading.ts';
import { storeIdle } from './prune-setup.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

/** One that the server shares between keys, and no other test writes. */
const integer = '9973';
const day = 86_400;
const config = { namespaces: { count: { pattern: 'count:<id>' }, text: { pattern: 'text:<id>' } } };
const folder = temporaryFolder();
const env = { CACHECTL_CONFIG: join(folder, 'cachectl.config.json') };
writeFileSync(env.CACHECTL_CONFIG, JSON.stringify(config));

let server: RedisServer;
let sharesIntegers: boolean;
beforeAll(async () => {
  server = await testServer();
  await send(server, 'SET', 'count:1', integer);
  sharesIntegers = (await send(server, 'OBJECT', 'REFCOUNT', 'count:1')) !== 1;
});
afterAll(() => {
  server.close();
});

/** A text that no one has used for a day; an integer of now, of a value that no one has used for a day. */
beforeEach(async (context) => {
  context.skip(!sharesIntegers, 'this server shares no integers between keys');
  await emptyDatabase(server);
  await storeIdle(server, 'text:1', day);
  await storeIdle(server, 'count:old', day, 0, integer);
  await sendAll(server, [
    ['UNLINK', 'count:old'],
    ['SET', 'count:1', integer, 'PX', 55_000],
  ]);
});

const run = (line: string) => cli(line.split(' '), { url: testUrl(), env });
/** What a terminal shows, in one line. */
const shown = async (line: string) => {
  const { stdout } = await cli([...line.split(' '), '--no-color'], { url: testUrl(), env, terminal: true });
  return stdout.replace(/\s+/g, ' ');
};
const resultOf = async (line: string) => jsonOf(await run(`${line} -o json`));

describe('a key whose value the server shares with other keys', () => {
  test('is not removed by `prune` for the idle time of that value, and is counted', async () => {
    expect(await shown('prune --idle 1h --dry-run')).toContain(
      'left alone: 1 key has no known idle time: the value is a small integer that keys share, or the server reports a time longer than it has run',
    );
    expect(await resultOf('prune --idle 1h --yes')).toMatchObject({
      ...{ matched: 1, removed: 1, keysWithoutIdleTime: 1 },
      // Two idle times, and of each whether it is the key's; both once more of the text before its removal.
      ownLookups: { hits: 6, misses: 0 },
    });
    expect(await storedKeys(server)).toEqual(['count:1']);
  });

  test('is not removed by `prune` where it became one since the plan', async () => {
    const signal = new AbortController().signal;
    const steady = { limits: {}, signal, progress: silentProgress, now: Date.now, random: () => 0 };
    const map = buildMap(config);
    const goals = { withoutTtl: false, tooLong: false, idleSeconds: 3600, namespaces: [] };
    await storeIdle(server, 'text:2', day);
    const plan = await planPruning(server, map, goals, steady);
    expect(plan).toMatchObject({ keysWithoutIdleTime: 1, keys: { idle: { length: 2 } } });
    await send(server, 'SET', 'text:1', integer);

    const pruned = await applyPruning(server, plan, { ...steady, map, jitter: null, idleSeconds: 3600 });
    expect(pruned).toMatchObject({ changed: { removed: 1 }, unchanged: 1, failed: 0 });
    expect(await storedKeys(server)).toEqual(['count:1', 'text:1']);
  });

  test('has no idle time in `get`, which says why', async () => {
    expect(await resultOf('get count:1')).toMatchObject({ idleSeconds: null, sharedValue: true });
    const text = await resultOf('get text:1');
    expect(text).toMatchObject({ sharedValue: false });
    expect(text['idleSeconds']).toBeGreaterThanOrEqual(day);
    expect(await shown('get count:1')).toContain(
      ' idle - the value is a small integer, which the server shares between keys ',
    );
  });

  test('is in no span of idle times of `inspect`, and is counted', async () => {
    const { total } = (await resultOf('inspect')) as unknown as {
      total: { idleHistogram: { keys: number }[]; keysWithoutIdleTime: number };
    };
    expect(total.idleHistogram.reduce((sum, { keys }) => sum + keys, 0)).toBe(1);
    expect(total.keysWithoutIdleTime).toBe(1);
    expect(await shown('inspect')).toMatch(/ none 1 .* 1 key has no known idle time: /);
  });

  test('counts as neither used nor unused in a plan of `invalidate`', async () => {
    expect(await resultOf('invalidate --pattern *:1 --dry-run')).toMatchObject({
      recentUse: { sampledKeys: 1, usedInMinute: 0, usedInHour: 0, keysWithoutIdleTime: 1 },
    });
    expect(await shown('invalidate --pattern count:* --dry-run')).toContain(
      ' recently used 1 key has no known idle time: ',
    );
  });

  test('has its TTL rule drawn from the time left alone, also where all end together at some half hour', async () => {
    const halfHour = 1_800_000;
    const halfHourWithin = (seconds: number) =>
      Math.floor((Date.now() + seconds * 1000) / halfHour) * halfHour;
    const isMidnight = (moment: number) =>
      moment % (48 * halfHour) === 0 || new Date(moment).toTimeString().startsWith('00:00');
    // Far enough from the durations that people choose for the time that a test takes.
    const [end, ttl] = (
      [
        [9100, '3h'],
        [16_300, '6h'],
        [23_300, '8h'],
      ] as const
    )
      .map(([seconds, rule]) => [halfHourWithin(seconds), rule] as const)
      .find(([moment]) => !isMidnight(moment)) ?? [0, ''];
    await sendAll(
      server,
      Array.from({ length: 20 }, (_, index) => [
        'SET',
        `count:${1 + index}`,
        integer,
        'PX',
        end - Date.now(),
      ]),
    );
    const map = (await resultOf('config init --file -'))['map'];
    expect(map).toMatchObject({ namespaces: { count: { ttl } } });
  });

  test('is named where `apply` cannot see whether it was written since the plan', async () => {
    await send(server, 'SETRANGE', 'text:big', 100_000_001, 'x');
    const plan = join(folder, 'plan.json');
    await run(`invalidate --pattern count:* --pattern text:* --plan-out ${plan}`);
    const { stderr } = await run(`apply ${plan} --yes`);
    expect(stderr).toContain('of 1 key the server does not say whether it was written since the plan');
  });
});

test('an idle time longer than the server has run is none: a counter of LFU was read as a clock', async () => {
  const { redis, server: own } = await startServer({});
  const setPolicy = (policy: string) => send(own, 'CONFIG', 'SET', 'maxmemory-policy', policy);
  await setPolicy('allkeys-lfu');
  const keys = Array.from({ length: 30 }, (_, index) => `text:${index}`);
  await store(own, keys);
  await setPolicy('noeviction');
  // The counter as a clock may by chance be of now.
  const isOld = async (key: string) => Number(await send(own, 'OBJECT', 'IDLETIME', key)) > 7 * day;
  const old = (await Promise.all(keys.map(isOld))).filter(Boolean).length;
  expect(old).toBeGreaterThan(20);
  const of = async (line: string) =>
    jsonOf(await cli([...line.split(' '), '-o', 'json'], { url: redis.url, env }));

  expect(await of('prune --idle 7d --yes')).toMatchObject({
    matched: 0,
    removed: 0,
    keysWithoutIdleTime: 30,
  });
  const { total } = (await of('inspect')) as unknown as { total: { keysWithoutIdleTime: number } };
  expect(total.keysWithoutIdleTime).toBe(30);
  expect(await of('get text:1')).toMatchObject({ idleSeconds: null, sharedValue: false });
});

test('a user without OBJECT REFCOUNT has no idle times of integers, and one without OBJECT ENCODING none at all', async () => {
  const reading = 'on >secret ~* resetchannels -@all +ping +select +scan +info +dbsize +object|idletime';
  const { redis, server: own } = await startServer({
    config: [`user ann ${reading} +object|encoding`, `user bob ${reading}`],
  });
  await store(own, ['text:1']);
  await send(own, 'SET', 'count:1', '77777');
  const prune = (name: string) =>
    cli(['prune', '--idle', '1h', '--yes', '-o', 'json'], { url: urlAs(redis.url, name), env });

  const before = (await countersOf(own)).hits;
  const ann = jsonOf(await prune('ann'));
  expect(ann).toMatchObject({ matched: 0, keysWithoutIdleTime: 1, ownLookups: { hits: 4 } });
  expect((await countersOf(own)).hits - before).toBe(4);
  const bob = await prune('bob');
  expect(bob.exitCode).toBe(4);
  expect(bob.stderr).toMatch(/`OBJECT IDLETIME` on .*'object\|encoding' command/);
});
