import { describe, expect, test } from 'vitest';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { startServer } from '../server/own.ts';
import { send } from '../server/redis.ts';
import { folderWith } from './reading.ts';

const nowhere = { url: 'redis://127.0.0.1:1/0' };

const lineOf = async (words: readonly string[], options: CliOptions = nowhere) =>
  (await cli(['acl', ...words], options)).stdout.trimEnd();

const keyRulesIn = (line: string) => line.split(' ').filter((word) => /^(%R|%W|%RW)?~/.test(word));

describe('the keys', () => {
  test.each([
    ['ttl', '%R~a:* %R~b:*'],
    ['get', '%R~a:* %R~b:*'],
    ['invalidate', '~a:* ~b:*'],
    ['warm --merge', '%W~a:* %W~b:*'],
    ['undo', '~a:* ~b:*'],
    ['check', '~cachectl:check:*'],
    ['check --no-write', ''],
    ['bench', '~cachectl:bench:*'],
    ['bench latency', ''],
    ['hits', '%R~cachectl:mark:* %R~a:* %R~b:*'],
    ['hits --mode=counters', '%R~cachectl:mark:*'],
    ['stats check', '%R~a:* %R~b:* ~cachectl:check:*'],
  ])('of `%s` are %s', async (words, rules) => {
    const line = await lineOf([...words.split(' '), '--keys', 'a:*', '--keys', 'b:*']);
    expect(keyRulesIn(line).join(' ')).toBe(rules);
  });

  test('that hold for all contain our own', async () => {
    expect(keyRulesIn(await lineOf(['hits']))).toEqual(['%R~*']);
    expect(keyRulesIn(await lineOf(['stats', 'check']))).toEqual(['%R~*', '~cachectl:check:*']);
    expect(keyRulesIn(await lineOf(['check', 'invalidate']))).toEqual(['~*']);
  });

  test('with a blank are refused, and with quotes are quoted as the server reads them', async () => {
    expect(await cli(['acl', 'ttl', '--keys', 'a b'], nowhere)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('hint: write ? for a blank') as string,
    });
    const { redis, server } = await startServer();
    const line = await lineOf(['ttl', '--keys', 'a"\\*'], { url: redis.url });
    expect(line).toContain(' "%R~a\\"\\\\*" ');
    await send(server, 'ACL', 'SETUSER', 'cachectl', '%R~a"\\*');
  });
});

test('of the same rights in two commands the line has one', async () => {
  const words = (await lineOf(['stats', 'inspect', 'config', 'init'])).split(' ');
  expect(words).toEqual([...new Set(words)]);
});

test('a word that is no command is refused with what was meant, and with what there is', async () => {
  const { stderr } = await cli(['acl', 'stat'], nowhere);
  expect(stderr).toMatch(
    /^error: there is no command `stat` that needs rights\nhint: did you mean `stats`\? the commands that need rights are stats, /,
  );
});

test('a command that lacks a right names the line that asks for its rights', async () => {
  const { redis, server } = await startServer();
  await send(server, 'ACL', 'SETUSER', 'reader', 'on', 'nopass', '~*', '+@all', '-scan');
  const url = redis.url.replace('redis://', 'redis://reader:any@');
  const { stderr } = await cli(['config', 'init', '--file', '-'], { url });
  expect(stderr).toContain('`cachectl acl config init` prints the rights that it needs');
  expect(await lineOf(['config', 'init'])).toMatch(/ \+scan( |$)/);
});

describe('where no server is asked', () => {
  test('the line is for Redis 7.0, and a warning says why', async () => {
    const result = await cli(['acl', 'get', '-o', 'json'], nowhere);
    expect(result.stderr).toMatch(/^warning: cannot connect to 127\.0\.0\.1:1: .*for Redis 7\.0\n$/);
    expect(jsonOf(result)).toMatchObject({ ok: true, server: { product: null, version: null } });
    expect(result.stdout).not.toContain('no-touch');
  });

  test('a profile of a map that is not trusted is not connected to', async () => {
    const { redis, server } = await startServer();
    const cwd = folderWith({ profiles: { found: { url: redis.url } } });
    const result = await cli(['acl', 'ttl', '--profile', 'found'], { cwd, env: { HOME: cwd } });
    expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('+pttl') as string });
    expect(result.stderr).toContain('not trusted');
    expect(await send(server, 'INFO', 'stats')).toContain('total_connections_received:1\r\n');
  });
});

test('a server says which commands it has, and the line sets up a user without a password who cannot log in', async () => {
  const { redis, server } = await startServer({ config: ['rename-command MEMORY ""'] });
  const result = await cli(['acl', 'stats', '-o', 'json'], { url: redis.url });
  expect(jsonOf(result)).toMatchObject({
    missingCommands: ['memory|usage'],
    server: { product: redis.product, version: redis.version },
  });
  const { line } = jsonOf(result) as { line: string };
  expect(line).not.toContain('memory');
  await send(server, ...line.split(' '));
  expect((await cli(['stats'], { url: redis.url.replace('//', '//cachectl:none@') })).exitCode).toBe(3);
});
