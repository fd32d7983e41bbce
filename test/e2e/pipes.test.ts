import { beforeAll, describe, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { linesOf } from '../commands/reading.ts';
import { bytesOfJson, hostileKeys } from '../commands/hostile-keys.ts';
import { callsOf, send, sendAll, testServer, testUrl } from '../server/redis.ts';
import { shell } from './shell.ts';
import { emptyServer, startServer } from '../server/own.ts';

const seed = async (count: number) => {
  const server = await testServer();
  await sendAll(
    server,
    Array.from({ length: count }, (_, index) => ['SET', `user:${index}:profile`, `{"id":${index}}`]),
  );
  server.close();
};
const env = () => ({ REDIS_URL: testUrl() });

describe('a reader that goes away', () => {
  // Several times what a pipe holds, which is 64 KiB.
  beforeAll(() => seed(10_000));

  test.each([
    ['keys', 'cachectl keys | head -1'],
    ['keys as JSON', 'cachectl keys -o json | head -1'],
    ['keys as csv', 'cachectl keys -o csv | head -1'],
    ['keys with what is read of them', 'cachectl keys --long | head -1'],
    ['inspect', 'cachectl inspect --top 5000 | head -1'],
    ['stats', 'cachectl stats -o json | head -1'],
    ['get', 'cachectl get user:1:profile | head -1'],
  ])('ends %s with success, and without a word', async (_what, line) => {
    const { exitCode, stdout, stderr } = await shell(line, env());
    // A short result fits into the pipe, and its note follows.
    expect({ exitCode, stderr: stderr.replace(/^note: .*\n/, '') }).toEqual({ exitCode: 0, stderr: '' });
    expect(linesOf(stdout.toString())).toHaveLength(1);
  });

  test('ends the walk on the server too', async () => {
    const { redis, server } = await startServer();
    await send(server, 'DEBUG', 'POPULATE', 400_000);
    const { exitCode } = await shell('cachectl keys | head -1', { REDIS_URL: redis.url });
    expect(exitCode).toBe(0);
    expect(await callsOf(server, 'scan')).toBeLessThan(200);
  });
});

describe('a disk that is full', () => {
  beforeAll(() => seed(3000));

  test.each(['cachectl keys', 'cachectl stats -o json', 'cachectl inspect -o csv'])(
    'ends `%s` with the cause, and no success',
    async (line) => {
      const { exitCode, stderr } = await shell(`${line} > /dev/full`, env());
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^error: the result cannot be written: ENOSPC[^\n]*\n$/);
    },
  );
});

describe('a pipe', () => {
  test('takes the bytes of a value as they are', async () => {
    const server = await emptyServer();
    const value = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte)).repeat(2000);
    await server.nodes[0].call('SET', asBytes('k'), asBytes(value));
    const { exitCode, stdout, stderr } = await shell('cachectl get k --raw', env());
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.equals(Buffer.from(value, 'latin1'))).toBe(true);
  });

  test('takes names that can be given back to the program, byte by byte', async () => {
    const server = await emptyServer();
    const named = hostileKeys.filter((key) => key !== '' && key.length < 1000);
    await server.nodes[0].batch(named.map((key) => ['SET', key, asBytes('x')]));
    const { stdout } = await shell('cachectl keys -o ndjson', env());
    const entries = linesOf(stdout.toString())
      .map((line) => JSON.parse(line) as { record: string; key: string; keyBase64?: string })
      .filter(({ record }) => record === 'items');
    expect(new Set(entries.map(bytesOfJson))).toEqual(new Set(named));
    for (const entry of entries.slice(0, 5)) {
      const base64 = Buffer.from(bytesOfJson(entry), 'latin1').toString('base64');
      expect((await shell(`cachectl get --base64 '${base64}' --raw`, env())).stdout.toString()).toBe('x');
    }
  });

  test('takes thousands of names for ttl', async () => {
    await seed(3000);
    const { exitCode, stdout } = await shell(
      'cachectl keys | xargs -n 1000 "$NODE" "$CACHECTL" ttl | cut -f 3 | sort | uniq -c',
      env(),
    );
    expect(exitCode).toBe(0);
    expect(stdout.toString().trim()).toBe('3000 permanent');
  });
});
