import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { type CliOptions, cli, jsonOf } from '../run-cli.ts';
import { startCluster, startReplica } from '../server/cluster.ts';
import { connect } from '../../src/redis/connect.ts';
import { send, startPrivateServer, targetOf } from '../server/redis.ts';

const users = 100;
const records = Array.from({ length: users }, (_, id) => [
  { key: `user:${id}:profile`, value: { id }, ttl: '1h' },
  { key: `cart:${id}`, type: 'hash', value: { book: '1', pen: '2' }, ttl: id < 10 ? null : '2h' },
]).flat();
const allKeys = records.length;

const map: ConfigFile = {
  namespaces: {
    profiles: { pattern: 'user:<id>:profile', ttl: '1h' },
    carts: { pattern: 'cart:<id>', ttl: '2h' },
  },
  entities: { user: { patterns: ['user:<id>:profile', 'cart:<id>'] } },
};

/** What no output and no file may hold: of the servers, and of the Sentinels. */
const password = 'heron-4711';
const watchword = 'plover-0815';
const secrets = new RegExp(`${password}|${watchword}`);
const locked = ['--requirepass', password, '--masterauth', password];

/** A way to a cache. */
interface Topology {
  readonly profile: NonNullable<ConfigFile['profiles']>[string];
  readonly stop: () => Promise<unknown>;
}

const stopAll = (each: readonly { stop: () => Promise<unknown> }[]) => () =>
  Promise.all(each.map((one) => one.stop()));

const topologies: Readonly<Record<string, () => Promise<Topology>>> = {
  'one server': async () => {
    const redis = await startPrivateServer({ args: locked });
    return { profile: { url: redis.url }, stop: stopAll([redis]) };
  },
  'a cluster of three primaries and three replicas': async () => {
    const cluster = await startCluster(3, { password });
    const replicas = [];
    for (const of of cluster.nodes.keys()) replicas.push(await startReplica(cluster, of, { password }));
    return {
      profile: { cluster: cluster.nodes.map(({ url }) => url) },
      stop: stopAll([...replicas, cluster]),
    };
  },
  'a primary behind three Sentinels': async () => {
    const primary = await startPrivateServer({ args: [...locked, '--repl-diskless-sync-delay', '0'] });
    const replicaOf = ['--replicaof', '127.0.0.1', String(primary.port)];
    const replica = await startPrivateServer({ args: [...locked, ...replicaOf] });
    const config = [
      `sentinel monitor main 127.0.0.1 ${primary.port} 2`,
      `sentinel auth-pass main ${password}`,
      `requirepass ${watchword}`,
    ];
    const sentinels = await Promise.all(
      [1, 2, 3].map(() => startPrivateServer({ config, args: ['--sentinel'] })),
    );
    const sentinel = { name: 'main', nodes: sentinels.map(({ url }) => url) };
    return {
      profile: { sentinel, sentinelPasswordEnv: 'WATCHWORD' },
      stop: stopAll([...sentinels, replica, primary]),
    };
  },
  'TLS with a client certificate': async () => {
    const redis = await startPrivateServer({ tls: true, args: [...locked, '--tls-auth-clients', 'yes'] });
    const files = redis.certificates;
    if (files === null) throw new Error('no certificates were made');
    const tls = { ca: files.caFile, certificate: files.certificateFile, key: files.keyFile };
    return { profile: { url: redis.url, tls }, stop: stopAll([redis]) };
  },
  'an ACL user with the printed rights': async () => {
    const redis = await startPrivateServer({ args: locked });
    const admin = await connect(targetOf(redis.url, { password }));
    const commands = [
      'warm',
      'stats',
      'inspect',
      'keys',
      'get',
      'ttl',
      'hits',
      'watch',
      'check',
      'bench',
      'doctor',
    ];
    const more = ['export', '--form', 'archive', 'export', 'diff', 'invalidate', 'undo', 'prune', 'config'];
    const env = { REDISCLI_AUTH: password };
    const printed = await cli(['acl', ...commands, ...more, '--user', 'least', '--keys', '*', '-o', 'json'], {
      url: redis.url,
      env,
    });
    const { line } = jsonOf(printed);
    await send(admin, ...String(line).split(' '), `>${password}`);
    admin.close();
    return { profile: { url: redis.url, username: 'least' }, stop: stopAll([redis]) };
  },
};

interface Step {
  readonly args: readonly string[];
  readonly input?: string;
  readonly shows: object;
}

/** The commands in the order in which somebody would run them, each with what its JSON must say. */
const stepsIn = (folder: string): readonly Step[] => {
  const file = join(folder, 'records.ndjson');
  const archive = join(folder, 'all.archive');
  const journal = join(folder, 'removed.journal');
  const input = records.map((record) => JSON.stringify(record)).join('\n');
  return [
    { args: ['warm', '-', '--verify'], input, shows: { written: allKeys, failed: 0 } },
    { args: ['stats'], shows: { ok: true } },
    { args: ['inspect'], shows: { ok: true } },
    { args: ['inspect', '--exact'], shows: { exact: true, reading: { scannedKeys: allKeys } } },
    { args: ['keys', 'user:*'], shows: { matched: users, complete: true } },
    { args: ['get', 'cart:12'], shows: { type: 'hash' } },
    { args: ['ttl', 'cart:3'], shows: { ok: true } },
    { args: ['hits', '--for', '300ms'], shows: { valid: true } },
    {
      args: ['watch', '--count', '1', '--interval', '250ms'],
      shows: { intervalCount: 1, failedIntervals: 0 },
    },
    { args: ['check'], shows: { status: 'pass' } },
    { args: ['doctor', '--hits', '300ms'], shows: { ok: true, critical: 0 } },
    { args: ['bench', '--duration', '100ms', '--warmup', '0s'], shows: { ok: true, keysLeft: 0 } },
    { args: ['export', '--to', file], shows: { keys: allKeys, failed: 0, complete: true } },
    { args: ['export', '--to', archive, '--form', 'archive'], shows: { keys: allKeys, failed: 0 } },
    { args: ['diff', archive], shows: { compared: allKeys, equal: true } },
    {
      args: ['invalidate', 'user', '7', '--yes', '--journal', journal],
      shows: { matched: 2, removed: 2, failed: 0 },
    },
    { args: ['keys', '*:7*'], shows: { complete: true } },
    { args: ['undo', journal, '--yes'], shows: { restored: 2, failed: 0 } },
    { args: ['prune', '--set-ttl', '--yes'], shows: { failed: 0 } },
    { args: ['keys', '--ttl', 'none'], shows: { matched: 0, complete: true } },
    { args: ['invalidate', '--namespace', 'carts', '--yes', '--no-backup'], shows: { removed: users } },
    { args: ['keys'], shows: { matched: users, complete: true } },
    { args: ['config', 'init', '--file', join(folder, 'map.json')], shows: { ok: true } },
  ];
};

describe.each(Object.entries(topologies))('%s', (_, start) => {
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-topologies-'));
  let topology: Topology;
  let options: CliOptions;

  beforeAll(async () => {
    topology = await start();
    const file = join(folder, 'cachectl.config.json');
    const profiles = { here: { ...topology.profile, passwordEnv: 'PASSWORD' } };
    writeFileSync(file, JSON.stringify({ ...map, profiles, defaultProfile: 'here' }));
    const env = { CACHECTL_CONFIG: file, XDG_STATE_HOME: folder, PASSWORD: password, WATCHWORD: watchword };
    options = { env, cwd: folder };
  }, 60_000);
  afterAll(async () => {
    await topology.stop();
    rmSync(folder, { recursive: true });
  });

  test.each(stepsIn(folder).map((step) => [step.args.slice(0, 2).join(' '), step] as const))(
    '%s',
    async (_name, { args, input, shows }) => {
      const outcome = await cli([...args, '-o', 'json'], {
        ...options,
        ...(input !== undefined && { input }),
      });
      expect(outcome.exitCode, outcome.stderr).toBe(0);
      expect(jsonOf(outcome)).toMatchObject(shows);
      expect(outcome.stdout + outcome.stderr).not.toMatch(secrets);
    },
    20_000,
  );

  test('no file holds a password', () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files.map(({ name }) => name)).toContain('removed.journal');
    for (const { parentPath, name } of files)
      expect(readFileSync(join(parentPath, name), 'latin1'), name).not.toMatch(secrets);
  });
});
