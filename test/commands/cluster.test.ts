import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { StatsResult } from '../../src/commands/stats/result.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { infoNumber, readInfo } from '../../src/redis/info.ts';
import { slotOf } from '../../src/redis/slots.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions } from '../run-cli.ts';
import {
  emptyCluster,
  keyCounts,
  ownerIndex,
  startCluster,
  storeInCluster,
  type TestCluster,
} from '../server/cluster.ts';
import { send, sendAll, startPrivateServer, targetOf } from '../server/redis.ts';
import { countsOf, withMap } from './invalidate-setup.ts';
import { json, linesOf } from './reading.ts';
import { temporaryFolder } from '../server/own.ts';

let cluster: TestCluster;
let server: RedisServer;
beforeAll(async () => {
  cluster = await startCluster(3);
  const target = targetOf(cluster.nodes[0].url);
  server = await connect({ ...target, topology: { kind: 'cluster', seeds: [target] } });
});
afterAll(async () => {
  server.close();
  await cluster.stop();
});
beforeEach(() => emptyCluster(cluster));

/** Runs on the cluster, with one of its nodes for a seed. */
const onCluster = (options: CliOptions = {}): CliOptions => ({ url: cluster.nodes[1].url, ...options });

const users = Array.from({ length: 300 }, (_, id) => `user:${id}:profile`);
const carts = Array.from({ length: 60 }, (_, id) => [`cart:{${id}}:items`, `cart:{${id}}:total`]).flat();
const ownerOf = (key: string) => ownerIndex(slotOf(asBytes(key)), 3);

async function fill(): Promise<void> {
  await storeInCluster(cluster, [...users, ...carts]);
  expect((await keyCounts(cluster)).every((count) => count > 20)).toBe(true);
}

test.each(['stats', 'inspect', 'keys', 'export', 'diff', 'hits', 'invalidate', 'config'])(
  '%s needs no more on a cluster than `acl` prints',
  async (command) => {
    await fill();
    const { stdout } = await cli(['acl', command, '--cluster'], onCluster());
    for (const admin of cluster.admins) {
      await send(admin, ...stdout.trimEnd().split(' '), '>secret');
      await send(admin, 'ACL', 'LOG', 'RESET');
    }
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'one.json'), '[{"key":"user:1:profile","value":"x"}]');
    const words: Readonly<Record<string, string>> = {
      ...{ diff: 'diff one.json', hits: 'hits --for 100ms', config: 'config init --file -' },
      ...{ export: 'export * --to all.ndjson', invalidate: 'invalidate --pattern user:1* --yes' },
    };
    const url = cluster.nodes[1].url.replace('://', '://cachectl:secret@');
    const line = [...(words[command] ?? command).split(' '), '--cluster'];
    const result = await cli(line, { url, cwd: folder, env: { XDG_STATE_HOME: folder } });
    expect(result.exitCode, result.stderr).toBe(command === 'diff' ? 1 : 0);
    for (const admin of cluster.admins) expect(await send(admin, 'ACL', 'LOG')).toEqual([]);
  },
);

describe('reading a cluster', () => {
  test('keys lists those of all nodes, each once', async () => {
    await fill();
    const { exitCode, stdout, stderr } = await cli(['keys', '--cluster'], onCluster());
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(linesOf(stdout).sort()).toEqual([...users, ...carts].sort());
  });

  test('keys of one hash tag come from the node that holds them', async () => {
    await fill();
    const { stdout } = await cli(['keys', 'cart:{7}:*', '--cluster'], onCluster());
    expect(linesOf(stdout).sort()).toEqual(['cart:{7}:items', 'cart:{7}:total']);
  });

  test.each(['inspect', 'stats'])('%s counts the keys of all nodes', async (command) => {
    await fill();
    const { exitCode, result, stderr } = await json([command, '--cluster'], onCluster());
    expect(exitCode).toBe(0);
    // The keys of other tests were looked up too.
    expect(stderr).toMatch(/^(?:note: the hit rate of data reads .*\n)?$/);
    expect(result).toMatchObject({ ok: true, keys: 420 });
  });

  test('stats adds up what the nodes count', async () => {
    await fill();
    const before = (await json(['stats', '--cluster', '--no-namespaces'], onCluster()))
      .result as unknown as StatsResult;
    for (const key of users) await server.nodeFor(asBytes(key)).call('GET', asBytes(key));
    const { result } = await json(['stats', '--cluster', '--no-namespaces'], onCluster());
    const after = result as unknown as StatsResult;

    expect((after.lifetime?.hits ?? 0) - (before.lifetime?.hits ?? 0)).toBe(users.length);
    expect(after.databases).toEqual([{ database: 0, keys: 420, keysWithTtl: 0 }]);
    const used = await Promise.all(
      server.nodes.map(async (node) => infoNumber(await readInfo(node), 'used_memory')),
    );
    const least = Math.min(...used.map((bytes) => bytes ?? 0));
    expect(after.server?.usedBytes).toBeGreaterThan(2.5 * least);
  });

  test('get and ttl ask the owner of the key', async () => {
    await fill();
    for (const owner of [0, 1, 2]) {
      const key = users.find((each) => ownerOf(each) === owner) ?? '';
      const { result } = await json(['get', key, '--cluster'], onCluster());
      expect(result).toMatchObject({ ok: true, key });
      expect(JSON.stringify(result)).toContain(`"${key}"`);
    }
    const asked = [0, 1, 2].map((owner) => users.find((each) => ownerOf(each) === owner) ?? '');
    const { result } = await json(['ttl', ...asked, 'user:none', '--cluster'], onCluster());
    expect(result).toMatchObject({
      ok: true,
      items: [...asked.map((key) => ({ key, state: 'permanent' })), { key: 'user:none', state: 'missing' }],
    });
  });

  test('config init draws its map from all nodes', async () => {
    await fill();
    const { result } = await json(['config', 'init', '--file', '-', '--cluster'], onCluster());
    expect(result).toMatchObject({
      keys: 420,
      keyspaceKeys: 420,
      map: { profiles: { local: { cluster: [cluster.nodes[1].url] } } },
    });
  });

  test('check looks at every node', async () => {
    const { result } = await json(
      ['check', '--cluster', '--only', 'connect,login,round-trip,latency,role'],
      onCluster(),
    );
    expect(result).toMatchObject({ ok: true, status: 'pass' });
  });
});

describe('invalidating in a cluster', () => {
  test('removes what the dry run counted, on all nodes', async () => {
    await fill();
    const dry = await json(['invalidate', '--pattern', 'user:*', '--dry-run', '--cluster'], onCluster());
    expect(countsOf(dry).matched).toBe(300);
    expect((await keyCounts(cluster)).reduce((sum, count) => sum + count)).toBe(420);

    const done = await json(['invalidate', '--pattern', 'user:*', '--yes', '--cluster'], onCluster());

    expect(countsOf(done)).toEqual({
      matched: 300,
      removed: 300,
      gone: 0,
      failed: 0,
      notAttempted: 0,
      excluded: 0,
      shortened: 0,
      generationsRaised: 0,
      rewritten: 0,
    });
    const left = (await cli(['keys', '--cluster'], onCluster())).stdout;
    expect(linesOf(left).sort()).toEqual([...carts].sort());
  });

  test('an entity takes keys that are known in full, in whichever slot they lie', async () => {
    await fill();
    const config = {
      entities: { user: { patterns: ['user:<id>:profile', 'cart:{<id>}:items', 'cart:{<id>}:total'] } },
    };
    const ids = ['1', '2', '3', '4', '5'];
    expect(new Set(ids.map((id) => ownerOf(`user:${id}:profile`))).size).toBe(3);

    const args = ['invalidate', 'user', ...ids, '--yes', '--cluster'];
    const done = await json(args, onCluster({ env: withMap(config) }));

    expect(countsOf(done)).toMatchObject({ matched: 15, removed: 15, failed: 0 });
    const left = linesOf((await cli(['keys', '--cluster'], onCluster())).stdout);
    expect(left).toHaveLength(405);
    expect(left.filter((key) => ids.some((id) => key === `user:${id}:profile`))).toEqual([]);
  });

  test('names the cluster and its size', async () => {
    await fill();
    const { result } = await json(
      ['invalidate', '--pattern', 'user:*', '--dry-run', '--cluster'],
      onCluster(),
    );
    expect(result).toMatchObject({ server: { address: `${cluster.nodes[1].url} (cluster of 3 primaries)` } });
  });
});

describe('warming a cluster', () => {
  test('writes each record where its key belongs, long collections too', async () => {
    const folder = temporaryFolder();
    const records = [
      ...users.map((key) => ({ key, value: key, ttl: 600 })),
      ...[0, 1, 2].map((id) => ({ key: `set:${id}`, type: 'set', value: ['a', 'b'], ttl: 600 })),
      // Longer than one transaction takes: filled under another name, which RENAME must find in the same slot.
      ...[0, 1, 2].map((id) => ({
        ...{ key: `list:${id}`, type: 'list', ttl: 600 },
        value: Array.from({ length: 10_500 }, (_, index) => `${index}`),
      })),
    ];
    writeFileSync(join(folder, 'fixtures.json'), JSON.stringify(records));

    const { exitCode, result, stderr } = await json(
      ['warm', 'fixtures.json', '--cluster'],
      onCluster({ cwd: folder }),
    );

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(result).toMatchObject({ records: 306, written: 306, failed: 0 });
    const counts = await keyCounts(cluster);
    expect(counts.reduce((sum, count) => sum + count)).toBe(306);
    expect(counts.every((count) => count > 50)).toBe(true);
    for (const id of [0, 1, 2]) {
      const key = asBytes(`list:${id}`);
      expect(await server.nodeFor(key).call('LLEN', key)).toBe(10_500);
    }
  });
});

describe('a profile of the cluster', () => {
  test('needs no flag, and asks the next seed where one does not answer', async () => {
    await fill();
    const gone = await startPrivateServer();
    await gone.stop();
    const env = withMap({
      profiles: { many: { cluster: [gone.url, cluster.nodes[1].url] } },
      defaultProfile: 'many',
    });
    const { exitCode, stdout, stderr } = await cli(['keys', 'user:*'], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(linesOf(stdout)).toHaveLength(300);
  });

  test('protects a URL that is one of its seeds', async () => {
    await fill();
    const env = withMap({ profiles: { many: { cluster: [cluster.nodes[1].url], protected: true } } });
    const args = ['invalidate', '--pattern', 'user:*', '--yes', '--cluster'];
    const refused = await json(args, onCluster({ env }));
    expect(refused).toMatchObject({ exitCode: 5 });
    expect(refused.stderr).toContain('profile `many` is protected');
    const confirmed = await json([...args, '--confirm', 'many'], onCluster({ env }));
    expect(countsOf(confirmed).removed).toBe(300);
  });
});

describe('a URL of a cluster that a profile lists under other nodes', () => {
  const args = ['invalidate', '--pattern', 'user:*', '--yes', '--cluster'];
  const alone = (at: number) => args.slice(0, -1).concat('-u', cluster.nodes[at]?.url ?? '');

  test.each([
    [{ protected: true }, 'protected', 5],
    [{ readOnly: true }, 'read-only', 2],
  ])('is not written to past its protections: %j', async (protection, word, code) => {
    await fill();
    const env = withMap({ profiles: { many: { cluster: [cluster.nodes[0].url], ...protection } } });
    for (const given of [args, alone(1), alone(2)]) {
      const { exitCode, stderr } = await cli(given, onCluster({ env }));
      expect(exitCode).toBe(code);
      expect(stderr).toContain(`is the server of profile \`many\`, which is ${word}`);
    }
    expect((await keyCounts(cluster)).reduce((sum, count) => sum + count)).toBe(420);
    expect(await cli(['keys', '--cluster'], onCluster({ env }))).toMatchObject({ exitCode: 0 });
  });

  test('is free where the profile has none', async () => {
    await fill();
    const env = withMap({ profiles: { many: { cluster: [cluster.nodes[0].url] } } });
    expect(await cli(args, onCluster({ env }))).toMatchObject({ exitCode: 0 });
  });
});

describe('one node of a cluster without --cluster', () => {
  test('is read alone, with one warning that there are others', async () => {
    await fill();
    const { exitCode, stdout, stderr } = await cli(['keys'], onCluster());
    expect(exitCode).toBe(0);
    expect(linesOf(stdout).sort()).toEqual([...users, ...carts].filter((key) => ownerOf(key) === 1).sort());
    expect(stderr).toBe(
      `warning: ${cluster.nodes[1].url}/0 is one node of a cluster of 3 primaries: --cluster covers all of them\n`,
    );
    expect((await cli(['keys', '--quiet'], onCluster())).stderr).toBe('');
  });

  test('sends nobody astray who asks for a key of another', async () => {
    await fill();
    const key = users.find((each) => ownerOf(each) !== 1) ?? '';
    const { exitCode, stderr } = await cli(['get', key], onCluster());
    expect(exitCode).toBe(4);
    expect(stderr).toContain('--cluster goes to the right one');
  });

  test('warns nobody whose user may not ask', async () => {
    await sendAll(cluster.admins[1], [
      ['ACL', 'SETUSER', 'ann', 'on', '>secret', '~*', '-@all', '+ping', '+scan', '+dbsize', '+select'],
    ]);
    onTestFinished(async () => {
      await send(cluster.admins[1], 'ACL', 'DELUSER', 'ann');
    });
    const url = cluster.nodes[1].url.replace('://', '://ann:secret@');
    expect(await cli(['keys'], { url })).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
