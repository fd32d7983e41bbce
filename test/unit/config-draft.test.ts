import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configOf, type Draft, draftMap } from '../../src/config/first-map/draft.ts';
import { configFileText } from '../../src/config/first-map/file-text.ts';
import type { ObservedKey } from '../../src/config/first-map/shapes.ts';
import { parseConfig } from '../../src/config/load.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { parsePattern, patternShape } from '../../src/keyspace/pattern.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { generateRecords } from '../../src/sandbox/seed.ts';
import { type SystemName, systemNames } from '../../src/sandbox/systems.ts';
import { rounds } from '../server/effort.ts';

const now = Date.parse('2026-03-05T10:20:30Z');
const surroundings = { now, localTimeZone: 'Europe/Prague' };

/** Keys written one after the other, with at most these seconds left; null: no TTL. */
const observed = (keys: readonly string[], ttlSeconds: number | null = 3590): ObservedKey[] =>
  keys.map((key, index) => ({
    key: bytesOf(key),
    ttlMillis: ttlSeconds === null ? -1 : (ttlSeconds * 1000 * (keys.length - index)) / keys.length,
  }));

const numbered = <Key>(count: number, key: (index: number) => Key): Key[] =>
  Array.from({ length: count }, (_, index) => key(index));

const draftOf = (...keys: readonly (readonly ObservedKey[])[]): Draft => draftMap(keys.flat(), surroundings);

/** `name: patterns` of each namespace, largest first. */
const patternsOf = (draft: Draft) =>
  Object.fromEntries(draft.namespaces.map(({ name, patterns }) => [name, patterns.join(' ')]));

const digest = (index: number) => index.toString(16).padStart(32, 'a');

/** The draft written to a file and read back. */
const reread = (draft: Draft) =>
  parseConfig(
    configFileText(configOf(draft, { name: 'local', config: { url: 'redis://127.0.0.1' } }), {
      header: ['A first map.'],
      comments: new Map(draft.namespaces.map(({ name }) => [name, ['1 key']])),
      schema: './schema.json',
    }),
    'map.json',
  );

describe('a drafted map', () => {
  test('of Django with a prefix is the one without, behind the prefix: its version is no id', () => {
    const keysBehind = (prefix: string) => [
      observed(
        numbered(
          30,
          (index) =>
            `${prefix}:1:views.decorators.cache.cache_page..GET.${digest(index)}.${digest(index)}.en`,
        ),
      ),
      observed(numbered(20, (id) => `${prefix}:1:user_${id}_profile`)),
      observed(numbered(20, (id) => `${prefix}:1:product:${id}`)),
    ];
    const plain = draftOf(...keysBehind(''));
    const prefixed = draftOf(...keysBehind('mysite'));
    const behind = (patterns: string) => patterns.replaceAll(/(?<=^| ):/g, 'mysite:');
    expect(Object.values(patternsOf(prefixed))).toEqual(Object.values(patternsOf(plain)).map(behind));
    const namesOf = ({ entities }: Draft) => entities.map(({ name }) => name);
    expect([namesOf(prefixed), namesOf(plain)]).toEqual([['user'], ['user']]);
  });

  test('names namespaces after the words of their keys', () => {
    const draft = draftOf(
      observed(numbered(30, (id) => `user:${id}:profile`)),
      observed(numbered(20, (id) => `user:${id}:settings`)),
      observed(numbered(10, (id) => `api_cache:${digest(id)}`)),
    );
    expect(patternsOf(draft)).toEqual({
      'user-profile': 'user:<id>:profile',
      'user-settings': 'user:<id>:settings',
      api_cache: 'api_cache:<hash>',
    });
    expect(draft.namespaces.map(({ hashed }) => hashed)).toEqual([false, false, true]);
  });

  test('has one namespace for keys that one pattern matches, whatever their variable parts look like', () => {
    const draft = draftOf(
      observed(numbered(30, (id) => `user:${id}:profile`)),
      observed(['user:*:profile', 'user:\u017e:profile'], null),
    );
    expect(patternsOf(draft)).toEqual({ 'user-profile': 'user:<id>:profile' });
    expect(draft.namespaces[0]).toMatchObject({ ttl: '1h', statistics: { keys: 32 } });
  });

  test('takes what calls itself a cache for one, whatever it caches, where each key has a TTL', () => {
    const kindsOf = (ttlSeconds: number | null, ...keys: ((id: number) => string)[]) =>
      draftOf(
        ...keys.map((key) =>
          observed(
            numbered(20, (id) => key(id + 100)),
            ttlSeconds,
          ),
        ),
      ).namespaces.map(({ kind }) => kind);
    const cached = (id: number) => `api_cache:GET:/api/v1/auth/sessions:${id}`;
    expect(kindsOf(60, cached, (id) => `user_sessions:${id}`)).toEqual(['cache', 'state']);
    expect(kindsOf(60, (id) => `session_cache:${id}`)).toEqual(['state']);
    expect(kindsOf(null, cached)).toEqual(['state']);
  });

  test('leaves out of the names what all keys start with', () => {
    const draft = draftOf(
      observed(numbered(5, (id) => `shop:prod:price:${id}`)),
      observed(numbered(4, (id) => `shop:prod:stock:${id}`)),
    );
    expect(patternsOf(draft)).toEqual({ price: 'shop:prod:price:<id>', stock: 'shop:prod:stock:<id>' });
  });

  test('takes words behind a digest for values, and words behind an id for fields', () => {
    const voices = ['alloy', 'nova', 'onyx'];
    const draft = draftOf(
      observed(numbered(30, (id) => `tts:${digest(id)}:${voices[id % 3] ?? ''}`)),
      observed(numbered(20, (id) => `game:${id}:${id % 2 ? 'board' : 'moves'}`)),
    );
    expect(patternsOf(draft)).toEqual({ tts: 'tts:<hash>:<text>', game: 'game:<id>:moves game:<id>:board' });
  });

  test('takes languages for values, and what is written in each of them for a name of a page', () => {
    const languages = ['en', 'cs', 'de', 'fr', 'es', 'it', 'pt-BR', 'zh'];
    const slugs = numbered(
      8,
      (at) => `${['red', 'blue'][at % 2] ?? ''}-${['hat', 'shoe', 'bag', 'coat'][at >> 1] ?? ''}`,
    );
    const inAll = (start: string) => languages.map((language) => `${start}:${language}`);
    const draft = draftOf(
      observed(slugs.flatMap((slug) => inAll(`page:product:${slug}`))),
      observed(numbered(6, (id) => `menu:${id}`).flatMap(inAll)),
      observed(['text:top', 'text:no', 'text:footer', 'text:en'].flatMap((key) => [`${key}:1`, `${key}:2`])),
    );
    expect(patternsOf(draft)).toEqual({
      'page-product': 'page:product:<text>:<text>',
      menu: 'menu:<id>:<text>',
      ...Object.fromEntries(
        ['top', 'no', 'footer', 'en'].map((word) => [`text-${word}`, `text:${word}:<id>`]),
      ),
    });
  });

  test('takes the plural of an owner for its name', () => {
    const draft = draftOf(
      observed(numbered(9, (id) => `users:${id}:profile`)),
      observed(numbered(8, (id) => `user:${id}:feed`)),
      observed(numbered(7, (id) => `stats:${id}:day`)),
    );
    expect(draft.entities).toEqual([
      { name: 'user', config: { patterns: ['users:<id>:profile', 'user:<id>:feed'] } },
    ]);
  });

  test('takes words that differ in a number alone for one pattern', () => {
    expect(patternsOf(draftOf(observed(numbered(9, (id) => `page_${id}`))))).toEqual({ page: 'page_<id>' });
  });

  test('tells apart what is written with different TTLs', () => {
    const draft = draftOf(
      observed(
        numbered(40, (id) => `unit:${id}:a`),
        3590,
      ),
      observed(
        numbered(30, (id) => `unit:${id}:b`),
        290,
      ),
      observed(
        numbered(25, (id) => `unit:${id}:c`),
        null,
      ),
    );
    expect(draft.namespaces.map(({ name, ttl }) => [name, ttl])).toEqual([
      ['a', '1h'],
      ['b', '5m'],
      ['c', 'permanent'],
    ]);
  });

  test.each(['session', 'user_sessions', 'quota', 'rate', 'lock', 'queue', 'oauth', 'app-state'])(
    'takes `%s` for state',
    (word) => {
      const [namespace] = draftOf(observed(numbered(3, (id) => `${word}:${id}`))).namespaces;
      expect(namespace?.kind).toBe('state');
    },
  );

  test.each(['profile', 'sessionless', 'stateful', 'price'])('takes `%s` for a cache', (word) => {
    expect(draftOf(observed(numbered(3, (id) => `${word}:${id}`))).namespaces[0]?.kind).toBe('cache');
  });

  test('names no id, even where it is alone among words', () => {
    const draft = draftOf(
      observed(['cart:dQw4w9WgXcQ', 'cart:V1StGXR8Z5jd', ...numbered(9, (id) => `user:${id}`)]),
    );
    expect(patternsOf(draft)).toEqual({ user: 'user:<id>', cart: 'cart:<text>' });
  });

  test('takes tokens that stand alone for state', () => {
    const tokens = numbered(3, (id) => `Zm9vYmFyYmF6cXV4MTIz${id}`);
    expect(draftOf(observed(tokens)).namespaces).toMatchObject([
      { name: 'token', kind: 'state', patterns: ['<token>'] },
    ]);
  });

  test('finds the words before an id that name an entity, and gives each its own id', () => {
    const draft = draftOf(
      observed(numbered(9, (id) => `user:${id}:profile`)),
      observed(numbered(8, (id) => `db:list:user:${id}:page:${id}`)),
      observed(numbered(7, (id) => `user_settings:${id}`)),
      observed(numbered(6, (id) => `scenario:${id}`)),
      observed(numbered(5, (id) => `stats:${id}`)),
      observed(numbered(4, (id) => `session:user:${id}`)),
      observed(numbered(3, (id) => `list:user:${digest(id)}`)),
    );
    expect(draft.entities).toEqual([
      {
        name: 'user',
        config: {
          // State belongs to the user too: a plan names it, and leaves it.
          patterns: [
            ...['user:<id>:profile', 'db:list:user:<id>:page:<other>', 'user_settings:<id>'],
            'session:user:<id>',
          ],
          hashedIn: ['list-user'],
        },
      },
      { name: 'scenario', config: { patterns: ['scenario:<id>'] } },
    ]);
  });

  test('finds an owner whose number is in the same segment', () => {
    const draft = draftOf(
      observed(numbered(9, (id) => `app:user-${id}:profile`)),
      observed(numbered(8, (id) => `cm::cm:user-${id}-orders`)),
      observed(numbered(7, (id) => `app_user_${id}`)),
      observed(numbered(6, (id) => `page-${id}`)),
    );
    expect(draft.entities).toEqual([
      {
        name: 'user',
        config: { patterns: ['app:user-<id>:profile', 'cm::cm:user-<id>-orders', 'app_user_<id>'] },
      },
    ]);
  });

  test('finds the character that divides the keys', () => {
    const draft = draftOf(observed(numbered(5, (id) => `user/${id}/profile`)));
    expect(draft.delimiters).toEqual(['/']);
    expect(patternsOf(draft)).toEqual({ 'user-profile': 'user/<id>/profile' });
    expect(reread(draft).delimiters).toEqual(['/']);
    expect(reread(draftOf(observed(['a:1']))).delimiters).toBeUndefined();
  });

  test('gathers keys without a common prefix by how they begin', () => {
    const keys = [
      ...numbered(20, (id) => `db_query_list_<Session at 0x${id}>_${id}`),
      ...numbered(10, (id) => `func_load_<Session at 0x${id}>`),
    ];
    expect(patternsOf(draftOf(observed(keys)))).toEqual({
      db_query_list: 'db_query_list_*',
      func_load: 'func_load_*',
    });
  });

  test('makes no namespace for a few odd keys that only a pattern for everything would take in', () => {
    const many = numbered(500, (id) => `user:${id}`);
    expect(patternsOf(draftOf(observed([...many, 'two words', '12'])))).toEqual({ user: 'user:<id>' });
    expect(patternsOf(draftOf(observed([...many, ...numbered(50, String)])))).toHaveProperty('id', '<id>');
  });

  test('takes in keys of which each starts with a word of its own', () => {
    const letters = (index: number) =>
      String(index).replace(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)));
    const draft = draftOf(observed(numbered(5000, (index) => `${letters(index)}:cart:${index}`)));
    expect(draft.coverage).toBeGreaterThanOrEqual(0.95);
    expect(draft.namespaces.length).toBeLessThan(100);
  });

  test.each([[[]], [['']]])('of no keys that a pattern could name is empty: %j', (keys) => {
    expect(draftOf(observed(keys))).toMatchObject({ namespaces: [], entities: [], coverage: 1 });
  });
});

const generated = new Map(
  systemNames.map((system) => {
    const records = [...generateRecords(system, { keys: 4000, seed: 7, now })];
    const keys = records.map(({ key, ttlMillis }): ObservedKey => ({ key, ttlMillis: ttlMillis ?? -1 }));
    return [system, { keys, draft: draftMap(keys, surroundings) }];
  }),
);

describe.each([...generated])('the map drafted for %s', (_system, { keys, draft }) => {
  test('is valid, and takes in at least 95 % of the keys', () => {
    const map = buildMap(reread(draft));
    const missed = keys.filter(({ key }) => map.classify(key) === null);
    expect(missed.length).toBeLessThanOrEqual(keys.length * 0.05);
    expect(draft.coverage).toBeCloseTo(1 - missed.length / keys.length);
  });

  test('is short enough to be read', () => {
    expect(draft.namespaces.length).toBeLessThanOrEqual(40);
  });
});

test('the maps of the example systems know state, TTLs, digests and users', () => {
  const byName = new Map(generated.get('honzik')?.draft.namespaces.map((each) => [each.name, each]));
  expect(byName.get('user-profile')).toMatchObject({ kind: 'cache', ttl: '1h', hashed: false });
  expect(byName.get('honzik-response')).toMatchObject({ kind: 'cache', ttl: '1d', hashed: true });
  expect(byName.get('stats-daily')).toMatchObject({ ttl: { untilMidnight: 'Europe/Prague' } });
  expect(byName.get('quota-text')).toMatchObject({ kind: 'state', ttl: '2d' });
  expect(byName.get('session')).toMatchObject({ kind: 'state', ttl: '30d' });

  const users = (system: SystemName) =>
    generated.get(system)?.draft.entities.find(({ name }) => name === 'user')?.config;
  expect(users('boardroom')?.patterns).toEqual(['user_profile:<id>', 'user_sessions:<id>']);
  expect(users('education')?.patterns).toContain('db_query:user_progress:user:<id>:params:<hash>');
  expect(users('education')?.hashedIn).toContain('db_query-user_profile-params');
});

describe('a draft from any keys', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'user',
      'session',
      'a',
      '*',
      '<id>',
      '\\',
      '',
      '{tag}',
      '12',
      'x y',
      '::',
      '|',
      '/',
      '.',
      '#',
    ),
    fc.integer().map(String),
    fc.uuid(),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const key = fc
    .tuple(fc.array(part, { minLength: 1, maxLength: 6 }), fc.constantFrom(':', '/', '_'))
    .map(([parts, delimiter]) => parts.join(delimiter))
    .filter((text) => text !== '');
  const ttlMillis = fc.oneof(fc.constant(-1), fc.constant(null), fc.integer({ min: 1, max: 10_000_000_000 }));
  const keys = fc.uniqueArray(fc.record({ key: key.map(bytesOf), ttlMillis }), {
    selector: (each) => each.key,
    minLength: 1,
    maxLength: 60,
  });

  test('is valid, with unique names, and takes in at least 95 % of them', () => {
    fc.assert(
      fc.property(keys, (found) => {
        const draft = draftMap(found, surroundings);
        const config = reread(draft);
        const map = buildMap(config);
        const patterns = Object.values(config.namespaces ?? {}).flatMap(({ pattern }) => pattern);
        const shapes = patterns.map((pattern) => patternShape(parsePattern(pattern)));
        expect(new Set(shapes).size).toBe(shapes.length);
        expect(map.namespaces.map(({ name }) => name)).toEqual(draft.namespaces.map(({ name }) => name));
        expect(
          found.filter((each) => map.classify(each.key) === null).length / found.length,
        ).toBeLessThanOrEqual(0.05);
      }),
      { numRuns: rounds(300) },
    );
  });

  test('takes no longer for each pattern of a namespace, however many it has', () => {
    const families = numbered(12_000, (index) =>
      index.toString(36).replace(/\d/g, (digit) => 'ABCDEFGHIJ'[Number(digit)] ?? ''),
    );
    const draft = draftOf(observed(families.flatMap((word) => numbered(8, (index) => `${index}_${word}:x`))));
    expect(draft.namespaces.length).toBeLessThan(5);
    expect(draft.namespaces.flatMap(({ patterns }) => patterns).length).toBeGreaterThan(200);
    expect(draft.coverage).toBeGreaterThan(0.95);
  });

  test('is valid also where keys are no text', () => {
    const binary = numbered(50, (index) => asBytes(`bin:\xff\xfe${String.fromCharCode(index)}:\x80`));
    const draft = draftMap(
      binary.map((each) => ({ key: each, ttlMillis: 1000 })),
      surroundings,
    );
    expect(buildMap(reread(draft)).classify(asBytes('bin:\xff\xfe\x01:\x80'))).not.toBeNull();
  });
});
