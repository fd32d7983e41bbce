import { hashFieldBytes, keyBytes, textBytes } from '../keyspace/key-memory.ts';
import { type Info, infoNumber } from '../redis/info.ts';
import { type MemoryShortage, shortageIn } from '../redis/memory-shortage.ts';
import { sumOf } from '../support/collections.ts';
import { InputError } from '../support/failure.ts';
import type { NodeKeys } from './node-keys.ts';
import { type BenchOptions, keysAtOnce, needsKeys } from './options.ts';
import type { OwnKey } from './workload.ts';

/** Buffers of a connection under load, in the server (measured: 38 kB on Redis 7.0, 18 kB on Redis 8.0 and Valkey 9.1). */
const connectionBytes = 40_000;

/** Histograms of latencies: from Redis 7.0 on 25 kB for each command that a server has not run before; here about a dozen. */
const histogramBytes = 300_000;

/** Enough to measure with, and little enough for the server to be the one that was to be measured. */
const largestShare = 0.1;

/** What the server keeps of a key of the run. */
const bytesOf = ({ name, bytes, fields }: OwnKey): number =>
  keyBytes(name.length, true) +
  (fields === null ? textBytes(bytes) : fields * (hashFieldBytes + textBytes(bytes)));

/** What a run adds to the memory of a node, as an estimate. */
export interface Footprint {
  readonly keysBytes: number;
  /** Replies that wait to be read, connections, and what the server counts of commands. */
  readonly otherBytes: number;
}

/** Null where nothing is written. @param nodes That the connections are spread over. */
export function footprintOf(
  { stores, storeOf }: Pick<NodeKeys, 'stores' | 'storeOf'>,
  nodes: number,
  options: Pick<BenchOptions, 'workloads' | 'connections' | 'pipeline' | 'group'>,
): Footprint | null {
  const used = new Set(options.workloads.filter(needsKeys).map(storeOf));
  const keys = stores.flatMap((store) => (used.has(store) ? store.keys : []));
  if (keys.length === 0) return null;
  const keysBytes = sumOf(keys.map(bytesOf));
  const connections = Math.ceil(options.connections / nodes);
  const onTheWay = (connections * keysAtOnce(options) * keysBytes) / keys.length;
  return { keysBytes, otherBytes: onTheWay + (connections + 1) * connectionBytes + histogramBytes };
}

/** A node that lacks memory, and how many of the keys would fit there, as a share. */
export interface KeyShortage extends MemoryShortage {
  readonly fittingRatio: number;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/**
 * A benchmark must not push out what it was called to measure.
 * @param info Null where the node reports nothing; then nothing is checked.
 * @param reservedBytes What is still to be written there for another target: the same server may be both.
 * @returns Null where the keys fit below `maxmemory`.
 * @throws InputError where they would take more than a tenth of the server's memory
 */
export function keyShortageIn(
  info: Info | null,
  address: string,
  { keysBytes, otherBytes }: Footprint,
  { keys, payload, like }: Pick<BenchOptions, 'keys' | 'payload' | 'like'>,
  reservedBytes = 0,
): KeyShortage | null {
  const known = info ?? {};
  const memory = infoNumber(known, 'maxmemory') || infoNumber(known, 'total_system_memory') || Infinity;
  const most = memory * largestShare;
  if (keysBytes > most)
    throw new InputError(
      `\`--keys ${keys} ${like === null ? `--payload ${payload.text}` : '--shape'}\` would take ${megabytes(keysBytes)} of the server's ${megabytes(memory)}: more than a tenth`,
      `use --keys ${Math.floor((keys * most) / keysBytes)} or fewer${like === null ? ', or a smaller --payload' : ''}; \`cachectl bench ping\` needs no keys`,
    );
  const shortage = shortageIn(info, address, keysBytes + otherBytes + reservedBytes);
  if (shortage === null) return null;
  const free = shortage.maxBytes - shortage.usedBytes - otherBytes - reservedBytes;
  return { ...shortage, fittingRatio: Math.max(0, free / keysBytes) };
}
