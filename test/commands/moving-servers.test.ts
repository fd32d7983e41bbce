import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliResult, cli } from '../run-cli.ts';
import { keyCounts, moveSlot, ownerIndex, startCluster } from '../server/cluster.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { isLong } from '../server/effort.ts';
import { open, startRedis, temporaryFolder } from '../server/own.ts';
import { send } from '../server/redis.ts';
import { beginFailover, startWatchedPair } from '../server/sentinel.ts';
import { until } from '../server/until.ts';
import { withMap } from './invalidate-setup.ts';

const count = 20_000;
const recordsOf = (name: string) =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({ key: `${name}:${index}`, value: `${name} ${index}`, ttl: null }),
  ).join('\n');
const stored = recordsOf('user');
const others = recordsOf('page');

/** A cache in which something happens. */
interface Scene {
  readonly profile: NonNullable<ConfigFile['profiles']>[string];
  /** Resolves when it has happened. */
  readonly happen: () => Promise<unknown>;
  /** Keys there are in the end. */
  readonly keysLeft: () => Promise<number>;
}

const sizeOf = async (server: RedisServer) => Number(await send(server, 'DBSIZE'));

async function watchedScene(happens: 'killed' | 'failover'): Promise<Scene> {
  const pair = await startWatchedPair(() => Promise.resolve());
  return {
    profile: { sentinel: { name: 'main', nodes: [pair.sentinel.url] } },
    happen: async () => (happens === 'killed' ? pair.primary.kill('SIGKILL') : beginFailover(pair)),
    keysLeft: async () => {
      // One that is promoted closes its connections.
      const roleOf = async () => send(await open(pair.replica.url), 'ROLE').catch(() => []);
      await until('the replica is the primary', async () => ((await roleOf()) as string[])[0] === 'master');
      return sizeOf(await open(pair.replica.url));
    },
  };
}

const scenes: Readonly<Record<string, () => Promise<Scene>>> = {
  '100 slots move': async () => {
    const cluster = await startCluster(3);
    onTestFinished(() => cluster.stop());
    const slots = new Set(stored.split('\n').map((_, index) => slotOf(asBytes(`user:${index}`))));
    const last = [...slots].filter((slot) => ownerIndex(slot, 3) === 2).slice(0, 100);
    return {
      profile: { cluster: cluster.nodes.map(({ url }) => url) },
      happen: async () => {
        for (const slot of last) await moveSlot(cluster, slot, 2, 0);
      },
      keysLeft: async () => (await keyCounts(cluster)).reduce((sum, keys) => sum + keys, 0),
    };
  },
  'the primary is killed': () => watchedScene('killed'),
  'Sentinels put a replica in its place': () => watchedScene('failover'),
  'the server hangs for five seconds': async () => {
    const redis = await startRedis();
    return {
      profile: { url: redis.url },
      happen: async () => {
        redis.kill('SIGSTOP');
        await sleep(5000);
        redis.kill('SIGCONT');
      },
      keysLeft: async () => sizeOf(await open(redis.url)),
    };
  },
};

interface Trial {
  readonly args: readonly string[];
  readonly input?: string;
  /** Run before anything happens. */
  readonly before?: readonly string[];
  /** What the run has done, of `count` keys. */
  readonly done: (result: CliResult) => number;
  /** Keys in the end, where all went well. */
  readonly leaves: number;
}

const field =
  (...names: readonly string[]) =>
  ({ stdout }: CliResult) => {
    const document = JSON.parse(stdout) as Record<string, unknown> & { reading?: Record<string, unknown> };
    const values: Record<string, unknown> = { ...document.reading, ...document };
    return names.reduce((sum, name) => sum + Number(values[name]), 0);
  };

const trialsIn = (folder: string): Readonly<Record<string, Trial>> => {
  const [file, journal] = [join(folder, 'all.ndjson'), join(folder, 'removed.journal')];
  const rate = ['--max-rate', '5000'];
  const removal = ['invalidate', '--pattern', 'user:*', '--yes', '--journal', journal, '--backup'];
  return {
    inspect: { args: ['inspect', '--exact', ...rate], done: field('scannedKeys'), leaves: count },
    keys: {
      args: ['keys', ...rate],
      done: ({ stdout }) => (JSON.parse(stdout) as { items: unknown[] }).items.length,
      leaves: count,
    },
    export: { args: ['export', '--to', file, ...rate], done: field('keys', 'skipped'), leaves: count },
    diff: { before: ['export', '--to', file], args: ['diff', file], done: field('compared'), leaves: count },
    invalidate: {
      args: ['invalidate', '--pattern', 'user:*', '--yes', '--no-backup', ...rate],
      done: field('removed', 'gone'),
      leaves: 0,
    },
    undo: { before: removal, args: ['undo', journal, '--yes'], done: field('restored'), leaves: count },
    warm: { args: ['warm', '-', ...rate], input: others, done: field('written'), leaves: 2 * count },
    prune: { args: ['prune', '--set-ttl', '--yes', ...rate], done: field('ttlSet'), leaves: count },
  };
};

describe.runIf(isLong).each(Object.entries(scenes))('while %s', (what, start) => {
  test.each(Object.keys(trialsIn('')))('%s', { timeout: 120_000 }, async (name) => {
    const folder = temporaryFolder();
    const { args, before, input, done, leaves } = trialsIn(folder)[name] as Trial;
    const { profile, happen, keysLeft } = await start();
    const env = {
      ...withMap({
        profiles: { here: profile },
        defaultProfile: 'here',
        namespaces: { user: { pattern: 'user:<id>', ttl: '1h' } },
      }),
      XDG_STATE_HOME: folder,
    };
    const filled = await cli(['warm', '-'], { env, input: stored });
    expect(filled.exitCode, filled.stderr).toBe(0);
    if (before) expect(await cli(before, { env })).toMatchObject({ exitCode: 0 });
    const started = performance.now();
    const running = cli([...args, '-o', 'json'], { env, ...(input !== undefined && { input }) });
    await sleep(before === undefined ? 1200 : 300);
    const [result] = await Promise.all([running, happen()]);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const [amount, left] = [done(result), await keysLeft()];
    process.stdout.write(
      `${what} · ${name}: exit ${result.exitCode}, ${amount} of ${count} done, ${left} keys left, ${seconds} s` +
        `${result.stderr === '' ? '' : `\n    ${result.stderr.trim().replaceAll('\n', '\n    ')}`}\n`,
    );
    if (result.exitCode === 0) expect({ amount, left }).toEqual({ amount: count, left: leaves });
    else expect(result.stderr).toMatch(/^error: /m);
  });
});
