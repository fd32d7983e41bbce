import { setTimeout as sleep } from 'node:timers/promises';
import { encode, LoadConnection } from './load-connection.ts';
import { nil } from './reply-reader.ts';

/** An application that reads keys, and stores what it misses. */
export interface CacheAside {
  /** Numbers of keys in the order in which they are read. */
  readonly next: () => number;
  readonly nameOf: (key: number) => string;
  /** By key. */
  readonly bytes: readonly number[];
  /** Null: keys are stored without a time to live. */
  readonly ttlMillis: number | null;
  /** Null: as many as can be done. */
  readonly readsPerSecond: number | null;
}

export interface HitCount {
  readonly reads: number;
  readonly hits: number;
}

const batch = 32;

/** Runs the application until it is stopped; what it read since the last question can be asked for meanwhile. */
export async function startCacheAside(port: number, load: CacheAside) {
  const connection = await LoadConnection.open(port);
  const filler = 'x'.repeat(load.bytes.reduce((most, each) => Math.max(most, each), 0));
  let [reads, hits, stopped] = [0, 0, false];
  const run = async () => {
    const startedAt = performance.now();
    for (let done = 0; !stopped; done += batch) {
      const keys = Array.from({ length: batch }, load.next);
      const missed: number[] = [];
      await connection.exchange(
        keys.map((key) => encode('GET', load.nameOf(key))).join(''),
        batch,
        (at, [found]) => {
          const key = keys[at] ?? 0;
          reads++;
          if (found === nil) missed.push(key);
          else hits++;
        },
      );
      // One that was missed twice in a batch is stored once, as by an application that waits for it.
      const stored = [...new Set(missed)].map((key) =>
        encode(
          ...['SET', load.nameOf(key), filler.slice(0, load.bytes[key] ?? 0)],
          ...(load.ttlMillis === null ? [] : ['PX', load.ttlMillis]),
        ),
      );
      if (stored.length > 0) await connection.exchange(stored.join(''), stored.length, () => undefined);
      if (load.readsPerSecond === null) continue;
      const ahead = (1000 * done) / load.readsPerSecond - (performance.now() - startedAt);
      if (ahead > 1) await sleep(ahead);
    }
  };
  const done = run();
  return {
    /** What was read since the last call. */
    count(): HitCount {
      const counted = { reads, hits };
      [reads, hits] = [0, 0];
      return counted;
    },
    async stop(): Promise<void> {
      stopped = true;
      await done;
      connection.close();
    },
  };
}
