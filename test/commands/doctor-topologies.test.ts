import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { DoctorResult } from '../../src/commands/doctor/result.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { connect } from '../../src/redis/connect.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { startCluster, startReplica } from '../server/cluster.ts';
import { startRedis, temporaryFolder } from '../server/own.ts';
import { send, sendAll, targetOf } from '../server/redis.ts';
import { until } from '../server/until.ts';

const password = 'heron-4711';
const locked = ['--requirepass', password, '--masterauth', password];

/** What a busy machine makes slow is no matter here. */
const healthy = [
  ...['--maxmemory', '100mb', '--maxmemory-policy', 'volatile-lru', '--latency-monitor-threshold', '10000'],
  ...['--slowlog-log-slower-than', '10000000', '--latency-tracking', 'no'],
];

type Profile = NonNullable<ConfigFile['profiles']>[string];

async function doctorOf(profile: Profile, ...args: readonly string[]): Promise<DoctorResult> {
  const folder = temporaryFolder();
  const config: ConfigFile = {
    profiles: { here: { ...profile, passwordEnv: 'PASSWORD' } },
    defaultProfile: 'here',
    namespaces: { page: { pattern: 'page:<id>', ttl: '1h', jitter: 0.5 } },
    doctor: {
      ignore: {
        'known-faults': 'mended by the distribution',
        'dangerous-commands': 'the connections of this test may call all',
      },
    },
  };
  const file = join(folder, 'cachectl.config.json');
  writeFileSync(file, JSON.stringify(config));
  const env = { CACHECTL_CONFIG: file, XDG_STATE_HOME: folder, PASSWORD: password };
  const outcome = await cli(['doctor', ...args, '-o', 'json'], { cwd: folder, env });
  expect(outcome.stderr).not.toContain(password);
  return jsonOf(outcome) as unknown as DoctorResult;
}

async function fill(servers: readonly string[]): Promise<void> {
  for (const url of servers) {
    const server = await connect(targetOf(url, { password }));
    const pages = Array.from({ length: 300 }, (_, id) => ['SET', `page:${id}`, '{}', 'EX', 2000 + 5 * id]);
    await sendAll(server, pages as never).catch(() => undefined);
    server.close();
  }
}

const told = ({ findings }: DoctorResult) => findings.map(({ id, message }) => `${id}: ${message}`);

test('a healthy cluster with replicas has no finding, and what is wrong with a node is said of that node', async () => {
  const cluster = await startCluster(3, { password, args: healthy });
  onTestFinished(() => cluster.stop());
  const replicas = await Promise.all(
    [0, 1, 2].map((of) => startReplica(cluster, of, { password, args: healthy })),
  );
  onTestFinished(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
  });
  await fill([cluster.nodes[0].url]);
  const profile = { cluster: cluster.nodes.map(({ url }) => url) };
  const result = await doctorOf(profile, '--hits', '300ms');
  expect(told(result)).toEqual([]);
  expect(result.reading?.scannedKeys).toBeGreaterThan(0);

  const [, second] = cluster.admins;
  await send(second, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  const [finding, ...others] = (await doctorOf(profile, '--only', 'noeviction')).findings;
  expect(finding?.message).toContain(`127.0.0.1:${cluster.nodes[1].port}: the policy is \`noeviction\``);
  expect(others).toEqual([]);
});

test('a healthy primary behind Sentinels has no finding, and they are not the ones who listen to its events', async () => {
  const primary = await startRedis({ args: [...locked, ...healthy, '--repl-diskless-sync-delay', '0'] });
  await fill([primary.url]);
  await startRedis({
    args: [...locked, ...healthy, '--replicaof', '127.0.0.1', String(primary.port)],
  });
  const sentinels = await Promise.all(
    [1, 2, 3].map(() =>
      startRedis({
        config: [`sentinel monitor main 127.0.0.1 ${primary.port} 2`, `sentinel auth-pass main ${password}`],
        args: ['--sentinel'],
      }),
    ),
  );
  const admin = await connect(targetOf(primary.url, { password }));
  onTestFinished(() => admin.close());
  await until('the replica has all keys', async () => (await send(admin, 'WAIT', 1, 1000)) === 1);
  const result = await doctorOf({ sentinel: { name: 'main', nodes: sentinels.map(({ url }) => url) } });
  expect(told(result)).toEqual([]);
  expect(result.healthyRules.map(({ id }) => id)).toContain('replication-lag');

  await send(admin, 'CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
  const { findings } = await doctorOf({ url: primary.url }, '--no-keys');
  expect(findings.map(({ id }) => id)).toEqual(['events-left-on']);
});
