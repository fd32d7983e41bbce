import { execFileSync } from 'node:child_process';
import { onTestFinished, expect, test } from 'vitest';
import { emptyAccount } from '../../src/redis/account.ts';
import { connect } from '../../src/redis/connect.ts';
import { infoOf } from '../../src/redis/info.ts';
import { isStoredBySlot, readSlotSizes } from '../../src/redis/node-facts.ts';
import { segmentPages, slotPages } from '../../src/redis/page-source.ts';
import { samplePages } from '../../src/redis/sample.ts';
import { slotOf } from '../../src/redis/slots.ts';
import type { ByteString } from '../../src/support/bytes.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { ownerIndex, startCluster, storeInCluster } from '../server/cluster.ts';
import { targetOf } from '../server/redis.ts';
import { requireTool } from '../server/tools.ts';

test.each([
  ['its size', undefined],
  ['its type', 'string'],
])(
  'a key that moves between its page and %s is read at its new node',
  async (_, type) => {
    const cluster = await startCluster(2);
    onTestFinished(() => cluster.stop());
    const keys = Array.from({ length: 2000 }, (_, index) => `key:${index}`);
    await storeInCluster(cluster, keys);
    const cli = requireTool('redis-cli');
    const tell = (port = 0, ...words: (string | number)[]) =>
      String(execFileSync(cli, ['-p', String(port), ...words.map(String)])).trim();
    const move = (slot: number) => {
      const from = ownerIndex(slot, 2);
      const [source, target] = [cluster.nodes[from]?.port, cluster.nodes[1 - from]?.port];
      const [sourceId, targetId] = [tell(source, 'CLUSTER', 'MYID'), tell(target, 'CLUSTER', 'MYID')];
      tell(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
      tell(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
      for (const key of tell(source, 'CLUSTER', 'GETKEYSINSLOT', slot, 100).split('\n'))
        tell(source, 'MIGRATE', '127.0.0.1', target ?? 0, key, 0, 5000);
      for (const node of [target, source]) tell(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
    };
    const server = await connect({
      ...targetOf(cluster.nodes[0].url),
      topology: { kind: 'cluster', seeds: [{ host: '127.0.0.1', port: cluster.nodes[0].port }] },
    });
    onTestFinished(() => server.close());

    const sources = await Promise.all(
      server.nodes.map(async (node) => {
        const isBySlot = isStoredBySlot(infoOf(await node.call('INFO')) ?? {});
        const source = isBySlot
          ? slotPages((await readSlotSizes(node)) ?? new Map<number, number>(), slotOf)
          : segmentPages(1000);
        return { node, source, runId: null, typeByLookup: type !== undefined };
      }),
    );

    // The first that is drawn: a sample need not come upon a certain one.
    let moving: ByteString | undefined;
    const account = emptyAccount();
    const pages = samplePages(
      server,
      sources,
      {
        columns: () => ({ memory: true, ttl: true }),
        ...(type !== undefined && { type }),
        // Called between the page and what is asked of its keys.
        accepts: (key) => {
          if (moving === undefined) move(slotOf((moving = key)));
          return true;
        },
        limits: {},
        draw: new SeededRandom(1, 'test'),
      },
      account,
    );
    const read = new Map<string, number | null>();
    for await (const page of pages) {
      page.keys.forEach((key, index) => read.set(key, page.memoryBytes[index] ?? null));
      if (moving !== undefined && read.has(moving)) break;
    }

    expect(moving).toBeDefined();
    expect(read.get(moving as string)).toBeGreaterThan(0);
    expect([...read.values()]).not.toContain(null);
    expect(account.unreadableKeys).toBe(0);
  },
  30_000,
);
