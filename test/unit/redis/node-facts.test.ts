import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asBytes } from '../../../src/support/bytes.ts';
import {
  isStoredBySlot,
  readNodeFacts,
  readSlotSizes,
  stringSizesOf,
} from '../../../src/redis/node-facts.ts';
import type { RedisServer } from '../../../src/redis/server.ts';
import { slotOf } from '../../../src/redis/slots.ts';
import { ownerIndex, startCluster, storeInCluster, type TestCluster } from '../../server/cluster.ts';
import { send, sendAll } from '../../server/redis.ts';
import { open, startRedis, startServer } from '../../server/own.ts';

describe('keys are stored by slot', () => {
  test.each([
    ['redis', '6.2.14', false],
    ['redis', '7.0.15', false],
    ['redis', '7.2.5', false],
    ['redis', '7.4.0', true],
    ['redis', '7.10.1', true],
    ['redis', '8.0.0', true],
    ['redis', '10.0.0', true],
    ['valkey', '7.2.6', false],
    ['valkey', '8.0.1', true],
    ['valkey', '9.1.0', true],
  ])('by %s %s as a node of a cluster: %s; alone they never are', (product, version, bySlot) => {
    // Valkey reports a Redis version in addition to its own, whatever its own is.
    const versions: Record<string, string> =
      product === 'valkey'
        ? { redis_version: '7.2.4', valkey_version: version, server_name: 'valkey' }
        : { redis_version: version };
    expect(isStoredBySlot({ ...versions, cluster_enabled: '1' })).toBe(bySlot);
    expect(isStoredBySlot({ ...versions, cluster_enabled: '0' })).toBe(false);
    expect(isStoredBySlot(versions)).toBe(false);
  });

  test('by nobody who does not say', () => {
    expect(isStoredBySlot({})).toBe(false);
    expect(isStoredBySlot({ cluster_enabled: '1' })).toBe(false);
  });
});

test('strings by their length are those of one database, from 8.0 on', () => {
  const text = '1=2,64K=1,4M=1';
  const info = { '# Keysizes': '', db3_distrib_strings_sizes: text, db3_distrib_lists_items: '2=1' };
  const sizes = new Map([
    [1, 2],
    [64 * 1024, 1],
    [4 * 1024 ** 2, 1],
  ]);
  expect(stringSizesOf(info, 3)).toEqual(sizes);
  expect(stringSizesOf(info, 0)).toEqual(new Map());
  expect(stringSizesOf({}, 3)).toBeNull();
});

describe('facts of a node', () => {
  test('are its keys, CPU, process and policy', async () => {
    const { server } = await startServer({ args: ['--maxmemory-policy', 'allkeys-lfu'] });
    await sendAll(server, [
      ['SET', 'a', 'x'],
      ['SET', 'b', 'x'.repeat(5000)],
    ]);
    const facts = await readNodeFacts(server.nodes[0]);
    expect(facts).toMatchObject({ keys: 2, policy: 'allkeys-lfu', storedBySlot: false });
    // Redis 8.0 and later.
    if (facts.stringSizes !== null) expect([...facts.stringSizes.keys()]).toEqual([1, 4096]);
    expect(facts.runId).toMatch(/^[0-9a-f]{40}$/);
    expect(facts.cpuSeconds).toBeGreaterThan(0);
    expect(await readNodeFacts(server.nodes[0])).toMatchObject({ runId: facts.runId });
  });

  test('are null where a user may not ask', async () => {
    const redis = await startRedis({ config: ['user blind on >pass ~* -@all +ping +scan'] });
    const server = await open(redis.url, { username: 'blind', password: 'pass' });
    expect(await readNodeFacts(server.nodes[0])).toEqual({
      keys: null,
      persistentKeys: null,
      stringSizes: null,
      dataset: null,
      otherKeys: null,
      keysWithFieldTtls: null,
      cpuSeconds: null,
      runId: null,
      policy: null,
      storedBySlot: false,
      release: { product: 'redis', version: 'unknown' },
      countsScanType: true,
    });
  });

  test('have no slots where there is no cluster', async () => {
    const { server } = await startServer();
    await send(server, 'SET', 'a', 'x');
    expect(await readSlotSizes(server.nodes[0])).toBeNull();
  });
});

describe('sizes of slots', () => {
  let cluster: TestCluster;
  const admins = () => cluster.admins as readonly RedisServer[];
  beforeAll(async () => {
    cluster = await startCluster(2);
  });
  afterAll(() => cluster.stop());

  test('are those of the slots that have keys, on the node that owns them', async () => {
    const keys = [
      ...Array.from({ length: 40 }, (_, index) => `user:{1}:${index}`),
      ...Array.from({ length: 300 }, (_, index) => `page:${index}`),
    ];
    await storeInCluster(cluster, keys);
    for (const [index, admin] of admins().entries()) {
      const expected = new Map<number, number>();
      for (const key of keys) {
        const slot = slotOf(asBytes(key));
        if (ownerIndex(slot, 2) === index) expected.set(slot, (expected.get(slot) ?? 0) + 1);
      }
      const sizes = await readSlotSizes(admin.nodes[0]);
      expect([...(sizes ?? [])]).toEqual([...expected].sort(([a], [b]) => a - b));
      expect(expected.size).toBeGreaterThan(50);
    }
  });
});
