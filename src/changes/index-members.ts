import { groupBy } from '../support/collections.ts';
import { InputError } from '../support/failure.ts';
import type { Entity, NamespaceMap } from '../keyspace/map.ts';
import { bindPlaceholder, exactKeyOf } from '../keyspace/pattern.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { isRedirection, mayPass, RedisError, refusal } from '../redis/errors.ts';
import { mayReturn, Patience } from '../redis/readiness.ts';
import { type Reply, ReplyError, replyText } from '../redis/reply.ts';
import { CursorTrail } from '../redis/scan-bounds.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { readExistence } from './existing-keys.ts';
import { idPlaceholder } from './id-matcher.ts';
import type { Selection, Target } from './selection.ts';

/** The indexes of a target with the keys they hold. */
export interface IndexedKeys {
  readonly selection: Selection;
  /** By index key: its members. */
  readonly indexes: readonly KeyIndex[];
}

export interface KeyIndex {
  readonly key: ByteString;
  readonly type: 'set' | 'zset';
  readonly members: readonly ByteString[];
}

/** The entity of a target whose keys an index holds; null where the map names none. */
export function indexedEntity(target: Target, map: NamespaceMap): Entity | null {
  if (target.kind !== 'entity') return null;
  const entity = map.entities.find(({ name }) => name === target.name);
  return entity?.index == null ? null : entity;
}

/**
 * Reads the members of the indexes of all ids, page by page: O(members), whatever the size of the keyspace. What the
 * index does not hold is not found. @throws RedisError; InputError where an index is neither a set nor a sorted set
 */
export async function readIndexes(
  server: RedisServer,
  entity: Entity,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<IndexedKeys> {
  const { index } = entity;
  if (index === null) throw new TypeError('an entity without index has no indexes');
  const patterns = ids.map((id) => bindPlaceholder(index, idPlaceholder, id));
  const indexes: KeyIndex[] = [];
  const owners = new Map<ByteString, string[]>();
  for (const [at, pattern] of patterns.entries()) {
    const key = exactKeyOf(pattern);
    if (key === null) {
      throw new InputError(
        `the index of entity \`${entity.name}\` is a pattern (\`${pattern.text}\`), not one key`,
        'write it without *: "index": "idx:user:<id>"',
      );
    }
    const found = await readIndex(server, key, entity.name, signal);
    if (found === null) continue;
    indexes.push(found);
    for (const member of found.members) {
      const known = owners.get(member);
      if (known) known.push(ids[at] ?? '');
      else owners.set(member, [ids[at] ?? '']);
    }
  }
  return {
    indexes,
    selection: {
      patterns: patterns.map(({ text }) => `members of ${text}`),
      exactKeys: [...owners.keys()],
      walk: null,
      idsOf: (key) => owners.get(key) ?? [],
    },
  };
}

const membersInPage = 500;

/**
 * From the start again where the server is lost, is not ready, or gives the slot away: a cursor means nothing to the one that is in
 * its place.
 */
async function readIndex(
  server: RedisServer,
  key: ByteString,
  entity: string,
  signal: AbortSignal | undefined,
): Promise<KeyIndex | null> {
  const patience = new Patience(server.nodes[0].retryMillis, signal);
  for (let furthest = 0; ;) {
    const members = new Set<ByteString>();
    try {
      return await readMembers(server.nodeFor(key), key, entity, members);
    } catch (error) {
      if (!mayReturn(error) && !(error instanceof RedisError && (mayPass(error) || isRedirection(error))))
        throw error;
      if (members.size > furthest || furthest === 0) patience.renew();
      furthest = Math.max(1, furthest, members.size);
      if (!(await patience.pause())) throw error;
      await server.refresh().catch(() => undefined);
    }
  }
}

async function readMembers(
  node: RedisNode,
  key: ByteString,
  entity: string,
  members: Set<ByteString>,
): Promise<KeyIndex | null> {
  const type = replyText(await node.call('TYPE', key));
  if (type === 'none') return null;
  if (type !== 'set' && type !== 'zset') {
    throw new InputError(
      `the index \`${key}\` of entity \`${entity}\` is a ${type}, and an index is a set or a sorted set`,
      'correct "index" in the map, or use --walk to look through the keyspace',
    );
  }
  const command = type === 'set' ? 'SSCAN' : 'ZSCAN';
  const trail = new CursorTrail(command, node.address);
  let cursor = '0';
  do {
    const [reply] = await node.batch([[command, key, asBytes(cursor), 'COUNT', membersInPage]]);
    if (reply instanceof ReplyError) throw refusal(reply, `\`${command}\``, node.address);
    const [next, page] = reply as [Reply, ByteString[]];
    page.forEach((member, at) => {
      if (type === 'set' || at % 2 === 0) members.add(member);
    });
    cursor = replyText(next);
    trail.follow(cursor);
  } while (cursor !== '0');
  return { key, type, members: [...members] };
}

/**
 * Takes the members out of the indexes whose keys are gone, whoever removed them. Whether they are is asked at the last
 * moment: an application may have stored them again since the removal, and noted them in the index once more.
 * @returns how many went out, or null where there is no index, and why not all were looked at
 */
export async function pruneIndexes(
  server: RedisServer,
  indexes: readonly KeyIndex[] | null,
): Promise<{ readonly indexPruned: number | null; readonly stoppedBy: RedisError | null }> {
  if (indexes === null || indexes.length === 0) return { indexPruned: null, stoppedBy: null };
  let indexPruned = 0;
  let stoppedBy: RedisError | null = null;
  try {
    for (const { key, type, members } of indexes) {
      for (let start = 0; start < members.length; start += membersInPage) {
        const gone = await missingOf(server, members.slice(start, start + membersInPage));
        if (gone.length === 0) continue;
        const node = server.nodeFor(key);
        const command = type === 'set' ? 'SREM' : 'ZREM';
        const [reply] = await node.batch([[command, key, ...gone]]);
        if (reply instanceof ReplyError) throw refusal(reply, `\`${command}\``, node.address);
        if (typeof reply === 'number') indexPruned += reply;
      }
    }
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    stoppedBy = error;
  }
  return { indexPruned, stoppedBy };
}

/** What is not known stays. */
async function missingOf(server: RedisServer, keys: readonly ByteString[]): Promise<ByteString[]> {
  const missing: ByteString[] = [];
  for (const [node, own] of groupBy(keys, (key) => server.nodeFor(key))) {
    const exists = await readExistence((commands) => node.batch(commands), own);
    missing.push(...own.filter((_, index) => exists[index] === false));
  }
  return missing;
}
