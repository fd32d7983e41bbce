import { setTimeout as sleep } from 'node:timers/promises';
import { asBytes } from '../support/bytes.ts';
import { infoNumber, readInfo } from '../redis/info.ts';
import type { RedisNode } from '../redis/server.ts';
import type { SandboxRecord } from './family.ts';
import type { Fault } from './faults.ts';
import { seedServer } from './seed.ts';

/** Share of what the fault's traffic reads that fits into memory. */
const fittingShare = 0.7;
/** For connections, and for what the rest of the traffic reads. */
const spareBytes = 400_000;
/** The server shrinks its tables some time after the keys are gone. */
const shrinkingTries = 40;
const shrinkingMillis = 100;

/**
 * Puts the keys in place that the fault's traffic reads and, for `small-memory`, the limit: whatever nobody reads is
 * evicted at once, and eviction goes on for as long as the traffic writes. For a sandbox's own server only.
 * @throws RedisError when the server refuses a command or the connection is lost.
 */
export async function bringAbout(
  node: RedisNode,
  fault: Fault,
  records: readonly SandboxRecord[],
  signal: AbortSignal,
): Promise<void> {
  await seedServer(node, records, undefined, signal);
  if (fault.name === 'small-memory') await limitMemory(node, records, signal);
}

async function limitMemory(
  node: RedisNode,
  records: readonly SandboxRecord[],
  signal: AbortSignal,
): Promise<void> {
  const sizes = await node.batch(records.map(({ key }) => ['MEMORY', 'USAGE', key] as const));
  const bytes = sizes.reduce<number>((sum, size) => sum + (typeof size === 'number' ? size : 0), 0);
  await node.call('CONFIG', 'SET', asBytes('maxmemory-policy'), asBytes('allkeys-lru'));
  // The tables of a full server alone can be more than the limit that is right for an empty one.
  let lowest = Infinity;
  for (let tries = 0; tries < shrinkingTries && !signal.aborted; tries++) {
    const overhead = infoNumber(await readInfo(node), 'used_memory_overhead') ?? 0;
    if (tries > 2 && overhead > lowest * 0.99) return;
    lowest = Math.min(lowest, overhead);
    const limit = Math.round(lowest + spareBytes + bytes * fittingShare);
    await node.call('CONFIG', 'SET', asBytes('maxmemory'), limit);
    await sleep(shrinkingMillis);
  }
}
