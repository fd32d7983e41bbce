import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { testUrl } from '../server/redis.ts';
import { runBinaryInTerminal } from '../server/terminal.ts';
import { temporaryFolder } from '../server/own.ts';

/** A host that listens, and answers nothing. */
let host: Server;
let url: string;
let heard = '';
beforeAll(async () => {
  host = createServer((socket) => {
    socket.on('data', (data) => (heard += data.toString('latin1')));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const address = host.address();
  url = `redis://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(() => host.close());
beforeEach(() => (heard = ''));

const secrets = { REDISCLI_AUTH: 'TOPSECRET', AWS_SECRET_ACCESS_KEY: 'TOPSECRET' };

/** A home, and in it a folder that was checked out, with a map of strangers in it. */
function checkedOut(profile: object = { passwordEnv: 'AWS_SECRET_ACCESS_KEY' }) {
  const home = temporaryFolder();
  writeFileSync(join(home, 'id_rsa'), 'TOPSECRET\n', { mode: 0o600 });
  const cwd = join(home, 'repository', 'src');
  mkdirSync(cwd, { recursive: true });
  const file = join(home, 'repository', 'cachectl.config.json');
  const write = (map: object) => writeFileSync(file, JSON.stringify(map), { mode: 0o644 });
  const map = {
    defaultProfile: 'p',
    profiles: { p: { url, ...profile } },
    namespaces: { profile: { pattern: 'user:<id>:profile' } },
    entities: { user: { patterns: ['user:<id>:*'] } },
  };
  write(map);
  const options: CliOptions & { env: Record<string, string> } = { cwd, env: { HOME: home, ...secrets } };
  return { home, cwd, file, map, write, options };
}

const commands = [
  ['stats'],
  ['check'],
  ['check', '--profile', 'p'],
  ['doctor'],
  ['keys'],
  ['get', 'a'],
  ['inspect'],
  ['hits', '--for', '1s'],
  ['watch'],
  ['export', '*', '--to', 'x.ndjson'],
  ['invalidate', 'user', '1', '--yes'],
  ['prune', '--idle', '1d', '--yes'],
  ['bench', 'ping'],
  ['config', 'init'],
  ['config', 'show'],
  ['config', 'validate'],
  ['diff', 'p', testUrl],
  ['complete', '--', 'get', ''],
  ['complete', '--', 'stats', '--profile', ''],
];

describe('a map that was found upwards', () => {
  test.each([
    ['a variable', { passwordEnv: 'AWS_SECRET_ACCESS_KEY' }],
    ['REDISCLI_AUTH', {}],
    ['a file', { passwordFile: '../id_rsa' }],
    ['a password of Sentinels', { url: undefined, sentinelPasswordEnv: 'AWS_SECRET_ACCESS_KEY' }],
  ])('sends no secret to a host of its choice: %s', async (_what, profile) => {
    const isSentinel = 'sentinelPasswordEnv' in profile;
    const { options } = checkedOut({
      ...profile,
      ...(isSentinel && { sentinel: { name: 'm', nodes: [url] } }),
    });
    for (const words of commands) {
      const args = words.map((word) => (typeof word === 'string' ? word : word()));
      await cli([...args, ...(args[0] === 'complete' ? [] : ['--timeout', '500ms'])], options);
      expect({ args, heard }).toEqual({ args, heard: '' });
    }
  });

  test('says why its profile is not used, and what to do', async () => {
    const { options, file } = checkedOut();
    const result = await cli(['stats', '-o', 'json'], options);

    expect(result.exitCode).toBe(2);
    expect(jsonOf(result)['error']).toMatchObject({
      kind: 'usage',
      message: `profile \`p\` (from defaultProfile) is not used to connect: \`${file}\` was found here and is not trusted`,
      hint: expect.stringContaining('`cachectl config trust`') as string,
    });
    const shown = await cli(['config', 'show', '-o', 'json'], options);
    expect(shown.exitCode).toBe(0);
    expect(shown.stderr).toMatch(/^warning: profile `p` .* is not trusted; .*`cachectl config trust`/);
    expect(jsonOf(shown)['settings']).toContainEqual({
      ...{ name: 'trust', value: 'not trusted', origin: 'discovered' },
    });
  });

  test('still names namespaces and entities', async () => {
    const { options, home } = checkedOut();
    const run = (...args: readonly string[]) =>
      cli([...args, '--url', testUrl()], { ...options, env: { HOME: home } });
    expect(await run('keys', '--namespace', 'profile')).toMatchObject({ exitCode: 0 });
    expect((await run('keys', '--namespace', 'other')).stderr).toContain('`other`');
    expect(await run('invalidate', 'user', '1', '--dry-run')).toMatchObject({ exitCode: 0 });
  });

  test('connects once it is named or trusted, and no longer once its profiles change', async () => {
    const { options, map, write, file, home } = checkedOut();
    const arrives = async (args: readonly string[] = []) => {
      heard = '';
      await cli(['keys', '--timeout', '300ms', ...args], options);
      return heard.includes('TOPSECRET');
    };
    expect(await arrives()).toBe(false);
    expect(await arrives(['--config', file])).toBe(true);
    const trusted = await cli(['config', 'trust', file, '-o', 'json'], options);
    expect(trusted).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonOf(trusted)).toMatchObject({
      ...{ file, trusted: true },
      profiles: [{ name: 'p', passwordFrom: 'AWS_SECRET_ACCESS_KEY', isDefault: true }],
    });
    expect(statSync(join(home, '.local/state/cachectl/trusted-maps')).mode & 0o777).toBe(0o700);
    expect(await arrives()).toBe(true);
    write({ ...map, profiles: { p: { url, passwordEnv: 'REDISCLI_AUTH' } } });
    expect(await arrives()).toBe(false);
    write(map);
    expect(await arrives()).toBe(true);
    expect(await cli(['config', 'trust', '--revoke', file], options)).toMatchObject({ exitCode: 0 });
    expect(await arrives()).toBe(false);
  });
});

describe('config trust', () => {
  test('without a terminal asks for the file by name', async () => {
    const { options, file } = checkedOut();
    expect(await cli(['config', 'trust'], options)).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining(`hint: read the map, then \`cachectl config trust ${file}\``) as string,
    });
  });

  test('refuses a map that others can write', async () => {
    const { options, file, map } = checkedOut();
    rmSync(file);
    writeFileSync(file, JSON.stringify(map));
    chmodSync(file, 0o666);
    expect(await cli(['config', 'trust', file], options)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /can be changed by others \(mode 666\): .*\nhint: `chmod go-w /,
      ) as string,
    });
    const named = await cli(['keys', '--config', file, '--timeout', '300ms'], options);
    expect(named.stderr).toMatch(/profile `p` .* is not used to connect: .*can be changed by others/);
    expect(heard).toBe('');
  });

  test('shows at a terminal what the profiles would do, and asks', async () => {
    const { home, cwd } = checkedOut();
    const terminal = await runBinaryInTerminal(['config', 'trust'], {
      cwd,
      env: { HOME: home },
      columns: 120,
    });
    onTestFinished(() => terminal.close());
    const screen = await terminal.waitFor(/Let the profiles of .* connect\?/);
    expect(screen).toMatch(/p +redis:\/\/127\.0\.0\.1:\d+ .*AWS_SECRET_ACCESS_KEY/);
    await terminal.send('y', 'Enter');
    await terminal.waitFor(/trusted until its profiles change/);
    expect(await terminal.exitCode()).toBe(0);
    const shown = await cli(['config', 'show', '-o', 'json'], { cwd, env: { HOME: home } });
    expect(jsonOf(shown)['settings']).toContainEqual({
      name: 'trust',
      value: 'trusted',
      origin: 'config trust',
    });
  });

  test('left without a yes trusts nothing', async () => {
    const { home, cwd } = checkedOut();
    const terminal = await runBinaryInTerminal(['config', 'trust'], {
      cwd,
      env: { HOME: home },
      columns: 120,
    });
    onTestFinished(() => terminal.close());
    await terminal.waitFor(/Let the profiles of .* connect\?/);
    await terminal.send('Enter');
    expect(await terminal.exitCode()).toBe(5);
    const shown = await cli(['config', 'show', '-o', 'json'], { cwd, env: { HOME: home } });
    expect(jsonOf(shown)['settings']).toContainEqual(
      expect.objectContaining({ name: 'trust', value: 'not trusted' }),
    );
  });
});
