import { setTimeout as sleep } from 'node:timers/promises';
import { type Keyspace, readValue, storeValue } from './application.ts';
import { type EvictionPhase, KeyStates } from './key-states.ts';
import { LoadConnection, type Operation } from './load-connection.ts';
import { Mixture } from './mixture.ts';
import { seededRandom } from './random.ts';
import type { ServerProbe } from './server-probe.ts';
import type { Tally } from './truth.ts';

/** All that an application does to a cache, so that each cause of a miss comes many times. */
export interface CausesLoad {
  readonly kind: 'causes';
  readonly port: number;
  readonly seed: number;
  readonly connections: number;
  /** Operations that are sent at once on each connection. */
  readonly pipeline: number;
  /** Operations of each of the two phases, without and with eviction. */
  readonly operations: number;
  /** Keys that are stored before, in each namespace and by each connection. */
  readonly keys: number;
}

const otherDatabase = 3;
const longestTtlMillis = 100;
const readerScript = "return redis.call('GET', KEYS[1])";

/** @returns the number of commands sent */
export async function runCausesLoad(load: CausesLoad, tally: Tally, server: ServerProbe): Promise<number> {
  const phase: EvictionPhase = { evicting: false };
  const scriptDigest = await server.loadScript(readerScript);
  const applications = await Promise.all(
    Array.from({ length: load.connections }, async (_, connection) => ({
      connection: await LoadConnection.open(load.port),
      mixture: new Mixture({
        ...{ tally, phase, scriptDigest, keys: load.keys, seed: load.seed },
        share: { connection, connections: load.connections },
        random: seededRandom(load.seed + connection),
      }),
    })),
  );
  const other = await LoadConnection.open(load.port, otherDatabase);
  const elsewhere = new OtherDatabase(load, tally, phase);
  let commands = 0;
  const count = (sent: number) => (commands += sent);
  const send = async (connection: LoadConnection, operations: Iterable<Operation>) => {
    for (const batch of batches(operations, load.pipeline)) count(await connection.perform(batch));
  };
  const mix = () =>
    Promise.all([
      ...applications.map(async ({ connection, mixture }) => {
        for (let left = load.operations / load.connections; left > 0; left -= load.pipeline)
          count(await connection.perform(mixture.next(load.pipeline)));
      }),
      send(other, elsewhere.next(load.operations / 50)),
    ]);
  try {
    await Promise.all(applications.map(({ connection, mixture }) => send(connection, mixture.fill())));
    await mix();
    await sleep(longestTtlMillis);
    await Promise.all(applications.map(({ connection, mixture }) => send(connection, mixture.readExpired())));
    if ((await server.evictedKeys()) > 0) throw new Error('the server evicted keys before it was told to');
    phase.evicting = true;
    await server.limitMemory();
    await mix();
    return commands;
  } finally {
    await server.liftLimit();
    for (const { connection } of applications) connection.close();
    other.close();
  }
}

/** Reads in a database that the map says nothing about; half of what is read was stored. */
class OtherDatabase {
  private readonly keyspace: Keyspace;
  private readonly random: () => number;

  constructor({ keys, seed }: CausesLoad, tally: Tally, phase: EvictionPhase) {
    const states = new KeyStates(keys, tally.of(`(database ${otherDatabase})`), phase);
    // The names are those of database 0: only the database distinguishes the keys.
    this.keyspace = { type: 'string', states, value: 'p'.repeat(50), nameOf: (key) => `session:${key}` };
    this.random = seededRandom(~seed);
  }

  *next(count: number): Generator<Operation> {
    const { states } = this.keyspace;
    for (let done = 0; done < count; done++) {
      const key = Math.floor(this.random() * states.keys);
      if (this.random() < 0.3 && key % 2 === 0) yield storeValue(this.keyspace, key);
      else yield readValue(this.keyspace, key);
    }
  }
}

function* batches<Item>(items: Iterable<Item>, size: number): Generator<Item[]> {
  let batch: Item[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
