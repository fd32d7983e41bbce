import { expect, onTestFinished, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { ownerIndex, startCluster, storeInCluster } from '../server/cluster.ts';
import { callsOf, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { flagsOn, type HitsJson, notesIn, setFlags } from './hits-runs.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../server/own.ts';

test('hits of a cluster are those of all its primaries, and each has its own events again', async () => {
  const cluster = await startCluster(3);
  onTestFinished(() => cluster.stop());
  const { admins } = cluster;
  for (const [index, flags] of ['', 'KEx', 'Kg'].entries())
    if (admins[index]) await setFlags(admins[index], flags);
  const before = await Promise.all(admins.map(flagsOn));
  expect(new Set(before).size).toBe(3);
  const keys = Array.from({ length: 60 }, (_, index) => `user:${index}:profile`);
  await storeInCluster(cluster, keys);
  const absent = keys.map((key) => key.replace('user', 'guest'));

  const state = temporaryFolder();
  const lookups = await Promise.all(admins.map((admin) => callsOf(admin, 'ttl')));
  const outcome = cli(['hits', '--for', '1200ms', '--cluster', '--output', 'json'], {
    url: cluster.nodes[0].url,
    env: { XDG_STATE_HOME: state },
  });
  const begun = async () => {
    const now = await Promise.all(admins.map((admin) => callsOf(admin, 'ttl')));
    return now.every((calls, index) => calls >= (lookups[index] ?? 0) + 3);
  };
  await until('the window begins on each node', begun);
  await sleep(50);
  for (const [index, admin] of admins.entries())
    await sendAll(
      admin,
      [...keys, ...absent]
        .filter((key) => ownerIndex(slotOf(asBytes(key)), 3) === index)
        .map((key) => ['GET', key]),
    );

  const { exitCode, stderr, ...rest } = await outcome;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const result = jsonOf({ exitCode, stderr, ...rest }) as unknown as HitsJson;
  expect(result).toMatchObject({
    ...{ mode: 'exact', valid: true, reads: 120, hits: 60, misses: 60, remarks: [] },
    residual: { reads: 0, hits: 0, misses: 0 },
    serverCost: { markLookups: expect.any(Number) as number },
  });
  expect(result.namespaces.map(({ namespace, reads, misses }) => ({ namespace, reads, misses }))).toEqual([
    { namespace: 'guest:<id>:profile', reads: 60, misses: 60 },
    { namespace: 'user:<id>:profile', reads: 60, misses: 0 },
  ]);
  expect(result.notifications).toHaveLength(3);
  expect(result.notifications.map(({ outcome }) => outcome)).toEqual(['restored', 'restored', 'restored']);
  expect(await Promise.all(admins.map(flagsOn))).toEqual(before);
  expect(notesIn(state)).toEqual([]);
});
