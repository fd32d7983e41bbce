import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeFrame, encodeHeader } from '../../src/records/archive/format.ts';
import { readValues } from '../../src/records/values/read-values.ts';
import { openValueConnection } from '../../src/records/values/value-connection.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { isBad, parseRecord } from '../../src/records/fixtures/parse-record.ts';
import { expectedRecord, verifyWritten } from '../../src/records/fixtures/verify.ts';
import { TtlPolicy } from '../../src/records/fixtures/ttl-policy.ts';
import { emptyMap } from '../../src/keyspace/map.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { send, testUrl } from '../server/redis.ts';
import { warmSetup } from './warm-setup.ts';

const { server, folder, fixture } = warmSetup();

/** What `warm --verify` says of a key that is on the server by now, as if it had just written the record. */
async function verify(text: string, merges = false): Promise<string | null> {
  const record = parseRecord({ text, line: 1 }, emptyMap, 'last');
  if (isBad(record)) throw new Error(record.reason);
  const { ttlSeconds } = record;
  const expiresAt = Date.now() + (ttlSeconds ?? 0) * 1000;
  const expiry = typeof ttlSeconds === 'number' ? { from: expiresAt, to: expiresAt } : null;
  const expectation = { ...expectedRecord(record, merges, expiry), file: 'record.ndjson', line: 1 };
  const idle = { start: () => undefined, update: () => undefined, stop: () => undefined };
  const chance = { now: Date.now, random: Math.random };
  const { differences, problems } = await verifyWritten(server(), [expectation], {
    ...{ map: emptyMap, progress: idle, signal: new AbortController().signal, ...chance },
    repeats: 'last',
    withState: new Set<string>(),
    ttlPolicy: new TtlPolicy({ fallbackSeconds: null, fallbackJitter: 0, mapJitter: null, ...chance }),
  });
  return [...differences, ...problems][0]?.reason ?? null;
}

async function diff(text: string): Promise<boolean> {
  fixture('record.ndjson', text);
  const result = await cli(['diff', 'record.ndjson', '-o', 'json'], { url: testUrl(), cwd: folder() });
  return jsonOf(result)['equal'] as boolean;
}

const many = (count: number) => Array.from({ length: count }, (_, at) => at);
const fields = (count: number) => many(count).flatMap((at) => [`f${at}`, at]);
/** A hash of which one field is to expire within the hour. */
const timed = (count: number) =>
  `"type":"hash","value":${JSON.stringify(Object.fromEntries(many(count).map((at) => [`f${at}`, at])))},` +
  `"fieldExpiresAtMillis":{"f${count - 1}":${Date.now() + 3_600_000}}`;
const string = (json: string) => `"value":${json}`;
const typed = (type: string, json: string) => `"type":"${type}","value":${json}`;

/** The fields of a record, what is on the server under its key, and whether the two are the same. */
const cases: readonly (readonly [string, string, readonly (readonly (string | number)[])[], boolean])[] = [
  ['a text', string('"x"'), [['SET', 'k', 'x']], true],
  ['another text of that length', string('"x"'), [['SET', 'k', 'y']], false],
  ['JSON by its bytes', string('{"a":1.0}'), [['SET', 'k', '{"a":1.0}']], true],
  ['JSON of equal meaning', string('{"a":1.0}'), [['SET', 'k', '{"a":1}']], false],
  ['another type', typed('list', '["x"]'), [['SADD', 'k', 'x']], false],
  ['fields in another order', typed('hash', '{"a":"1","b":"2"}'), [['HSET', 'k', 'b', 2, 'a', 1]], true],
  ['a field more', typed('hash', '{"a":"1"}'), [['HSET', 'k', 'b', 2, 'a', 1]], false],
  ['members in another order', typed('set', '["a","b"]'), [['SADD', 'k', 'b', 'a']], true],
  ['a member that comes twice', typed('set', '["a","a"]'), [['SADD', 'k', 'a']], true],
  [
    'long sets with a member that comes twice',
    typed('set', JSON.stringify([...many(2000), 0])),
    [['SADD', 'k', ...many(2000)]],
    true,
  ],
  [
    'long sets of equal length',
    typed('set', JSON.stringify(many(2000))),
    [['SADD', 'k', ...many(2001).slice(1)]],
    false,
  ],
  [
    'long lists with one other element',
    typed('list', JSON.stringify(many(2000))),
    [['RPUSH', 'k', ...many(1999), 'x']],
    false,
  ],
  ['long lists', typed('list', JSON.stringify(many(2000))), [['RPUSH', 'k', ...many(2000)]], true],
  [
    'long strings of equal length',
    string(`"${'x'.repeat(2_000_000)}"`),
    [['SET', 'k', `${'x'.repeat(1_999_999)}y`]],
    false,
  ],
  ['elements in another order', typed('list', '["a","b"]'), [['RPUSH', 'k', 'b', 'a']], false],
  ['scores by number', typed('zset', '{"a":1e3,"b":"+inf"}'), [['ZADD', 'k', 1000, 'a', 'inf', 'b']], true],
  ['a score of -0', typed('zset', '{"a":-0}'), [['ZADD', 'k', '0', 'a']], true],
  ['another score', typed('zset', '{"a":1}'), [['ZADD', 'k', '1.0000000001', 'a']], false],
  [
    'a stream id without its second half',
    typed('stream', '[{"id":"1526919030474","fields":{"f":"v"}}]'),
    [['XADD', 'k', '1526919030474-0', 'f', 'v']],
    true,
  ],
  [
    'a stream id with zeros before it',
    typed('stream', '[{"id":"07-01","fields":{"f":"v"}}]'),
    [['XADD', 'k', '7-1', 'f', 'v']],
    true,
  ],
  [
    'another stream id',
    typed('stream', '[{"id":"7","fields":{"f":"v"}}]'),
    [['XADD', 'k', '7-1', 'f', 'v']],
    false,
  ],
  ['a stream without ids', typed('stream', '[{"fields":{"f":"v"}}]'), [['XADD', 'k', '*', 'f', 'v']], true],
  [
    'a long stream without ids',
    typed('stream', JSON.stringify(many(2000).map((at) => ({ fields: { f: at } })))),
    many(2000).map((at) => ['XADD', 'k', '*', 'f', at]),
    true,
  ],
  ['a short hash whose field has no TTL', timed(2), [['HSET', 'k', ...fields(2)]], false],
  ['a long hash whose field has no TTL', timed(2000), [['HSET', 'k', ...fields(2000)]], false],
  ['a TTL within two seconds', `${string('"x"')},"ttl":101`, [['SET', 'k', 'x', 'EX', 100]], true],
  ['a TTL beyond that', `${string('"x"')},"ttl":110`, [['SET', 'k', 'x', 'EX', 100]], false],
  ['a TTL where there should be none', `${string('"x"')},"ttl":null`, [['SET', 'k', 'x', 'EX', 100]], false],
  ['no TTL where there should be one', `${string('"x"')},"ttl":100`, [['SET', 'k', 'x']], false],
];

test.each(cases)('warm --verify and diff agree on %s', async (_, fields, commands, equal) => {
  const text = `{"key":"k",${fields}}`;
  for (const command of commands) await send(server(), ...command);
  expect({ verify: (await verify(text)) === null, diff: await diff(text) }).toEqual({
    verify: equal,
    diff: equal,
  });
});

test.each([
  ['string', ['SET', 'k', 'x'], ['SET', 'k', 'y']],
  ['hash', ['HSET', 'k', 'a', '1'], ['HSET', 'k', 'a', '2']],
  ['list', ['RPUSH', 'k', 'a', 'b'], ['LSET', 'k', 0, 'b']],
  ['set', ['SADD', 'k', 'a', 'b'], ['SREM', 'k', 'a']],
  ['zset', ['ZADD', 'k', 1.5, 'a'], ['ZADD', 'k', 2, 'a']],
  ['stream', ['XADD', 'k', '5-1', 'f', 'v'], ['XADD', 'k', '5-2', 'f', 'v']],
] as const)('warm --verify and diff agree on a dump of a %s', async (_, fill, change) => {
  await send(server(), ...fill);
  const payload = Buffer.from((await send(server(), 'DUMP', 'k')) as string, 'latin1');
  const text = `{"key":"k","type":"dump","valueBase64":"${payload.toString('base64')}"}`;
  expect({ verify: await verify(text), diff: await diff(text) }).toEqual({ verify: null, diff: true });
  await send(server(), ...change);
  expect(await verify(text)).toMatch(/^its (?:elements|1 bytes) are others$/);
  expect(await diff(text)).toBe(false);
});

test.each([
  ['list', '["a"]', [['RPUSH', 'k', ...many(3000), 'a']], null],
  ['list', '["a"]', [['RPUSH', 'k', 'a', ...many(30_000)]], 'its elements are others'],
  ['set', '["a"]', [['SADD', 'k', 'b', ...many(30_000)]], 'its elements are others'],
  ['hash', '{"a":1}', [['HSET', 'k', 'a', 1, 'b', 2]], null],
  ['zset', '{"a":1,"b":2}', [['ZADD', 'k', 1, 'a']], 'its elements are others'],
  [
    'stream',
    '[{"fields":{"f":"v"}}]',
    [['EVAL', 'for i = 1, 30000 do redis.call("XADD", KEYS[1], "*", "f", "v") end', 1, 'k']],
    'entries without ids cannot be told from those that were there before',
  ],
] as const)(
  'warm --merge --verify looks for what was added to a %s: %s',
  async (type, json, fill, reason) => {
    for (const command of fill) await send(server(), ...command);
    await send(server(), 'EXPIRE', 'k', 100);
    expect(await verify(`{"key":"k",${typed(type, json)}}`, true)).toBe(reason);
  },
);

test('a dump in a form that is not known is neither equal nor different', async () => {
  const header = {
    ...({ format: 'cachectl-archive', version: 1, kind: 'export' } as const),
    ...{ createdAt: '2026-01-01T00:00:00Z', server: 'redis://localhost', database: 0, profile: null },
    ...{ action: 'export', patterns: ['*'], withValues: true },
  };
  const payload = Buffer.from([0xc0, ...Array.from({ length: 20 }, () => 1)]);
  writeFileSync(
    join(folder(), 'new.archive'),
    Buffer.concat([
      encodeHeader(header),
      encodeFrame({ kind: 'value', key: asBytes('k'), payload, expiresAtMillis: null }),
      encodeFrame({ kind: 'end', summary: {} }),
    ]),
  );
  await send(server(), 'HSET', 'k', 'f', 'v');

  const result = await cli(['diff', 'new.archive', '-o', 'json'], { url: testUrl(), cwd: folder() });
  expect(jsonOf(result)).toMatchObject({
    ...{ equal: null, compared: 0, different: 0, failed: 1 },
    problems: [{ key: 'k', reason: 'the form that DUMP gave it is not known' }],
  });

  const file = fixture('k.ndjson', '{"key":"k","value":"v"}');
  for (const sides of [
    ['new.archive', file],
    [file, 'new.archive'],
  ])
    expect(jsonOf(await cli(['diff', ...sides, '-o', 'json'], { cwd: folder() }))).toMatchObject({
      ...{ equal: null, missing: 0, extra: 0, failed: 1 },
    });
});

test.each(['9223372036854775000', '9007199254740993', '9007199254740991'])(
  'a key that expires at %s goes through an archive, and through a journal',
  async (moment) => {
    await send(server(), 'SET', 'far', 'x');
    await send(server(), 'PEXPIREAT', 'far', moment);
    const run = (...args: string[]) => cli(args, { url: testUrl(), cwd: folder() });
    expect((await run('export', '--to', 'far.archive', '--force')).exitCode).toBe(0);
    expect(jsonOf(await run('diff', 'far.archive', '-o', 'json'))).toMatchObject({
      equal: true,
      compared: 1,
    });

    const removed = await run(
      ...['invalidate', '--pattern', 'far', '--yes', '--journal', `far-${moment}.journal`],
    );
    expect(removed.exitCode).toBe(0);
    const undone = await run('undo', `far-${moment}.journal`, '--yes', '-o', 'json');
    expect(jsonOf(undone)).toMatchObject({ restored: 1, failed: 0 });
    expect(jsonOf(await run('diff', 'far.archive', '-o', 'json'))).toMatchObject({ equal: true });

    await send(server(), 'UNLINK', 'far');
    expect((await run('warm', 'far.archive')).exitCode).toBe(0);
    expect(jsonOf(await run('diff', 'far.archive', '-o', 'json'))).toMatchObject({ equal: true });
  },
);

test('a key that expires between the walk and its reading is not there, and no failure', async () => {
  await send(server(), 'SET', 'there', 'x');
  const [node] = server().nodes;
  const values = await openValueConnection(node);
  const keys = ['gone', 'there'].map((key) => ({ key: asBytes(key), type: null, memoryBytes: null }));
  const readings = await readValues(values, keys, { stringBytes: 1e6, collectionBytes: 1e6 }, Date.now);
  values.close();
  expect(readings.map(({ kind }) => kind)).toEqual(['gone', 'failed']);
});

test('records whose TTLs warm has started anew are different, and a warning says why', async () => {
  const line = { key: 'k', type: 'string', ttl: 600, expiresAtMillis: Date.now() + 500_000, value: 'v' };
  const file = fixture('anew.ndjson', JSON.stringify(line));
  const options = { url: testUrl(), cwd: folder() };
  await cli(['warm', file], options);

  const result = await cli(['diff', file], options);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain(
    '1 key differs in the TTL alone: `warm` starts the TTLs of records anew, and `diff` goes by the moments of the export; --ignore-ttl leaves TTLs out',
  );
  expect((await cli(['diff', file, '--ignore-ttl'], options)).exitCode).toBe(0);
});
