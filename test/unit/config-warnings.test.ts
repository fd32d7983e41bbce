import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { configWarnings } from '../../src/config/warnings.ts';
import { mapAt } from '../named-map.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder;

/** The warnings about a map, as `path message`. */
function warningsAbout(map: ConfigFile, mode = 0o600, home = folder()): string[] {
  const file = join(home, 'cachectl.config.json');
  writeFileSync(file, JSON.stringify(map), { mode });
  chmodSync(file, mode);
  return configWarnings(mapAt(file)).map(({ path, message }) => `${path.join('.')} ${message}`);
}

const cache = (...patterns: string[]) => ({ pattern: patterns, ttl: '1h' as const });
const state = (pattern: string) => ({ pattern, kind: 'state' as const });

describe('a warning about a valid map', () => {
  test('is not given for a plain one', () => {
    expect(
      warningsAbout({
        profiles: { a: { url: 'redis://cache.example:6379/0', passwordEnv: 'SECRET' } },
        namespaces: {
          a: cache('a:<id>', 'a:<id>:b'),
          b: state('b:<id>'),
          c: { pattern: 'c', ttl: 'permanent' },
        },
        entities: { a: { patterns: ['a:<id>', 'b:<id>'] } },
      }),
    ).toEqual([]);
  });

  test.each([
    [cache('user:<id>'), cache('user:<user>')],
    [cache('user:<hash>'), cache('user:<hash>')],
    [cache('user:*'), cache('user:**')],
  ])('names a pattern that another namespace has before it: %j, %j', (first, second) => {
    const [warning, ...more] = warningsAbout({ namespaces: { first, second } });
    expect(warning).toBe(
      `namespaces.second.pattern.0 \`${second.pattern[0] ?? ''}\` never gets a key: namespace \`first\` has the same pattern and comes first`,
    );
    expect(more).toEqual([]);
  });

  test('names a pattern that stands in its namespace twice', () => {
    expect(warningsAbout({ namespaces: { a: cache('a:<id>', 'a:<x>') } })).toEqual([
      'namespaces.a.pattern.1 `a:<x>` is listed twice',
    ]);
  });

  test.each([
    ['a:<id>', 'a:<hash>'],
    ['a:<id>', 'a:*'],
    ['a:<id>', 'a:\\<id>'],
  ])('is not given for patterns that differ: %s, %s', (first, second) => {
    expect(warningsAbout({ namespaces: { first: cache(first), second: cache(second) } })).toEqual([]);
  });

  test('names a cache without a TTL rule, and no state', () => {
    expect(warningsAbout({ namespaces: { a: { pattern: 'a' }, b: state('b') } })).toEqual([
      expect.stringMatching(/^namespaces\.a a cache without a TTL rule/) as string,
    ]);
  });

  test.each([
    ['session:<id>', true],
    ['session:user:<id>:*', true],
    ['*:<id>', false],
    ['user:<id>', false],
    ['session:<id>:cached', false],
  ])('names an entity whose patterns are all state: %s is %s', (pattern, warned) => {
    const warnings = warningsAbout({
      namespaces: {
        session: state('session:*'),
        cached: cache('session:<id>:cached'),
        user: cache('user:<id>'),
      },
      entities: { who: { patterns: [pattern] } },
    });
    expect(warnings.some((warning) => /^entities\.who .* can never remove a key$/.test(warning))).toBe(
      warned,
    );
  });

  test('is not given for an entity that is only hashed', () => {
    const hashed = { ...cache('api:<hash>'), hashed: true };
    expect(
      warningsAbout({ namespaces: { api: hashed }, entities: { who: { patterns: [], hashedIn: ['api'] } } }),
    ).toEqual([]);
  });

  test('names a password in a URL without repeating it, and who may read it', () => {
    const map = { profiles: { prod: { url: 'redis://me:hunter2@cache.example:6379/0' } } };
    for (const [mode, readers] of [
      [0o644, /, and others may read this file \(mode 644; `chmod 600 /],
      [0o600, /^profiles\.prod\.url holds a password: name it with passwordEnv or passwordFile instead$/],
    ] as const) {
      const [warning = ''] = warningsAbout(map, mode);
      expect(warning).toMatch(/^profiles\.prod\.url holds a password/);
      expect(warning).toMatch(readers);
      expect(warning).not.toContain('hunter2');
    }
  });

  test('names a URL that cannot be used, without its password', () => {
    const [warning = ''] = warningsAbout({ profiles: { prod: { url: 'http://me:hunter2@cache.example' } } });
    expect(warning).toMatch(
      /^profiles\.prod\.url cannot be used: it is neither host:port nor a URL with redis:\/\//,
    );
    expect(warning).not.toContain('hunter2');
  });

  test('looks at every URL of a cluster and of Sentinels', () => {
    const nodes = ['redis://a', 'redis://:hunter2@b'];
    expect(
      warningsAbout({
        profiles: { many: { cluster: [...nodes, 'http://c'] }, main: { sentinel: { name: 'm', nodes } } },
      }).map((warning) => warning.split(':', 1)[0]),
    ).toEqual([
      'profiles.many.cluster.1 holds a password',
      'profiles.many.cluster.2 cannot be used',
      'profiles.main.sentinel.nodes.1 holds a password',
    ]);
  });

  test('names a password file that others may read, or that is not there', () => {
    const home = folder();
    const map = { profiles: { prod: { url: 'redis://cache.example', passwordFile: 'secret' } } };
    expect(warningsAbout(map, 0o600, home)).toEqual([
      `profiles.prod.passwordFile \`${join(home, 'secret')}\` cannot be read`,
    ]);
    writeFileSync(join(home, 'secret'), 'hunter2\n');
    chmodSync(join(home, 'secret'), 0o640);
    expect(warningsAbout(map, 0o600, home)).toEqual([
      `profiles.prod.passwordFile others may read it (mode 640; \`chmod 600 ${join(home, 'secret')}\`)`,
    ]);
    chmodSync(join(home, 'secret'), 0o600);
    expect(warningsAbout(map, 0o600, home)).toEqual([]);
  });
});
