import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderWith } from '../commands/reading.ts';
import { runBinary } from '../server/binary.ts';
import { freePort, type RedisProcess } from '../server/redis-process.ts';
import { startPrivateServer } from '../server/redis.ts';

let redis: RedisProcess;
beforeAll(async () => {
  redis = await startPrivateServer({
    args: ['--requirepass', 'right'],
    config: ['user ann on >secret ~* -@all +ping'],
  });
});
afterAll(() => redis.stop());

const at = (credentials: string, end = '') => `${redis.url.replace('://', `://${credentials}`)}${end}`;

test.each<[number, string, () => { args: string[]; env?: Record<string, string>; cwd?: string }]>([
  [0, 'success', () => ({ args: ['stats', '-u', at(':right@')] })],
  [0, 'nothing that matches', () => ({ args: ['keys', 'nothing:*', '-u', at(':right@')] })],
  [1, 'a key that does not exist', () => ({ args: ['get', 'nope', '-u', at(':right@')] })],
  [2, 'an unknown option', () => ({ args: ['keys', '--all'] })],
  [2, 'an unknown profile', () => ({ args: ['keys', '--profile', 'production'] })],
  [2, 'a map that is no JSON', () => ({ args: ['keys'], cwd: folderWith('{"namespaces": {') })],
  [2, 'a map that is not there', () => ({ args: ['keys', '--config', 'no-such-file.json'] })],
  [3, 'a wrong password', () => ({ args: ['keys', '-u', at(':wrong@')] })],
  [
    3,
    'a wrong password in the environment',
    () => ({ args: ['keys', '-u', redis.url], env: { REDISCLI_AUTH: 'wrong' } }),
  ],
  [3, 'no password', () => ({ args: ['keys', '-u', redis.url] })],
  [4, 'a database out of range', () => ({ args: ['keys', '-u', at(':right@', '/99')] })],
  [4, 'a user without permission', () => ({ args: ['keys', '-u', at('ann:secret@')] })],
])('%d is the exit code for %s', async (exitCode, _what, make) => {
  const { args, ...options } = make();
  const outcome = await runBinary(args, options);
  expect(outcome.exitCode, outcome.stderr).toBe(exitCode);
  expect(outcome.stderr).toMatch(exitCode === 0 ? /^(?:warning: nothing matched.*\n)?$/ : /./);
  expect(outcome.stdout + outcome.stderr).not.toMatch(/wrong|secret|:right/);
});

test('3 is the exit code for a host that is not there', async () => {
  const outcome = await runBinary(['stats'], { env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` } });
  expect(outcome).toMatchObject({ exitCode: 3, stdout: '' });
});

test('a broken map is named with its line and column', async () => {
  const cwd = folderWith(
    '{\n  "namespaces": {\n    "user": { "pattern": "user:<id>", }\n    "x": 1\n  }\n}\n',
  );
  const { stderr } = await runBinary(['keys'], { cwd });
  expect(stderr).toMatch(
    /^error: `.*cachectl\.config\.json` is not a valid map:\n {2}4:5 {2}\(file\) {2}not JSON: .*\nhint: /,
  );
});

test('a map with mistakes is told all of them at once', async () => {
  const cwd = folderWith({});
  writeFileSync(
    join(cwd, 'cachectl.config.json'),
    '{\n  "namespace": {},\n  "namespaces": {\n    "a": { "pattern": "a:*", "ttl": "soon" }\n  }\n}\n',
  );
  const { exitCode, stderr } = await runBinary(['keys', '-o', 'json'], { cwd });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('  2:3  namespace  is not a known field');
  expect(stderr).toMatch(/ {2}4:\d+ {2}namespaces\.a\.ttl {2}`soon` is not a duration/);
});
