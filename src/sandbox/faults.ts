import { setTimeout as sleep } from 'node:timers/promises';
import { infoNumber, readInfo } from '../redis/info.ts';
import type { RedisNode } from '../redis/server.ts';
import { sumOf } from '../support/collections.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { SeededRandom } from '../support/random.ts';
import type { MissCause } from '../traffic/report.ts';
import { Clock, movingClock } from './clock.ts';
import {
  familiesOf,
  type Family,
  freshRecord,
  keyOf,
  type Origin,
  type SandboxRecord,
  systemFileOf,
} from './family.ts';
import { generateTraffic, type TrafficOperation, type TrafficOptions } from './operations.ts';
import { seedServer } from './seed.ts';
import type { FaultName, SystemName } from './systems.ts';

/** One fault in one system: what it hits, and what is to be seen of it. */
export interface Fault {
  readonly name: FaultName;
  /** Families whose traffic the fault makes; the rest of the traffic is as ever. */
  readonly families: readonly Family[];
  /** Their namespaces in the system's map. */
  readonly namespaces: readonly string[];
  /** What nearly all misses of these namespaces come from. */
  readonly cause: MissCause;
  /** What is wrong, in the application's words. */
  readonly story: string;
}

const causes: Readonly<Record<FaultName, MissCause>> = {
  'short-ttl': 'expired',
  'small-memory': 'evicted',
  'invalidation-loop': 'invalidated',
  'unstable-keys': 'neverCached',
};

export function faultOf(system: SystemName, name: FaultName): Fault {
  const [story = '', ...namespaces] = systemFileOf(system).faults[name];
  const families = familiesOf(system).filter(
    ({ namespace, reads }) => reads > 0 && namespaces.includes(namespace),
  );
  return { name, families, namespaces, cause: causes[name], story };
}

/** A window of a few seconds sees every key expire several times. */
const shortTtlMillis = 300;

/** So few keys that each is read several times in a second. */
const busyKeys = 30;

/** What does not fit: few keys, so that each comes round within a second, and much more than connections need. */
const crowdedKeys = 250;
const grownBytes = 8000;

/** Share of the traffic that goes to what the fault hits. */
const faultyShare = 0.6;

/** Share of removals in the traffic of an invalidation loop. */
const removals = 0.15;

/** Keys that are not read again: so many stay, and memory stays bounded. */
const strayKeys = 1000;

/** Indexes that the rest of the traffic does not use: it has none of these families. */
const strayIndexes = 1_000_000;

/** The usual traffic of a system, in which a fault has taken over its families. */
export function* generateFaultyTraffic(
  system: SystemName,
  fault: Fault,
  options: TrafficOptions,
): Generator<TrafficOperation, never> {
  const { seed, now, round = 0 } = options;
  const usual = generateTraffic(system, { ...options, without: fault.families });
  const clock = movingClock(now);
  const originNow = () => ({ system, seed, clock: clock() });
  const draw = new SeededRandom(seed, `${system}/${fault.name}`, round);
  const faulty =
    fault.name === 'unstable-keys'
      ? readStrayKeys(fault, originNow, draw, round)
      : readAgain(fault, originNow, draw);
  const share = new SeededRandom(seed, `${system}/share of ${fault.name}`, round);
  for (;;) {
    yield (share.chance(faultyShare) ? faulty : usual).next().value;
  }
}

/** What has to be in the cache before the fault can be seen: the keys that its traffic reads. */
export function* recordsOfFault(
  system: SystemName,
  fault: Fault,
  { seed, now }: { readonly seed: number; readonly now: number },
): Generator<SandboxRecord> {
  const origin = { system, seed, clock: new Clock(now) };
  for (let rank = 0; rank < keysOf(fault); rank++) yield recordAt(fault, rank, origin);
}

/** Reads the same keys over and over; in an invalidation loop something removes them in between. */
function* readAgain(
  fault: Fault,
  originNow: () => Origin,
  draw: SeededRandom,
): Generator<TrafficOperation, never> {
  const keys = keysOf(fault);
  const evenly = fault.name === 'small-memory';
  for (;;) {
    const origin = originNow();
    // Where some keys are read more than others, those stay in memory, however small it is.
    const rank = evenly ? draw.below(keys) : draw.rank(keys / 3) % keys;
    if (fault.name === 'invalidation-loop' && draw.chance(removals)) {
      const { family, index } = placeOf(fault, rank);
      yield { kind: 'remove', key: keyOf(family, index, origin) };
    } else {
      yield { kind: 'read', record: recordAt(fault, rank, origin), refill: true };
    }
  }
}

/** Each read is of a key that was never stored, and stores one that is never read again. */
function* readStrayKeys(
  fault: Fault,
  originNow: () => Origin,
  draw: SeededRandom,
  round: number,
): Generator<TrafficOperation, never> {
  const strays: ByteString[] = [];
  for (let index = strayIndexes * (round + 1); ; index++) {
    const record = freshRecord(draw.pick(fault.families as [Family, ...Family[]]), index, originNow());
    strays.push(record.key);
    yield { kind: 'read', record, refill: true, isNew: true };
    if (strays.length > strayKeys) yield { kind: 'expire', key: strays.shift() as ByteString };
  }
}

/** How many keys the traffic of the fault reads again and again. */
function keysOf({ name }: Fault): number {
  return name === 'unstable-keys' ? 0 : name === 'small-memory' ? crowdedKeys : busyKeys;
}

function recordAt(fault: Fault, rank: number, origin: Origin): SandboxRecord {
  const { family, index } = placeOf(fault, rank);
  const record = freshRecord(family, index, origin);
  if (fault.name === 'short-ttl') return { ...record, ttlMillis: shortTtlMillis };
  return fault.name === 'small-memory' ? { ...record, value: grown(record.value) } : record;
}

/** A JSON object with a further field, or more of a text; audio is large as it is. */
function grown(value: ByteString): ByteString {
  const times = Math.ceil(grownBytes / Math.max(1, value.length));
  if (times === 1) return value;
  if (!value.endsWith('}')) return asBytes(value.repeat(times));
  return asBytes(`${value.slice(0, -1)},"sources":${JSON.stringify(value.repeat(times))}}`);
}

function placeOf({ families }: Fault, rank: number): { family: Family; index: number } {
  const family = families[rank % families.length] as Family;
  return { family, index: Math.floor(rank / families.length) };
}

/** Share of what the fault's traffic reads that fits into memory. */
const fittingShare = 0.7;

/** For connections, and for what the rest of the traffic reads. */
const spareBytes = 400000;

/** The server shrinks its tables some time after the keys are gone. */
const shrinkingTries = 40;
const shrinkingMillis = 100;

/**
 * Puts the keys in place that the fault's traffic reads and, for `small-memory`, the limit: what is not read is
 * evicted at once, and eviction continues for as long as the traffic writes. For a sandbox's own server only.
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
  const bytes = sumOf(sizes.map((size) => (typeof size === 'number' ? size : 0)));
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
