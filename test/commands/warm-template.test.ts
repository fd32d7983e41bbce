import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../../src/support/bytes.ts';
import { packageRoot } from '../server/binary.ts';
import { send } from '../server/redis.ts';
import { countsOf, warmSetup } from './warm-setup.ts';

const { server, fixture, warm } = warmSetup();
const keys = async () => Number(await send(server(), 'DBSIZE'));
const get = async (key: string) => send(server(), 'GET', bytesOf(key));
const map = () =>
  fixture('map.json', {
    namespaces: { profile: { pattern: 'user:<id>:profile', ttl: '1h' } },
    entities: {
      user: { patterns: ['user:<id>:profile', 'quota:<id>', 'user:<id>:*'] },
      wild: { patterns: ['w:<id>:*'] },
    },
  });
const template = (records: readonly object[], name = 'template.json') => fixture(name, records);
const forUsers = (file: string, ...options: string[]) => [
  '--entity',
  'user',
  '--template',
  file,
  '--config',
  map(),
  ...options,
];

describe('a template', () => {
  test('gives a record for each id, with the id in keys, names and texts; numbers stay', async () => {
    const file = template([
      { key: 'user:<id>:profile', value: { id: '<id>', n: 7, nested: [{ '<id>': 'a <id> b <id>' }] } },
      { key: 'user:<id>:tags', type: 'hash', value: { '<id>': '<id>!' }, ttl: 60 },
    ]);
    const result = await warm([...forUsers(file, '--ids', '1,22'), '--verify', '-o', 'json']);
    expect(countsOf(result)).toMatchObject({ records: 4, written: 4, verified: 4, withoutTtl: 0 });
    expect(await get('user:22:profile')).toBe('{"id":"22","n":7,"nested":[{"22":"a 22 b 22"}]}');
    expect(await send(server(), 'HGETALL', 'user:1:tags')).toEqual(['1', '1!']);
    expect(Number(await send(server(), 'TTL', 'user:1:profile'))).toBeGreaterThan(3500);
  });

  test('without a key is written to each key of the entity that has no wildcard', async () => {
    const file = template([{ value: { of: '<id>' } }]);
    expect(countsOf(await warm([...forUsers(file, '--ids', '5'), '-o', 'json']))).toMatchObject({
      written: 2,
    });
    expect(await get('user:5:profile')).toBe('{"of":"5"}');
    expect(await get('quota:5')).toBe('{"of":"5"}');
  });

  test('takes an id as data, whatever stands in it', async () => {
    const ids = ['*', '12*', 'a"b\\c', '$&', 'žluť', '<id>', '[x]', 'a b', 'x,y'];
    const file = template([{ key: 'user:<id>:profile', value: { id: '<id>' } }]);
    fixture('ids.txt', `${ids.join('\r\n')}\n\n${ids[0] ?? ''}\n`);
    const result = await warm([...forUsers(file, '--ids-from', 'ids.txt'), '-o', 'json']);
    expect(countsOf(result)).toMatchObject({ written: ids.length, repeatedKeys: 0 });
    for (const id of ids) {
      expect(await get(`user:${id}:profile`)).toBe(bytesOf(JSON.stringify({ id })));
    }
    expect(await keys()).toBe(ids.length);
  });

  test('takes ids from stdin, beside those of the command line', async () => {
    const file = template([{ key: 'user:<id>:profile', value: 'x' }]);
    const result = await warm([...forUsers(file, '--ids', '1,2', '--ids-from', '-'), '-o', 'json'], {
      input: '2\n3',
    });
    expect(countsOf(result)).toMatchObject({ written: 3 });
  });

  test('gives many more records than are held at a time', async () => {
    const file = template([{ key: 'user:<id>:profile', value: { id: '<id>' } }]);
    const input = Array.from({ length: 20_000 }, (_, id) => String(id)).join('\n');
    expect(
      countsOf(await warm([...forUsers(file, '--ids-from', '-'), '-o', 'json'], { input })),
    ).toMatchObject({ written: 20_000 });
    expect(await keys()).toBe(20_000);
  });

  test('needs no map: then any word is an entity', async () => {
    const file = template([{ key: 'thing:<id>', value: 'x' }]);
    const result = await warm([
      '--entity',
      'thing',
      '--ids',
      '1',
      '--template',
      file,
      '--ttl',
      '60s',
      '-o',
      'json',
    ]);
    expect(countsOf(result)).toMatchObject({ written: 1 });
  });

  test.each([
    [[{ key: 'other:<id>', value: 'x' }], 'the key `other:<id>` is none of the entity `user`'],
    [[{ key: 'user:1:profile', value: 'x' }], 'has no <id>, and would be the same for every id'],
    [[{ key: 'user:<id>:*', value: 'x' }], 'has a wildcard other than <id>'],
    [[{ keyBase64: 'YQ==', value: 'x' }], 'and no `keyBase64`'],
    [[], 'has no records'],
    [[{ key: 'user:<id>:profile' }], 'it has no `value`'],
  ])('%j is refused, and nothing is written', async (records, message) => {
    const result = await warm(forUsers(template(records), '--ids', '1,2'));
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(message);
    expect(await keys()).toBe(0);
  });

  test('needs an entity of the map, ids, and no files', async () => {
    const file = template([{ value: 'x' }]);
    for (const [args, message] of [
      [
        ['--entity', 'nobody', '--ids', '1', '--template', file, '--config', map()],
        'the map has no entity `nobody`',
      ],
      [
        ['--entity', 'wild', '--ids', '1', '--template', file, '--config', map()],
        'no pattern without a wildcard',
      ],
      [forUsers(file), 'the ids belong together'],
      [['--ids', '1'], 'the ids belong together'],
      [[file, ...forUsers(file, '--ids', '1')], 'takes the place of files'],
      [forUsers(file, '--ids-from', 'no.txt'), 'cannot read `no.txt`'],
      [forUsers('-', '--ids-from', '-'), 'can be given only once'],
    ] as const) {
      const result = await warm(args);
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain(message);
    }
    const none = await warm(forUsers(file, '--ids-from', '-'), { input: '\n' });
    expect(none).toMatchObject({ exitCode: 2, stderr: 'error: there is no id in `-`\n' });
  });
});

describe('the template of an example', () => {
  test.each([
    ['boardroom', 'user', 2],
    ['content', 'user', 1],
    ['education', 'user', 3],
    ['honzik', 'user', 1],
    ['subjunctive', 'verb', 1],
  ])('%s loads for its entity %s, with TTLs of its map', async (system, entity, records) => {
    const place = join(packageRoot, 'examples', system);
    const result = await warm([
      ...['--entity', entity, '--ids', 'ser,hablar', '--template', join(place, 'template.ndjson')],
      ...['--config', join(place, 'cachectl.config.json'), '--verify', 'all', '-o', 'json'],
      ...['--url', `redis://${new URL(server().address).host}${new URL(server().address).pathname}`],
    ]);
    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ written: 2 * records, verified: 2 * records, withoutTtl: 0 });
    const namespaces = (JSON.parse(result.stdout) as { namespaces: { namespace: string }[] }).namespaces;
    expect(namespaces.map(({ namespace }) => namespace)).not.toContain('(unmapped)');
  });
});
