import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { makeIdle, send, sendAll } from '../server/redis.ts';
import { withMap } from './invalidate-setup.ts';
import { urlAs } from './reading.ts';

const many = Array.from({ length: 50 }, (_, index) => `member${index}`);
const { redis, server } = await startServer({
  config: ['user ann on >secret ~page:1 ~page:2 +@all', 'user bob on >secret ~* +@all -object|idletime'],
});
const other = await startServer();

const map = {
  namespaces: {
    page: { pattern: 'page:*', ttl: '1h' },
    list: { pattern: 'list:*', ttl: '1h' },
    session: { pattern: 'session:*', kind: 'state' },
  },
} as const;

const stored: readonly (readonly (string | number)[])[] = [
  ['SET', 'page:1', 'x', 'EX', 60],
  ['SET', 'page:2', 'x'.repeat(5000), 'EX', 3600],
  ['SET', 'page:3', 'x'.repeat(50_000)],
  ['SET', 'page:10', 'y', 'EX', 7200],
  ['RPUSH', 'list:long', ...many],
  ['RPUSH', 'list:short', 'a', 'b'],
  ['SADD', 'list:set', 'a', 'b', 'c'],
  ['SET', 'session:1', 'x'],
];
const names = stored.map(([, key]) => String(key)).sort();
const pages = names.filter((name) => name.startsWith('page:'));
const lists = names.filter((name) => name.startsWith('list:'));
const idleKeys = ['page:3', 'list:long'];

beforeAll(() => sendAll(server, stored));

/** What each option lets through. */
const selections: readonly (readonly [line: string, keys: readonly string[]])[] = [
  ['--exclude page:*', names.filter((name) => !pages.includes(name))],
  ['--exclude page:*,list:set --exclude session', ['list:long', 'list:short']],
  ['--exclude page,list', ['session:1']],
  ['--regex ^page:\\d$', ['page:1', 'page:2', 'page:3']],
  ['--regex ^page:1 --regex set$', ['list:set', 'page:1', 'page:10']],
  ['--regex ^(page:)+1$', ['page:1']],
  ['--type list', ['list:long', 'list:short']],
  ['--type list --type SET', lists],
  ['--namespace page --namespace list', [...lists, ...pages]],
  ['--ttl none', [...lists, 'page:3', 'session:1']],
  ['--ttl <5m', ['page:1']],
  ['--ttl 30m..90m', ['page:2']],
  ['--ttl 30m.. --ttl none', names.filter((name) => name !== 'page:1')],
  ['--ttl >=30m --ttl none', names.filter((name) => name !== 'page:1')],
  ['--size >4KB', ['page:2', 'page:3']],
  ['--size 4KB..10KB', ['page:2']],
  ['--size <4KB --type string', ['page:1', 'page:10', 'session:1']],
  ['--elements >2', ['list:long', 'list:set']],
  ['--elements 2..2', ['list:short']],
  ['--elements <=3 --type set', ['list:set']],
  ['--exclude list:short --regex : --type list --size >1B --ttl none --elements 1..100', ['list:long']],
];
const idleSelections: typeof selections = [
  ['--idle >7d', idleKeys],
  ['--idle <7d --type list', ['list:short']],
  ['--idle 9d..11d --elements >10', ['list:long']],
];

const env = withMap(map);

async function run(args: readonly string[], url = redis.url) {
  // Before 7.2 the commands before this one have used the keys.
  if (args.includes('--idle') || args.includes('idle')) await makeIdle(server, idleKeys, 10 * 86_400);
  return cli(args, { url, env, cwd: temporaryFolder() });
}
const words = (line: string) => line.split(' ');

async function result(args: readonly string[], url?: string): Promise<Record<string, unknown>> {
  const outcome = await run([...args, '-o', 'json'], url);
  expect([0, 1], outcome.stderr).toContain(outcome.exitCode);
  return jsonOf(outcome);
}

const sorted = (keys: readonly string[]) => [...keys].sort();
const listed = async (args: readonly string[]) =>
  (await run(['keys', ...args])).stdout.split('\n').filter((line) => line !== '');

describe('the keys of a selection are the same in every command', () => {
  test.each([...selections, ...idleSelections])('%s', async (line, keys) => {
    const args = words(line);
    expect(sorted(await listed(args))).toEqual(sorted(keys));
    expect(await result(['inspect', ...args])).toMatchObject({ keys: keys.length });
    const exported = await run(['export', ...args]);
    const records = exported.stdout.split('\n').filter((each) => each !== '');
    expect(sorted(records.map((each) => (JSON.parse(each) as { key: string }).key))).toEqual(sorted(keys));
    expect(await result(['diff', other.redis.url, redis.url, ...args])).toMatchObject({
      extra: keys.length,
    });
    if (line.includes('--namespace')) return;
    const planned = await result(['invalidate', '--pattern', '*', '--all', '--dry-run', ...args]);
    expect(planned['matched']).toBe(keys.filter((key) => key !== 'session:1').length);
  });

  test.each(selections.filter(([line]) => !line.includes('--ttl')))('prune %s', async (line, keys) => {
    const planned = await result(['prune', '--set-ttl', '--dry-run', ...words(line)]);
    expect(planned['matched']).toBe(keys.filter((key) => lists.includes(key) || key === 'page:3').length);
  });

  test('and so are those of several patterns, and of one that is left out', async () => {
    expect(sorted(await listed(['page:1', 'list:<name>']))).toEqual(sorted([...lists, 'page:1']));
    expect(await result(['inspect', 'page:1', 'list:*'])).toMatchObject({ keys: 4 });
    expect(await result(['prune', '--set-ttl', '--dry-run', '--pattern', 'list:s*'])).toMatchObject({
      matched: 2,
    });
  });
});

test('a sorted list is the first of all that match, and says of how many', async () => {
  const outcome = await run(['keys', '--sort', 'size', '--limit', '2']);
  expect(outcome.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual(['page:3', 'page:2', '']);
  expect(outcome.stderr).toContain('note: 2 of 8 keys, by size');
  expect(outcome.stderr).not.toContain('may be more');
  const part = await result(['keys', '--sort', 'size', '--limit', '2']);
  expect(part).toMatchObject({ matched: 2, listed: 2, foundKeys: 8, complete: true });
  const whole = await run(['keys', '--sort', 'size', '--limit', '8']);
  expect(whole.stderr).not.toContain('note:');
});

describe('what is no selection is refused', () => {
  test.each([
    [['--size', '5MB'], 'write "<1KB", ">1MB" or 1KB..1MB'],
    [['--size', '2MB..1MB'], '`2MB..1MB` ends before it begins'],
    [['--elements', '>many'], '`many` is not a whole number'],
    [['--size', '>1KB', '--size', '<1MB'], '--size 1KB..1MB'],
    [['--size', '..1MB', '--size', '1KB..', '--size', '>1GB'], '--size 1KB..1MB'],
    [['--size', '..'], '`..` is not a range'],
    [['--regex', '('], 'is no regular expression'],
    [['--exclude', 'pgae'], 'the map has no namespace `pgae`'],
    [['--count-only', '--sort', 'size'], '--count-only prints no keys'],
  ])('%j', async (args, message) => {
    const outcome = await run(['keys', ...args]);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });

  test('of a file, what only a server reports', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'all.ndjson');
    await run(['export', '--to', file]);
    const outcome = await run(['diff', file, '--size', '>1KB']);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain('compare two servers, or select by name');
  });
});

test('an expression that takes for ever is given up', { timeout: 30_000 }, async () => {
  await send(other.server, 'SET', 'a'.repeat(60) + '!', 'x');
  const outcome = await run(['keys', '--regex', '^(a+)+$'], other.redis.url);
  await send(other.server, 'UNLINK', 'a'.repeat(60) + '!');
  expect(outcome.exitCode).toBe(2);
  expect(outcome.stderr).toContain('--regex `^(a+)+$` takes more than 2 s on the key');
});

describe('keys that cannot be judged', () => {
  test('are counted, and not listed or removed', async () => {
    const ann = urlAs(redis.url, 'ann');
    const found = await result(['keys', '--size', '>1B'], ann);
    expect(found).toMatchObject({ matched: 2, unreadableKeys: 6, complete: false });
    const planned = await result(
      ['invalidate', '--pattern', 'page:*', '--size', '>1B', '--dry-run', '--no-backup'],
      ann,
    );
    expect(planned).toMatchObject({ matched: 2, serverCost: { unreadableKeys: 2 } });
  });

  test('are none where what is asked for is refused altogether', async () => {
    const outcome = await run(
      ['invalidate', '--pattern', 'page:*', '--idle', '>1s', '--yes'],
      urlAs(redis.url, 'bob'),
    );
    expect(outcome.exitCode).toBe(4);
    expect(outcome.stderr).toContain('--idle needs `OBJECT IDLETIME`, and the server answered `NOPERM');
  });

  test('under an LFU policy have no idle times', async () => {
    await send(other.server, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu');
    await send(other.server, 'SET', 'a', 'x');
    const outcome = await run(['keys', '--idle', '>1s'], other.redis.url);
    await send(other.server, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await send(other.server, 'UNLINK', 'a');
    expect(outcome.exitCode).toBe(4);
    expect(outcome.stderr).toContain('keeps no idle times: its eviction policy is LFU');
  });
});

describe('a saved plan', () => {
  test('has the selection, and what does not fit any more stays', async () => {
    const cwd = temporaryFolder();
    await sendAll(other.server, [
      ['SET', 'page:a', 'x'],
      ['SET', 'page:b', 'x'],
      ['SET', 'page:c', 'x', 'EX', 1000],
    ]);
    const on = { url: other.redis.url, env: withMap(map), cwd };
    const line = ['invalidate', '--pattern', 'page:*', '--ttl', 'none', '--exclude', 'page:z*'];
    await cli([...line, '--plan-out', 'plan.json'], on);
    const [head = ''] = readFileSync(join(cwd, 'plan.json'), 'utf8').split('\n');
    expect(JSON.parse(head)).toMatchObject({
      action: "invalidate --pattern 'page:*' --exclude 'page:z*' --ttl none",
      matched: 2,
      selection: { ttl: ['none'] },
    });
    await send(other.server, 'PEXPIRE', 'page:b', 100_000);
    const applied = await cli(['apply', 'plan.json', '--yes', '-o', 'json'], on);
    expect(jsonOf(applied), applied.stderr).toMatchObject({
      removed: 1,
      excludedNamespaces: [{ namespace: 'page', keys: 1, reason: 'option' }],
    });
    expect(await send(other.server, 'EXISTS', 'page:a', 'page:b', 'page:c')).toBe(2);
    await send(other.server, 'UNLINK', 'page:b', 'page:c');
  });
});

describe('keys in order', () => {
  test.each([
    ['size', ['page:3', 'page:2'], 'memoryBytes'],
    ['ttl', ['page:1', 'page:2'], 'ttlSeconds'],
    ['elements', ['list:long', 'list:set'], 'elements'],
    ['idle', ['list:long', 'page:3'], 'idleSeconds'],
  ])('--sort %s keeps the first of --limit', async (by, expected, field) => {
    const found = await result(['keys', '--sort', by, '--limit', '2', '--regex', '^(?:page|list):']);
    const items = found['items'] as Record<string, unknown>[];
    const order = items.map(({ key }) => String(key));
    expect(by === 'idle' ? sorted(order) : order).toEqual(expected);
    expect(items.every((item) => typeof item[field] === 'number')).toBe(true);
    expect(found).toMatchObject({ matched: 2, complete: true });
  });

  test('--count-only prints a number', async () => {
    expect((await run(['keys', 'page:*', '--count-only'])).stdout).toBe('4\n');
    expect(await result(['keys', '--size', '>4KB', '--count-only'])).toMatchObject({ items: [], matched: 2 });
  });
});
