import { execFileSync } from 'node:child_process';
import { onTestFinished, expect, test } from 'vitest';
import { emptyAccount } from '../../src/redis/account.ts';
import { connect } from '../../src/redis/connect.ts';
import { infoOf } from '../../src/redis/info.ts';
import { isStoredBySlot, readSlotSizes } from '../../src/redis/node-facts.ts';
import { segmentPages, slotPages } from '../../src/redis/page-source.ts';
import { replyText } from '../../src/redis/reply.ts';
import { samplePages } from '../../src/redis/sample.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { ownerIndex, startCluster, storeInCluster } from '../server/cluster.ts';
import { send, targetOf } from '../server/redis.ts';
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
    const moving = 'key:0';
    const slot = slotOf(asBytes(moving));
    const from = ownerIndex(slot, 2);
    const [source, target] = [cluster.nodes[from], cluster.nodes[1 - from]];
    const sourceId = replyText(await send(cluster.admins[from] as never, 'CLUSTER', 'MYID'));
    const targetId = replyText(await send(cluster.admins[1 - from] as never, 'CLUSTER', 'MYID'));
    const cli = requireTool('redis-cli');
    const tell = (port = 0, ...words: (string | number)[]) =>
      String(execFileSync(cli, ['-p', String(port), ...words.map(String)])).trim();
    let moved = 0;
    const move = () => {
      tell(target?.port, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
      tell(source?.port, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
      for (const key of tell(source?.port, 'CLUSTER', 'GETKEYSINSLOT', slot, 100).split('\n')) {
        tell(source?.port, 'MIGRATE', '127.0.0.1', target?.port ?? 0, key, 0, 5000);
        moved++;
      }
      for (const node of [target, source]) tell(node?.port, 'CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
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

    const account = emptyAccount();
    const pages = samplePages(
      server,
      sources,
      {
        columns: () => ({ memory: true, ttl: true }),
        ...(type !== undefined && { type }),
        // Called between the page and what is asked of its keys.
        accepts: (key) => {
          if (key === moving && moved === 0) move();
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
      // Stored by slot, keys are drawn with replacement and without end.
      if (sources[0]?.source.pages === null && read.has(moving)) break;
    }

    expect(moved).toBeGreaterThan(0);
    expect(read.get(moving)).toBeGreaterThan(0);
    expect([...read.values()]).not.toContain(null);
    expect(account.unreadableKeys).toBe(0);
  },
  30_000,
);
