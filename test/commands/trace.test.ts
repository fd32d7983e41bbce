import { lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { send, testUrl } from '../server/redis.ts';
import { ownDatabase, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

describe('--verbose', () => {
  test('shows what is sent with its time on stderr, commands of one name together, and leaves stdout alone', async () => {
    for (const id of [1, 2, 3]) await send(server, 'SET', `user:${id}`, 'x');
    const result = await cli(['inspect', '--exact', '-o', 'json', '--verbose'], { url: testUrl() });
    expect(jsonOf(result)).toMatchObject({ ok: true });
    expect(result.stderr).toMatch(/^> 127\.0\.0\.1:\d+ [\d.]+ (?:µs|ms) INFO/m);
    expect(result.stderr).toMatch(/^> .* SCAN 0 .*COUNT \d+/m);
    expect(result.stderr).toMatch(/^> .* MEMORY USAGE user:\d ×3, TYPE user:\d ×3, PTTL user:\d ×3/m);
    expect((await cli(['inspect', '--exact'], { url: testUrl() })).stderr).not.toMatch(/^>/m);
  });

  test('shows no password, no value, and no control character of a key', async () => {
    const password = 'S3cret!';
    const { redis } = await startServer({ args: ['--requirepass', password] }, { password });
    const secure = redis.url.replace('redis://', `redis://:${password}@`);
    const folder = temporaryFolder();
    const [log, backup] = [join(folder, 'log'), join(folder, 'backup')];
    const run = (...args: string[]) => cli([...args, '--verbose', '--log', log], { url: secure });
    const input = '{"key":"a\\u001b[31m","value":"Pr1vate"}\n';
    const warmed = await cli(['warm', '-', '--verbose', '--log', log], { url: secure, input });
    expect(warmed.exitCode, warmed.stderr).toBe(0);
    const shown = [warmed, await run('export', '--to', backup), await run('get', 'a\u001b[31m')];
    const text = shown.map(({ stderr }) => stderr).join('') + readFileSync(log, 'utf8');
    expect(text).toMatch(/AUTH …/);
    expect(text).toMatch(/SET a\\x1b\[31m …/);
    expect(text).not.toMatch(/S3cret|Pr1vate|\u001b/);
  });
});

describe('--log', () => {
  test('writes to the end of a file that is for its owner alone', async () => {
    const log = join(temporaryFolder(), 'commands.log');
    const ttl = () => cli(['ttl', 'user:1', '--log', log], { url: testUrl() });
    const { stderr } = await ttl();
    expect(stderr).toBe('');
    const first = readFileSync(log, 'utf8');
    expect(first).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z 127\.0\.0\.1:\d+ [\d.]+ (?:µs|ms) PTTL user:1$/m);
    await ttl();
    expect(readFileSync(log, 'utf8').startsWith(first)).toBe(true);
    expect(readFileSync(log, 'utf8').length).toBeGreaterThan(first.length);
    expect(lstatSync(log).mode & 0o077).toBe(0);
  });

  test('follows no link, and says where it cannot write before anything is sent', async () => {
    const folder = temporaryFolder();
    symlinkSync(join(folder, 'target'), join(folder, 'link'));
    for (const path of [join(folder, 'link'), join(folder, 'none', 'log')]) {
      const result = await cli(['ttl', 'user:1', '--log', path], { url: 'redis://127.0.0.1:1' });
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toMatch(/^error: --log `.*` cannot be written: .*\nhint: name another file/);
    }
  });
});
