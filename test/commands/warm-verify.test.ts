import { describe, expect, onTestFinished, test } from 'vitest';
import { jsonOf } from '../run-cli.ts';
import { send } from '../server/redis.ts';
import { countsOf, manyRecords, privateServer, urlAs, warmSetup, whenReached } from './warm-setup.ts';

const { server, fixture, warm } = warmSetup();
const keys = async () => Number(await send(server(), 'DBSIZE'));

const everyType = [
  { key: 'string', value: 'žluť', ttl: '1h' },
  { key: 'large', value: 'x'.repeat(100_000) },
  { key: 'hash', type: 'hash', value: { a: '1', b: '2' }, ttl: 60 },
  { key: 'list', type: 'list', value: ['b', 'a', 'b'] },
  { key: 'set', type: 'set', value: ['b', 'a', 'c'] },
  { key: 'zset', type: 'zset', value: { m: 2, n: '-inf', o: 0.1, p: 1e21 } },
  { key: 'stream', type: 'stream', value: [{ id: '5', fields: { f: 'v' } }] },
  { key: 'own', type: 'stream', value: [{ fields: { f: 'v' } }, { fields: { g: 'w' } }] },
  { key: 'long', type: 'set', value: Array.from({ length: 12_000 }, (_, id) => id) },
];

describe('--verify', () => {
  test.each([['sample'], ['all']])('%s finds every type as it was written', async (extent) => {
    const file = fixture('types.json', everyType);
    const result = await warm([file, '--verify', extent, '-o', 'json']);
    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ written: 9, verified: 9, mismatched: 0, differences: [] });
  });

  test('reads a sample of a thousand, and says what it cost', async () => {
    const { url, admin } = await privateServer();
    const file = fixture('many.ndjson', manyRecords(5000));
    const result = await warm([file, '--verify', '--no-color'], { url, terminal: true });
    expect(result.stdout).toContain('verified 1,000 records; this run added 3,000 to keyspace_hits');
    const info = (await send(admin, 'INFO', 'stats')) as string;
    expect(info).toContain('keyspace_hits:3000\r\n');

    const all = await warm([file, '--verify', 'all', '-o', 'json'], { url });
    expect(jsonOf(all)).toMatchObject({ verified: 5000, ownLookups: { hits: 20_000 } });
  });

  test.each([['sample'], ['all']])(
    '%s tells what is otherwise',
    async (extent) => {
      let disturbed = false;
      const writer = setInterval(() => {
        void send(server(), 'EXISTS', 'f3').then(async (there) => {
          if (there !== 1 || disturbed) return;
          disturbed = true;
          await send(server(), 'UNLINK', 'removed', 'retyped');
          await send(server(), 'SET', 'changed', 'other', 'KEEPTTL');
          await send(server(), 'EXPIRE', 'shortened', 5);
          await send(server(), 'PERSIST', 'kept');
          await send(server(), 'HSET', 'hash', 'a', '9');
          await send(server(), 'RPUSH', 'retyped', 'x');
        });
      }, 1);
      onTestFinished(() => clearInterval(writer));
      const records = [
        { key: 'last', value: 'x', ttl: 60 },
        ...['removed', 'changed', 'shortened', 'kept', 'retyped'].map((key) => ({
          key,
          value: 'value',
          ttl: 60,
        })),
        { key: 'hash', type: 'hash', value: { a: '1' } },
      ];
      // What follows takes long enough for the other writer to come in between.
      const file = fixture('otherwise.json', [
        ...records,
        ...Array.from({ length: 40 }, (_, id) => ({ key: `f${id}`, value: 'x' })),
      ]);

      const result = await warm([file, '--verify', extent, '--max-rate', '20', '-o', 'json']);

      expect(result.exitCode).toBe(1);
      expect(countsOf(result)).toMatchObject({ written: 47, verified: 41, mismatched: 6 });
      const differences = jsonOf(result)['differences'] as { key: string; reason: string; line: number }[];
      const reasons = Object.fromEntries(differences.map(({ key, reason }) => [key, reason]));
      expect(reasons).toEqual({
        removed: 'the key is not there',
        changed: 'its 5 bytes are others',
        shortened: expect.stringMatching(/^its TTL is [\d.]+ s, not between/) as string,
        kept: 'it has no TTL',
        retyped: 'it is a list, not a string',
        hash: 'its elements are others',
      });
      expect(result.stderr).toContain('warning: 6 records are not as written:\n');
    },
    30_000,
  );

  test('looks only at what was written', async () => {
    await send(server(), 'SET', 'a', 'old');
    const file = fixture(
      'some.ndjson',
      '{"key":"a","value":"new"}\n{"key":"b"}\n{"key":"c","value":"1"}\n{"key":"d","value":"1","ttl":1600000000000}',
    );
    for (const extent of ['sample', 'all']) {
      await send(server(), 'UNLINK', 'c');
      const result = await warm([file, '--only-missing', '--skip-invalid', '--verify', extent, '-o', 'json']);
      expect(countsOf(result)).toMatchObject({
        written: 1,
        existing: 1,
        invalid: 1,
        expired: 1,
        verified: 1,
        mismatched: 0,
      });
    }
  });

  test('by a user who may not read says so, and the exit code tells', async () => {
    const { url } = await privateServer({ config: ['user ann on >pw ~* +@all -pttl'] });
    const result = await warm([fixture('a.json', { a: '1' }), '--verify', '-o', 'json'], {
      url: urlAs(url, 'ann'),
    });
    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ written: 1, verified: 0, mismatched: 0, notCompared: 1 });
    expect(result.stderr).toMatch(
      /1 record could not be compared:\n {2}a\.json:1 {2}`a` {2}the server answered `NOPERM/,
    );
  });

  test('finds keys that were evicted meanwhile', async () => {
    const { url } = await privateServer({
      args: ['--maxmemory', '5mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    const args = ['--ignore-memory-estimate', '--allow-evictions', '--verify', '-o', 'json'];
    const result = await warm([fixture('large.ndjson', manyRecords(20_000, 1000)), ...args], { url });
    expect(result.exitCode).toBe(1);
    const { verified = 0, mismatched = 0 } = countsOf(result);
    expect(verified + mismatched).toBe(1000);
    expect(mismatched).toBeGreaterThan(500);
    expect(jsonOf(result)['differences']).toHaveLength(20);
  });

  test('that is interrupted has written all the same', async () => {
    const controller = new AbortController();
    onTestFinished(whenReached(keys, 20_000, () => controller.abort('SIGINT')));
    const result = await warm(
      [fixture('many.ndjson', manyRecords(20_000)), '--verify', 'all', '-o', 'json'],
      {
        signal: controller.signal,
      },
    );
    expect(result.exitCode).toBe(130);
    expect(countsOf(result)['written']).toBe(20_000);
  });
});
