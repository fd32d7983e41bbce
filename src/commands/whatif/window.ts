import type { AccessTrace } from '../../curves/access-sample.ts';
import type { Population } from '../../curves/key-census.ts';
import { type EvictionTerms, policies, usualEviction } from '../../curves/policy.ts';
import type { NodeMemory, NodeWindowRecord, WindowRecord } from '../../curves/window-record.ts';
import { databasesOf, type Info, infoNumber, productOf } from '../../redis/info.ts';
import type { RedisNode } from '../../redis/server.ts';
import { asBytes } from '../../support/bytes.ts';
import { sumOf } from '../../support/collections.ts';
import { growth } from '../../traffic/figures/window.ts';
import type { RowGroup } from '../../traffic/keys/namespace-rows.ts';
import type { WindowAccesses } from '../../traffic/observation.ts';

/**
 * What of the tables of keys MEMORY USAGE counts with each key already. This and the next: measured on 1,000 to 50,000 keys with Redis
 * 7.0.15, 8.0.6 and Valkey 9.1.2, as what is used beyond the sum of MEMORY USAGE.
 */
const countedTableBytes = { redis: 32, valkey: 15 } as const;

/** What a server uses that no field of INFO names, such as the histograms of its latency. */
const unnamedBytes = 200_000;

/** A table has as many slots as the power of two above its keys, and gives none back when it has fewer. */
const slotBytesOf = (keys: number) => (keys === 0 ? 0 : 8 * 2 ** Math.ceil(Math.log2(keys)));

/** From here on a server that evicted before is taken to be full. */
const fullShare = 0.9;

/** A window as it is kept and asked, with what each node reports of its memory and how it evicts. @throws RedisError */
export async function recordOf(
  accesses: WindowAccesses,
  window: Pick<WindowRecord, 'at' | 'server' | 'selection' | 'windowSeconds'>,
): Promise<WindowRecord> {
  return {
    ...window,
    namespaces: accesses.groups.map(({ namespace, database }) => ({ namespace, database })),
    nodes: await nodeRecordsOf(accesses),
  };
}

async function nodeRecordsOf({ groups, nodes }: WindowAccesses): Promise<NodeWindowRecord[]> {
  const groupOf = new Map(groups.flatMap(({ rows }, group) => rows.map((row) => [row, group] as const)));
  return Promise.all(
    nodes.map(async ({ accesses, reads, misses, before, after }): Promise<NodeWindowRecord> => {
      const memory = memoryOf(after);
      const isFull = memory.maxmemoryBytes > 0 && memory.usedBytes >= fullShare * memory.maxmemoryBytes;
      const evicted = growth(before, after, 'evicted_keys') ?? 0;
      const serverPolicy = after['maxmemory_policy'] ?? null;
      return {
        ...{ address: accesses.node.address, memory, serverPolicy, reads, misses },
        hasEvicted: evicted > 0 || (isFull && (infoNumber(after, 'evicted_keys') ?? 0) > 0),
        eviction: await evictionOf(accesses.node, serverPolicy),
        distinctKeys: accesses.sample.distinctKeys,
        population: inGroups(accesses.sample.population, groups),
        trace: withGroups(accesses.sample.trace(), groupOf),
        sizesRefused: accesses.refusal,
      };
    }),
  );
}

/** Rows of namespaces may have been joined while the window was open. */
function withGroups(trace: AccessTrace, groupOf: ReadonlyMap<number, number>): AccessTrace {
  return { ...trace, keys: { ...trace.keys, row: trace.keys.row.map((row) => groupOf.get(row) ?? 0) } };
}

const inGroups = (population: Population | null, groups: readonly RowGroup[]): Population | null =>
  population && {
    ...population,
    byRow: groups.map(({ rows }) => sumOf(rows.map((row) => population.byRow[row] ?? 0))),
  };

function memoryOf(info: Info): NodeMemory {
  const of = (field: string) => infoNumber(info, field) ?? 0;
  const keys = sumOf((databasesOf(info) ?? []).map((each) => each.keys));
  const buffers = sumOf(
    ['mem_clients_normal', 'mem_clients_slaves', 'mem_aof_buffer', 'mem_cluster_links'].map(of),
  );
  const replication = infoNumber(info, 'mem_total_replication_buffers') ?? of('mem_replication_backlog');
  const fixed = of('used_memory_startup') + buffers + replication;
  const slots = slotBytesOf(keys);
  const entries = Math.max(0, of('used_memory_overhead') - fixed - slots);
  const others = Math.max(0, fixed - of('mem_not_counted_for_evict')) + slots + unnamedBytes;
  const counted = productOf(info).product === 'valkey' ? countedTableBytes.valkey : countedTableBytes.redis;
  return {
    usedBytes: of('used_memory'),
    maxmemoryBytes: of('maxmemory'),
    fixedBytes: others,
    tableBytesPerKey: keys === 0 ? 0 : Math.max(0, entries / keys - counted),
    meanKeyBytes: keys === 0 ? 0 : Math.max(0, (of('used_memory') - others) / keys),
  };
}

/** Where the server does not say, as servers have it. @throws RedisError when the connection is lost */
async function evictionOf(node: RedisNode, serverPolicy: string | null): Promise<EvictionTerms> {
  const names = ['maxmemory-samples', 'lfu-log-factor', 'lfu-decay-time'] as const;
  const replies = await node.batch(names.map((name) => ['CONFIG', 'GET', asBytes(name)]));
  const [samples, lfuLogFactor, lfuDecayMinutes] = replies.map((reply) => {
    const value = Array.isArray(reply) ? Number(reply[1]) : Number.NaN;
    return Number.isInteger(value) && value >= 0 ? value : undefined;
  });
  const policy = policies.find((each) => each === serverPolicy);
  return {
    policy: policy ?? usualEviction.policy,
    samples: samples ?? usualEviction.samples,
    lfuLogFactor: lfuLogFactor ?? usualEviction.lfuLogFactor,
    lfuDecayMinutes: lfuDecayMinutes ?? usualEviction.lfuDecayMinutes,
  };
}
