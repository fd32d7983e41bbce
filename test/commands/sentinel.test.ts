import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { send, sendAll, startPrivateServer, targetOf } from '../server/redis.ts';
import { withMap } from './invalidate-setup.ts';
import { open } from '../server/own.ts';
import { startSentinel } from '../server/sentinel.ts';

let primary: RedisProcess;
let replica: RedisProcess;
let sentinel: RedisProcess;
let server: RedisServer;
beforeAll(async () => {
  primary = await startPrivateServer({ args: ['--repl-diskless-sync-delay', '0'] });
  replica = await startPrivateServer({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
  sentinel = await startSentinel(primary);
  server = await connect(targetOf(primary.url, { database: 2 }));
  await sendAll(server, [
    ['SET', 'user:1', 'x'],
    ['SET', 'user:2', 'x'],
  ]);
});
afterAll(async () => {
  server.close();
  for (const each of [sentinel, replica, primary]) await each.stop();
});

const profile = (nodes: readonly string[], name = 'main'): ConfigFile => ({
  profiles: { p: { sentinel: { name, nodes: [...nodes], database: 2 } } },
  defaultProfile: 'p',
});

describe('a profile of Sentinels', () => {
  test('leads to the primary and its database, and asks the next where one does not answer', async () => {
    const gone = await startPrivateServer();
    await gone.stop();
    const env = withMap(profile([gone.url, sentinel.url]));
    const { exitCode, stdout, stderr } = await cli(['keys'], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n').sort()).toEqual(['', 'user:1', 'user:2']);
    const dry = await cli(['invalidate', '--pattern', 'user:1', '--dry-run', '-o', 'json'], { env });
    expect(JSON.parse(dry.stdout)).toMatchObject({
      matched: 1,
      server: { address: `${primary.url}/2 (primary of \`main\`)` },
    });
  });

  test('needs the rights that `acl` prints, on the server and on the Sentinels', async () => {
    const asked = await cli(['acl', 'keys', '-o', 'json'], { env: withMap(profile([sentinel.url])) });
    const { line, sentinelLine } = JSON.parse(asked.stdout) as Record<'line' | 'sentinelLine', string>;
    const watcher = await open(sentinel.url);
    for (const [to, text] of [
      [server, line],
      [watcher, sentinelLine],
    ] as const)
      await send(to, ...text.split(' '), '>secret');
    const nodes = [sentinel.url.replace('://', '://cachectl:secret@')];
    const env = withMap({
      profiles: {
        p: { sentinel: { name: 'main', nodes, database: 2 }, username: 'cachectl', passwordEnv: 'SECRET' },
      },
      defaultProfile: 'p',
    });
    const { exitCode, stdout, stderr } = await cli(['keys'], { env: { ...env, SECRET: 'secret' } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n').sort()).toEqual(['', 'user:1', 'user:2']);
    for (const each of [server, watcher]) expect(await send(each, 'ACL', 'LOG')).toEqual([]);
  });

  test('names Sentinels where nothing listens, and not the options of a server', async () => {
    const gone = await startPrivateServer();
    await gone.stop();
    const { exitCode, stderr } = await cli(['keys'], { env: withMap(profile([gone.url])) });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/nothing listens there \(a Sentinel\)\nhint: check "nodes" of the profile/);
  });

  test('names a primary that nobody watches', async () => {
    const { exitCode, stderr } = await cli(['keys'], { env: withMap(profile([sentinel.url], 'other')) });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`the Sentinel at 127.0.0.1:${sentinel.port} watches no primary named \`other\``);
  });

  test('names a server that is no Sentinel', async () => {
    const { exitCode, stderr } = await cli(['keys'], { env: withMap(profile([primary.url])) });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`127.0.0.1:${primary.port} is no Sentinel`);
  });

  test('logs in to Sentinels with a password of their own', async () => {
    const guarded = await startSentinel(primary, ['requirepass watch']);
    const map = profile([guarded.url]);
    const missing = await cli(['keys'], { env: withMap(map) });
    expect(missing).toMatchObject({ exitCode: 3 });
    expect(missing.stderr).toMatch(/NOAUTH.*\n.*sentinelPasswordEnv/);
    Object.assign(map.profiles?.['p'] ?? {}, { sentinelPasswordEnv: 'WATCH' });
    expect(await cli(['keys'], { env: { ...withMap(map), WATCH: 'watch' } })).toMatchObject({ exitCode: 0 });
    const wrong = await cli(['keys'], { env: { ...withMap(map), WATCH: 'other' } });
    expect(wrong.stderr).toMatch(
      /WRONGPASS.*\(a Sentinel\)\nhint: check the user and password.*sentinelPasswordEnv/,
    );
    expect(wrong.stderr).not.toContain('REDISCLI_AUTH');
    expect(await cli(['keys'], { env: withMap(map) })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('from WATCH, which is not set') as string,
    });
  });

  test('does not take a replica for the primary', async () => {
    const behind = await startSentinel(replica);
    const { exitCode, stderr } = await cli(['keys', '--retry-for', '0'], {
      env: withMap(profile([behind.url])),
    });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/named as the primary of `main`, is a replica\n.*failover/);
  });

  test('leads to the new primary after a failover', async () => {
    const admin = await open(sentinel.url);
    const replicas = async () => (await send(admin, 'SENTINEL', 'REPLICAS', 'main')) as unknown[];
    await expect.poll(replicas, { timeout: 45_000 }).toHaveLength(1);
    // What the replica has not got yet would be gone with the failover. WAIT is about the writes of its own connection.
    const writer = await open(primary.url);
    await send(writer, 'SELECT', 2);
    await send(writer, 'SET', 'user:1', 'x');
    expect(await send(writer, 'WAIT', 1, 10_000)).toBe(1);
    const watched = () => send(admin, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main');
    // Refused as long as the replica has not been looked at closely enough.
    const begin = () => send(admin, 'SENTINEL', 'FAILOVER', 'main').catch(() => 'refused');
    await expect.poll(begin, { timeout: 45_000 }).toBe('OK');
    await expect.poll(watched, { timeout: 45_000 }).toEqual(['127.0.0.1', String(replica.port)]);

    const { stdout, exitCode } = await cli(['invalidate', '--pattern', 'user:1', '--yes', '-o', 'json'], {
      env: withMap(profile([sentinel.url])),
    });

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      removed: 1,
      server: { address: `${replica.url}/2 (primary of \`main\`)` },
    });
  });
});

describe('a URL of a primary that the Sentinels of a profile watch', () => {
  test.each([
    [{ protected: true }, 'protected'],
    [{ readOnly: true }, 'read-only'],
  ])('is held to its protections: %j', async (protection, word) => {
    const own = await startPrivateServer();
    const watcher = await startSentinel(own);
    const env = withMap({
      profiles: { p: { sentinel: { name: 'main', nodes: [watcher.url] }, ...protection } },
    });
    const { exitCode, stderr } = await cli(['bench', 'get', '--duration', '100ms', '-u', own.url], { env });
    await own.stop();
    expect(stderr).toContain(`is the server of profile \`p\`, which is ${word}`);
    expect(exitCode).toBe(word === 'protected' ? 5 : 2);
  });

  test('is held to them too where the Sentinels of this host cannot be asked', async () => {
    const gone = await startPrivateServer();
    await gone.stop();
    const env = withMap({
      profiles: { p: { sentinel: { name: 'main', nodes: [gone.url] }, protected: true } },
    });
    const { exitCode, stderr } = await cli(['bench', 'get', '-u', primary.url], { env });
    expect(stderr).toContain('error: the Sentinels of profile `p` cannot be asked (');
    expect(stderr).toContain('may be the server of this profile, which is protected; nothing was changed');
    expect(exitCode).toBe(5);
  });
});

describe('the URL of a Sentinel itself', () => {
  test.each([[[]], [['-n', '2']], [['--cluster']]])(
    'is refused with the profile to write: keys %j',
    async (options) => {
      const { exitCode, stdout, stderr } = await cli(['keys', ...options], { url: sentinel.url });
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain(`127.0.0.1:${sentinel.port} is a Sentinel`);
      expect(stderr).toContain('it watches main');
      const [, text = ''] = /put `(.*)` into the map/.exec(stderr) ?? [];
      const map = JSON.parse(`{${text}}`) as ConfigFile;
      expect(await cli(['keys', '--profile', 'main'], { env: withMap(map) })).toMatchObject({ exitCode: 0 });
    },
  );

  test('is refused as one side of a comparison too', async () => {
    const { exitCode, stderr } = await cli(['diff', primary.url, sentinel.url]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`127.0.0.1:${sentinel.port} is a Sentinel`);
  });
});
