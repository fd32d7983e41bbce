import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mapAt } from '../named-map.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { makeIdle, sendAll, startPrivateServer, targetOf } from '../server/redis.ts';
import { storedKeys } from './invalidate-setup.ts';
import { temporaryFolder } from '../server/own.ts';

/** What `test/libraries/write.mjs` writes, by the start of its keys. */
const truth = {
  state: [
    ...['bull:reports:', 'myapp:emails:', 'bq:thumbnails:', 'media:posters:', 'resque:', 'background:'],
    ...['sess:', 'visitors:', 'rlflx:', 'guard:', 'locks:invoice:', 'payout:', 'socket.io', 'sio:session:'],
  ],
  cache: ['keyv::page:', 'catalog::catalog:'],
};

let redis: RedisProcess;
let server: RedisServer;
const cwd = temporaryFolder();
const run = (args: readonly string[]) => cli(args, { url: redis.url, cwd });

beforeAll(async () => {
  redis = await startPrivateServer();
  server = await connect(targetOf(redis.url));
  await promisify(execFile)(process.execPath, [
    'test/libraries/write.mjs',
    `${redis.url.replace(/\/\d*$/, '')}/0`,
  ]);
  expect(await run(['config', 'init'])).toMatchObject({ exitCode: 0, stderr: '' });
  // Limits and locks of a minute would expire during the tests.
  await sendAll(
    server,
    (await storedKeys(server)).map((key) => ['EXPIRE', key, 3600, 'XX']),
  );
}, 60_000);
afterAll(async () => {
  server.close();
  await redis.stop();
});

const mapFile = () => join(cwd, 'cachectl.config.json');

test('the first map knows the jobs, sessions and limits that libraries wrote from what may be removed', async () => {
  const map = buildMap(mapAt(mapFile()).config);
  const keys = await storedKeys(server);
  for (const [kind, starts] of Object.entries(truth)) {
    for (const start of starts) {
      const kinds = keys
        .filter((key) => key.startsWith(start))
        .map((key) => map.classify(asBytes(key))?.kind ?? 'unmapped');
      expect([start, kinds.length > 0, [...new Set(kinds)]]).toEqual([start, true, [kind]]);
    }
  }
});

test('the first map says what each kind rests on', () => {
  const text = readFileSync(mapFile(), 'utf8');
  for (const comment of [
    /\/\/ \d+ keys; state: keys of BullMQ/,
    /\/\/ \d+ keys; state: keys of Bee-Queue/,
    /\/\/ \d+ keys; state: keys of Resque/,
    /\/\/ 300 keys; state: name says "sess"; values hold "cookie"/,
    /\/\/ 60 keys; state: values hold "cookie"/,
    /\/\/ 100 keys; state: values are integers under a short TTL/,
    /\/\/ 40 keys; state: values are random tokens under a short TTL, as locks have them/,
    /\/\/ 1 key; state: holds streams/,
  ])
    expect(text).toMatch(comment);
});

test('no id of a session is in the file, with or without a digit', async () => {
  const text = readFileSync(mapFile(), 'utf8');
  const ids = (await storedKeys(server)).flatMap((key) => /^(?:sess|visitors):(.*)/.exec(key)?.[1] ?? []);
  expect(ids).toHaveLength(360);
  expect(ids.filter((id) => text.includes(id))).toEqual([]);
});

test.each(['sess:*', 'myapp:emails:*', 'bq:*', 'background:*', 'guard:*', 'payout:*', 'socket.io'])(
  'with the first map `invalidate --pattern %s` removes nothing',
  async (pattern) => {
    const before = (await storedKeys(server)).length;
    const result = await run(['invalidate', '--pattern', pattern, '--yes', '-o', 'json']);
    expect(jsonOf(result)).toMatchObject({ removed: 0 });
    expect((await storedKeys(server)).length).toBe(before);
  },
);

test('with the first map `prune --idle` takes caches alone', async () => {
  await makeIdle(server, await storedKeys(server), 100);
  const isState = (key: string) => truth.state.some((start) => key.startsWith(start));
  const before = (await storedKeys(server)).filter(isState);
  const references = await sendAll(
    server,
    before.map((key) => ['OBJECT', 'REFCOUNT', key]),
  );
  // Of small integers the server keeps no idle times.
  const idle = references.filter((count) => count === 1).length;
  const result = await run(['prune', '--idle', '1s', '--yes', '-o', 'json']);
  expect(jsonOf(result)).toMatchObject({ outcome: 'pruned', stateKeysLeft: idle });
  const after = await storedKeys(server);
  expect(after.filter(isState)).toEqual(before);
  expect(after.length).toBe(before.length);
});

test('without a map `inspect` shows one row for all ids of sessions', async () => {
  const empty = temporaryFolder();
  const result = await cli(['inspect', '--depth', '5', '-o', 'json'], { url: redis.url, cwd: empty });
  const { namespaces } = jsonOf(result) as { namespaces: { namespace: string; keys: number }[] };
  const rows = namespaces.filter(({ namespace }) => /^(sess|visitors):/.test(namespace));
  expect(rows.map(({ namespace, keys }) => [namespace, keys])).toEqual(
    expect.arrayContaining([
      ['sess:<token>', 300],
      ['visitors:<token>', 60],
    ]),
  );
  expect(rows).toHaveLength(2);
});
