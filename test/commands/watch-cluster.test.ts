import { afterAll, beforeAll, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { startCluster, type TestCluster } from '../server/cluster.ts';
import { send, targetOf } from '../server/redis.ts';
import { folderWith } from './reading.ts';
import { sumOf, watchWhile } from './watch-records.ts';

let cluster: TestCluster;
let server: RedisServer;
beforeAll(async () => {
  cluster = await startCluster(3);
  const target = targetOf(cluster.nodes[0].url);
  server = await connect({ ...target, topology: { kind: 'cluster', seeds: [target] } });
  for (const key of users) await server.nodeFor(key).call('SET', key, asBytes('x'));
});
afterAll(async () => {
  server.close();
  await cluster.stop();
});

const users = Array.from({ length: 60 }, (_, id) => asBytes(`user:${id}:profile`));
const missing = Array.from({ length: 30 }, (_, id) => asBytes(`session:${id}`));

const readAll = async () => {
  for (const key of [...users, ...missing]) await server.nodeFor(key).call('GET', key);
};

test.each([[[]], [['--hits']]])('the primaries of a cluster are one server, with %j', async (args) => {
  const home = folderWith({
    namespaces: { profiles: { pattern: 'user:*' }, sessions: { pattern: 'session:*' } },
  });
  const { intervals } = await watchWhile(
    ['--cluster', ...args],
    { url: cluster.nodes[1].url, cwd: home, env: { HOME: home, XDG_STATE_HOME: home } },
    readAll,
  );
  expect(sumOf(intervals.map(({ hits }) => hits))).toBe(60);
  expect(sumOf(intervals.map(({ misses }) => misses))).toBe(30);
  expect(intervals.at(-1)).toMatchObject({ ok: true, keys: 60 });
  expect(intervals.at(-1)?.namespaces.find(({ namespace }) => namespace === 'profiles')?.keys).toBe(60);
  const misses = intervals.flatMap(({ namespaces }) =>
    namespaces.filter(({ namespace }) => namespace === 'sessions').map((row) => row.misses),
  );
  expect(sumOf(misses)).toBe(args.length === 0 ? 0 : 30);
  for (const admin of cluster.admins)
    expect(await send(admin, 'CONFIG', 'GET', 'notify-keyspace-events')).toEqual([
      'notify-keyspace-events',
      '',
    ]);
});
