import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { ownDatabase, temporaryFolder } from '../server/own.ts';
import { sendAll, testUrl } from '../server/redis.ts';

const server = await ownDatabase();
const folder = temporaryFolder();

describe('what an argument names', () => {
  test('is a file of one kind of keys: the others of the server are named as such', async () => {
    await sendAll(server, [
      ['SET', 'user:1', 'x'],
      ['SET', 'user:2', 'x'],
      ...Array.from({ length: 30 }, (_, index) => ['SET', `page:${index}`, 'x']),
    ]);
    writeFileSync(join(folder, 'users.json'), JSON.stringify({ 'user:1': 'x', 'user:2': 'y' }));
    const result = await cli(['diff', 'users.json'], { url: testUrl(), cwd: folder });
    expect(result.stderr).toContain(
      "30 keys of the server are not in the file, whose keys all fit `user:*`: --pattern 'user:*' compares these alone",
    );
    const alone = await cli(['diff', 'users.json', '--pattern', 'user:*'], { url: testUrl(), cwd: folder });
    expect(alone.stderr).not.toContain('not in the file');
  });

  test('takes an address without a scheme, as --url does', async () => {
    const address = new URL(testUrl()).host;
    const result = await cli(['diff', address, '-o', 'json'], { url: testUrl() });
    expect(jsonOf(result)).toMatchObject({ a: `redis://${address}/0` });
  });
});
