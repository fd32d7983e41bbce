import { Draw } from '../support/random.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { clockAt, type Family, freshRecord, keyOf, type Origin, type SandboxRecord } from './family.ts';
import type { Fault } from './faults.ts';
import { generateTraffic, movingClock, type TrafficOperation, type TrafficOptions } from './operations.ts';
import type { SystemName } from './systems.ts';
import { setTimeout as sleep } from 'timers/promises';
import { infoNumber, readInfo } from '../redis/info.ts';
import type { RedisNode } from '../redis/server.ts';
import { seedServer } from './seed.ts';

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

/** Keys that nobody asks for again: so many stay, and memory stays bounded. */
const strayKeys = 1000;

/** Indexes that the rest of the traffic does not use: it has none of these families. */
const strayIndexes = 1_000_000;

/** The usual traffic of a system, in which a fault has taken over its families. */
export function* generateFaultyTraffic(
  system: SystemName,
  fault: Fault,
  options: TrafficOptions,
): Generator<TrafficOperation> {
  const { seed, now, round = 0 } = options;
  const usual = generateTraffic(system, { ...options, without: fault.families });
  const clock = movingClock(now);
  const faulty = operationsOf(fault, () => ({ system, seed, clock: clock() }), round);
  const draw = new Draw(seed, `${system}/share of ${fault.name}`, round);
  for (;;) {
    const next = draw.chance(faultyShare) ? faulty.next() : usual.next();
    if (next.done === true) return;
    yield next.value;
  }
}

/** What has to be in the cache before the fault can be seen: the keys that its traffic reads. */
export function* recordsOfFault(
  system: SystemName,
  fault: Fault,
  { seed, now }: { readonly seed: number; readonly now: number },
): Generator<SandboxRecord> {
  const origin = { system, seed, clock: clockAt(now) };
  for (let rank = 0; rank < keysOf(fault); rank++) yield recordAt(fault, rank, origin);
}

function operationsOf(fault: Fault, originNow: () => Origin, round: number): Generator<TrafficOperation> {
  const { system, seed } = originNow();
  const draw = new Draw(seed, `${system}/${fault.name}`, round);
  return fault.name === 'unstable-keys'
    ? readStrayKeys(fault, originNow, draw, round)
    : readAgain(fault, originNow, draw);
}

/** Reads the same keys over and over; in an invalidation loop something removes them in between. */
function* readAgain(fault: Fault, originNow: () => Origin, draw: Draw): Generator<TrafficOperation> {
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

/** Each read asks for a key that nobody has stored, and stores what nobody will ask for. */
function* readStrayKeys(
  fault: Fault,
  originNow: () => Origin,
  draw: Draw,
  round: number,
): Generator<TrafficOperation> {
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
