import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { startCluster, storeInCluster, type TestCluster } from '../server/cluster.ts';
import { targetOf } from '../server/redis.ts';
import { folderWith } from './reading.ts';
import { homed } from './stats-hits-runs.ts';
import { stats } from './stats-runs.ts';

let cluster: TestCluster;
let server: RedisServer;
beforeAll(async () => {
  cluster = await startCluster(3);
  const target = targetOf(cluster.nodes[0].url);
  server = await connect({ ...target, topology: { kind: 'cluster', seeds: [target] } });
});
afterAll(async () => {
  server.close();
  await cluster.stop();
});

test('stats --hits adds up what is read on the nodes of a cluster, and puts each back', async () => {
  const users = Array.from({ length: 100 }, (_, id) => `user:${id}`);
  await storeInCluster(cluster, users.slice(0, 80));
  const cwd = folderWith({ namespaces: { user: { pattern: 'user:<id>', hitRateTarget: '75%' } } });
  const state = { ended: false };
  const reading = (async () => {
    while (!state.ended) {
      await Promise.all(users.map(asBytes).map((key) => server.nodeFor(key).call('GET', key)));
      await sleep(20);
    }
  })();

  const running = stats(cluster.nodes[1].url, ['--cluster', '--hits', '1500ms', '--hits-mode', 'exact'], {
    cwd,
    ...homed(),
  });
  const { exitCode, result } = await running.finally(() => (state.ended = true));
  await reading;

  expect(exitCode).toBe(0);
  expect(result.traffic).toMatchObject({ mode: 'exact', valid: true, residual: { reads: 0, misses: 0 } });
  expect(result.traffic?.notifications.map(({ outcome }) => outcome)).toEqual(Array(3).fill('restored'));
  expect(result.namespaces).toMatchObject([
    { namespace: 'user', keys: 80, reads: result.traffic?.reads, targetMet: true },
  ]);
  expect(result.namespaces[0]?.hitRate).toBeCloseTo(0.8, 1);
  expect(result.reasons[0]).toMatchObject({ rule: 'namespace-targets', points: 0, tone: 'good' });
});
