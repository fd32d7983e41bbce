import { setTimeout as sleep } from 'node:timers/promises';
import { encode, LoadConnection } from './load-connection.ts';
import { digestOf, seededRandom } from './random.ts';
import { nil } from './reply-reader.ts';
import type { NamespaceTruth, Tally } from './truth.ts';

/** The same reads again and again, encoded before: as many as the server and this machine can do, or fewer. */
export interface SteadyLoad {
  readonly kind: 'steady';
  readonly port: number;
  readonly seed: number;
  readonly connections: number;
  readonly pipeline: number;
  readonly seconds: number;
  /** Names that are read, all together; `missShare` of the reads are of names that were never stored. */
  readonly keys: number;
  readonly missShare: number;
  /** Null: as many as can be done. */
  readonly readsPerSecond: number | null;
  /** By how much the rate and the mixture of namespaces wander while it runs: 0 not at all, up to 1. */
  readonly unevenness: number;
}

interface NamespaceShare {
  readonly namespace: string;
  readonly nameOf: (key: number) => string;
  /** Of the reads. */
  readonly share: number;
  /** Its miss rate, as a multiple of that of all. */
  readonly missFactor: number;
}

const namespaces: readonly NamespaceShare[] = [
  { namespace: 'session:<id>', nameOf: (key) => `session:${key}`, share: 0.4, missFactor: 0.25 },
  { namespace: 'profile:<id>', nameOf: (key) => `profile:${key}`, share: 0.3, missFactor: 1 },
  { namespace: 'ai:<hash>', nameOf: (key) => `ai:${digestOf(key)}`, share: 0.2, missFactor: 2 },
  { namespace: 'page:<id>', nameOf: (key) => `page:${key}`, share: 0.1, missFactor: 2 },
];
const value = 'v'.repeat(100);
const fillBatch = 500;
/** How often the mixture of an uneven load goes from one end to the other and back. */
const swingsPerSecond = 0.35;

/** Reads that go out in one write. */
interface EncodedBatch {
  readonly payload: Buffer;
  /** The namespace of each read, by its place. */
  readonly counts: readonly NamespaceTruth[];
}

/** Stores what the reads are to find, before the load proper. */
export async function fillForSteadyLoad(load: SteadyLoad): Promise<void> {
  const connection = await LoadConnection.open(load.port);
  for (const namespace of namespaces) {
    const stored = storedOf(namespace, load);
    for (let first = 0; first < stored; first += fillBatch) {
      const count = Math.min(fillBatch, stored - first);
      const sets = Array.from({ length: count }, (_, key) =>
        encode('SET', namespace.nameOf(first + key), value),
      );
      await connection.exchange(sets.join(''), count, () => undefined);
    }
  }
  connection.close();
}

/**
 * @param begin called when all is encoded, just before the first read
 * @returns the number of commands sent
 */
export async function runSteadyLoad(
  load: SteadyLoad,
  tally: Tally,
  begin: () => Promise<void>,
  stop: AbortSignal,
): Promise<number> {
  const { port, connections, pipeline, seconds, readsPerSecond, unevenness } = load;
  const even = encodeBatches(load, tally, namespaces);
  const uneven = encodeBatches(load, tally, namespaces.slice(1, 3));
  const lanes = await Promise.all(Array.from({ length: connections }, () => LoadConnection.open(port)));
  await begin();
  let commands = 0;
  const startedAt = performance.now();
  const passed = () => (performance.now() - startedAt) / 1000;
  const run = async (connection: LoadConnection, lane: number) => {
    const random = seededRandom(load.seed + lane);
    for (let turn = lane; passed() < seconds && !stop.aborted; turn += connections) {
      const at = passed();
      const swing = (unevenness * (1 + Math.sin(2 * Math.PI * swingsPerSecond * at))) / 2;
      const theme = random() < swing ? uneven : even;
      const batch = theme[turn % theme.length];
      if (batch === undefined) throw new Error('there are fewer keys than a batch has reads');
      await connection.exchange(batch.payload, pipeline, (reply, members) => {
        const counts = batch.counts[reply];
        if (counts !== undefined) count(counts, members[0] !== nil);
      });
      commands += pipeline;
      if (readsPerSecond === null) continue;
      const pauseSeconds = ((pipeline * connections) / readsPerSecond) * (1 + swing) - (passed() - at);
      if (pauseSeconds > 0) await sleep(pauseSeconds * 1000);
    }
  };
  await Promise.all(lanes.map(run));
  for (const connection of lanes) connection.close();
  return commands;
}

function count(counts: NamespaceTruth, found: boolean): void {
  counts.reads++;
  if (found) {
    counts.hits++;
    return;
  }
  counts.misses++;
  counts.causes.goneOrNew++;
}

/** Every name of these namespaces once, in an order of chance. */
function encodeBatches(
  { keys, pipeline, seed }: SteadyLoad,
  tally: Tally,
  chosen: readonly NamespaceShare[],
): EncodedBatch[] {
  const reads = shuffled(
    chosen.flatMap((namespace) =>
      Array.from({ length: namesOf(namespace, keys) }, (_, key) => ({ namespace, key })),
    ),
    seededRandom(seed),
  );
  return Array.from({ length: Math.floor(reads.length / pipeline) }, (_, batch) => {
    const members = reads.slice(batch * pipeline, (batch + 1) * pipeline);
    return {
      payload: Buffer.from(
        members.map(({ namespace, key }) => encode('GET', namespace.nameOf(key))).join(''),
        'latin1',
      ),
      counts: members.map(({ namespace }) => tally.of(namespace.namespace)),
    };
  });
}

const namesOf = ({ share }: NamespaceShare, keys: number) => Math.round(share * keys);

/** Of its names these are stored; the others are the misses. */
const storedOf = (namespace: NamespaceShare, { keys, missShare }: SteadyLoad) =>
  Math.round(namesOf(namespace, keys) * (1 - Math.min(1, missShare * namespace.missFactor)));

/** @see Fisher and Yates */
function shuffled<Item>(items: Item[], random: () => number): Item[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as Item, items[last] as Item];
  }
  return items;
}
