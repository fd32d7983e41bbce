import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { inspect, inspectTable } from './inspect-runs.ts';
import { folderWith } from './reading.ts';
import { emptyServer, startServer } from '../server/own.ts';

const noMap = () => folderWith({});

async function seeded() {
  const server = await emptyServer();
  await sendAll(server, [
    ...Array.from({ length: 10 }, (_, index) => ['SET', `user:${index}`, 'x']),
    ...Array.from({ length: 4 }, (_, index) => ['SET', `gone:${index}`, 'x'.repeat(5000)]),
    ...Array.from({ length: 5 }, (_, index) => ['SET', `same:${index}`, 'x']),
  ]);
  return server;
}

test('--since tells what grew, what came and what went', async () => {
  const server = await seeded();
  const cwd = noMap();
  const saved = await inspect(['--save', 'monday.json'], { cwd });
  expect(saved).toMatchObject({ exitCode: 0, result: { growth: null } });
  await sendAll(server, [
    ...Array.from({ length: 3 }, (_, index) => ['SET', `user:${index + 10}`, 'x']),
    ...Array.from({ length: 4 }, (_, index) => ['DEL', `gone:${index}`]),
    ...Array.from({ length: 2 }, (_, index) => ['SET', `new:${index}`, 'x'.repeat(1000)]),
  ]);

  const { exitCode, result } = await inspect(['--since', 'monday.json'], { cwd });

  expect(exitCode).toBe(0);
  const before = new Map(saved.result.namespaces.map((row) => [row.namespace, row]));
  const now = new Map(result.namespaces.map((row) => [row.namespace, row]));
  expect(result.growth).toMatchObject({
    keys: 1,
    memoryBytes: (result.memoryBytes ?? 0) - (saved.result.memoryBytes ?? 0),
  });
  expect(result.growth?.windowSeconds).toBeLessThan(60);
  expect(Date.parse(result.growth?.savedAt ?? '')).toBeLessThanOrEqual(Date.now());
  const rowOf = (name: string) => {
    const [then, after] = [before.get(name), now.get(name)];
    const [keysBefore, keys] = [then?.keys ?? 0, after?.keys ?? 0];
    const [memoryBytesBefore, memoryBytes] = [then?.memoryBytes ?? 0, after?.memoryBytes ?? 0];
    return {
      namespace: name,
      keysBefore,
      keys,
      keysGrowth: keys - keysBefore,
      memoryBytesBefore,
      memoryBytes,
      memoryBytesGrowth: memoryBytes - memoryBytesBefore,
      certain: true,
    };
  };
  // The largest change first; what stayed the same is not on the list.
  expect(result.growth?.namespaces).toEqual([rowOf('gone:<id>'), rowOf('new:<id>'), rowOf('user:<id>')]);
  expect(rowOf('gone:<id>')).toMatchObject({ keysBefore: 4, keys: 0, memoryBytes: 0 });
  expect(rowOf('new:<id>')).toMatchObject({ keysBefore: 0, keys: 2, memoryBytesBefore: 0 });

  const table = await inspectTable(['--since', 'monday.json'], { cwd });
  expect(table).toMatch(/Since \d{4}-\d\d-\d\dT[^ ]+ \(.*\): \+1 key, -\d+\.\d kB\n/);
  expect(table).toMatch(/ {2}gone:<id> +-4 /);
});

test('--save together with --since compares first, and replaces the file', async () => {
  const server = await seeded();
  const cwd = noMap();
  await inspect(['--save', 'last.json'], { cwd });
  await send(server, 'SET', 'user:99', 'x');
  const first = await inspect(['--since', 'last.json', '--save', 'last.json'], { cwd });
  expect(first.result.growth).toMatchObject({ keys: 1 });
  const second = await inspect(['--since', 'last.json'], { cwd });
  expect(second.result.growth).toMatchObject({ keys: 0, namespaces: [] });
});

test('changes within the error of a sample are not called certain', async () => {
  const { redis, server } = await startServer();
  await send(server, 'DEBUG', 'POPULATE', 30_000, 'user');
  const cwd = noMap();
  const options = { cwd, url: redis.url };
  await inspect(['--exact', '--save', 'exact.json'], options);
  await sendAll(
    server,
    Array.from({ length: 5 }, (_, index) => ['SET', `user:x${index}`, 'x']),
  );
  await sendAll(
    server,
    Array.from({ length: 6000 }, (_, index) => ['SET', `page:${index}`, 'x']),
  );
  let sure = 0;
  for (const seed of ['1', '2', '3', '4', '5']) {
    const args = ['--precision', '10%', '--since', 'exact.json', '--seed', seed];
    const { result } = await inspect(args, options);
    expect(result.exact).toBe(false);
    const grown = new Map((result.growth?.namespaces ?? []).map((row) => [row.namespace, row.certain]));
    expect(grown.get('page:<id>')).toBe(true);
    // Where the sample happens to meet the old number there is no change to list.
    if (grown.get('user:<id>') === true) sure++;
  }
  // Of the users a sample cannot tell so few; one interval in twenty misses, three of five never.
  expect(sure).toBeLessThan(3);
});

test('a walk that ends early saves nothing, and says so', async () => {
  await seeded();
  const cwd = noMap();
  await inspect(['--save', 'kept.json'], { cwd });
  const kept = readFileSync(join(cwd, 'kept.json'), 'utf8');
  const controller = new AbortController();
  controller.abort('SIGINT');
  const { exitCode, stderr } = await inspect(['--save', 'kept.json', '--force'], {
    ...{ cwd, signal: controller.signal },
  });
  expect(exitCode).toBe(130);
  expect(stderr).toContain('`kept.json` was not written: the walk ended early');
  expect(readFileSync(join(cwd, 'kept.json'), 'utf8')).toBe(kept);
});

test.each([
  ['nothing there', null, 'snapshot `old.json` cannot be read: '],
  ['no JSON', '{"format":', 'snapshot `old.json` cannot be read: '],
  ['null', 'null', '`old.json` is no snapshot'],
  ['a list', '[]', '`old.json` is no snapshot'],
  ['another object', '{"name":"cachectl"}', '`old.json` is no snapshot'],
  [
    'half of a snapshot',
    '{"format":"cachectl-snapshot-1","total":{"keys":1},"namespaces":"none"}',
    '`old.json` is no snapshot',
  ],
])(
  '--since of a file with %s is refused, and nothing is asked of the server',
  async (_what, text, message) => {
    const cwd = noMap();
    if (text !== null) writeFileSync(join(cwd, 'old.json'), text);
    const outcome = await cli(['inspect', '--since', 'old.json'], { url: 'redis://127.0.0.1:1', cwd });
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toContain(message);
  },
);

test('--save to a place that cannot be written gives the figures, and fails', async () => {
  await seeded();
  const cwd = noMap();
  mkdirSync(join(cwd, 'folder'));
  const { exitCode, result, stderr } = await inspect(['--save', 'folder'], { cwd, url: testUrl() });
  expect({ exitCode, keys: result.keys }).toEqual({ exitCode: 2, keys: 19 });
  expect(stderr).toMatch(/^error: snapshot `folder` cannot be written: /);
});

test('a snapshot of other keys is not compared with', async () => {
  await seeded();
  const cwd = noMap();
  await inspect(['--save', 'whole.json'], { cwd });
  const { exitCode, stderr } = await inspect(['user:*', '--since', 'whole.json'], { cwd });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/is of other keys.*\nhint: give the same options/);
});
