import { describe, expect, test } from 'vitest';
import { cli, type CliOptions } from '../run-cli.ts';
import { ownDatabase, temporaryFolder } from '../server/own.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';

const server = await ownDatabase();
const folder = temporaryFolder();

const exportTo = (args: readonly string[], options: CliOptions = {}) =>
  cli(['export', ...args], { url: testUrl(), cwd: folder, ...options });

describe('a name of a file among the patterns', () => {
  test.each(['users.ndjson', 'dump.json.gz', './users'])('is no pattern: %s', async (name) => {
    await send(server, 'SET', 'user:1', 'x');
    const result = await exportTo(['user:*', name]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(`\`${name}\` is no key, and looks like a file`);
    expect(result.stderr).toContain(`hint: write to a file with --to ${name}`);
  });

  test('is one where a key has this name', async () => {
    await send(server, 'SET', 'config.json', 'x');
    const result = await exportTo(['config.json']);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain('"key":"config.json"');
  });
});

test('a terminal shows the first hundred records, and how to get all', async () => {
  await sendAll(
    server,
    Array.from({ length: 150 }, (_, index) => ['SET', `user:${index}`, 'x']),
  );
  const shown = await exportTo([], { terminal: true });
  expect(shown.exitCode).toBe(0);
  expect(shown.stdout.match(/"key"/g)).toHaveLength(100);
  expect(shown.stderr.replaceAll('\n', ' ')).toContain(
    'a terminal shows the first 100 records: --to FILE writes all',
  );
  const all = await exportTo(['--to', '-'], { terminal: true });
  expect(all.stdout.match(/"key"/g)).toHaveLength(150);
});
