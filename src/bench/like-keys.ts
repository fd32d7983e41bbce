import { keyOverheadBytes } from '../keyspace/key-memory.ts';
import { encodeCommand } from '../redis/connection.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';
import { groupBy, sumOf } from '../support/collections.ts';
import { InputError } from '../support/failure.ts';
import type { ByteString } from '../support/bytes.ts';
import type { FoundKey, FoundKeys } from './find-keys.ts';
import { keyNames, KeyStore, spareSeconds } from './keys.ts';
import { absentNames, type NodeKeys, valueOf } from './node-keys.ts';
import { type BenchOptions, type Likeness, requireInFlight, type WantedNamespace } from './options.ts';
import type { Warning } from './result.ts';
import type { OwnKey, TrafficPart } from './workload.ts';

/** A namespace as it was used. */
export interface UsedNamespace {
  readonly namespace: string;
  /** Keys that were used, or copied. */
  readonly keys: number;
  /** Keys that were found and not used: too large, or of another type. */
  readonly leftOutKeys: number;
  /** Share of the commands. */
  readonly trafficRatio: number;
  /** Share of its commands that read. */
  readonly getRatio: number;
  /** Share of its reads that were meant to find their key. */
  readonly hitRatio: number;
  /** Mean of MEMORY USAGE; null where it is not permitted. */
  readonly meanMemoryBytes: number | null;
}

/** What is used in place of keys of the run. */
export interface LikeKeys {
  readonly nodeKeys: readonly NodeKeys[];
  readonly namespaces: readonly UsedNamespace[];
  readonly warnings: readonly Warning[];
}

/** Sending a larger value would block the server for more than a few milliseconds. */
const mostMemoryBytes = 2 ** 20;
/** Of a list or a sorted set. */
const mostElements = 100;

/** How an application reads a key of a type; what is not here is not read. */
const readsOf: Readonly<Record<string, (key: ByteString) => RedisCommand>> = {
  string: (key) => ['GET', key],
  hash: (key) => ['HGETALL', key],
  list: (key) => ['LRANGE', key, 0, mostElements - 1],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, 0, mostElements - 1],
};

/** Where sizes are not known, a whole collection may be of any. */
const isUsable = ({ type, memoryBytes }: FoundKey, isShape: boolean) =>
  memoryBytes === null
    ? !isShape && ['string', 'list', 'zset'].includes(type)
    : memoryBytes <= mostMemoryBytes && (isShape || Object.hasOwn(readsOf, type));

/** @throws InputError where no key was found, or all are of a kind that is not used */
export function likeKeysOf(
  server: RedisServer,
  runId: string,
  options: BenchOptions,
  { isShape, namespaces, mayLack }: Likeness,
  { namespaces: found, scannedKeys }: FoundKeys,
  ttlSeconds: number,
): LikeKeys {
  const used = namespaces.map((wanted, index) => {
    const all = found[index] ?? [];
    return { wanted, all, keys: all.filter((key) => isUsable(key, isShape)) };
  });
  const left = used.filter(({ keys }) => keys.length === 0).map(({ wanted }) => wanted);
  if (left.length === used.length || (left.length > 0 && !mayLack))
    throw new InputError(
      `no key of ${left.map(({ name }) => `\`${name}\``).join(', ')} can be used, among ${scannedKeys} keys that were looked at`,
      '`cachectl inspect` shows the namespaces; streams, keys beyond 1 MiB and keys that may not be read are left out',
    );
  const present = used.filter(({ keys }) => keys.length > 0);
  const weights = sumOf(present.map(({ wanted }) => wanted.weight));
  const sizes = present.flatMap(({ keys }) => keys.map(({ memoryBytes }) => memoryBytes ?? 0));
  requireInFlight(options, sumOf(sizes) / sizes.length);
  const absent = absentNames(server, runId, {
    ...options,
    hitRatio: Math.min(...namespaces.map((each) => each.hitRatio)),
  });
  const leftWeight = sumOf(left.map(({ weight }) => weight));
  return {
    warnings:
      left.length === 0
        ? []
        : [
            {
              kind: 'namespaces-left-out',
              namespaces: left.map(({ name }) => name),
              trafficRatio: leftWeight / (leftWeight + weights),
            },
          ],
    nodeKeys: (isShape ? shapedKeys : realKeys)(server, present, absent, { runId, options, ttlSeconds }),
    namespaces: used.map(({ wanted, all, keys }) => ({
      namespace: wanted.name,
      keys: keys.length,
      leftOutKeys: all.length - keys.length,
      trafficRatio: keys.length === 0 ? 0 : wanted.weight / weights,
      getRatio: isShape ? wanted.readShare : 1,
      hitRatio: wanted.hitRatio,
      meanMemoryBytes:
        keys.some(({ memoryBytes }) => memoryBytes === null) || keys.length === 0
          ? null
          : sumOf(keys.map(({ memoryBytes }) => memoryBytes ?? 0)) / keys.length,
    })),
  };
}

interface PresentNamespace {
  readonly wanted: WantedNamespace;
  readonly keys: readonly FoundKey[];
}
type Absent = ReadonlyMap<RedisNode, readonly ByteString[]>;

/** The keys themselves. */
function realKeys(server: RedisServer, namespaces: readonly PresentNamespace[], absent: Absent): NodeKeys[] {
  const items = namespaces.map(({ wanted, keys }) => ({ wanted: { ...wanted, readShare: 1 }, items: keys }));
  return byNode(server, items, ({ key }) => key).map(({ node, items: own, parts }): NodeKeys => ({
    node,
    stores: [],
    storeOf: () => undefined,
    trafficOf: () => ({
      keysPerRead: 1,
      reads: own.map(({ key, type }) => encodeCommand(readsOf[type]?.(key) ?? ['GET', key])),
      absentReads: (absent.get(node) ?? []).map((key) => encodeCommand(['GET', key])),
      ...{ writes: [], value: '', parts, usesKeys: true },
    }),
  }));
}

/** Keys of the run of the same sizes: a string for a string, and a hash for anything else. */
function shapedKeys(
  server: RedisServer,
  namespaces: readonly PresentNamespace[],
  absent: Absent,
  { runId, options, ttlSeconds }: { runId: string; options: BenchOptions; ttlSeconds: number },
): NodeKeys[] {
  const names = keyNames(runId, sumOf(namespaces.map(({ keys }) => keys.length)));
  let next = 0;
  const items = namespaces.map(({ wanted, keys }) => ({
    wanted,
    items: keys.map((key) => copyOf(key, names[next++] as ByteString, options, ttlSeconds)),
  }));
  const copies = items.flatMap((each) => each.items);
  const value = valueOf(copies.reduce((most, { bytes }) => Math.max(most, bytes), 0));
  return byNode(server, items, ({ name }) => name).map(({ node, items: own, parts }): NodeKeys => {
    const store = new KeyStore(node, own, value);
    return {
      node,
      stores: [store],
      storeOf: () => store,
      trafficOf: () => ({
        keysPerRead: 1,
        reads: own.map(({ name, fields }) => encodeCommand([fields === null ? 'GET' : 'HGETALL', name])),
        absentReads: (absent.get(node) ?? []).map((key) => encodeCommand(['GET', key])),
        ...{ writes: own, value, parts, usesKeys: false },
      }),
    };
  });
}

/** Of a collection, in so many fields where no other number is asked for. */
const usualFields = 10;
/** A collection of few bytes has fewer fields. */
const leastFieldBytes = 16;
/** Of a string of more than 255 bytes, and about that of a field; with it the copy has the key's place in the allocator's classes. */
const headerBytes = 6;

/** The TTL lies between the end of the run and ten minutes after it, as near to that of the key as may be. */
function copyOf(
  { key, type, memoryBytes, ttlMillis }: FoundKey,
  name: ByteString,
  { limit, group }: BenchOptions,
  mostSeconds: number,
): OwnKey {
  const valueBytes = (memoryBytes ?? 0) - keyOverheadBytes(key.length);
  const mostFields = Math.max(1, Math.floor(valueBytes / leastFieldBytes));
  const fields = type === 'string' ? null : Math.min(group ?? usualFields, mostFields);
  const bytes = Math.max(1, Math.round(valueBytes / (fields ?? 1)) - headerBytes);
  // How long a number of commands takes is not known.
  const leastSeconds = limit.kind === 'duration' ? mostSeconds - spareSeconds + 60 : mostSeconds;
  const ownSeconds = ttlMillis === null || ttlMillis < 0 ? mostSeconds : Math.ceil(ttlMillis / 1000);
  return { name, bytes, fields, ttlSeconds: Math.min(mostSeconds, Math.max(leastSeconds, ownSeconds)) };
}

/** The items of all namespaces, by the node of their keys; a namespace is used there by the share of its keys. */
function byNode<Item>(
  server: RedisServer,
  namespaces: readonly { readonly wanted: WantedNamespace; readonly items: readonly Item[] }[],
  keyOf: (item: Item) => ByteString,
): { node: RedisNode; items: Item[]; parts: TrafficPart[] }[] {
  const nodes = new Map<RedisNode, { node: RedisNode; items: Item[]; parts: TrafficPart[] }>();
  for (const { wanted, items } of namespaces) {
    const { readShare, hitRatio } = wanted;
    for (const [node, own] of groupBy(items, (item) => server.nodeFor(keyOf(item)))) {
      const there = nodes.get(node) ?? { node, items: [], parts: [] };
      nodes.set(node, there);
      for (const item of own) there.items.push(item);
      const weight = (wanted.weight * own.length) / items.length;
      there.parts.push({ keys: own.length, weight, readShare, hitRatio });
    }
  }
  return [...nodes.values()];
}
