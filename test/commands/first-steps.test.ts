import { describe, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { emptyDatabase, send, testUrl } from '../server/redis.ts';
import { ownDatabase, temporaryFolder } from '../server/own.ts';
import { store, storedKeys } from './invalidate-setup.ts';

const server = await ownDatabase();

describe('cachectl alone', () => {
  const env = { NO_COLOR: '1' };

  test('says at a terminal where it connects, what answers there, and what to begin with', async () => {
    await send(server, 'SET', 'user:1', 'x');
    const { exitCode, stdout } = await cli([], { url: testUrl(), env, terminal: true });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/server +redis:\/\/127\.0\.0\.1:\d+\/\d+ +REDIS_URL/);
    expect(stdout).toMatch(/answers +yes +(Redis|Valkey) \d+\.\d+\S*, 1 key\n/);
    for (const line of ['cachectl stats', 'cachectl hits', 'cachectl inspect'])
      expect(stdout).toContain(`\n  ${line}\n`);
    expect(stdout.split('\n').length).toBeLessThan(24);
  });

  test('says what does not answer, and the ways out', async () => {
    const { exitCode, stdout } = await cli([], { url: 'redis://127.0.0.1:1', env, terminal: true });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('answers  no  cannot connect to 127.0.0.1:1: nothing listens there');
    expect(stdout).toContain('  cachectl -u HOST:PORT stats\n');
    expect(stdout).toContain('  cachectl sandbox --tour\n');
  });

  test('with options for the connection says the same of the server that they lead to', async () => {
    const { host } = new URL(testUrl());
    const { exitCode, stdout, stderr } = await cli(['-u', host, '-n', '3'], { env, terminal: true });
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/server +redis:\/\/127\.0\.0\.1:\d+\/3 +--url\n/);
    expect(stdout).toContain(`\n  cachectl stats -u ${host} -n 3\n`);
    const secret = await cli(['-u', `redis://:s3cret@${host}`], { env, terminal: true });
    expect(secret.stdout + secret.stderr).not.toContain('s3cret');
  });

  test('with options in a pipe says in two lines that a command is missing', async () => {
    expect(await cli(['-u', 'localhost:17432'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'error: a command is missing\nhint: `cachectl help` lists the commands and the topics, `cachectl help NAME` shows one\n',
    });
    expect((await cli(['--nope'])).stderr).toContain("unknown option '--nope'");
    expect((await cli(['-q', '--version'])).exitCode).toBe(0);
    expect((await cli(['-q', '--help'])).stdout).toMatch(/^Usage: cachectl/);
  });

  test('prints the help into a pipe', async () => {
    const { exitCode, stdout } = await cli([], { url: testUrl() });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: cachectl/);
  });
});

test.each([
  ['ls', 'cachectl keys'],
  ['scan', 'cachectl keys'],
  ['rm', 'cachectl invalidate'],
  ['del', 'cachectl invalidate'],
  ['flush', 'cachectl invalidate'],
  ['FLUSHALL', 'cachectl invalidate'],
  ['info', 'cachectl stats'],
  ['top', 'cachectl watch'],
  ['ping', 'cachectl check'],
])('`%s`, a word of other tools, is answered by `%s`', async (word, meant) => {
  const { exitCode, stderr } = await cli([word, 'x']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`error: there is no command \`${word}\`\nhint: `);
  expect(stderr).toContain(`\`${meant}`);
});

describe('the environment', () => {
  test('CACHECTL_URL goes before REDIS_URL, and --url before both; host:port is enough', async () => {
    const { host } = new URL(testUrl());
    const nowhere = 'redis://127.0.0.1:1';
    const env = { CACHECTL_URL: host, REDIS_URL: nowhere };
    const settings = async (args: readonly string[]) => {
      const shown = jsonOf(await cli(['config', 'show', '-o', 'json', ...args], { env }));
      return (shown['settings'] as { name: string }[]).find(({ name }) => name === 'url');
    };
    expect(await settings([])).toMatchObject({ value: `redis://${host}/0`, origin: 'CACHECTL_URL' });
    expect(await settings(['-u', nowhere])).toMatchObject({ value: `${nowhere}/0`, origin: '--url' });
    expect(await cli(['check', '--only', 'connect'], { env })).toMatchObject({ exitCode: 0 });
  });

  test('CACHECTL_OUTPUT is the form of the result where --output names none', async () => {
    const ttl = (format: string, ...args: string[]) =>
      cli(['ttl', 'user:none', ...args], { url: testUrl(), env: { CACHECTL_OUTPUT: format } });
    expect(jsonOf(await ttl('json'))).toMatchObject({ command: 'ttl', ok: true });
    expect((await ttl('json', '-o', 'csv')).stdout).toMatch(/^key,ttlSeconds,state\r\n/);
    expect((await ttl('json', '--nope')).stdout).toMatch(/^\{/);
    const refused = await ttl('xml');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('CACHECTL_OUTPUT: there is no format `xml`\nhint: use table, tsv');
  });
});

test('--quiet leaves out what a command cost', async () => {
  await send(server, 'SET', 'user:1', 'x');
  const ttl = (...args: string[]) => cli(['ttl', 'user:1', ...args], { url: testUrl(), terminal: true });
  expect((await ttl()).stdout).toContain('cost to the server: ');
  const { stdout } = await ttl('-q');
  expect(stdout).toContain('permanent');
  expect(stdout).not.toContain('cost to the server');
});

describe('undo without a file', () => {
  const remove = (id: string, env: Readonly<Record<string, string>>) =>
    cli(['invalidate', '--pattern', `user:${id}`, '--yes'], { url: testUrl(), env });

  test('lists the journals, latest first, and takes back the latest of the server', async () => {
    await emptyDatabase(server);
    await store(server, ['user:1', 'user:2']);
    const env = { XDG_STATE_HOME: temporaryFolder() };
    for (const id of ['1', '2']) expect((await remove(id, env)).exitCode).toBe(0);
    const listed = jsonOf(await cli(['undo', '--list', '-o', 'json'], { env }));
    expect(listed['journals']).toMatchObject([
      { action: 'invalidate --pattern user:2', withValues: true },
      { action: 'invalidate --pattern user:1', withValues: true },
    ]);
    const [latest] = listed['journals'] as { readonly file: string }[];
    const shown = await cli(['undo', '--list', '-o', 'table'], { env: { ...env, COLUMNS: '40' } });
    expect(shown.stdout).toContain(latest?.file);
    const undone = await cli(['undo', '--last', '--yes'], { url: testUrl(), env });
    expect(undone.exitCode, undone.stderr).toBe(0);
    expect(await storedKeys(server)).toEqual(['user:2']);
  });

  test('says so where there is none, and where neither is named', async () => {
    const env = { XDG_STATE_HOME: temporaryFolder() };
    const last = await cli(['undo', '--last', '--yes'], { url: testUrl(), env });
    expect(last.exitCode).toBe(2);
    expect(last.stderr).toMatch(/there is no journal of redis:.*\nhint: `cachectl undo --list`/);
    expect((await cli(['undo'], { url: testUrl(), env })).stderr).toContain('name a journal, or --last');
    const listed = await cli(['undo', '--list'], { env, terminal: true });
    expect(listed.stdout).toContain('no journals: nothing was removed yet');
  });
});
