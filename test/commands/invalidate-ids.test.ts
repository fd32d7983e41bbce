import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { buildMap } from '../../src/config/build-map.ts';
import type { Entity } from '../../src/keyspace/map.ts';
import { bindPlaceholder, type KeyPattern } from '../../src/keyspace/pattern.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import type { InvalidateResult } from '../../src/commands/invalidate/result.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { packageRoot } from '../server/binary.ts';
import { emptyDatabase, send, testUrl } from '../server/redis.ts';
import { countsOf, store, storedKeys, withMap } from './invalidate-setup.ts';
import { ownDatabase, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

const hostileIds = [
  '*',
  '**',
  '?',
  '[a-z]',
  '[^x]',
  '\\',
  '\\*',
  '12\\',
  '\n',
  '12\n',
  ' ',
  'user:*:x',
  '12:x',
  ':',
  '{tag}',
  '<id>',
  '<x>',
  '$&',
  '.*',
  '1|12',
  '\t',
  '\u0000',
  'é',
  'e\u0301',
  '１２',
  '\u0661\u0662',
  '\u200b12',
  '🙂',
  '--yes',
  'x'.repeat(10_000),
];
const plainIds = ['1', '12', '123', 'a', 'ab'];

describe('an id', () => {
  test.each(
    hostileIds.map((id) => [id.length > 20 ? `${id.slice(0, 5)}… (${id.length} characters)` : id, id]),
  )('that is %j takes its own keys and nothing else, with a map and without', async (_shown, id) => {
    const keysOf = (each: string) =>
      [`user:${each}:profile`, `user:${each}:settings`, `page:user:${each}`].map(bytesOf);
    const all = [...new Set([...plainIds, ...hostileIds].flatMap(keysOf))];
    const bytes = bytesOf(id);
    const ways = [
      {
        env: withMap({ entities: { user: { patterns: ['user:<id>:*', 'page:user:<id>'] } } }),
        owns: (key: string) => key.startsWith(`user:${bytes}:`) || key === `page:user:${bytes}`,
      },
      { env: {}, owns: (key: string) => `:${key}:`.includes(`:user:${bytes}:`) },
    ];
    for (const { env, owns } of ways) {
      await emptyDatabase(server);
      await store(server, all);

      const result = await cli(['invalidate', '--yes', '--output', 'json', '--', 'user', id], {
        url: testUrl(),
        env,
      });

      expect(result.exitCode).toBe(0);
      expect(countsOf(result).removed).toBe(all.filter(owns).length);
      expect(await storedKeys(server)).toEqual(all.filter((key) => !owns(key)).sort());
    }
  });

  test('that is a prefix, a suffix or the middle of another is not it', async () => {
    const ids = ['1', '12', '123', '2', '23', '21', '112', '01', '1.0', '+1', '-1'];
    await store(
      server,
      ids.flatMap((id) => [`user:${id}`, `user:${id}:x`, `a:user:${id}`, `user_${id}`]),
    );

    const result = await cli(['invalidate', 'user', '12', '--yes', '-o', 'json'], { url: testUrl() });

    expect(countsOf(result).removed).toBe(3);
    const left = await storedKeys(server);
    expect(left).toHaveLength(ids.length * 4 - 3);
    expect(left.filter((key) => /user:12(:|$)/.test(key))).toEqual([]);
  });

  test('that is a negative number is an id', async () => {
    await store(server, ['user:-5:x', 'user:5:x']);

    expect((await cli(['invalidate', '--yes', '--', 'user', '-5'], { url: testUrl() })).exitCode).toBe(0);
    expect(await storedKeys(server)).toEqual(['user:5:x']);
  });

  test('finds keys whose other parts are no UTF-8, and shows their bytes', async () => {
    const binary = 'user:12:\xff\xfe\x00\r\n';
    await store(server, [binary, 'user:1:\xff', '\xff:user:12']);

    const result = await cli(['invalidate', 'user', '12', '--yes', '-o', 'json'], { url: testUrl() });

    expect(await storedKeys(server)).toEqual(['user:1:\xff']);
    expect(jsonOf(result)['sample']).toContainEqual({
      key: 'user:12:\\xff\\xfe\u0000\r\n',
      keyBase64: Buffer.from(binary, 'latin1').toString('base64'),
    });
  });

  test('shows keys with control characters on one line, harmlessly', async () => {
    await store(server, ['user:12:\x1b[2J\nremoved 0 keys']);

    const result = await cli(['invalidate', 'user', '12', '--dry-run', '--no-color'], {
      url: testUrl(),
      terminal: true,
    });

    expect(result.stdout).toContain('user:12:\\x1b[2J\\nremoved 0 keys');
    expect(result.stdout).not.toContain('\x1b');
  });
});

const examples = readdirSync(join(packageRoot, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .filter((name) => existsSync(join(packageRoot, 'examples', name, 'cachectl.config.json')));

describe.each(examples)('the example map of %s', (name) => {
  const file = join(packageRoot, 'examples', name, 'cachectl.config.json');
  const map = buildMap(parseConfig(readFileSync(file, 'utf8'), file));

  test.each(
    map.entities.filter(({ patterns }) => patterns.length > 0).map((entity) => [entity.name, entity]),
  )('takes %s 12, and neither 1 nor 123', async (entityName, entity) => {
    const keysOf = (id: string) =>
      keysMadeFrom(entity, id).filter((key) => map.classify(key)?.kind !== 'state');
    const others = ['1', '123', '2', '112', '121', '*', '?', '[0-9]*'];
    await store(server, [...keysOf('12'), ...others.flatMap(keysOf)]);
    expect(await storedKeys(server)).toHaveLength(keysOf('12').length * (others.length + 1));

    const result = await cli(['--config', file, 'invalidate', entityName, '12', '--yes', '-o', 'json'], {
      url: testUrl(),
    });

    expect(result.exitCode).toBe(0);
    expect(countsOf(result).removed).toBe(keysOf('12').length);
    expect(await storedKeys(server)).toEqual(others.flatMap(keysOf).sort());
  });

  test('keeps all of its state when everything goes', async () => {
    const keysOf = (kind: 'cache' | 'state') =>
      map.namespaces
        .filter((namespace) => namespace.kind === kind)
        .flatMap(({ patterns }) => patterns.map((pattern) => keyMadeFrom(pattern)))
        .filter((key) => map.classify(key)?.kind === kind);
    await store(server, [...keysOf('cache'), ...keysOf('state')]);

    const result = await cli(
      ['--config', file, 'invalidate', '--pattern', '*', '--all', '--yes', '-o', 'json'],
      {
        url: testUrl(),
      },
    );

    expect(result.exitCode).toBe(0);
    expect(await storedKeys(server)).toEqual([...new Set(keysOf('state'))].sort());
  });
});

/** One key for each pattern of an entity. */
function keysMadeFrom(entity: Entity, id: string): ReturnType<typeof bytesOf>[] {
  return [...new Set(entity.patterns.map((pattern) => keyMadeFrom(bindPlaceholder(pattern, 'id', id))))];
}

function keyMadeFrom(pattern: KeyPattern): ReturnType<typeof bytesOf> {
  const examplesOf: Readonly<Record<string, string>> = {
    int: '7',
    hash: '0123456789abcdef',
    date: '2025-01-31',
    token: 'abcdefghijklmnopqrstuvwxyz0123456789',
    uuid: '123e4567-e89b-12d3-a456-426614174000',
  };
  const text = pattern.parts.map((part) => {
    if (part.kind === 'literal') return part.bytes;
    if (part.kind === 'placeholder') return examplesOf[part.name] ?? 'word';
    return part.kind === 'any' ? 'more' : '';
  });
  return text.join('') as ReturnType<typeof bytesOf>;
}

describe('ids from a file', () => {
  const file = (content: string | Buffer): string => {
    const path = join(temporaryFolder(), 'ids.txt');
    writeFileSync(path, content);
    return path;
  };
  const plan = (path: string, output = 'json') =>
    cli(['invalidate', 'user', '--ids-from', path, '--dry-run', '--output', output], { url: testUrl() });

  test.each([
    ['a trailing blank, as psql -t gives it', '7\n77 \n8\n', /trimmed blanks around 1 id;/],
    ['tabs', '7\t\n\t77\n8', /trimmed blanks around 2 ids;/],
    ['the quotes of a CSV', '"7"\r\n"77"\r\n"8"\r\n', /removed quotes around 3 ids;/],
    ['CR line ends', '7\r77\r8\r', /^$/],
    ['a byte order mark', '\ufeff7\r\n77\r\n8', /^$/],
    ['UTF-16', Buffer.from('\ufeff7\n77\n8\n', 'utf16le'), /^$/],
    ['a comment', '# users\n7\n77\n8\n', /1 line beginning with `# ` was passed over as a comment/],
  ])('that has %s has the same ids', async (_what, content, warning) => {
    await store(server, ['user:7', 'user:77', 'user:8:a', 'user:8:b', 'user:9']);
    const result = await plan(file(content));
    expect(jsonOf(result)).toMatchObject({
      matched: 4,
      ids: [
        { id: '7', keys: 1 },
        { id: '77', keys: 1 },
        { id: '8', keys: 2 },
      ],
    });
    expect(result.stderr).toMatch(warning);
  });

  test('names the ids that match no key, with a map, without one and through an index', async () => {
    await store(server, ['user:7:a', 'user:7:b']);
    await send(server, 'SADD', 'idx:user:7', 'user:7:a');
    const path = file('7\n77\n8\n');
    const patterns = { patterns: ['user:<id>:*', 'user:<id>'] };
    const maps = [
      {},
      { entities: { user: patterns } },
      { entities: { user: { ...patterns, index: 'idx:user:<id>' } } },
    ];
    for (const [at, map] of maps.entries()) {
      const env = at === 0 ? {} : withMap(map);
      const args = ['invalidate', 'user', '--ids-from', path, '--dry-run'];
      const result = await cli([...args, '--output', 'json'], { url: testUrl(), env });
      expect(result.stderr).toContain('2 of 3 ids match no key: `77`, `8`');
      expect(jsonOf(result)['ids']).toEqual([
        { id: '7', keys: [3, 2, 1][at] },
        { id: '77', keys: 0 },
        { id: '8', keys: 0 },
      ]);
      const shown = await cli(args, { url: testUrl(), env, terminal: true });
      expect(shown.stdout).toContain('2 of 3 ids match no key: `77`, `8`');
    }
  });

  test('says on stderr of a pipe that nothing matched', async () => {
    await store(server, ['user:9']);
    const { exitCode, stderr } = await plan(file('7\n'), 'tsv');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('nothing matched: of 1 key none fits');
  });
});

describe('keys that contain the id elsewhere', () => {
  const others = [
    'user.123.permissions',
    'wp_:users:123',
    'wp_:user_meta:123',
    'ratelimit:{123}:login',
    'customer-123-invoice',
    'cart:{user123}',
    'rlflx:user_123',
    'cm::cm:user-123-orders',
    'page:https://example.org/users/123?expand=1',
  ];
  const unrelated = [
    'user:1234',
    'user1123',
    'x:123abc',
    'day:2026-12-123a',
    'app:v123:x',
    'y:4123',
    'search:477ada123',
    'token:x9q123',
    'etag:dead123',
  ];
  const plan = async (config: ConfigFile | null, args: readonly string[]) => {
    const env = config === null ? {} : withMap(config);
    return cli(['invalidate', ...args, '--dry-run'], { url: testUrl(), env });
  };

  test.each<[string, ConfigFile | null]>([
    ['without a map', null],
    ['with patterns that take a walk', { entities: { user: { patterns: ['user:<id>:*'] } } }],
    ['with patterns that name keys', { entities: { user: { patterns: ['user:<id>:profile'] } } }],
  ])('are counted and stay, %s', async (_what, config) => {
    await store(server, ['user:123:profile', ...others, ...unrelated]);
    const result = await plan(config, ['user', '123', '-o', 'json']);
    const { matched, mentioned, mentionedNamespaces } = jsonOf(result) as unknown as InvalidateResult;
    expect({ matched, mentioned }).toEqual({ matched: 1, mentioned: others.length });
    expect(new Set(mentionedNamespaces.map(({ example }) => example.key))).toEqual(new Set(others));
    // Each of the patterns is one that selects its keys.
    const patterns = mentionedNamespaces.flatMap(({ pattern }) => [
      '--pattern',
      (pattern ?? '').replace('<id>', '123'),
    ]);
    for (let at = 0; at < patterns.length; at += 2)
      expect(countsOf(await plan(null, [...patterns.slice(at, at + 2), '-o', 'json'])).matched).toBe(1);
    expect(result.stderr).toContain('9 other keys have `123` in their names, and stay');
  });

  test('are shown with a command that plans those with the name of the entity, and no others', async () => {
    const named = ['wp_:users:123', 'rlflx:user_123', 'userCart:123'];
    // The last part of an address is no id.
    await store(server, ['user:123', ...named, 'flag:feature-123', 'ratelimit:10.0.0.123', 'superuser:123']);
    const { stdout } = await plan(null, ['user', '123', '-o', 'table']);
    expect(stdout).toContain('5 other keys have `123` in their names, and stay');
    // A long command is broken between its words.
    expect(stdout.replace(/ \\\n */g, ' ')).toContain(
      'to plan those with its name too:\n  cachectl invalidate --pattern rlflx:user_123 --pattern userCart:123 --pattern wp_:users:123 --dry-run\n' +
        'the others may be of something else with this id; --pattern takes them too\n',
    );
  });

  test('are all listed, where the terminal is tall enough, and counted with where to see them where not', async () => {
    const many = Array.from({ length: 6 }, (_, index) => `${'abcdef'.charAt(index)}x:123`);
    await store(server, ['user:123', ...many]);
    const run = (rows: number) =>
      cli(['invalidate', 'user', '123', '--dry-run'], { url: testUrl(), terminal: true, rows });
    const tall = await run(60);
    for (const key of many) expect(tall.stdout).toContain(key);
    const low = await run(18);
    expect(low.stdout).toContain('more: --output json has all');
  });

  test('are told from state, which stays, and the plan says how it is taken all the same', async () => {
    await store(server, ['user:123', 'cart:123']);
    const map = {
      namespaces: { user: { pattern: 'user:*' }, cart: { pattern: 'cart:*', kind: 'state' as const } },
      entities: { user: { patterns: ['user:<id>', 'cart:<id>'] } },
    };
    const { stdout } = await plan(map, ['user', '123', '-o', 'table']);
    expect(stdout).toContain('`cart` stays: state is never removed in bulk');
    expect(stdout.replaceAll('\n', ' ')).toContain(
      'take "kind": "state" out of `namespaces.cart` in the map',
    );
  });

  test('have no command where none has the name of the entity', async () => {
    await store(server, ['user:123', 'flag:feature-123']);
    const { stdout } = await plan(null, ['user', '123', '-o', 'table']);
    expect(stdout).not.toContain('to plan');
    expect(stdout).toContain('they may be of something else with this id; --pattern takes them too\n');
  });

  test.each(['/', '.', '|', '-', '_'])('are its own where all keys are divided by %s', async (delimiter) => {
    const keys = ['product:12:detail', 'product:123:detail', 'product:3:detail', 'order:12:total'];
    await store(
      server,
      keys.map((key) => key.replaceAll(':', delimiter)),
    );
    const result = jsonOf(await plan(null, ['product', '12', '-o', 'json'])) as unknown as InvalidateResult;
    expect(result.sample.map(({ key }) => key)).toEqual([`product${delimiter}12${delimiter}detail`]);
    expect(result.mentioned).toBe(1);
  });

  test('are counted for ten thousand ids in the one walk', async () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => String(index));
    await store(server, [...ids.slice(0, 3000).map((id) => `user:${id}`), 'cart:9999', 'cart:x']);
    const result = jsonOf(await plan(null, ['user', ...ids, '-o', 'json'])) as unknown as InvalidateResult;
    expect(result).toMatchObject({
      ...{ matched: 3000, mentioned: 1 },
      mentionedNamespaces: [{ namespace: 'cart:<id>', pattern: 'cart:<id>', keys: 1 }],
    });
  });
});
