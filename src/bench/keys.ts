import { groupBy } from '../support/collections.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { refusal } from '../redis/errors.ts';
import { encodeCommand, type Connection } from '../redis/connection.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { type BenchOptions, needsKeys } from './options.ts';
import { type Info, infoNumber } from '../redis/info.ts';
import { InputError } from '../support/failure.ts';

/** A key outlives the run that wrote it by so much at most, should that run be killed. */
const spareSeconds = 600;
const batchKeys = 1000;
const batchBytes = 2 ** 20;

/** The keys of one run that live on one node, with the bytes of the commands on them. */
export class KeySet {
  /** GET, one for each key. */
  readonly gets: readonly string[];
  /** GET of keys that are never written. */
  readonly absentGets: readonly string[];
  /** SET, one for each key, up to where the value begins; `setTail` follows. */
  readonly setHeads: readonly string[];
  readonly setTail: string;
  /** How many of `names`, from the first, may exist on the server. */
  written = 0;

  constructor(
    readonly node: RedisNode,
    readonly names: readonly ByteString[],
    absentNames: readonly ByteString[],
    private readonly payload: ByteString,
    ttlSeconds: number,
  ) {
    const setTo = (key: ByteString, value: ByteString) =>
      encodeCommand(['SET', key, value, 'EX', ttlSeconds]);
    this.gets = names.map((key) => encodeCommand(['GET', key]));
    this.absentGets = absentNames.map((key) => encodeCommand(['GET', key]));
    this.setHeads = names.map((key) => beforeValue(setTo(key, asBytes('')), key));
    const [first = asBytes('')] = names;
    const whole = setTo(first, payload);
    this.setTail = whole.slice(beforeValue(whole, first).length);
  }

  /** Writes every key, or renews its TTL. Stops between batches where the signal is aborted. @throws RedisError */
  async fill(connection: Connection, signal: AbortSignal): Promise<void> {
    const most = Math.max(1, Math.min(batchKeys, Math.floor(batchBytes / this.payload.length)));
    for (let start = 0; start < this.names.length && !signal.aborted; start += most) {
      const heads = this.setHeads.slice(start, start + most);
      this.written = Math.max(this.written, start + heads.length);
      const replies = await connection.send(heads.map((head) => head + this.setTail).join(''), heads.length);
      const refused = replies.find((reply) => reply instanceof ReplyError);
      if (refused) throw refusal(refused, '`SET`', connection.address);
    }
  }

  /** Makes sure that what is written can be removed again. @throws RedisError where UNLINK is refused */
  async probeRemoval(connection: Connection): Promise<void> {
    const [reply] = await connection.exchange(this.names.slice(0, 1).map((key) => ['UNLINK', key]));
    if (reply instanceof ReplyError) throw refusal(reply, '`UNLINK`', connection.address);
  }

  /** Removes what was written, one command for each key: keys of a cluster node lie in different slots. */
  async remove(): Promise<Removal> {
    const keys = this.names.slice(0, this.written);
    const removal = { removed: 0, left: keys.length };
    if (keys.length === 0) return removal;
    try {
      // The connections of the run may be broken.
      const connection = await this.node.openConnection();
      try {
        for (let start = 0; start < keys.length; start += batchKeys) {
          const batch = keys.slice(start, start + batchKeys);
          for (const reply of await connection.exchange(batch.map((key) => ['UNLINK', key]))) {
            if (typeof reply !== 'number') continue;
            removal.removed += reply;
            removal.left--;
          }
        }
      } finally {
        connection.close();
      }
    } catch (error) {
      return { ...removal, error: error as Error };
    }
    return removal;
  }
}

/** What became of the keys of a run. Those neither removed nor left had already gone: expired, or evicted. */
export interface Removal {
  readonly removed: number;
  /** Keys that could not be removed; they expire. */
  readonly left: number;
  readonly error?: Error;
}

/** @param targets Servers that are measured in turn. */
export function ttlSecondsOf(
  { workloads, limit, warmupSeconds, rounds }: BenchOptions,
  targets: number,
): number {
  const longest = limit.kind === 'duration' ? limit.seconds : 0;
  const phases = workloads.filter(needsKeys).length * rounds * targets;
  return spareSeconds + Math.ceil(phases * (longest + warmupSeconds));
}

/** Names of the same length under a prefix that no other run has. */
export function keyNames(runId: string, count: number): ByteString[] {
  const digits = String(count - 1).length;
  return Array.from({ length: count }, (_, index) =>
    asBytes(`cachectl:bench:${runId}:${String(index).padStart(digits, '0')}`),
  );
}

/** The keys of a run, by node. */
export function keySetsOf(
  server: RedisServer,
  names: readonly ByteString[],
  absentNames: readonly ByteString[],
  payload: ByteString,
  ttlSeconds: number,
): KeySet[] {
  const byNode = groupBy(names, (name) => server.nodeFor(name));
  const absentByNode = groupBy(absentNames, (name) => server.nodeFor(name));
  return [...byNode].map(
    ([node, list]) => new KeySet(node, list, absentByNode.get(node) ?? [], payload, ttlSeconds),
  );
}

/** A SET up to and including the line that ends its key. */
const beforeValue = (encoded: string, key: ByteString) =>
  encoded.slice(0, encoded.indexOf(key) + key.length + 2);

/** What a key costs in addition to its value: its name, its TTL, the server's tables (measured on Redis 7.0: 150 to 210). */
const bytesPerKey = 200;

/** Enough to measure with, and little enough to evict few keys of others. */
const largestShare = 0.1;

/**
 * A benchmark must not push out what it was called to measure.
 * @param info of one node, or null where the server reports none; then nothing is checked
 * @throws InputError where the keys would take more than a tenth of the server's memory
 */
export function checkFootprint(
  { workloads, keys, payloadBytes }: BenchOptions,
  info: Info | null,
  nodeCount: number,
): void {
  if (info === null || !workloads.some(needsKeys)) return;
  const memory = infoNumber(info, 'maxmemory') || infoNumber(info, 'total_system_memory') || Infinity;
  const footprint = (keys * (payloadBytes + bytesPerKey)) / nodeCount;
  if (footprint <= memory * largestShare) return;
  throw new InputError(
    `\`--keys ${keys} --payload ${payloadBytes}\` would take ${Math.ceil(footprint)} bytes of the server's ${memory}: more than a tenth`,
    'lower --keys or --payload; `cachectl bench ping` needs no keys',
  );
}
