import { describe, expect, test } from 'vitest';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateRecords } from '../../src/sandbox/seed.ts';
import { systemNames } from '../../src/sandbox/systems.ts';
import { mapAt } from '../named-map.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { hostileKeys } from './hostile-keys.ts';
import { store, storedKeys, withMap } from './invalidate-setup.ts';
import { countsOf, rowsOf, rules, storeIdle, ttlOf } from './prune-setup.ts';
import { ownDatabase, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

const run = (args: readonly string[], options: CliOptions = {}) =>
  cli(['prune', ...args], { url: testUrl(), env: withMap(rules), ...options });
const json = (args: readonly string[], options: CliOptions = {}) =>
  run([...args, '--output', 'json'], options);
const hour = 3_600_000;

describe('prune --set-ttl', () => {
  test('notes TTLs as they were, and undo gives them back to keys that still have the new one', async () => {
    const folder = temporaryFolder();
    const journal = join(folder, 'ttls.journal');
    await store(server, ['user:1:profile', 'user:2:profile']);
    await send(server, 'SET', 'user:3:profile', 'x', 'PX', 5 * hour);

    const asked = await run(['--set-ttl', '--too-long', '--dry-run', '--journal', journal], {
      terminal: true,
    });
    expect(asked.stdout).toContain('the journal keeps TTLs as they are now; `cachectl undo` puts them back');
    const pruned = await run(['--set-ttl', '--too-long', '--yes', '--journal', journal], { terminal: true });
    expect(pruned.stdout).toContain(`cachectl undo ${journal}`);
    expect(await ttlOf(server, 'user:3:profile')).toBeLessThanOrEqual(hour);
    await send(server, 'PEXPIRE', 'user:2:profile', 2 * hour);

    const undone = await cli(['undo', journal, '--yes', '-o', 'json'], { url: testUrl() });
    expect(jsonOf(undone)).toMatchObject({
      action: 'prune --set-ttl --too-long',
      ttlsRestored: 2,
      rewritten: 1,
    });
    expect(await ttlOf(server, 'user:1:profile')).toBe(-1);
    expect(await ttlOf(server, 'user:2:profile')).toBeLessThanOrEqual(2 * hour);
    expect(await ttlOf(server, 'user:3:profile')).toBeGreaterThan(4 * hour);
  });

  test('gives keys without TTL that of their rule, and leaves alone what has one, what is state and what has no rule', async () => {
    const left = ['user:1:session', 'queue:mail', 'badge:1', 'draft:1', 'other:1'];
    await store(server, ['user:1:profile', 'feed:1', 'stats:1:2026-03-05', ...left]);
    await send(server, 'SET', 'user:2:profile', 'x', 'PX', 5 * hour);

    const now = Date.parse('2026-03-05T20:00:00+01:00');
    const result = await json(['--set-ttl', '--yes'], { now: () => now });

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toEqual({
      ...{ matched: 3, ttlSet: 3, shortened: 0, removed: 0, skipped: 0, failed: 0, notAttempted: 0 },
      stateKeysLeft: 2,
    });
    expect(jsonOf(result)).toMatchObject({
      ok: true,
      outcome: 'pruned',
      complete: true,
      planned: { ttlSet: 3, shortened: 0, removed: 0 },
      problems: [],
    });
    const rows = rowsOf(result);
    expect(rows['profile']).toMatchObject({ kind: 'cache', rule: '1h', withoutTtl: 1, left: 0 });
    expect(rows['profile']).toMatchObject({ tooLong: null, idle: null, leftBecause: null });
    expect(rows['session']).toMatchObject({ kind: 'state', withoutTtl: 1, left: 1, leftBecause: 'state' });
    expect(rows['queue']).toMatchObject({ kind: 'state', rule: null, leftBecause: 'state' });
    expect(rows['draft']).toMatchObject({ kind: 'cache', rule: null, left: 1, leftBecause: 'noRule' });
    expect(rows['(unmapped)']).toMatchObject({ kind: null, withoutTtl: 1, left: 1, leftBecause: 'unmapped' });
    expect(rows['badge']).toBeUndefined();
    expect(jsonOf(result)).toMatchObject({ permanentNamespaces: ['badge'] });

    const near = (millis: number) => ({ least: millis - 60_000, most: millis });
    const profile = await ttlOf(server, 'user:1:profile');
    expect(profile).toBeGreaterThan(near(hour).least);
    expect(profile).toBeLessThanOrEqual(near(hour).most);
    const daily = await ttlOf(server, 'stats:1:2026-03-05');
    expect(daily).toBeGreaterThan(near(4 * hour).least);
    expect(daily).toBeLessThanOrEqual(near(4 * hour).most + 1000);
    const feed = await ttlOf(server, 'feed:1');
    expect(feed).toBeGreaterThan(9 * 60_000);
    expect(feed).toBeLessThanOrEqual(20 * 60_000);
    expect(await ttlOf(server, 'user:2:profile')).toBeGreaterThan(4 * hour);
    for (const key of left) expect(await ttlOf(server, key)).toBe(-1);

    const again = await json(['--set-ttl', '--yes']);
    expect(again.exitCode).toBe(0);
    expect(jsonOf(again)).toMatchObject({ outcome: 'nothingToDo', matched: 0, stateKeysLeft: 2 });
  });

  test.each([
    ['the wider', { session: 'user:*', profile: 'user:<id>:profile' }],
    ['the narrower', { session: 'user:<id>:session', profile: 'user:*' }],
  ])('touches no state where its pattern is %s of two that overlap', async (_, patterns) => {
    await store(server, ['user:1:profile', 'user:1:session']);
    for (const key of ['user:2:profile', 'user:2:session']) await storeIdle(server, key, 90_000);
    const env = withMap({
      namespaces: {
        profile: { pattern: patterns.profile, ttl: '1h' },
        session: { pattern: patterns.session, kind: 'state', ttl: '1h' },
      },
    });

    const result = await json(['--set-ttl', '--too-long', '--idle', '1d', '--yes'], { env });

    expect(countsOf(result)).toMatchObject({ matched: 2, ttlSet: 1, removed: 1, stateKeysLeft: 2 });
    expect(await storedKeys(server)).toEqual(['user:1:profile', 'user:1:session', 'user:2:session']);
    expect(await ttlOf(server, 'user:1:session')).toBe(-1);
  });

  test('spreads the TTLs by --jitter, and by that of the namespace without it', async () => {
    const keys = Array.from({ length: 400 }, (_, id) => `user:${id}:profile`);
    const lefts = async () =>
      (
        await sendAll(
          server,
          keys.map((key) => ['PTTL', key]),
        )
      )
        .map(Number)
        .sort((a, b) => a - b);
    await store(server, keys);
    expect((await json(['--set-ttl', '--jitter', '50%', '--yes'])).exitCode).toBe(0);

    const wide = await lefts();
    expect(wide[0]).toBeGreaterThan(0.49 * hour);
    expect(wide[0]).toBeLessThan(0.55 * hour);
    expect(wide.at(-1)).toBeGreaterThan(0.95 * hour);
    expect(wide.at(-1)).toBeLessThanOrEqual(hour);
    expect(new Set(wide).size).toBeGreaterThan(200);

    await store(server, keys);
    const env = withMap({ namespaces: { profile: { pattern: 'user:<id>:*', ttl: '1h', jitter: '10%' } } });
    expect((await json(['--set-ttl', '--yes'], { env })).exitCode).toBe(0);
    const narrow = await lefts();
    expect(narrow[0]).toBeGreaterThan(0.89 * hour);
    expect((narrow.at(-1) ?? 0) - (narrow[0] ?? 0)).toBeGreaterThan(0.05 * hour);
  });

  test('takes keys of any bytes, and of any length', async () => {
    await sendAll(
      server,
      hostileKeys.map((key) => ['SET', key, 'x']),
    );
    const env = withMap({ namespaces: { all: { pattern: '*', ttl: '1h' } } });

    const shown = await run(['--set-ttl', '--dry-run'], { env, terminal: true });
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout.replace(/\x1b\[[\d;]*m/g, '')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u009b\u202e]/);
    const result = await json(['--set-ttl', '--yes'], { env });

    expect(countsOf(result)).toMatchObject({ matched: hostileKeys.length, ttlSet: hostileKeys.length });
    for (const key of hostileKeys) expect(await ttlOf(server, key)).toBeGreaterThan(0);
  });
});

describe('prune --too-long', () => {
  test('shortens what has more time left than the rule allows, and gives no TTL to what has none', async () => {
    await sendAll(server, [
      ['SET', 'user:1:profile', 'x', 'PX', 3 * hour],
      ['SET', 'user:2:profile', 'x', 'PX', hour / 2],
      ['SET', 'user:3:profile', 'x'],
      ['SET', 'user:4:session', 'x', 'PX', 99 * hour],
      ['SET', 'feed:1', 'x', 'PX', hour],
      ['SET', 'badge:1', 'x', 'PX', 999 * hour],
      ['SET', 'draft:1', 'x', 'PX', 999 * hour],
    ]);

    const result = await json(['--too-long', '--yes']);

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 2, shortened: 2, ttlSet: 0, stateKeysLeft: 1 });
    expect(await ttlOf(server, 'user:1:profile')).toBeLessThanOrEqual(hour);
    expect(await ttlOf(server, 'user:2:profile')).toBeLessThanOrEqual(hour / 2);
    expect(await ttlOf(server, 'user:3:profile')).toBe(-1);
    expect(await ttlOf(server, 'user:4:session')).toBeGreaterThan(98 * hour);
    expect(await ttlOf(server, 'feed:1')).toBeLessThanOrEqual(20 * 60_000);
    expect(await ttlOf(server, 'badge:1')).toBeGreaterThan(998 * hour);
    expect(await ttlOf(server, 'draft:1')).toBeGreaterThan(998 * hour);
  });

  test('ends at midnight what would outlive it', async () => {
    const now = Date.parse('2026-03-05T22:00:00+01:00');
    await sendAll(server, [
      ['SET', 'stats:1:2026-03-05', 'x', 'PX', 20 * hour],
      ['SET', 'stats:2:2026-03-05', 'x', 'PX', hour],
    ]);

    const result = await json(['--too-long', '--yes'], { now: () => now });

    expect(countsOf(result)).toMatchObject({ matched: 1, shortened: 1 });
    const left = await ttlOf(server, 'stats:1:2026-03-05');
    expect(left).toBeGreaterThan(2 * hour - 60_000);
    expect(left).toBeLessThanOrEqual(2 * hour + 1000);
    expect(await ttlOf(server, 'stats:2:2026-03-05')).toBeLessThanOrEqual(hour);
  });
});

describe('prune --idle', () => {
  const week = 7 * 86_400;

  test('removes what nobody used for so long from caches alone', async () => {
    for (const key of ['user:1:profile', 'badge:1', 'draft:1', 'user:1:session', 'queue:mail', 'other:1'])
      await storeIdle(server, key, week + 10);
    await storeIdle(server, 'user:2:profile', week - 1000);
    await storeIdle(server, 'user:3:profile', week + 10, 50 * hour);

    const result = await json(['--idle', '7d', '--yes']);

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 4, removed: 4, stateKeysLeft: 2 });
    expect(await storedKeys(server)).toEqual(['other:1', 'queue:mail', 'user:1:session', 'user:2:profile']);
  });

  test('beside --set-ttl removes an idle key, and gives no TTL to it', async () => {
    await storeIdle(server, 'user:1:profile', week);
    await store(server, ['user:2:profile']);

    const result = await json(['--idle', '7d', '--set-ttl', '--yes']);

    expect(countsOf(result)).toMatchObject({ matched: 2, removed: 1, ttlSet: 1 });
    expect(rowsOf(result)['profile']).toMatchObject({ withoutTtl: 1, tooLong: null, idle: 1, left: 0 });
    expect(await storedKeys(server)).toEqual(['user:2:profile']);
  });

  test('reads no TTL of what is idle', async () => {
    for (const id of [1, 2, 3]) await storeIdle(server, `user:${id}:profile`, week + 10);
    await store(server, ['user:4:profile']);

    const result = await json(['--idle', '7d', '--set-ttl', '--dry-run']);

    expect(countsOf(result)).toMatchObject({ matched: 4 });
    // Of each of the four an idle time, and whether it is its own; the TTL of the one key that stays.
    expect(jsonOf(result)).toMatchObject({ ownLookups: { hits: 9, misses: 0 } });
  });

  test('leaves no trace on the idle time of what stays', async () => {
    await storeIdle(server, 'user:1:profile', week - 1000);

    await json(['--idle', '7d', '--yes']);

    expect(await send(server, 'OBJECT', 'IDLETIME', 'user:1:profile')).toBeGreaterThanOrEqual(week - 1000);
  });
});

describe('prune', () => {
  test('--namespace reads and changes that namespace alone', async () => {
    await store(server, ['user:1:profile', 'user:1:session', 'feed:1', 'other:1']);

    const result = await json(['--set-ttl', '--namespace', 'feed', '--yes']);

    expect(countsOf(result)).toMatchObject({ matched: 1, ttlSet: 1, stateKeysLeft: 0 });
    expect(Object.keys(rowsOf(result))).toEqual(['feed']);
    expect(jsonOf(result)).toMatchObject({ ownLookups: { hits: 1 } });
    expect(await ttlOf(server, 'user:1:profile')).toBe(-1);
  });

  test('--dry-run shows the plan, changes nothing, and needs no consent', async () => {
    await store(server, ['user:1:profile', 'user:1:session']);
    const env = { ...withMap(rules), NO_COLOR: '1' };

    const result = await json(['--set-ttl', '--dry-run']);
    const shown = await run(['--set-ttl', '--dry-run'], { env, terminal: true });

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)).toMatchObject({ outcome: 'planned', dryRun: true, matched: 1, notAttempted: 1 });
    expect(shown.stdout).toMatch(/profile +set TTL +1/);
    expect(shown.stdout).toMatch(/session +keep: state +1/);
    expect(shown.stdout).toMatch(/set TTL +user:1:profile/);
    expect(shown.stdout).toContain(
      'dry run: nothing was changed; without --dry-run it would set a TTL on 1 key',
    );
    expect(shown.stdout).toContain('1 key of state stays as it is');
    expect(shown.stdout).toMatch(/this\s+run\s+added\s+2\s+to\s+keyspace_hits/);
    expect(await ttlOf(server, 'user:1:profile')).toBe(-1);
  });

  test('tells in words what was done', async () => {
    await sendAll(server, [
      ['SET', 'user:1:profile', 'x'],
      ['SET', 'user:2:profile', 'x', 'PX', 3 * hour],
    ]);
    await storeIdle(server, 'draft:1', 90_000);
    const env = { ...withMap(rules), NO_COLOR: '1' };

    const { stdout, stderr, exitCode } = await run(
      ['--set-ttl', '--too-long', '--idle', '1d', '--yes', '--max-rate', '100000', '--latency-budget', '1s'],
      { env, terminal: true },
    );

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(
      /✓ set a TTL on 1 key, shortened the TTL of 1 key and removed 1 key in [\d.]+ m?s/,
    );
  });

  test('gives the same rows to a pipe, whatever happened', async () => {
    await store(server, ['user:1:profile']);

    const done = await run(['--set-ttl', '--yes']);
    const nothing = await run(['--set-ttl', '--yes']);

    const names = (text: string) => [...text.matchAll(/^pruning\t(\w+)/gm)].map(([, name]) => name);
    expect(names(done.stdout)).toEqual(names(nothing.stdout));
    expect(done.stdout).toMatch(/^pruning\tttlSet\t1$/m);
    expect(done.stdout).toMatch(/^namespaces\tprofile\tset TTL\t1\t\t\t\d+\t1h$/m);
    expect(nothing.stdout).toMatch(/^pruning\toutcome\tnothingToDo$/m);
  });

  test('holds to --max-rate', async () => {
    await store(
      server,
      Array.from({ length: 60 }, (_, id) => `user:${id}:profile`),
    );
    const startedAt = performance.now();

    const result = await json(['--set-ttl', '--yes', '--max-rate', '100']);

    expect(countsOf(result)).toMatchObject({ ttlSet: 60 });
    // 60 keys are read and then changed, the first page of each at once.
    expect(performance.now() - startedAt).toBeGreaterThan(800);
  });
});

describe.each(systemNames)('prune with the map of %s', (system) => {
  const file = fileURLToPath(new URL(`../../examples/${system}/cachectl.config.json`, import.meta.url));
  const map = buildMap(mapAt(file).config);

  test('gives its TTLs to keys that have none, and touches no state', async () => {
    const records = generateRecords(system, { keys: 1500, seed: 5, now: Date.now() });
    const keys = [...new Set([...records].map(({ key }) => key))];
    await store(server, keys);

    const result = await json(['--set-ttl', '--yes'], { env: { CACHECTL_CONFIG: file } });

    expect(result.exitCode).toBe(0);
    const ttls = await sendAll(
      server,
      keys.map((key) => ['PTTL', key]),
    );
    const withRule = keys.filter((key) => {
      const namespace = map.classify(key);
      return namespace?.kind === 'cache' && namespace.ttl !== null && namespace.ttl.kind !== 'permanent';
    });
    expect(withRule.length).toBeGreaterThan(100);
    expect(countsOf(result)).toMatchObject({ matched: withRule.length, ttlSet: withRule.length });
    const wanted = new Set(withRule);
    expect(keys.filter((_, index) => Number(ttls[index]) > 0).sort()).toEqual([...wanted].sort());
  });
});
