import { createServer, type Socket, connect as connectSocket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { differences, journalOf, snapshot } from './invalidate-journals.ts';
import { countsOf, store, storedKeys, withMap } from './invalidate-setup.ts';
import { urlAs } from './reading.ts';
import { ownDatabase, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

const run = (args: readonly string[], options: CliOptions = {}) =>
  cli(['invalidate', ...args, '--output', 'json'], {
    url: testUrl(),
    ...options,
    env: { XDG_STATE_HOME: temporaryFolder(), ...options.env },
  });
const undo = (args: readonly string[], options: CliOptions = {}) =>
  cli(['undo', ...args, '--yes', '--output', 'json'], { url: testUrl(), ...options });
const soft = ['--pattern', 'user:*', '--mode', 'soft', '--over', '100s', '--yes'];
const ttlOf = async (key: string, at = server) => Number(await send(at, 'PTTL', key));

/** A relay that answers as a server before 7.0 does: PEXPIRE takes no condition. */
async function startOldServer(): Promise<string> {
  const sockets = new Set<Socket>();
  const target = new URL(testUrl());
  const relay = createServer((near) => {
    const far = connectSocket(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => (near.destroy(), far.destroy()));
    }
    const [unknown, answer] = ['Unsupported option no', "wrong number of arguments for 'pexpire' command"];
    near.on('data', (chunk) =>
      far.write(chunk.toString('latin1').replaceAll('$2\r\nLT\r\n', '$2\r\nno\r\n'), 'latin1'),
    );
    far.on('data', (chunk) => near.write(chunk.toString('latin1').replaceAll(unknown, answer), 'latin1'));
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        relay.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  const address = relay.address();
  if (address === null || typeof address === 'string') throw new Error('the relay has no port');
  return `redis://127.0.0.1:${address.port}${target.pathname}`;
}

describe('the window of soft mode', () => {
  test.each([
    ['without the mode, which would remove at once', ['--over', '1h'], /--over is the window of --mode soft/],
    ['of no time', ['--mode', 'soft', '--over', '0s'], /--over must be more than 0/],
  ])('is refused %s', async (_, args, message) => {
    await store(server, ['user:1']);
    const result = await run(['--pattern', 'user:*', '--yes', ...args]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(message);
    expect(await send(server, 'EXISTS', 'user:1')).toBe(1);
  });
});

describe('invalidate --mode soft', () => {
  test('gives every key a TTL within the window, spread over it, and removes none', async () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `user:${index}`);
    await sendAll(
      server,
      keys.map((key, index) => (index % 2 === 0 ? ['SET', key, 'x'] : ['SET', key, 'x', 'EX', 86_400])),
    );
    await store(server, ['order:1']);

    const result = await run(soft);

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 1000, removed: 0, shortened: 1000, gone: 0 });
    expect(jsonOf(result)).toMatchObject({ outcome: 'shortened', generationsRaised: 0 });
    // Of a thousand TTLs within 100 s the first end at once; ten within a second would be a few.
    expect((await storedKeys(server)).length).toBeGreaterThan(950);
    expect(await ttlOf('order:1')).toBe(-1);
    const ttls = (await sendAll(
      server,
      keys.map((key) => ['PTTL', key]),
    )) as number[];
    expect(Math.min(...ttls)).toBeGreaterThan(-3);
    expect(ttls.every((ttl) => ttl !== -1 && ttl <= 100_000)).toBe(true);
    // Of a thousand drawn evenly each tenth holds a hundred; fewer than forty would be a wonder.
    const tenths = Array.from({ length: 10 }, (_, tenth) =>
      ttls.filter((ttl) => Math.floor(ttl / 10_000) === tenth),
    );
    for (const tenth of tenths.slice(1)) expect(tenth.length).toBeGreaterThan(40);
  });

  test('leaves keys alone that expire sooner, and state', async () => {
    await sendAll(server, [
      ['SET', 'user:1', 'x', 'PX', 45_000],
      ['SET', 'user:2', 'x'],
      ['SET', 'user:s', 'x'],
    ]);
    const env = withMap({
      namespaces: { user: { pattern: 'user:<id>' }, session: { pattern: 'user:s', kind: 'state' } },
    });

    const result = await run(soft, { env, random: () => 0.5 });

    expect(countsOf(result)).toMatchObject({ matched: 2, removed: 0, shortened: 1, gone: 1, excluded: 1 });
    expect(await ttlOf('user:1')).toBeLessThanOrEqual(45_000);
    expect(await ttlOf('user:1')).toBeGreaterThan(40_000);
    expect(await ttlOf('user:2')).toBeLessThanOrEqual(50_001);
    expect(await ttlOf('user:s')).toBe(-1);
  });

  test('is undone: TTLs come back, and what was written since keeps its own', async () => {
    await sendAll(server, [
      ['SET', 'user:1', 'x', 'EX', 5000],
      ['SET', 'user:2', 'x'],
      ['SET', 'user:3', 'x', 'EX', 5000],
      ['SET', 'user:4', 'x'],
      ['SET', 'user:5', 'x'],
      ['SET', 'user:6', 'x'],
    ]);
    const before = await snapshot(server);
    const journal = journalOf(await run(soft, { random: () => 0.5 }));
    await sendAll(server, [
      ['SET', 'user:3', 'y', 'EX', 20],
      ['SET', 'user:4', 'y', 'EX', 9000],
      ['SET', 'user:5', 'y'],
      ['UNLINK', 'user:6'],
    ]);

    const preview = jsonOf(await cli(['undo', journal, '--dry-run', '-o', 'json'], { url: testUrl() }));
    const result = await undo([journal]);

    const counts = { keys: 6, restored: 2, rewritten: 3, expired: 1, failed: 0 };
    expect(preview).toMatchObject(counts);
    expect(jsonOf(result)).toMatchObject(counts);
    const after = await snapshot(server);
    for (const key of ['user:1', 'user:2']) {
      const [was, is] = [before.get(key), after.get(key)];
      if (!was || !is) throw new Error(`${key} is missing`);
      expect(differences(new Map([[key, was]]), new Map([[key, is]]))).toEqual([]);
    }
    expect(await ttlOf('user:3')).toBeLessThanOrEqual(20_000);
    expect(await ttlOf('user:4')).toBeGreaterThan(8_000_000);
    expect(await ttlOf('user:5')).toBe(-1);
    expect(jsonOf(await undo([journal]))).toMatchObject({ restored: 0 });
  });

  test('that takes longer than its window is undone to the last key', async () => {
    const keys = Array.from({ length: 60 }, (_, index) => `user:${index}`);
    await store(server, keys);
    const result = await run(
      [...['--pattern', 'user:*', '--mode', 'soft', '--over', '2s', '--max-rate', '20', '--yes']],
      { random: () => 0.999 },
    );
    const journal = journalOf(result);

    const undone = jsonOf(await undo([journal]));

    expect(undone).toMatchObject({ rewritten: 0, failed: 0 });
    // On a busy machine most are gone by now: each lives 2 s.
    expect(Number(undone['restored'])).toBeGreaterThan(0);
    const left = await storedKeys(server);
    for (const key of left) expect(await ttlOf(key)).toBe(-1);
  });

  test('works on a server that knows no conditions', async () => {
    await sendAll(server, [
      ['SET', 'user:1', 'x'],
      ['SET', 'user:2', 'x', 'EX', 9000],
      ['SET', 'user:3', 'x', 'PX', 30_000],
    ]);
    const before = await snapshot(server);
    const url = await startOldServer();

    const result = await run(soft, { url, random: () => 0.5 });

    expect(result.exitCode, result.stderr).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 3, removed: 0, shortened: 2, gone: 1, failed: 0 });
    expect(await ttlOf('user:1')).toBeGreaterThan(40_000);
    expect(await ttlOf('user:2')).toBeLessThanOrEqual(50_001);
    expect(jsonOf(await undo([journalOf(result)], { url }))).toMatchObject({ restored: 2, ttlsRestored: 2 });
    expect(differences(before, await snapshot(server))).toEqual([]);
  });

  test('changes nothing in a dry run', async () => {
    await store(server, ['user:1']);

    const result = await run([...soft.slice(0, -1), '--dry-run']);

    expect(jsonOf(result)).toMatchObject({ mode: 'soft', outcome: 'planned', removed: 0, journal: null });
    expect(await ttlOf('user:1')).toBe(-1);
  });
});

const counters: ConfigFile = {
  namespaces: {
    page: { pattern: 'page:<id>:*', generation: 'gen:page' },
    session: { pattern: 'session:<id>', kind: 'state', generation: 'gen:session' },
    plain: { pattern: 'plain:<id>' },
  },
  entities: {
    user: { patterns: ['user:<id>:*'], generation: 'gen:user:<id>' },
    order: { patterns: ['order:<id>:*'] },
  },
};
const generation = ['--mode', 'generation', '--yes'];

describe('invalidate --mode generation', () => {
  test('raises the counters of entities, also those that are not there yet, and keeps every key', async () => {
    await store(server, ['user:1:v3:a', 'user:2:v1:a']);
    await sendAll(server, [['SET', 'gen:user:1', 3]]);

    const result = await run(['user', '1', '2', '1', ...generation], { env: withMap(counters) });

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 2, removed: 0, shortened: 0, generationsRaised: 2 });
    expect(jsonOf(result)).toMatchObject({
      mode: 'generation',
      outcome: 'generationsRaised',
      journal: null,
    });
    expect(await send(server, 'GET', 'gen:user:1')).toBe('4');
    expect(await send(server, 'GET', 'gen:user:2')).toBe('1');
    expect(await storedKeys(server)).toHaveLength(4);
  });

  test('raises the one counter of a namespace', async () => {
    const result = await run(['--namespace', 'page', ...generation], { env: withMap(counters) });

    expect(result.exitCode).toBe(0);
    expect(await send(server, 'GET', 'gen:page')).toBe('1');
  });

  test('raises counters that are not there also for a user who may not ask for sizes, without a walk', async () => {
    const { redis, server: admin } = await startServer({
      config: ['user ann on >secret ~gen:* resetchannels -@all +ping +select +incr +info +dbsize'],
    });
    const result = await run(['user', '1', '2', ...generation], {
      url: urlAs(redis.url, 'ann'),
      env: withMap(counters),
    });

    expect(result.exitCode, result.stderr).toBe(0);
    expect(await storedKeys(admin)).toEqual(['gen:user:1', 'gen:user:2']);
  });

  test.each([
    ['an entity without counter', ['order', '1'], '"entities": { "order": { "generation": "gen:order:<id>"'],
    [
      'a namespace without counter',
      ['--namespace', 'plain'],
      '"namespaces": { "plain": { "generation": "gen:plain"',
    ],
    ['a pattern', ['--pattern', 'user:*'], 'a pattern has no counter'],
    ['a plan to save', ['user', '1', '--plan-out', 'plan.json'], 'a counter must stay'],
  ])('of %s is refused, with the way out', async (_name, args, message) => {
    const result = await run([...args, ...generation], {
      env: withMap(counters),
      url: 'redis://127.0.0.1:1',
    });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(message);
  });

  test('of state is refused', async () => {
    const result = await run(['--namespace', 'session', ...generation], { env: withMap(counters) });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('`session` is state');
    expect(await storedKeys(server)).toEqual([]);
  });

  test('goes on past a counter that is none, and tells of it', async () => {
    await sendAll(server, [['RPUSH', 'gen:user:1', 'a']]);

    const result = await run(['user', '1', '2', ...generation], { env: withMap(counters) });

    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ matched: 2, removed: 0, generationsRaised: 1, failed: 1 });
    expect(result.stdout).toContain('WRONGTYPE');
    expect(await send(server, 'GET', 'gen:user:2')).toBe('1');
  });
});
