import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/find.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { readMapNames } from '../../src/config/places.ts';
import { temporaryFolder } from '../server/own.ts';

/** The problems of a map as `line:column path message`; an empty list where it is valid. */
function errorOf(text: string): ConfigError | null {
  try {
    parseConfig(text, 'map.json');
    return null;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error;
  }
}

const problemsOf = (text: string): string[] =>
  (errorOf(text)?.problems ?? []).map(
    ({ line, column, path, message }) => `${line}:${column} ${path} ${message}`,
  );

const namespace = (entry: object) => JSON.stringify({ namespaces: { user: entry } });

describe('a map', () => {
  test('may have comments and trailing commas', () => {
    const text =
      '// ours\n{ "namespaces": { "user": { "pattern": "user:<id>", /* one hour */ "ttl": "1h", }, }, }';
    expect(parseConfig(text, 'map.json')).toEqual({
      namespaces: { user: { pattern: 'user:<id>', ttl: '1h' } },
    });
  });

  test.each([
    ['', '1:1  not JSON: the file is empty'],
    ['{\n  "namespaces": {\n    "a" 1\n}', '3:9  not JSON: colon expected'],
    ['[]', '1:1  expected object, received array'],
    ['null', '1:1  expected object, received null'],
  ])('that is no JSON object says so: %j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test.each([
    [{ pattern: 'user:<id' }, /^1:34 namespaces\.user\.pattern pattern `user:<id`: `<` starts a placeholder/],
    [{ pattern: '' }, /namespaces\.user\.pattern a pattern must not be empty$/],
    [{ pattern: [] }, /namespaces\.user\.pattern expected at least one pattern$/],
    [{ pattern: ['a', 7] }, /namespaces\.user\.pattern/],
    [{}, /^1:23 namespaces\.user\.pattern is missing: expected a pattern or a list of patterns$/],
    [{ pattern: 'a', ttl: '1 parsec' }, /namespaces\.user\.ttl `1 parsec` is not a duration; write 90s, 5m/],
    [{ pattern: 'a', ttl: '0s' }, /namespaces\.user\.ttl `0s` is no time at all/],
    [{ pattern: 'a', ttl: -1 }, /namespaces\.user\.ttl expected/],
    [
      { pattern: 'a', ttl: { untilMidnight: 'Mars' } },
      /namespaces\.user\.ttl Invalid time zone specified: Mars$/,
    ],
    [
      { pattern: 'a', ttl: { min: '2h', max: 60 } },
      /namespaces\.user\.ttl min `2h` is longer than max `60`$/,
    ],
    [{ pattern: 'a', kind: 'cash' }, /namespaces\.user\.kind expected one of "cache", "state"$/],
    [
      { pattern: 'a', hitRateTarget: 80 },
      /hitRateTarget expected a ratio from 0 to 1, or a percentage such as "80%"$/,
    ],
    [{ pattern: 'a', jitter: '90' }, /jitter `90` is not a ratio; write 0\.9 or 90%$/],
    [{ pattern: 'a', jitter: '180%' }, /jitter `180%` is not a ratio; write 0\.8 or 80%$/],
    [
      { pattern: 'a', ttlSeconds: 5 },
      /^1:38 namespaces\.user\.ttlSeconds is not a known field here: a namespace has `ttl`/,
    ],
    [
      { patterns: ['a'], pattern: 'a' },
      /namespaces\.user\.patterns is not a known field here: .* an entity has `patterns`$/,
    ],
  ])('names the place and the way out: %j', (entry, problem) => {
    const problems = problemsOf(namespace(entry));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  test('reports every mistake, in the order of the file', () => {
    const text = [
      '{',
      '  "zzz": 1,',
      '  "profiles": { "a": { "password": "x" } },',
      '  "namespaces": { "b": { "pattern": "<", "ttl": "x" } }',
      '}',
    ].join('\n');
    expect(problemsOf(text).map((problem) => problem.split(' ', 2).join(' '))).toEqual([
      '2:3 zzz',
      '3:22 profiles.a.url',
      '3:24 profiles.a.password',
      '4:37 namespaces.b.pattern',
      '4:49 namespaces.b.ttl',
    ]);
  });

  test('never repeats a password that stands in the wrong field', () => {
    expect(
      problemsOf('{ "profiles": { "a": { "url": "redis://x", "password": "hunter2" } } }').join(),
    ).not.toContain('hunter2');
  });

  test('must not give a field twice, which JSON would silently allow', () => {
    const text = '{\n "namespaces": {\n  "a": { "pattern": "a" },\n  "a": { "pattern": "b" }\n }\n}';
    expect(problemsOf(text)).toEqual([
      '4:3 namespaces.a is given twice; the second would silently replace the first',
    ]);
  });

  test.each([
    ['profiles', '{ "profiles": { "__proto__": { "url": "redis://h", "protected": true } } }'],
    ['namespaces', '{ "namespaces": { "__proto__": { "pattern": "a" } } }'],
    ['entities', '{ "entities": { "__proto__": { "patterns": ["a:<id>"] } } }'],
    ['namespaces.a', '{ "namespaces": { "a": { "pattern": "a", "__proto__": { "kind": "state" } } } }'],
    ['namespaces', '{ "namespaces": { "\\u005f_proto__": { "pattern": "a" } } }'],
  ])('must not lose what is named __proto__, in %s', (path, text) => {
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(`^1:\\d+ ${path}.__proto__ is a name that nothing can have; use another$`),
    ]);
  });

  test('may use every other name that an object knows, in all of its parts', () => {
    const names = ['constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];
    const each = (value: object) => Object.fromEntries(names.map((name) => [name, value]));
    const config = parseConfig(
      JSON.stringify({
        profiles: each({ url: 'redis://h', protected: true }),
        namespaces: each({ pattern: 'a:*' }),
        entities: each({ patterns: ['a:<id>'] }),
      }),
      'map',
    );
    for (const part of [config.profiles, config.namespaces, config.entities])
      expect(Object.keys(part ?? {})).toEqual(names);
    expect(problemsOf('{ "profiles": { "a": { "url": "redis://h", "constructor": 1 } } }')).toEqual([
      expect.stringMatching(/ profiles\.a\.constructor is not a known field$/),
    ]);
  });

  test('may give the same field in two places', () => {
    expect(problemsOf('{ "namespaces": { "a": { "pattern": "a" }, "b": { "pattern": "b" } } }')).toEqual([]);
  });

  test('finds the place of an entry whose name is a number', () => {
    expect(problemsOf('{\n "namespaces": {\n  "12": { "pattern": "<" }\n }\n}')[0]).toMatch(
      /^3:22 namespaces\.12\.pattern /,
    );
  });

  test.each([
    [
      { entities: { user: { patterns: ['user:*'] } } },
      'entities.user.patterns.0 `user:*` has no <id>: it would remove the keys of every user',
    ],
    [
      { entities: { user: { patterns: [], hashedIn: ['api'] } } },
      'entities.user.hashedIn.0 there is no namespace `api`',
    ],
    [{ defaultProfile: 'prod' }, 'defaultProfile there is no profile `prod`'],
    [
      { defaultProfile: 'prod', profiles: { local: { url: 'redis://x' } } },
      'defaultProfile there is no profile `prod`; profiles are: local',
    ],
  ])('must name what exists: %j', (map, problem) => {
    expect(problemsOf(JSON.stringify(map)).map((text) => text.replace(/^\S+ /, ''))).toEqual([problem]);
  });

  test.each([
    [{}, 'profiles.a.url is missing, as are `cluster` and `sentinel`: one is needed'],
    [
      { url: 'redis://x', cluster: ['redis://x'] },
      'profiles.a.cluster conflicts with `url`: a profile has one of `url`, `cluster` and `sentinel`',
    ],
    [
      { cluster: ['redis://x'], sentinel: { name: 'm', nodes: ['redis://x'] } },
      'profiles.a.sentinel conflicts with `cluster`: a profile has one of `url`, `cluster` and `sentinel`',
    ],
    [
      { url: 'redis://x', sentinelPasswordEnv: 'X' },
      'profiles.a.sentinelPasswordEnv has no effect with `url`',
    ],
    [{ cluster: [] }, 'profiles.a.cluster expected the URL of at least one node'],
    [
      { sentinel: { name: 'm', nodes: [] } },
      'profiles.a.sentinel.nodes expected the URL of at least one Sentinel',
    ],
  ])('leads from a profile to one place: %j', (a, problem) => {
    const problems = problemsOf(JSON.stringify({ profiles: { a } }));
    expect(problems.map((text) => text.replace(/^\S+ /, ''))).toEqual([problem]);
  });

  test('tells of names that do not exist along with mistakes of form', () => {
    const text = [
      '{ "zzz": 1, "defaultProfile": "prod",',
      '  "namespaces": { "a": { "pattern": "<" }, "b": { "pattern": "b", "ttl": { "min": "2h", "max": "1h" } } },',
      '  "entities": { "user": { "patterns": ["user:*"], "hashedIn": ["api", 7, "a"] } } }',
    ].join('\n');
    expect(problemsOf(text).map((problem) => problem.split(' ', 2).join(' '))).toEqual([
      '1:3 zzz',
      '1:31 defaultProfile',
      '2:37 namespaces.a.pattern',
      '2:74 namespaces.b.ttl',
      '3:40 entities.user.patterns.0',
      '3:64 entities.user.hashedIn.0',
      '3:71 entities.user.hashedIn.1',
    ]);
  });

  test.each([
    { entities: { user: { patterns: ['<'] } } },
    { namespaces: [], entities: { user: { patterns: ['<id>'], hashedIn: ['api'] } } },
    { profiles: 7, defaultProfile: 'prod' },
    { namespaces: { a: { pattern: 'a', ttl: { min: '2 parsecs', max: 60 } } } },
    { entities: [null] },
  ])('tells of one mistake once: %j', (map) => {
    expect(problemsOf(JSON.stringify(map))).toHaveLength(1);
  });

  test.each(['[', '{"a":'])('is refused, not crashed on, where it is nested without end: %s', (opening) => {
    const text = `{ "namespaces":\n ${opening.repeat(200_000)}`;
    expect(problemsOf(text)).toEqual([`2:${2 + 99 * opening.length}  is nested deeper than 100 levels`]);
    const file = join(temporaryFolder(), 'cachectl.config.json');
    writeFileSync(file, text);
    expect(readMapNames(file)).toEqual({ profile: [], namespace: [], entity: [] });
  });

  test('finds the places of many mistakes', () => {
    const entries = Array.from({ length: 1000 }, (_, at) => `"n${at}": { "pattern": "<" }`);
    const problems = problemsOf(`{ "namespaces": {\n${entries.join(',\n')}\n} }`);
    expect(problems).toHaveLength(1000);
    expect(problems[999]).toMatch(/^1001:22 namespaces\.n999\.pattern /);
  });

  test('says once what is wrong in the same way in many parts, and keeps all of it', () => {
    const entries = Array.from({ length: 1000 }, (_, at) => `"n${at}": { "pattern": 1 }`);
    const error = errorOf(`{ "namespaces": {\n${entries.join(',\n')},\n"x": 1\n} }`);
    expect(error?.problems).toHaveLength(1001);
    expect(error?.message.split('\n').slice(1)).toEqual([
      '  2:20  namespaces.n0.pattern  expected a pattern or a list of patterns; and 999 more, such as ' +
        'namespaces.n1.pattern (3:20), namespaces.n2.pattern (4:20), namespaces.n3.pattern (5:20)',
      '  1002:6  namespaces.x  expected object, received number',
    ]);
  });

  test('marks no guess where there is no TTL rule', () => {
    expect(problemsOf(namespace({ pattern: 'a', ttlGuessed: true }))).toEqual([
      '1:51 namespaces.user.ttlGuessed marks a `ttl`, and there is none',
    ]);
    expect(problemsOf(namespace({ pattern: 'a', ttl: '1h', ttlGuessed: true }))).toEqual([]);
  });

  test('that cannot be read says why', async () => {
    const { signal } = new AbortController();
    const folder = temporaryFolder();
    await expect(loadConfig(join(folder, 'none.json'), signal)).rejects.toThrow(
      /none\.json` cannot be read: there is no such file$/,
    );
    await expect(loadConfig(folder, signal)).rejects.toThrow(/` cannot be read: it is a folder$/);
    const file = join(folder, 'map.json');
    writeFileSync(file, '{ "thresholds": { "maxClients": 1.5 } }');
    await expect(loadConfig(file, signal)).rejects.toThrow(
      `\`${file}\` is not a valid map:\n  1:33  thresholds.maxClients  expected int, received number`,
    );
  });
});
