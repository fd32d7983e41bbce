import { chunksOf, groupBy } from '../support/collections.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { refusal } from '../redis/errors.ts';
import { encodeArgument, encodeCommand, type Connection } from '../redis/connection.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';
import { type BenchOptions, needsKeys, type WorkloadName } from './options.ts';
import type { Traffic } from './workload.ts';
import { type Info, infoNumber } from '../redis/info.ts';
import { InputError } from '../support/failure.ts';
import { SeededRandom } from '../support/random.ts';
import { sizeChoice } from './payload.ts';

/** Keys and values are the same in every run. */
export const seed = 1;

/** A key outlives the run that wrote it by so much at most, should that run be killed. */
const spareSeconds = 600;
const batchKeys = 1000;
const batchBytes = 2 ** 20;

/** How the keys of a store are written. */
interface Writing {
  /** For messages. */
  readonly subject: string;
  /** The commands for the key with this number, encoded; each has so many replies, and takes so many bytes. */
  readonly encode: (index: number) => string;
  readonly replies: number;
  readonly bytes: number;
}

/** Keys of one run on one node that are of one type: how they are made, and removed. */
export class KeyStore {
  /** How many of `names`, from the first, may exist on the server. */
  private written = 0;

  constructor(
    private readonly node: RedisNode,
    readonly names: readonly ByteString[],
    private readonly writing: Writing,
  ) {}

  /** Writes every key, or renews its TTL. Stops between batches where the signal is aborted. @throws RedisError */
  async fill(connection: Connection, signal: AbortSignal): Promise<void> {
    const { subject, encode, replies, bytes } = this.writing;
    const most = Math.max(1, Math.min(batchKeys, Math.floor(batchBytes / bytes)));
    for (let start = 0; start < this.names.length && !signal.aborted; start += most) {
      const end = Math.min(start + most, this.names.length);
      this.written = Math.max(this.written, end);
      let encoded = '';
      for (let index = start; index < end; index++) encoded += encode(index);
      const answers = await connection.send(encoded, (end - start) * replies);
      const refused = answers.find((reply) => reply instanceof ReplyError);
      if (refused) throw refusal(refused, subject, connection.address);
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

/** The keys of one run that live on one node, and the commands on them. */
export class NodeKeys {
  readonly strings: KeyStore;
  /** With the names of a group as its fields. */
  readonly hashes: KeyStore;
  private readonly group: number;

  /**
   * @param keys With a group, those of one follow each other, and all of it are here. The same for the absent ones.
   * @param value Of the largest size; others are its beginning.
   */
  constructor(
    readonly node: RedisNode,
    private readonly keys: readonly SizedKey[],
    private readonly absentNames: readonly ByteString[],
    private readonly options: Pick<BenchOptions, 'group' | 'getRatio' | 'hitRatio'>,
    private readonly value: ByteString,
    private readonly ttlSeconds: number,
  ) {
    const group = (this.group = options.group ?? 1);
    const valueOf = ({ bytes }: SizedKey) => asBytes(value.slice(0, bytes));
    this.strings = new KeyStore(
      node,
      keys.map(({ name }) => name),
      {
        subject: '`SET`',
        encode: (index) => {
          const key = keys[index] as SizedKey;
          return encodeCommand(['SET', key.name, valueOf(key), 'EX', ttlSeconds]);
        },
        ...{ replies: 1, bytes: value.length },
      },
    );
    const groups = options.group === null ? [] : chunksOf(keys, group);
    const hashes = groups.map(([first]) => hashOf(first?.name ?? asBytes('')));
    this.hashes = new KeyStore(node, hashes, {
      subject: '`HSET`',
      // In a transaction: a process that is killed leaves no key without a TTL.
      encode: (index) => {
        const hash = hashes[index] as ByteString;
        const fields = (groups[index] ?? []).flatMap((key, field) => [fieldOf(field), valueOf(key)]);
        return [['MULTI'], ['HSET', hash, ...fields], ['PEXPIRE', hash, ttlSeconds * 1000], ['EXEC']]
          .map((command) => encodeCommand(command as RedisCommand))
          .join('');
      },
      ...{ replies: 4, bytes: value.length * group },
    });
  }

  get size(): number {
    return this.keys.length;
  }

  /** What is to be there before the workload runs. */
  storeOf(workload: WorkloadName): KeyStore {
    return workload === 'hget' ? this.hashes : this.strings;
  }

  trafficOf(workload: WorkloadName): Traffic {
    const { keys, absentNames, group, ttlSeconds, value } = this;
    const { getRatio, hitRatio } = this.options;
    const { keysPerRead, read } = readingOf(workload, group);
    const end = `${encodeArgument('EX')}${encodeArgument(String(ttlSeconds))}`;
    const writeOf = ({ name, bytes }: SizedKey) => ({ head: setOf(name), bytes, end });
    const isWriting = workload === 'set' || workload === 'mixed';
    return {
      reads: keys.map(({ name }, index) => read(name, index)),
      ...{ keysPerRead, absentReads: absentNames.map(read), hitRatio, value },
      readShare: workload === 'set' ? 0 : workload === 'mixed' ? getRatio : 1,
      writes: isWriting ? keys.map(writeOf) : [],
    };
  }
}

/** A key with the size of its value. */
interface SizedKey {
  readonly name: ByteString;
  readonly bytes: number;
}

/** SET up to where the value begins. */
const setOf = (key: ByteString) => `*5\r\n${encodeArgument('SET')}${encodeArgument(key)}`;

/** A read of a key; of MGET, its argument. */
function readingOf(
  workload: WorkloadName,
  group: number,
): { keysPerRead: number; read: (key: ByteString, index: number) => string } {
  if (workload === 'mget') return { keysPerRead: group, read: encodeArgument };
  const read =
    workload === 'hget'
      ? (key: ByteString, index: number) => encodeCommand(['HGET', hashOf(key), fieldOf(index % group)])
      : (key: ByteString) => encodeCommand(['GET', key]);
  return { keysPerRead: 1, read };
}

/** The hash of the group that a key is of. */
const hashOf = (key: ByteString) => asBytes(`${key.slice(0, key.indexOf('}') + 1)}:hash`);
const fieldOf = (index: number) => asBytes(String(index));

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

/** Names of the same length under a prefix that no other run has. Those of a group share a hash tag, and so a slot. */
export function keyNames(runId: string, count: number, group: number | null = null): ByteString[] {
  const digits = String(count - 1).length;
  const padded = (number: number) => String(number).padStart(digits, '0');
  return Array.from({ length: count }, (_, index) => {
    const tag = group === null ? '' : `{${padded(Math.floor(index / group))}}:`;
    return asBytes(`cachectl:bench:${runId}:${tag}${padded(index)}`);
  });
}

/** The keys of a run, by node. */
export function nodeKeysOf(
  server: RedisServer,
  runId: string,
  options: BenchOptions,
  ttlSeconds: number,
): NodeKeys[] {
  const { keys, group, hitRatio, payload } = options;
  const nodeOf = (name: ByteString) => server.nodeFor(name);
  const value = asBytes(new SeededRandom(seed, 'payload').bytes(payload.mostBytes).toString('latin1'));
  const nextSize = sizeChoice(payload, new SeededRandom(seed, 'sizes'));
  const own = keyNames(runId, keys, group).map((name) => ({ name, bytes: nextSize() }));
  const absent = hitRatio < 1 ? keyNames(`${runId}:absent`, keys, group) : [];
  const absentByNode = groupBy(absent, nodeOf);
  return [...groupBy(own, ({ name }) => nodeOf(name))].map(
    ([node, list]) => new NodeKeys(node, list, absentByNode.get(node) ?? [], options, value, ttlSeconds),
  );
}

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
  { workloads, keys, payload }: BenchOptions,
  info: Info | null,
  nodeCount: number,
): void {
  if (info === null || !workloads.some(needsKeys)) return;
  const memory = infoNumber(info, 'maxmemory') || infoNumber(info, 'total_system_memory') || Infinity;
  const copies = new Set(workloads.filter(needsKeys).map((workload) => workload === 'hget')).size;
  const footprint = (copies * keys * (payload.meanBytes + bytesPerKey)) / nodeCount;
  if (footprint <= memory * largestShare) return;
  throw new InputError(
    `\`--keys ${keys} --payload ${payload.text}\` would take ${Math.ceil(footprint)} bytes of the server's ${memory}: more than a tenth`,
    'lower --keys or --payload; `cachectl bench ping` needs no keys',
  );
}
