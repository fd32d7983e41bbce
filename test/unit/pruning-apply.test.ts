import { createServer, connect as connectSocket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildMap } from '../../src/config/build-map.ts';
import { silentProgress } from '../../src/support/progress.ts';
import { applyPruning } from '../../src/changes/apply.ts';
import { planPruning, type PruningGoals, type PruningPlan } from '../../src/changes/prune.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { encodeCommand } from '../../src/redis/connection.ts';
import { ReplyParser } from '../../src/redis/reply.ts';
import type { RedisCommand, RedisServer } from '../../src/redis/server.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { storeIdle, ttlOf } from '../commands/prune-setup.ts';
import { beginMove, moveSlot, ownerIndex, startCluster, storeInCluster } from '../server/cluster.ts';
import { send, sendAll, targetOf } from '../server/redis.ts';
import { open, ownDatabase } from '../server/own.ts';

const map = buildMap({
  namespaces: {
    profile: { pattern: 'user:<id>', ttl: '1h' },
    draft: { pattern: 'draft:<id>' },
  },
});
const everything: PruningGoals = { withoutTtl: true, tooLong: true, idleSeconds: 1000, namespaces: [] };
const steady = {
  limits: {},
  signal: new AbortController().signal,
  progress: silentProgress,
  now: Date.now,
  random: () => 0,
};
const plan = (server: RedisServer, goals = everything, mostKeys?: number) =>
  planPruning(server, map, goals, { ...steady, ...(mostKeys !== undefined && { mostKeys }) });
const apply = (server: RedisServer, made: PruningPlan) =>
  applyPruning(server, made, { ...steady, map, jitter: null, idleSeconds: everything.idleSeconds });
const hour = 3_600_000;

const server = await ownDatabase();

/** A connection to a server that takes PEXPIRE without a condition alone, as those before 7.0 do. */
async function beforeSeven(url: string): Promise<RedisServer> {
  const { port, pathname } = new URL(url);
  const relay = createServer((near) => {
    const far = connectSocket(Number(port), '127.0.0.1');
    const parser = new ReplyParser((request) => {
      const command = request as unknown as RedisCommand;
      // The arity that the server refuses is another; its words are the same.
      const conditional = command[0] === 'PEXPIRE' && command.length > 3;
      far.write(encodeCommand(conditional ? ['PEXPIRE'] : command), 'latin1');
    });
    near.on('data', (chunk) => parser.push(chunk));
    far.on('data', (chunk) => near.write(chunk));
    for (const socket of [near, far]) {
      socket.on('error', () => undefined);
      socket.on('close', () => [near, far].forEach((each) => each.destroy()));
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void relay.close());
  const address = relay.address() as { port: number };
  const old = await open(`redis://127.0.0.1:${address.port}${pathname}`);
  return old;
}

describe.each(['with conditions', 'without conditions'])('pruning on a server %s', (kind) => {
  test('leaves alone what got a TTL, lost it, was used or went since the plan', async () => {
    const working = kind === 'with conditions' ? server : await beforeSeven(server.address);
    const keys = ['kept', 'given', 'gone'].map((name) => `user:${name}`);
    await sendAll(server, [
      ...keys.map((key) => ['SET', key, 'x']),
      ...['long', 'short', 'freed', 'ended'].map((name) => ['SET', `user:${name}`, 'x', 'PX', 5 * hour]),
    ]);
    for (const name of ['idle', 'used', 'removed']) await storeIdle(server, `draft:${name}`, 2000);

    const made = await plan(working);
    expect([made.keys.withoutTtl.length, made.keys.tooLong.length, made.keys.idle.length]).toEqual([3, 4, 3]);
    await sendAll(server, [
      ['PEXPIRE', 'user:given', 3 * hour],
      ['PEXPIRE', 'user:short', 60_000],
      ['PERSIST', 'user:freed'],
      ['GET', 'draft:used'],
      ['UNLINK', 'user:gone', 'user:ended', 'draft:removed'],
    ]);
    const { lookups: own } = working.nodes[0];
    const before = { hits: own.hits, misses: own.misses };
    const result = await apply(working, made);
    const after = { hits: own.hits, misses: own.misses };

    expect(result).toMatchObject({
      changed: { ttlSet: 1, shortened: 1, removed: 1 },
      ...{ unchanged: 7, failed: 0, notAttempted: 0, problems: [], stoppedBy: null },
    });
    expect(await ttlOf(server, 'user:kept')).toBeLessThanOrEqual(hour);
    expect(await ttlOf(server, 'user:given')).toBeGreaterThan(2 * hour);
    expect(await ttlOf(server, 'user:long')).toBeLessThanOrEqual(hour);
    expect(await ttlOf(server, 'user:short')).toBeLessThanOrEqual(60_000);
    expect(await ttlOf(server, 'user:freed')).toBe(-1);
    expect(await ttlOf(server, 'draft:used')).toBe(-1);
    for (const name of ['user:gone', 'user:ended', 'draft:idle', 'draft:removed'])
      expect(await ttlOf(server, name)).toBe(-2);
    // Two idle times were there to be read, and whether they are the keys' own; without conditions also the TTLs of five keys.
    expect({ hits: after.hits - before.hits, misses: after.misses - before.misses }).toEqual(
      kind === 'with conditions' ? { hits: 4, misses: 1 } : { hits: 4 + 5, misses: 1 + 2 },
    );
  });
});

describe('pruning', () => {
  test('takes on no more keys than one plan holds, and the rest in the next run', async () => {
    const keys = Array.from({ length: 1500 }, (_, id) => `user:${id}`);
    await sendAll(
      server,
      keys.map((key) => ['SET', key, 'x']),
    );

    const first = await plan(server, everything, 1000);
    expect(first).toMatchObject({ full: true, complete: false });
    expect((await apply(server, first)).changed.ttlSet).toBe(1000);
    const second = await plan(server, everything, 1000);

    expect(second).toMatchObject({ full: false, complete: true });
    expect((await apply(server, second)).changed.ttlSet).toBe(500);
    expect((await plan(server)).keys.withoutTtl).toEqual([]);
  });

  test('does not give a TTL to a key whose map says otherwise by then', async () => {
    await send(server, 'SET', 'user:1', 'x');
    const made = await plan(server);
    const state = buildMap({ namespaces: { session: { pattern: 'user:<id>', kind: 'state', ttl: '1h' } } });

    await expect(
      applyPruning(server, made, { ...steady, map: state, jitter: null, idleSeconds: null }),
    ).rejects.toThrow('without a rule');
    expect(await ttlOf(server, 'user:1')).toBe(-1);
  });

  test('follows keys to the node that their slot has moved to, or is moving to', async () => {
    const cluster = await startCluster(2);
    onTestFinished(() => cluster.stop());
    const keys = Array.from({ length: 300 }, (_, id) => `user:{${id % 40}}${id}`);
    await storeInCluster(cluster, keys);
    for (const admin of cluster.admins) {
      const own = keys.filter((key) => cluster.admins[ownerIndex(slotOf(asBytes(key)), 2)] === admin);
      if (own[0] !== undefined) await send(admin, 'PEXPIRE', own[0], 9 * hour);
    }
    const target = targetOf(cluster.nodes[0].url);
    const clustered = await connect({ ...target, topology: { kind: 'cluster', seeds: [target] } });
    onTestFinished(() => clustered.close());
    const slots = [...new Set(keys.map((key) => slotOf(asBytes(key))))].filter(
      (slot) => ownerIndex(slot, 2) === 0,
    );

    const made = await plan(clustered, { ...everything, idleSeconds: null });
    expect(made).toMatchObject({ keyspaceKeys: 300, complete: true });
    await moveSlot(cluster, slots[0] ?? 0, 0, 1);
    await beginMove(cluster, slots[1] ?? 0, 0, 1);
    const moving = keys.filter((key) => slotOf(asBytes(key)) === slots[1]);
    for (const key of moving.slice(0, 2))
      await send(cluster.admins[0], 'MIGRATE', '127.0.0.1', cluster.nodes[1].port, key, 0, 5000);
    const result = await apply(clustered, made);

    expect(result).toMatchObject({
      changed: { ttlSet: 298, shortened: 2, removed: 0 },
      ...{ unchanged: 0, failed: 0, notAttempted: 0, problems: [] },
    });
  });
});
