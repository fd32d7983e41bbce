import type { Progress } from '../../support/progress.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { Connection } from '../../redis/connection.ts';
import { commandCalls, infoNumber, countKeys, readInfoIfPermitted } from '../../redis/info.ts';
import { type Reply, ReplyError } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../../redis/server.ts';
import { emptyAccount } from '../../redis/account.ts';
import { walkKeys, type FurtherColumns, type WalkPage } from '../../redis/walk.ts';
import type { KeySample } from './kind.ts';
import type { ObservedKey } from './shapes.ts';
import { inferPattern } from '../../keyspace/infer.ts';

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
  const keysInDatabase = await countKeys(server);
  progress.start('reading keys', 'keys', Math.min(sample, keysInDatabase ?? sample));
  const keys = new Map<ByteString, ObservedKey>();
  let complete = true;
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
    for (const { column, reason } of account.refusedColumns)
      if (column === 'ttl' || column === 'idle') refused[column] ??= reason;
    if (signal.aborted) break;
  }
  progress.stop();
  return {
    keys: [...keys.values()],
    complete: complete && !signal.aborted,
    keysInDatabase,
    refusedTtl: refused.ttl,
    refusedIdle: refused.idle,
  };
}

/** The commands that clients have used since the counters began; none where the server does not say. */
export async function usedCommands(server: RedisServer): Promise<Set<string>> {
  const used = new Set<string>();
  for (const node of server.nodes) {
    const info = (await readInfoIfPermitted(node, 'COMMANDSTATS')) ?? {};
    for (const [name, calls] of commandCalls(info) ?? []) if (calls > 0) used.add(name);
  }
  return used;
}

/** Whether each node evicts any key when its memory is full; false where one does not say. */
export async function evictsAnyKey(server: RedisServer): Promise<boolean> {
  for (const node of server.nodes) {
    const info = (await readInfoIfPermitted(node, 'MEMORY')) ?? {};
    const isLimited = (infoNumber(info, 'maxmemory') ?? 0) > 0;
    if (!isLimited || !info['maxmemory_policy']?.startsWith('allkeys')) return false;
  }
  return true;
}

/** Longer values are recognised by their start. */
const sampleBytes = 65_536;

/**
 * Looks at a few keys of each namespace: the start of strings, and the type of all else. What may not be read is null. Over
 * connections of their own, which leave idle times alone where the server can.
 */
export async function sampleValues(
  server: RedisServer,
  examples: ReadonlyMap<string, readonly ObservedKey[]>,
): Promise<Map<string, KeySample[]>> {
  const connections = new Map<RedisNode, Connection>();
  const samples = new Map<string, KeySample[]>();
  const ask = async (key: ByteString, command: RedisCommand): Promise<Reply | undefined> => {
    const node = server.nodeFor(key);
    const connection = connections.get(node) ?? (await node.openConnection());
    connections.set(node, connection);
    const [reply] = await connection.exchange([command]);
    return reply;
  };
  try {
    for (const [namespace, keys] of examples) {
      const found: KeySample[] = [];
      for (const { key, ttlMillis } of keys) {
        const start = await ask(key, ['GETRANGE', key, 0, sampleBytes - 1]);
        if (typeof start === 'string') {
          const value = start === '' ? null : { bytes: start, truncated: start.length === sampleBytes };
          found.push({ ttlMillis, type: 'string', value });
          continue;
        }
        const isOther = start instanceof ReplyError && start.code === 'WRONGTYPE';
        const type = isOther ? await ask(key, ['TYPE', key]) : null;
        found.push({ ttlMillis, type: typeof type === 'string' ? type : null, value: null });
      }
      samples.set(namespace, found);
    }
  } finally {
    for (const connection of connections.values()) connection.close();
  }
  return samples;
}

/** Of the keys that seem to have been made from one template the first so many: SCAN gives them in random order. */
const mostOfOnePattern = 100;

/** Each costs a lookup that the server counts. */
const mostInAll = 20000;

/** Chooses the keys with a TTL of which the idle time is read: some of every kind. */
export class IdleChoice {
  private readonly taken = new Map<string, number>();
  private left = mostInAll;
  private probed = false;

  /** To be read once TTLs are. Under an LFU policy the server refuses, and counts a lookup all the same: one key shows it. */
  columns(): FurtherColumns[] {
    // A value that takes more than a small integer needs no lookup to say that its idle time is its own.
    const columns = { idle: true, memory: true };
    return [
      { columns, of: (page) => (this.probed ? [] : this.choose(page, 1)) },
      { columns, of: (page) => this.choose(page, mostInAll) },
    ];
  }

  private choose({ keys, ttlMillis, idleSeconds }: WalkPage, most: number): number[] {
    const chosen: number[] = [];
    for (const [index, key] of keys.entries()) {
      if (chosen.length >= most) break;
      const asked = (ttlMillis[index] ?? -1) >= 0 && (idleSeconds[index] ?? null) === null;
      if (asked && this.takes(key)) chosen.push(index);
    }
    this.probed ||= chosen.length > 0;
    return chosen;
  }

  private takes(key: ByteString): boolean {
    if (this.left === 0) return false;
    const pattern = inferPattern(key, [':']);
    const taken = this.taken.get(pattern) ?? 0;
    if (taken >= mostOfOnePattern) return false;
    this.taken.set(pattern, taken + 1);
    this.left--;
    return true;
  }
}
