import { describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { InputError } from '../../src/support/failure.ts';
import { scopeOf } from '../../src/changes/plan.ts';
import { selectKeys, type Target } from '../../src/changes/selection.ts';
import { readPattern } from '../../src/keyspace/pattern.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { emptyMap } from '../../src/keyspace/map.ts';
import { bytesOf } from '../../src/support/bytes.ts';

const config: ConfigFile = {
  namespaces: {
    profile: { pattern: 'user:<id>:profile', ttl: '1h' },
    latest: { pattern: ['latest', 'latest:<int>'] },
    rest: { pattern: 'user:*' },
    session: { pattern: 'session:<token>', kind: 'state' },
    api: { pattern: 'api:<hash>', ttl: '10m', hashed: true },
    image: { pattern: 'image:<hash>', ttl: 'permanent', hashed: true },
    answer: { pattern: 'answer:<hash>', hashed: true },
  },
  entities: {
    user: {
      patterns: ['user:<id>:profile', 'user:<id>:*', 'page:<id>'],
      hashedIn: ['api', 'image', 'answer'],
    },
    company: { patterns: [], hashedIn: ['api'] },
    word: { patterns: ['a:<id>:*'] },
  },
};
const map = buildMap(config);
const select = (target: Target, on = map) => selectKeys(target, on);
const user = (...ids: string[]): Target => ({ kind: 'entity', name: 'user', ids });
const pattern = (text: string, all = false): Target => ({ kind: 'pattern', texts: [text], all });
const namespace = (name: string): Target => ({ kind: 'namespace', names: [name] });

/** The message and the hint of the InputError that the work throws. */
function complaint(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof InputError) return `${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('an entity of the map', () => {
  test('looks up keys that are known in full, and walks for the others', () => {
    const { patterns, exactKeys, walk } = select(user('12'));
    expect(patterns).toEqual(['user:12:profile', 'user:12:*', 'page:12']);
    expect(exactKeys).toEqual(['user:12:profile', 'page:12']);
    expect(walk?.match).toBe('user:12:*');
  });

  test('walks once for any number of ids, with what all have in common', () => {
    const { exactKeys, walk } = select(user('12', '13', '*'));
    expect(exactKeys).toHaveLength(6);
    expect(walk?.match).toBe('user:*:*');
    const matches = (key: string) => walk?.matches(bytesOf(key));
    expect(
      ['user:12:x', 'user:13:x', 'user:*:x', 'user:1:x', 'user:123:x', 'page:12:x'].filter(matches),
    ).toEqual(['user:12:x', 'user:13:x', 'user:*:x']);
  });

  test('takes an id that is given twice once', () => {
    expect(select(user('12', '12')).exactKeys).toHaveLength(2);
  });

  test('tells where its data is under hashed keys, and for how long', () => {
    expect(select(user('12')).unreachable).toEqual([
      { namespace: 'api', why: 'copies', expires: { withinSeconds: 600 }, perhaps: false },
      { namespace: 'image', why: 'copies', expires: 'never', perhaps: false },
      { namespace: 'answer', why: 'copies', expires: null, perhaps: false },
    ]);
    expect(select(user('12')).futile).toBe(false);
    expect(select({ kind: 'entity', name: 'company', ids: ['acme'] })).toMatchObject({
      exactKeys: [],
      walk: null,
      futile: true,
    });
  });

  test.each([
    [
      { kind: 'entity', name: 'usr', ids: ['1'] },
      'no entity `usr` | did you mean `user`? entities are: user, company, word',
    ],
    [{ kind: 'entity', name: 'usr', ids: ['1'] }, '--pattern'],
    [{ kind: 'entity', name: 'profile', ids: ['1'] }, '`profile` is a namespace, for --namespace'],
    [{ kind: 'entity', name: 'user', ids: [] }, 'at least one id | write `cachectl invalidate user 123`'],
    [{ kind: 'entity', name: 'user:*', ids: [] }, "--pattern 'user:*'"],
    [{ kind: 'entity', name: 'user', ids: ['1', ''] }, 'an id of `user` is empty'],
    [{ kind: 'entity', name: '', ids: ['1'] }, 'no name'],
  ] satisfies [Target, string][])('is refused as %j', (target, message) => {
    expect(complaint(() => select(target))).toContain(message);
  });
});

describe('any word, without entities in a map', () => {
  test('means the keys that hold the word and the id as consecutive segments', () => {
    const { patterns, exactKeys, walk } = select(user('12'), emptyMap);
    expect(patterns).toEqual(['user:12', 'user:12:*', '*:user:12', '*:user:12:*']);
    expect(exactKeys).toEqual([]);
    expect(walk?.match).toBe('*user*12*');
    const matches = (key: string) => walk?.matches(bytesOf(key));
    expect(['user:12', 'user:12:x', 'a:user:12', 'a:user:12:x'].every(matches)).toBe(true);
    expect(['user:{12}', '{user:12}:x', 'a:{user}:12:x'].every(matches)).toBe(true);
    expect(
      ['user:123', 'superuser:12', 'user:1', 'user:x:12', 'user12', 'a:{user12}', ''].some(matches),
    ).toBe(false);
  });

  test('follows every delimiter of the map', () => {
    const { walk, patterns } = select(user('1', '2'), buildMap({ delimiters: [':', '_'] }));
    expect(walk?.match).toBe('*user*');
    expect(patterns).toContain('*_user_2_*');
    const matches = (key: string) => walk?.matches(bytesOf(key));
    expect(['user_1', 'a:user_2:b', 'x_user:1_y'].every(matches)).toBe(true);
    expect(['user_12', 'my-user_1', 'user-1'].some(matches)).toBe(false);
  });

  test('takes glob characters in the word and the id literally', () => {
    const { walk, patterns } = select({ kind: 'entity', name: 'u*', ids: ['?', '<id>'] }, emptyMap);
    expect(patterns).toContain('u\\*:\\<id>');
    const matches = (key: string) => walk?.matches(bytesOf(key));
    expect(['u*:?', 'u*:<id>:x'].every(matches)).toBe(true);
    expect(['user:?', 'u*:1', 'u:?'].some(matches)).toBe(false);
  });
});

describe('a pattern', () => {
  test('that names one key is looked up', () => {
    expect(select(pattern('user:\\*:profile'))).toMatchObject({ exactKeys: ['user:*:profile'], walk: null });
  });

  test('lets the server filter, and tests whole segments itself', () => {
    const { walk } = select(pattern('user:<id>:x'));
    expect(walk?.match).toBe('user:*:x');
    expect(walk?.matches(bytesOf('user:1:x'))).toBe(true);
    expect(walk?.matches(bytesOf('user:1:2:x'))).toBe(false);
  });

  test.each(['*', '**', '<x>', '*:*', '<a>:<b>'])('of everything needs a word more: %s', (text) => {
    expect(complaint(() => select(pattern(text)))).toContain('--all');
    expect(select(pattern(text, true)).walk).not.toBeNull();
  });

  test.each(['user:?', 'user:[ab]', 'user:\\\\?', '?'])(
    'with a wildcard of redis-cli is refused: %s',
    (text) => {
      expect(complaint(() => readPattern(text))).toMatch(
        /is no wildcard here .*write \* for anything.*\\[?[]/,
      );
    },
  );

  test('takes the same characters behind a backslash', () => {
    expect(select(pattern('a\\?b\\[c]\\\\')).exactKeys).toEqual(['a?b[c]\\']);
  });

  test('that cannot be read is refused', () => {
    expect(complaint(() => select(pattern('user:<')))).toContain('starts a placeholder');
    expect(complaint(() => select(pattern('')))).toContain('must not be empty');
  });

  test('that reaches into digests with text that none can hold is futile', () => {
    expect(select(pattern('api:*boardroom*'))).toMatchObject({
      futile: true,
      unreachable: [{ namespace: 'api', why: 'digests', expires: { withinSeconds: 600 }, perhaps: false }],
    });
    expect(select(pattern('api:beef*'))).toMatchObject({ futile: false, unreachable: [] });
    expect(select(pattern('user:<id>:nothing'))).toMatchObject({ futile: false, unreachable: [] });
  });

  test('that may mean digests or anything else is not', () => {
    const { futile, unreachable } = select(pattern('*boardroom*'));
    expect(futile).toBe(false);
    expect(unreachable?.map(({ namespace: name, perhaps }) => [name, perhaps])).toEqual([
      ['api', true],
      ['image', true],
      ['answer', true],
    ]);
  });
});

describe('a namespace', () => {
  test('has the keys for which its pattern is the most specific', () => {
    const { walk } = select(namespace('rest'));
    expect(walk?.match).toBe('user:*');
    expect(walk?.matches(bytesOf('user:1:settings'))).toBe(true);
    expect(walk?.matches(bytesOf('user:1:profile'))).toBe(false);
  });

  test('looks up its exact keys and walks for its patterns', () => {
    expect(select(namespace('latest'))).toMatchObject({
      exactKeys: ['latest'],
      walk: { match: 'latest:*' },
    });
  });

  test('that is unknown or state is refused', () => {
    expect(complaint(() => select(namespace('nosuch')))).toContain(
      'namespaces are: profile, latest, rest, api',
    );
    expect(complaint(() => select(namespace('nosuch')))).not.toContain('session');
    expect(complaint(() => select(namespace('session')))).toContain(
      'is state, which no bulk removal touches',
    );
  });

  test('without a map is an inferred pattern, whose <id> is a number', () => {
    const { walk } = select(namespace('user:<id>:profile'), emptyMap);
    expect(walk?.match).toBe('user:*:profile');
    expect(walk?.matches(bytesOf('user:12:profile'))).toBe(true);
    expect(walk?.matches(bytesOf('user:ann:profile'))).toBe(false);
    expect(select(namespace('a:b'), emptyMap).exactKeys).toEqual(['a:b']);
    expect(complaint(() => select(namespace('<id>'), emptyMap))).toContain("--pattern '*' --all");
  });
});

describe('the scope', () => {
  test('keeps state in any case', () => {
    const token = bytesOf('session:abcdefghijklmnopqrstuvwxyz');
    expect(scopeOf(map, [])(token)).toEqual({ namespace: 'session', stays: 'state' });
    expect(scopeOf(map, ['profile'])(token)).toEqual({ namespace: 'session', stays: 'state' });
  });

  test('is narrowed by --only and --exclude', () => {
    const verdicts = (only: string[], exclude: string[]) =>
      ['user:1:profile', 'user:1:x', 'other'].map(
        (key) => scopeOf(map, only, { namespaces: exclude, patterns: [] })(bytesOf(key)).stays,
      );
    expect(verdicts([], [])).toEqual([null, null, null]);
    expect(verdicts(['profile'], [])).toEqual([null, 'option', 'option']);
    expect(verdicts([], ['profile'])).toEqual(['option', null, null]);
    expect(verdicts(['profile', 'rest'], ['rest'])).toEqual([null, 'option', 'option']);
    expect(verdicts([], ['(unmapped)'])).toEqual([null, null, 'option']);
  });

  test('knows the namespaces of the map only', () => {
    expect(complaint(() => scopeOf(map, ['profle']))).toContain(
      'no namespace `profle` | did you mean `profile`? namespaces are: profile',
    );
    expect(complaint(() => scopeOf(map, [], { namespaces: ['profle'], patterns: [] }))).toContain(
      'no namespace `profle`',
    );
    expect(complaint(() => scopeOf(map, ['session']))).toContain('is state');
    expect(() => scopeOf(map, [], { namespaces: ['session'], patterns: [] })).not.toThrow();
  });

  test('goes by inferred patterns where there is no map', () => {
    const scope = scopeOf(emptyMap, ['user:<id>:profile']);
    expect(scope(bytesOf('user:7:profile'))).toEqual({ namespace: null, stays: null });
    expect(scope(bytesOf('user:7:x'))).toEqual({ namespace: null, stays: 'option' });
  });
});
