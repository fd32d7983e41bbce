import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { InspectResult } from '../../src/commands/inspect/result.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import { startBinary } from '../server/binary.ts';
import { callsOf, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { inspect } from './inspect-runs.ts';
import { countersOf, folderWith, type Printed } from './reading.ts';
import { startServer } from '../server/own.ts';

const keyCount = 10_000;
const { redis, server } = await startServer();
beforeAll(async () => {
  await fill(server);
});

async function fill(into: RedisServer): Promise<void> {
  await sendAll(
    into,
    Array.from({ length: keyCount }, (_, index) => {
      if (index % 3 === 0) return ['SET', `user:${index}:profile`, 'x'.repeat(index % 700)];
      if (index % 3 === 1) return ['HSET', `session:${index}`, 'token', 'x'];
      return ['SET', `page:${index}`, 'x', 'EX', 200_000];
    }),
  );
}

/** All figures but those that the time alone changes. */
function steady({ keys, memoryBytes, overheadBytes, withoutTtl, largest, ...rest }: InspectResult) {
  const namespaces = [...rest.namespaces, rest.total].map(({ ttl, ...row }) => ({
    ...row,
    withTtl: ttl !== null,
  }));
  return { keys, memoryBytes, overheadBytes, withoutTtl, largest, namespaces };
}

/** Starts a walk in this process, and ends it as Ctrl-C would after some pages. */
async function interrupted(args: readonly string[], cwd: string, by: NodeJS.Signals = 'SIGINT') {
  const controller = new AbortController();
  let ended = false;
  const before = await callsOf(server, 'scan');
  const walk = inspect([...args, '--max-rate', '5000'], {
    url: redis.url,
    cwd,
    signal: controller.signal,
  }).finally(() => (ended = true));
  await until('four pages are read', async () => ended || (await callsOf(server, 'scan')) >= before + 4);
  controller.abort(by);
  return walk;
}

const saved = ['--checkpoint', 'walk.json'];

describe('a walk that was interrupted', () => {
  test('goes on where it was, and ends with the figures of one walk', async () => {
    const cwd = folderWith({});
    const file = join(cwd, 'walk.json');
    const whole = (await inspect(['--exact'], { url: redis.url, cwd })).result;
    const before = await countersOf(server);

    const scans = await callsOf(server, 'scan');
    // Ten seconds of which two are waited for: on a busy machine it is not over when it is interrupted.
    const line = ['inspect', '--exact', '--checkpoint', 'walk.json', '--max-rate', '1000', '-o', 'json'];
    const { child, outcome } = startBinary(line, {
      env: { REDIS_URL: redis.url },
      cwd,
      timeoutMillis: 60_000,
    });
    child.stdin.end();
    const isOver = () => child.exitCode !== null;
    await until('the walk is saved', () => existsSync(file) || isOver(), 50_000);
    await until('eight pages are read', async () => isOver() || (await callsOf(server, 'scan')) >= scans + 8);
    child.kill('SIGINT');
    const first = await outcome;

    expect(first).toMatchObject({ exitCode: 130, signal: null });
    expect(first.stderr).toContain('resume the walk with `--resume walk.json`');
    const part = JSON.parse(first.stdout) as Printed<InspectResult>;
    expect(part).toMatchObject({ ok: false, exact: false, reading: { method: 'partial', coversAll: true } });
    expect(part.total.readKeys).toBeGreaterThan(500);
    expect(part.total.readKeys).toBeLessThan(keyCount);
    expect(part.keysInterval?.[0]).toBeLessThanOrEqual(keyCount);
    expect(part.keysInterval?.[1]).toBeGreaterThanOrEqual(keyCount);

    const { exitCode, result, stderr } = await inspect(['--exact', '--resume', 'walk.json'], {
      url: redis.url,
      cwd,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(result).toMatchObject({ exact: true, keysInterval: null, reading: { method: 'exact' } });
    expect(steady(result)).toEqual(steady(whole));
    expect(existsSync(file)).toBe(false);
    // Type, TTL, encoding and idle time of each key once, in both runs together.
    const after = await countersOf(server);
    expect(after.hits - before.hits).toBe(4 * keyCount);
    expect(result.ownLookups).toMatchObject({ misses: 0, lost: 0 });
    expect(part.ownLookups.hits + result.ownLookups.hits).toBe(4 * keyCount);
  });

  test('may be interrupted again and again', async () => {
    const cwd = folderWith({});
    const before = await countersOf(server);
    const first = await interrupted(['--exact', ...saved], cwd);
    const second = await interrupted(['--exact', '--resume', 'walk.json'], cwd, 'SIGTERM');
    expect([first.exitCode, second.exitCode]).toEqual([130, 143]);
    expect(second.result.total.readKeys).toBeGreaterThan(first.result.total.readKeys);
    expect(second.stderr).toContain('resume the walk with `--resume walk.json`');

    const { result } = await inspect(['--exact', '--resume', 'walk.json'], { url: redis.url, cwd });
    expect(result).toMatchObject({ exact: true, keys: keyCount });
    expect((await countersOf(server)).hits - before.hits).toBe(4 * keyCount);
  });

  test('goes on with its filters', async () => {
    const cwd = folderWith({});
    const args = ['user:<id>:profile', '--depth', '1', '--exact'];
    const part = await interrupted([...args, ...saved], cwd);
    expect(part.result.total.readKeys).toBeLessThan(keyCount / 3);
    const { result } = await inspect([...args, '--resume', 'walk.json'], { url: redis.url, cwd });
    const whole = await inspect(args, { url: redis.url, cwd });
    expect(steady(result)).toEqual(steady(whole.result));
  });

  test('goes on with the keys it has looked up so far', async () => {
    const cwd = folderWith({});
    const before = await countersOf(server);
    await interrupted(saved, cwd);
    const { result } = await inspect(['--resume', 'walk.json'], { url: redis.url, cwd });
    const hits = (await countersOf(server)).hits - before.hits;
    expect(result).toMatchObject({ exact: true, keys: keyCount });
    expect(result.ownLookups.hits).toBeLessThan(hits);
    // Of each of these namespaces nearly half of the keys are chosen, and all in those stretches where it looks like more.
    expect(hits).toBeLessThan(4 * keyCount);
    const { types, typesIntervals } = result.total;
    for (const [type, keys] of Object.entries({ string: 6667, hash: 3333 })) {
      const [low, high] = typesIntervals?.[type] ?? [0, 0];
      expect(low).toBeLessThanOrEqual(keys);
      expect(high).toBeGreaterThanOrEqual(keys);
      expect(Math.abs((types?.[type] ?? 0) - keys)).toBeLessThan(300);
    }
  });
});

describe('--resume refuses', () => {
  const refused = async (cwd: string, args: readonly string[] = [], url = redis.url) => {
    const outcome = await cli(['inspect', '--resume', 'walk.json', ...args], { url, cwd });
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    return outcome.stderr;
  };

  test('other options than those of the walk', async () => {
    const cwd = folderWith({});
    await interrupted(saved, cwd);
    for (const args of [
      ['user:*'],
      ['--depth', '1'],
      ['--match', 'a*'],
      ['--type', 'hash'],
      ['--top', '3'],
      ['--delimiters', '/'],
    ])
      expect([args, await refused(cwd, args)]).toEqual([
        args,
        expect.stringMatching(
          /^error: checkpoint `walk\.json` is of another walk: .*\nhint: give the same options/,
        ),
      ]);
    expect(await refused(cwd, ['--precision', '5%'])).toMatch(
      /^error: --precision makes no sense with --checkpoint/,
    );
  });

  test('another map, and another rule for TTLs', async () => {
    const cwd = folderWith({ namespaces: { user: { pattern: 'user:*', ttl: '1h' } } });
    await interrupted(saved, cwd);
    const map = (text: object) => writeFileSync(join(cwd, 'cachectl.config.json'), JSON.stringify(text));
    for (const changed of [
      { namespaces: { user: { pattern: 'user:<id>:*', ttl: '1h' } } },
      { namespaces: { people: { pattern: 'user:*', ttl: '1h' } } },
      { namespaces: { user: { pattern: 'user:*', ttl: '2h' } } },
    ]) {
      map(changed);
      expect(await refused(cwd)).toContain('is of another walk');
    }
    map({ namespaces: { user: { pattern: 'user:*', ttl: '1h' } } });
    expect((await inspect(['--resume', 'walk.json'], { url: redis.url, cwd })).exitCode).toBe(0);
  });

  test('another server, another database, and a server that was started anew', async () => {
    const cwd = folderWith({});
    await interrupted(saved, cwd);
    const { redis: other } = await startServer();
    const message =
      /^error: checkpoint `walk\.json` is of another server, or the server at .* was started anew since\nhint: /;
    expect(await refused(cwd, [], other.url)).toMatch(message);
    expect(await refused(cwd, ['--db', '3'])).toMatch(message);
  });

  test.each([
    ['nothing there', null, 'checkpoint `walk.json` cannot be read: '],
    [
      'half a walk',
      '{"format":"cachectl-walk-2","state":{"nodes"',
      'checkpoint `walk.json` cannot be read: ',
    ],
    ['null', 'null', '`walk.json` is no checkpoint of `inspect`'],
    ['a snapshot', '{"format":"cachectl-snapshot-1"}', '`walk.json` is no checkpoint of `inspect`'],
  ])('a file with %s, and asks nothing of the server', async (_what, text, message) => {
    const cwd = folderWith({});
    if (text !== null) writeFileSync(join(cwd, 'walk.json'), text);
    expect(await refused(cwd, [], 'redis://127.0.0.1:1')).toContain(message);
  });

  test('a file whose state was tampered with', async () => {
    const cwd = folderWith({});
    await interrupted(saved, cwd);
    const file = join(cwd, 'walk.json');
    const walk = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...walk, state: { nodes: [{}], collected: null } }));
    expect(await refused(cwd)).toMatch(/^error: .*walk\.json/);
  });
});

test('a walk that came to its end leaves nothing to go on with', async () => {
  const cwd = folderWith({});
  const line = ['--exact', '--checkpoint', 'walk.json'];
  const { exitCode, stderr } = await inspect(line, { url: redis.url, cwd });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(existsSync(join(cwd, 'walk.json'))).toBe(false);
});

test('a checkpoint that cannot be written ends the walk with the reason', async () => {
  const cwd = folderWith({});
  mkdirSync(join(cwd, 'folder'));
  const outcome = await interrupted(['--checkpoint', 'folder'], cwd);
  expect(outcome.stderr).toMatch(/checkpoint `folder` cannot be written: /);
});
