import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { removeKeys } from '../../src/changes/apply.ts';
import { silentProgress } from '../../src/support/progress.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { cli } from '../run-cli.ts';
import {
  beginMove,
  emptyCluster,
  keyCounts,
  moveSlot,
  ownerIndex,
  startCluster,
  storeInCluster,
  type TestCluster,
} from '../server/cluster.ts';
import { makeCertificates } from '../server/certificates.ts';
import { freePort } from '../server/redis-process.ts';
import { send, startPrivateServer, targetOf } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { json, linesOf } from './reading.ts';
import { startRedis, temporaryFolder } from '../server/own.ts';

const keys = Array.from({ length: 200 }, (_, index) => `user:${index % 100}:{tag${index % 7}}:${index}`);
const ownerOf = (key: string, size: number) => ownerIndex(slotOf(asBytes(key)), size);

async function clusterOf(size: number, options: Parameters<typeof startCluster>[1] = {}) {
  const cluster = await startCluster(size, options);
  onTestFinished(() => cluster.stop());
  return cluster;
}

async function connectTo(cluster: TestCluster, retryMillis = 30_000): Promise<RedisServer> {
  const target = targetOf(cluster.nodes[0].url, { retryMillis });
  const server = await connect({ ...target, topology: { kind: 'cluster', seeds: [target] } });
  onTestFinished(() => server.close());
  return server;
}

describe('a removal while slots move', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster(2);
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    await emptyCluster(cluster);
    await storeInCluster(cluster, keys);
  });

  const remove = (server: RedisServer) =>
    removeKeys(server, keys.map(asBytes), {
      signal: new AbortController().signal,
      progress: silentProgress,
      now: Date.now,
    });
  const [key = ''] = keys.filter((each) => ownerOf(each, 2) === 0);
  const slot = slotOf(asBytes(key));
  const inSlot = keys.filter((each) => slotOf(asBytes(each)) === slot).length;
  const all = {
    changed: { removed: 200 },
    unchanged: 0,
    failed: 0,
    notAttempted: 0,
    problems: [],
    stoppedBy: null,
  };

  test('follows keys to the node that took them over', async () => {
    const server = await connectTo(cluster);
    await moveSlot(cluster, slot, 0, 1);
    onTestFinished(() => moveSlot(cluster, slot, 1, 0));

    expect(await remove(server)).toMatchObject(all);

    expect(await keyCounts(cluster)).toEqual([0, 0]);
    expect(server.nodeFor(asBytes(key)).address).toBe(`127.0.0.1:${cluster.nodes[1].port}`);
  });

  test('asks the node that is taking them over', async () => {
    const server = await connectTo(cluster);
    const { source, target, ids } = await beginMove(cluster, slot, 0, 1);
    onTestFinished(async () => {
      for (const admin of [source, target]) await send(admin, 'CLUSTER', 'SETSLOT', slot, 'NODE', ids.source);
    });
    const moved = keys.filter((each) => slotOf(asBytes(each)) === slot).slice(0, 5);
    for (const each of moved)
      await send(source, 'MIGRATE', '127.0.0.1', cluster.nodes[1].port, each, 0, 5000);

    expect(await remove(server)).toMatchObject(all);

    expect(await keyCounts(cluster)).toEqual([0, 0]);
  });

  test('follows keys that move again on the way', async () => {
    const server = await connectTo(cluster);
    const { source, target } = await beginMove(cluster, slot, 0, 1);
    // The source sends to a node that knows of no move yet, and sends back.
    const moved = keys.filter((each) => slotOf(asBytes(each)) === slot);
    for (const each of moved)
      await send(source, 'MIGRATE', '127.0.0.1', cluster.nodes[1].port, each, 0, 5000);
    await send(target, 'CLUSTER', 'SETSLOT', slot, 'STABLE');
    onTestFinished(() => moveSlot(cluster, slot, 1, 0));
    const sentBack = async () =>
      Number(
        /errorstat_MOVED:count=(\d+)/.exec(replyText(await send(target, 'INFO', 'errorstats')))?.[1] ?? 0,
      );
    const before = await sentBack();
    const removing = remove(server);
    await until('the keys were sent back', async () => (await sentBack()) > before);
    await moveSlot(cluster, slot, 0, 1);

    expect(await removing).toMatchObject(all);
    expect(await keyCounts(cluster)).toEqual([0, 0]);
  });

  test('sends a key on for a while, and says why it stayed', async () => {
    const server = await connectTo(cluster, 1000);
    const { source, target } = await beginMove(cluster, slot, 0, 1);
    onTestFinished(async () => {
      await send(source, 'CLUSTER', 'SETSLOT', slot, 'STABLE');
    });
    // The source sends to a node that knows of no move, and sends back.
    await send(source, 'UNLINK', ...keys.filter((each) => slotOf(asBytes(each)) === slot));
    await send(target, 'CLUSTER', 'SETSLOT', slot, 'STABLE');

    const result = await remove(server);

    expect(result).toMatchObject({
      changed: { removed: 200 - inSlot },
      unchanged: 0,
      failed: inSlot,
      stoppedBy: null,
    });
    expect(result.problems).toMatchObject([
      { keys: inSlot, reason: expect.stringMatching(new RegExp(`^(?:MOVED|ASK) ${slot} `)) as string },
    ]);
  });
});

describe('a cluster that is not whole', () => {
  test('with a primary down is named with the node, and nothing is removed', async () => {
    const cluster = await clusterOf(3);
    await storeInCluster(cluster, keys);
    const [seed, , down] = cluster.nodes;
    if (down === undefined) throw new Error('there are three nodes');
    const before = (await keyCounts(cluster)).slice(0, 2);
    await down.stop();

    const args = ['invalidate', '--pattern', 'user:*', '--yes', '--cluster', '--retry-for', '0'];
    const { exitCode, stderr } = await cli(args, { url: seed.url });

    expect(exitCode).toBe(3);
    expect(stderr).toContain(
      `error: cannot connect to 127.0.0.1:${down.port}: nothing listens there; the seed 127.0.0.1:${seed.port} announced this node of the cluster\n`,
    );
    const admins = cluster.admins.slice(0, 2) as unknown as TestCluster['admins'];
    expect(await keyCounts({ ...cluster, admins })).toEqual(before);
  });

  test('with slots that nobody owns is named with the slots', async () => {
    const cluster = await clusterOf(2);
    for (const admin of cluster.admins) {
      await send(admin, 'CLUSTER', 'DELSLOTS', 5, 6, 7, 16_383);
    }
    const args = ['keys', '--cluster', '--retry-for', '0'];
    const { exitCode, stderr } = await cli(args, { url: cluster.nodes[0].url });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(
      `the cluster at 127.0.0.1:${cluster.nodes[0].port} has no owner for slots 5-7, 16383: 4 of its 16384 slots are out of reach`,
    );
  });

  test('with a seed that hangs can be left at once', async () => {
    const redis = await startRedis();
    redis.kill('SIGSTOP');
    const controller = new AbortController();
    const seeds = [redis, redis].map(({ port }) => ({ host: '127.0.0.1', port }));
    const target = {
      ...targetOf(redis.url, { timeoutMillis: 60_000 }),
      topology: { kind: 'cluster', seeds },
    } as const;
    const connecting = connect(target, controller.signal);
    setTimeout(() => controller.abort(), 200);
    await expect(connecting).rejects.toMatchObject({
      code: 'EINTR',
      message: `interrupted while connecting to 127.0.0.1:${redis.port}`,
    });
  });

  test('with no seed that answers names each of them', async () => {
    const gone = await Promise.all([startPrivateServer(), startPrivateServer()]);
    await Promise.all(gone.map((each) => each.stop()));
    const target = targetOf(gone[0].url);
    const seeds = gone.map(({ port }) => ({ host: '127.0.0.1', port }));
    const connecting = connect({ ...target, topology: { kind: 'cluster', seeds } });
    await expect(connecting).rejects.toMatchObject({
      failure: 'connect',
      code: 'ECONNREFUSED',
      message: `none of the 2 seeds of the cluster answers: ${seeds
        .map(({ port }) => `cannot connect to 127.0.0.1:${port}: nothing listens there`)
        .join('; ')}`,
    });
  });
});

describe('--cluster', () => {
  test('on a server that is no cluster says so', async () => {
    const redis = await startRedis();
    const { exitCode, result } = await json(['inspect', '--cluster'], { url: redis.url });
    expect(exitCode).toBe(3);
    expect(result).toMatchObject({
      ok: false,
      error: {
        code: 'ENOCLUSTER',
        message: expect.stringMatching(/^127\.0\.0\.1:\d+ is not part of a cluster/) as string,
        hint: expect.stringContaining('leave out --cluster') as string,
      },
    });
  });

  test('takes a node that knows no address of its own at the one it was asked at', async () => {
    const cluster = await clusterOf(1);
    const [alone] = cluster.nodes;
    const slots = JSON.stringify(await send(cluster.admins[0], 'CLUSTER', 'SLOTS'));
    expect(slots).not.toContain('127.0.0.1');
    await storeInCluster(cluster, keys);
    const done = await json(['invalidate', '--pattern', 'user:*', '--yes', '--cluster'], { url: alone.url });
    expect(done.result).toMatchObject({
      removed: 200,
      server: { address: `${alone.url} (cluster of 1 primary)` },
    });
    // There are no others to warn of.
    expect(await cli(['keys'], { url: alone.url })).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('logs in to every node alike', async () => {
    const cluster = await clusterOf(2, { password: 'secret', args: ['--requirepass', 'secret'] });
    await storeInCluster(cluster, keys);
    const { url } = cluster.nodes[0];
    const stats = await json(['stats', '--cluster'], { url, env: { REDISCLI_AUTH: 'secret' } });
    expect(stats.result).toMatchObject({ ok: true, keys: 200 });
    const refused = await cli(['keys', '--cluster'], { url, env: { REDISCLI_AUTH: 'wr0ng' } });
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain('WRONGPASS');
    expect(refused.stderr).not.toContain('wr0ng');
  });

  test('speaks TLS to every node alike', async () => {
    const folder = temporaryFolder();
    const { caFile, certificateFile, keyFile } = makeCertificates(folder);
    const tlsPorts = [await freePort(), await freePort()];
    const cluster = await clusterOf(2, {
      argsOf: (index) => [
        ...['--tls-cluster', 'yes', '--tls-port', String(tlsPorts[index]), '--tls-auth-clients', 'optional'],
        ...['--tls-ca-cert-file', caFile, '--tls-cert-file', certificateFile, '--tls-key-file', keyFile],
      ],
    });
    await storeInCluster(cluster, keys);
    const url = `rediss://127.0.0.1:${tlsPorts[1]}`;
    const { exitCode, stdout, stderr } = await cli(['keys', '--cluster', '--tls-ca', caFile], { url });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(linesOf(stdout)).toHaveLength(200);
    const done = await json(['invalidate', '--pattern', 'user:*', '--yes', '--cluster', '--tls-ca', caFile], {
      url,
    });
    expect(done.result).toMatchObject({
      removed: 200,
      server: { address: `${url} (cluster of 2 primaries)` },
    });
  });
});
