import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { emptyDatabase, send, sendAll } from '../server/redis.ts';
import { withMap } from './invalidate-setup.ts';

const { redis, server } = await startServer();
const profiles = Array.from({ length: 300 }, (_, id) => ['HSET', `user:${id}:profile`, 'name', `u${id}`]);
const feeds = Array.from({ length: 300 }, (_, id) => ['SET', `feed:${id}`, 'x', 'EX', String(300 + id)]);

/** Draws a map of the cache, and asks for the main example of the README by it. */
async function drawnThen(...args: string[]) {
  const file = join(temporaryFolder(), 'cachectl.config.json');
  await emptyDatabase(server);
  await sendAll(server, [...profiles, ...feeds]);
  const drawn = await cli(['config', 'init', '--file', file], { url: redis.url });
  expect(drawn.exitCode).toBe(0);
  const { stdout, stderr } = await cli([...args, '--config', file, '-o', 'table'], { url: redis.url });
  return `${stdout}${stderr}`.replace(/\s+/g, ' ');
}

test('hashes without a TTL are state, and `invalidate` says so and where the map does', async () => {
  const text = await drawnThen('invalidate', 'user', '12', '--dry-run');
  expect(text).toContain('nothing to remove: 1 key fits');
  expect(text).toContain('take "kind": "state" out of `namespaces.user-profile` in the map');
});

test('hashes without a TTL are a cache where the server evicts any key, unless clients count in them', async () => {
  await send(server, 'CONFIG', 'SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru');
  expect(await drawnThen('invalidate', 'user', '12', '--dry-run')).toContain('1 key would be');
  await send(server, 'HINCRBY', 'user:12:profile', 'visits', 1);
  expect(await drawnThen('invalidate', 'user', '12', '--dry-run')).toContain('nothing to remove: 1 key fits');
});

test('an entity that the map lacks because its keys are state is refused with the entry that says so', async () => {
  const env = withMap({
    namespaces: { profile: { pattern: 'user:<id>:profile', kind: 'state' }, feed: { pattern: 'feed:<id>' } },
    entities: { feed: { patterns: ['feed:<id>'] } },
  });
  const { exitCode, stderr } = await cli(['invalidate', 'user', '12', '--dry-run'], { url: redis.url, env });
  expect(exitCode).toBe(2);
  const text = stderr.replace(/\s+/g, ' ');
  expect(text).toContain('the map has no entity `user`, and keys `user:<id>:profile` are state');
  expect(text).toContain('take "kind": "state" out of `namespaces.profile` in the map');
  expect(text).toContain('"entities": { "user": { "patterns": ["user:<id>:profile"] } }');
});
