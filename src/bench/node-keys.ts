import { encodeArgument, encodeCommand } from '../redis/connection.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { chunksOf, groupBy } from '../support/collections.ts';
import { SeededRandom } from '../support/random.ts';
import { keyNames, KeyStore, seed } from './keys.ts';
import type { BenchOptions, WorkloadName } from './options.ts';
import { sizeChoice } from './payload.ts';
import { fieldOf, type OwnKey, type Traffic } from './workload.ts';

/** The keys of one node that are used: keys of the run, or keys of an application. */
export interface NodeKeys {
  readonly node: RedisNode;
  /** What the run writes there; empty where it only reads. */
  readonly stores: readonly KeyStore[];
  /** What is to be there before the workload runs. */
  readonly storeOf: (workload: WorkloadName) => KeyStore | undefined;
  readonly trafficOf: (workload: WorkloadName) => Traffic;
}

/** Bytes without any pattern. */
export const valueOf = (bytes: number): string =>
  new SeededRandom(seed, 'payload').bytes(bytes).toString('latin1');

/** The keys of a run, by node. */
export function nodeKeysOf(
  server: RedisServer,
  runId: string,
  options: BenchOptions,
  ttlSeconds: number,
): NodeKeys[] {
  const { keys, group, payload } = options;
  const nextSize = sizeChoice(payload, new SeededRandom(seed, 'sizes'));
  const own = keyNames(runId, keys, group).map((name): OwnKey => ({
    name,
    bytes: nextSize(),
    ttlSeconds,
    fields: null,
  }));
  const absent = absentNames(server, runId, options);
  const value = valueOf(payload.mostBytes);
  return [...groupBy(own, ({ name }) => server.nodeFor(name))].map(([node, list]) =>
    ownKeysOn(node, list, absent.get(node) ?? [], options, value),
  );
}

/** Names that are never written, as many as keys are used; none where every read is to find its key. */
export const absentNames = (
  server: RedisServer,
  runId: string,
  { keys, group, hitRatio }: Pick<BenchOptions, 'keys' | 'group' | 'hitRatio'>,
): Map<RedisNode, ByteString[]> =>
  groupBy(hitRatio < 1 ? keyNames(`${runId}:absent`, keys, group) : [], (name) => server.nodeFor(name));

/**
 * @param keys Strings. With a group, those of one follow each other, and all of it are here. The same for the absent ones.
 * @param value Of the largest size.
 */
export function ownKeysOn(
  node: RedisNode,
  keys: readonly OwnKey[],
  absent: readonly ByteString[],
  options: Pick<BenchOptions, 'group' | 'getRatio' | 'hitRatio'>,
  value: string,
): NodeKeys {
  const group = options.group ?? 1;
  const groups = options.group === null ? [] : chunksOf(keys, group);
  const hashes = groups.flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, name: hashOf(first.name), fields: 1 + others.length }],
  );
  const [strings, hashStore] = [new KeyStore(node, keys, value), new KeyStore(node, hashes, value)];
  return {
    node,
    stores: [strings, hashStore],
    storeOf: (workload) => (workload === 'hget' ? hashStore : strings),
    trafficOf(workload) {
      const read = readingOf(workload, group);
      const readShare = workload === 'set' ? 0 : workload === 'mixed' ? options.getRatio : 1;
      return {
        keysPerRead: workload === 'mget' ? group : 1,
        reads: keys.map(({ name }, index) => read(name, index)),
        absentReads: absent.map(read),
        ...{ writes: readShare === 1 ? [] : keys, value, usesKeys: false },
        parts: [{ keys: keys.length, weight: 1, readShare, hitRatio: options.hitRatio }],
      };
    },
  };
}

/** A read of a key; of MGET, its argument. */
function readingOf(workload: WorkloadName, group: number): (key: ByteString, index: number) => string {
  if (workload === 'mget') return encodeArgument;
  if (workload === 'hget')
    return (key, index) => encodeCommand(['HGET', hashOf(key), fieldOf(index % group)]);
  return (key) => encodeCommand(['GET', key]);
}

/** The hash of the group that a key is of. */
const hashOf = (key: ByteString) => asBytes(`${key.slice(0, key.indexOf('}') + 1)}:hash`);
