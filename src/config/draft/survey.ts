import type { Progress } from '../../progress.ts';
import type { ByteString } from '../../redis/bytes.ts';
import type { Lane } from '../../redis/lane.ts';
import { type Reply, ReplyError } from '../../redis/reply.ts';
import type { RedisNode, RedisServer } from '../../redis/server.ts';
import { emptyAccount } from '../../redis/account.ts';
import { walkKeys, type WalkPage } from '../../redis/walk.ts';
import { IdleChoice } from './idle-choice.ts';
import type { ObservedKey } from './shapes.ts';
import type { ValueSample } from './values.ts';

export interface SurveyOptions {
  /** Most keys to look at. */
  readonly sample: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface Survey {
  readonly keys: readonly ObservedKey[];
  /** True where every key was seen. */
  readonly complete: boolean;
  /** Keys in the database; null where DBSIZE is not permitted. */
  readonly keysInDatabase: number | null;
  /** Our own lookups that the server counted as hits or misses. */
  readonly lookups: number;
  /** What the server said where it refused to tell TTLs. */
  readonly refusedTtl: string | null;
  /** The same of idle times, which it keeps under no LFU policy. */
  readonly refusedIdle: string | null;
}

/** Looks at the first keys of each node and their TTLs, up to the sample, and at the idle times of some. @throws RedisError */
export async function surveyKeys(
  server: RedisServer,
  { sample, signal, progress }: SurveyOptions,
): Promise<Survey> {
  const keysInDatabase = await databaseSize(server);
  progress.start('reading keys', 'keys', Math.min(sample, keysInDatabase ?? sample));
  const keys = new Map<ByteString, ObservedKey>();
  let complete = true;
  let lookups = 0;
  const refused: { ttl: string | null; idle: string | null } = { ttl: null, idle: null };
  const choice = new IdleChoice();
  for (const [index, node] of server.nodes.entries()) {
    // What one node leaves of its share, the ones after it may use.
    const limit = Math.ceil((sample * (index + 1)) / server.nodes.length);
    const account = emptyAccount();
    const pageSize = Math.max(10, Math.min(1000, limit - keys.size));
    // Pages are read ahead, and what is not in the sample is not looked up.
    const further = [
      { columns: { ttl: true }, of: (page: WalkPage) => [...page.keys.keys()].slice(0, limit - keys.size) },
      ...choice.columns(),
    ];
    for await (const page of walkKeys(node, { columns: {}, further, signal, pageSize }, account)) {
      page.keys.forEach((key, at) => {
        if (keys.size >= limit) return;
        keys.set(key, {
          key,
          ttlMillis: page.ttlMillis[at] ?? null,
          idleSeconds: page.idleSeconds[at] ?? null,
        });
      });
      progress.update(keys.size);
      if (keys.size >= limit) break;
    }
    complete &&= account.complete;
    lookups += account.ownHits + account.ownMisses;
    for (const { column, reason } of account.refusedColumns)
      if (column === 'ttl' || column === 'idle') refused[column] ??= reason;
    if (signal.aborted) break;
  }
  progress.stop();
  return {
    keys: [...keys.values()],
    complete: complete && !signal.aborted,
    keysInDatabase,
    lookups,
    refusedTtl: refused.ttl,
    refusedIdle: refused.idle,
  };
}

async function databaseSize(server: RedisServer): Promise<number | null> {
  let sum = 0;
  for (const node of server.nodes) {
    const [size] = await node.batch([['DBSIZE']]);
    if (typeof size !== 'number') return null;
    sum += size;
  }
  return sum;
}

/** Longer values are recognised by their start. */
const sampleBytes = 65_536;

/** Over connections of their own, which leave idle times alone where the server can. */
async function readStarts(server: RedisServer, keys: readonly ByteString[]): Promise<(Reply | undefined)[]> {
  const lanes = new Map<RedisNode, Lane>();
  try {
    const replies: (Reply | undefined)[] = [];
    for (const key of keys) {
      const node = server.nodeFor(key);
      const lane = lanes.get(node) ?? (await node.openLane());
      lanes.set(node, lane);
      replies.push((await lane.exchange([['GETRANGE', key, 0, sampleBytes - 1]]))[0]);
    }
    return replies;
  } finally {
    for (const lane of lanes.values()) lane.close();
  }
}

/** Reads the start of a few string values of each namespace; others, and what may not be read, are left out. */
export async function sampleValues(
  server: RedisServer,
  examples: ReadonlyMap<string, readonly ByteString[]>,
): Promise<{ samples: Map<string, ValueSample[]>; lookups: number }> {
  const wanted = [...examples].flatMap(([namespace, keys]) => keys.map((key) => ({ namespace, key })));
  const replies = await readStarts(
    server,
    wanted.map(({ key }) => key),
  );
  const samples = new Map<string, ValueSample[]>();
  let lookups = 0;
  wanted.forEach(({ namespace }, index) => {
    const value = replies[index];
    // A key of another type is looked up all the same.
    if (value instanceof ReplyError && value.code !== 'WRONGTYPE') return;
    lookups++;
    if (typeof value !== 'string' || value === '') return;
    const found = samples.get(namespace) ?? [];
    samples.set(namespace, [...found, { bytes: value, truncated: value.length === sampleBytes }]);
  });
  return { samples, lookups };
}
