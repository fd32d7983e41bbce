import { lookup } from 'node:dns/promises';
import { symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { startProxy } from '../server/proxy.ts';
import { send } from '../server/redis.ts';
import { folderWith } from './reading.ts';
import { withMap } from './invalidate-setup.ts';
import { startServer } from '../server/own.ts';

type Profile = NonNullable<ConfigFile['profiles']>[string];

const { redis, server } = await startServer();
beforeEach(async () => {
  await send(server, 'SET', 'user:1:profile', 'x');
});

const guarded = (profile: Profile): Record<string, string> =>
  withMap({ profiles: { prod: profile }, namespaces: { profile: { pattern: 'user:<id>:*', ttl: '1h' } } });
const prod = (protection: Partial<Profile> = { protected: true }) =>
  guarded({ url: `redis://127.0.0.1:${redis.port}/0`, ...protection });
const removal = ['invalidate', '--pattern', 'user:*', '--yes'];
const isThere = async () => (await send(server, 'EXISTS', 'user:1:profile')) === 1;
const records = '{"key":"user:9","value":"x"}\n';

describe('a protected profile', () => {
  test.each(['127.1', '0.0.0.0', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '2130706433', '0x7f.1'])(
    'is recognized at its address spelled %s',
    async (host) => {
      const { exitCode, stderr } = await cli([...removal, '-u', `redis://${host}:${redis.port}`], {
        env: prod(),
      });
      expect(stderr).toContain('is the server of profile `prod`, which is protected; nothing was changed\n');
      expect(stderr).toContain('hint: add --confirm prod to remove 1 key');
      expect({ exitCode, isThere: await isThere() }).toEqual({ exitCode: 5, isThere: true });
    },
  );

  test('is recognized by a host name that resolves to an address of the same host, and in another database', async () => {
    const { address } = await lookup(hostname());
    const env = guarded({ url: `redis://${address}:${redis.port}/3`, protected: true });
    const { exitCode } = await cli([...removal, '-u', `redis://127.1:${redis.port}/0`], { env });
    expect({ exitCode, isThere: await isThere() }).toEqual({ exitCode: 5, isThere: true });
  });

  test('is recognized from its socket file, and as the server of a socket file under each of its paths', async () => {
    const link = join(redis.directory, 'link.sock');
    symlinkSync(redis.socketPath, link);
    const bySocket = guarded({ url: `unix://${redis.socketPath}`, protected: true });
    for (const [url, env] of [
      [`unix://${redis.socketPath}`, prod()],
      [`unix://${link}`, bySocket],
      [`redis://127.0.0.1:${redis.port}`, bySocket],
    ] as const) {
      const { exitCode, stderr } = await cli([...removal, '-u', url], { env });
      expect(stderr).toContain('is the server of profile `prod`');
      expect({ exitCode, isThere: await isThere() }).toEqual({ exitCode: 5, isThere: true });
    }
  });

  test('is recognized through a tunnel by its run_id, from either end', async () => {
    const tunnel = await startProxy(redis.port);
    const atTunnel = guarded({ url: tunnel.url, protected: true });
    for (const [url, env] of [
      [tunnel.url, prod()],
      [redis.url, atTunnel],
    ] as const) {
      const { exitCode, stderr } = await cli([...removal, '-u', url], { env });
      expect(stderr).toContain('is the server of profile `prod`, which is protected; nothing was changed\n');
      expect({ exitCode, isThere: await isThere() }).toEqual({ exitCode: 5, isThere: true });
    }
    await tunnel.stop();
  });

  test('is recognized through a tunnel on this host where its map is not trusted', async () => {
    const tunnel = await startProxy(redis.port);
    const cwd = folderWith({ profiles: { prod: { url: redis.url, passwordEnv: 'PROD', protected: true } } });
    const { exitCode, stderr } = await cli([...removal, '-u', tunnel.url], {
      cwd,
      env: { HOME: cwd, PROD: 'x' },
    });
    expect(stderr).toContain('is the server of profile `prod`, which is protected; nothing was changed\n');
    expect({ exitCode, isThere: await isThere() }).toEqual({ exitCode: 5, isThere: true });
    await tunnel.stop();
  });

  test('that does not answer for its run_id costs a second, and a warning', async () => {
    const silent = await startProxy(redis.port);
    silent.stall();
    const env = guarded({ url: silent.url, protected: true });
    const { exitCode, stderr } = await cli([...removal, '-u', redis.url], { env });
    expect(stderr).toContain(
      `warning: the server of profile \`prod\` did not answer within 1 s; whether ${redis.url}`,
    );
    expect(exitCode).toBe(0);
    await silent.stop();
  });

  test('is changed once its name is given', async () => {
    const args = [...removal, '-u', `redis://127.1:${redis.port}`, '--confirm', 'prod'];
    expect(await cli(args, { env: prod() })).toMatchObject({ exitCode: 0 });
    expect(await isThere()).toBe(false);
  });

  test('protects no other profile of its server that is named', async () => {
    const scratch = { url: `redis://127.1:${redis.port}` };
    const env = withMap({ profiles: { prod: { url: redis.url, protected: true }, scratch } });
    expect(await cli([...removal, '-p', 'scratch'], { env })).toMatchObject({ exitCode: 0 });
    expect(await isThere()).toBe(false);
  });

  test.each([
    ['bench', ['bench', 'get', '--duration', '200ms']],
    ['prune', ['prune', '--set-ttl', '--yes']],
    ['warm', ['warm', '-']],
  ])('is asked for by `%s` too', async (_name, args) => {
    const given = [...args, '-u', `redis://127.1:${redis.port}`];
    const { exitCode, stderr } = await cli(given, { env: prod(), input: records });
    expect(stderr).toContain('is the server of profile `prod`, which is protected');
    expect(exitCode).toBe(5);
    expect(await send(server, 'DBSIZE')).toBe(1);
  });

  test('on another port, or away under a name unknown here, leaves a server of this host alone', async () => {
    const env = withMap({
      profiles: {
        other: { url: 'redis://127.0.0.1:1', protected: true },
        away: { url: `redis://no-such-host.invalid:${redis.port}`, protected: true },
      },
    });
    const { exitCode, stderr } = await cli([...removal, '-u', redis.url], { env });
    expect(exitCode).toBe(0);
    expect(stderr).toContain(
      'warning: `no-such-host.invalid`, the host of profile `away`, does not resolve; it was not compared with redis://127.0.0.1:',
    );
    expect(stderr).not.toContain('other');
  });
});

describe('a read-only profile', () => {
  const url = () => `redis://127.1:${redis.port}`;

  test.each([
    ['invalidate', removal],
    ['prune', ['prune', '--set-ttl', '--yes']],
    ['warm', ['warm', '-']],
    ['bench', ['bench', 'get', '--duration', '200ms']],
    ['hits --restore', ['hits', '--restore']],
  ])('is written to under no spelling of its address: %s', async (_name, args) => {
    const given = [...args, '-u', url()];
    const { exitCode, stderr } = await cli(given, { env: prod({ readOnly: true }), input: records });
    expect(stderr).toContain('is the server of profile `prod`, which is read-only, and ');
    expect({ exitCode, isThere: await isThere() }).toEqual({ exitCode: 2, isThere: true });
  });

  test('gets no canary from `check`', async () => {
    const args = ['check', '--only', 'round-trip', '-u', url(), '-o', 'json'];
    const checked = await cli(args, { env: prod({ readOnly: true }) });
    expect(jsonOf(checked)).toMatchObject({ checks: [{ id: 'round-trip', status: 'skip' }] });
  });

  test.each([
    [['hits', '--for', '300ms', '-o', 'json']],
    [['stats', '--hits', '300ms', '-o', 'json']],
    [['watch', '--hits', '--count', '1', '--interval', '300ms']],
  ])('gets no setting from %j', async (args) => {
    const state = { XDG_STATE_HOME: redis.directory };
    await send(server, 'CONFIG', 'RESETSTAT');
    await cli([...args, '-u', url()], { env: { ...prod({ readOnly: true }), ...state } });
    expect(await send(server, 'INFO', 'commandstats')).not.toContain('config|set');
    await cli([...args, '-u', url()], { env: state });
    expect(await send(server, 'INFO', 'commandstats')).toContain('config|set');
  });
});
