import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { WalkAccount } from '../../src/redis/account.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { walkNodes } from '../../src/redis/walk-nodes.ts';
import type { WalkOptions } from '../../src/redis/walk.ts';
import type { ArchiveAbout } from '../../src/records/archive/format.ts';
import { archiveChunks } from '../../src/records/export/archive-chunks.ts';
import { ExportTally } from '../../src/records/export/read-batches.ts';
import { asBytes } from '../../src/support/bytes.ts';
import {
  addReplica,
  beginMove,
  moveSlot,
  ownerIndex,
  startCluster,
  storeInCluster,
  type TestCluster,
} from '../server/cluster.ts';
import { open } from '../server/own.ts';
import { send } from '../server/redis.ts';
import { until } from '../server/until.ts';

const size = 3;
const keys = Array.from({ length: 3000 }, (_, index) => asBytes(`key:${index}`));

/** Nodes agree on their slots two seconds after they were started: those of the next tests do so meanwhile. */
const starting = [startCluster(size), startCluster(size)];
afterAll(() => Promise.all(starting.map(async (cluster) => (await cluster).stop())));

async function filledCluster(): Promise<{ cluster: TestCluster; server: RedisServer }> {
  const following = startCluster(size);
  // A failure is that of the test that takes it.
  following.catch(() => undefined);
  starting.push(following);
  const cluster = await (starting.shift() ?? following);
  onTestFinished(() => cluster.stop());
  const seeds = [{ host: '127.0.0.1', port: cluster.nodes[0].port }];
  const server = await open(cluster.nodes[0].url, { topology: { kind: 'cluster', seeds } });
  await storeInCluster(cluster, keys);
  return { cluster, server };
}

/** The keys that a walk gives, with what happens after its first page of the node with that index. */
async function walk(
  server: RedisServer,
  afterNode: number,
  act: () => Promise<unknown>,
  options: Partial<WalkOptions> = {},
  nodesAtOnce?: number,
) {
  const { nodes } = server;
  const accounts: WalkAccount[] = [];
  const given: string[] = [];
  const optionsFor = () => ({ columns: { memory: true, type: true }, pageSize: 100, ...options });
  let acted = false;
  for await (const page of walkNodes(server, optionsFor, accounts, nodesAtOnce)) {
    given.push(...page.keys);
    for (const bytes of page.memoryBytes) expect(bytes).toBeGreaterThan(0);
    if (acted || page.node !== nodes[afterNode]) continue;
    acted = true;
    await act();
  }
  expect(acted).toBe(true);
  return { given, accounts };
}

const slotsOf = (index: number) => [
  ...new Set(keys.map(slotOf).filter((slot) => ownerIndex(slot, size) === index)),
];

async function moveSlots(cluster: TestCluster, from: number, to: number): Promise<void> {
  for (const slot of slotsOf(from).slice(0, 40)) await moveSlot(cluster, slot, from, to);
}

describe('a walk over a cluster gives each key once', () => {
  test.each([
    ['to a node that was read already', 2, 0, 1],
    ['to a node that is read later', 0, 2, 0],
    ['away from the node in hand', 1, 0, 1],
    ['to the node in hand', 2, 1, 1],
    ['with all nodes read at once', 0, 2, 0, size],
  ])('while slots move %s', async (_, from, to, during, nodesAtOnce = 1) => {
    const { cluster, server } = await filledCluster();
    const move = () => moveSlots(cluster, from, to);
    const { given, accounts } = await walk(server, during, move, {}, nodesAtOnce);
    expect(given.sort()).toEqual([...keys].sort());
    for (const { complete, refusedColumns } of accounts)
      expect({ complete, refusedColumns }).toEqual({ complete: true, refusedColumns: [] });
  });

  test('while a slot is on its way when it begins to read', async () => {
    const { cluster, server } = await filledCluster();
    const [slot = 0] = slotsOf(2);
    await beginMove(cluster, slot, 2, 0);
    const { given } = await walk(server, 1, () => moveSlot(cluster, slot, 2, 0));
    expect(given.sort()).toEqual([...keys].sort());
  });

  test('from all nodes at once, so that a slow one holds up no other, and continues where its reader left', async () => {
    const { cluster, server } = await filledCluster();
    const accounts: WalkAccount[] = [];
    const options = () => ({ columns: {}, pageSize: 100 });
    const given: string[] = [];
    // Connected to before it hangs.
    await server.nodes[0].call('PING');
    const [slow] = cluster.nodes;
    slow.kill('SIGSTOP');
    onTestFinished(() => slow.kill('SIGCONT'));
    for await (const { node, keys: page } of walkNodes(server, options, accounts)) {
      given.push(...page);
      if (given.length < keys.length / 3) expect(node).not.toBe(server.nodes[0]);
      else break;
      if (given.length > keys.length / 4) slow.kill('SIGCONT');
    }
    for await (const page of walkNodes(server, options, accounts)) given.push(...page.keys);
    expect(given.sort()).toEqual([...keys].sort());
  });

  test('and ends where it is interrupted while a slot is on its way', { timeout: 20_000 }, async () => {
    const { cluster, server } = await filledCluster();
    const interruption = new AbortController();
    const begin = async () => {
      await beginMove(cluster, slotsOf(2)[0] ?? 0, 2, 0);
      setTimeout(() => interruption.abort(), 2000);
    };
    const { given } = await walk(server, 2, begin, { signal: interruption.signal });
    expect(new Set(given).size).toBe(given.length);
  });

  test('while a replica takes over from a primary that is gone', async () => {
    const { cluster, server } = await filledCluster();
    const replica = await addReplica(cluster, 1);
    const { given } = await walk(server, 0, async () => {
      await cluster.nodes[1].stop();
      await send(replica, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
    });
    expect(given.sort()).toEqual([...keys].sort());
  });

  test('while a node answers CLUSTERDOWN for a moment', async () => {
    const { cluster, server } = await filledCluster();
    const [admin] = cluster.admins;
    const empty = Array.from({ length: 5000 }, (_, slot) => slot).find(
      (slot) => !keys.some((key) => slotOf(key) === slot),
    );
    const { given, accounts } = await walk(server, 0, async () => {
      await send(admin, 'CLUSTER', 'DELSLOTS', empty ?? -1);
      await until('the node is down', async () =>
        replyText(await send(admin, 'CLUSTER', 'INFO')).includes('cluster_state:fail'),
      );
      setTimeout(() => void send(admin, 'CLUSTER', 'ADDSLOTS', empty ?? -1), 500);
    });
    expect(given.sort()).toEqual([...keys].sort());
    for (const { refusedColumns } of accounts) expect(refusedColumns).toEqual([]);
  });
});

test('export reads the values of keys that move to another node', async () => {
  const { cluster, server } = await filledCluster();
  const tally = new ExportTally();
  const { signal } = new AbortController();
  const scope = { walk: {}, pageSize: 100, pace: {}, limit: Number.POSITIVE_INFINITY, signal };
  const about: ArchiveAbout = {
    kind: 'export',
    createdAt: '2026-01-01T00:00:00Z',
    ...{ server: 'cluster', database: 0, profile: null, action: 'export', patterns: [], withValues: true },
  };
  const chunks = archiveChunks(server, scope, about, tally, Date.now);
  let moved = false;
  for await (const chunk of chunks) {
    if (moved || chunk.length === 0 || tally.keys === 0) continue;
    moved = true;
    await moveSlots(cluster, 0, 2);
  }
  expect(tally).toMatchObject({ keys: keys.length, skipped: 0, complete: true, stopped: null });
  expect(tally.problems.total).toBe(0);
});
