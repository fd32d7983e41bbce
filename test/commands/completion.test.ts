import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shells } from '../../src/commands/completion/command.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { packageRoot } from '../server/binary.ts';
import { temporaryFolder } from '../server/own.ts';

const map = {
  profiles: {
    prod: { url: 'redis://me:hunter2@cache.example', protected: true, readOnly: true },
    local: { url: 'redis://127.0.0.1' },
  },
  namespaces: {
    'user-profile': { pattern: 'user:<id>:profile' },
    'user-settings': { pattern: ['user:<id>:settings', 'settings:<id>'] },
    'odd name': { pattern: 'odd:*' },
  },
  entities: { user: { patterns: ['user:<id>:*'] }, scenario: { patterns: ['scenario:<id>'] } },
};

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const cwd = folderWith({ 'cachectl.config.json': `// ours\n${JSON.stringify(map)}` });

/** What can stand in the place of the last word: values, or `(files)` where the shell lists them. */
async function candidates(
  words: readonly string[],
  folder = cwd,
  env: Readonly<Record<string, string>> = {},
) {
  const result = await cli(['complete', '--', ...words], { cwd: folder, env });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'))
    .map(([kind, value]) => (kind === 'word' ? value : `(${kind ?? ''})`));
}

describe('a completion', () => {
  test.each<[string[], string[]]>([
    [['insp'], ['inspect']],
    [
      ['config', ''],
      ['init', 'show', 'validate', 'trust', 'schema', 'help'],
    ],
    [['help', 'insp'], ['inspect']],
    [
      ['help', 'config', ''],
      ['init', 'show', 'validate', 'trust', 'schema', 'help'],
    ],
    [['help', 'config', 'sh'], ['show']],
    [['help', 'stats', ''], []],
    [['help', 'nope', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['completion', 'bash', 'x'], []],
    [['inspect', '--dep'], ['--depth']],
    [['inspect', '--outp'], ['--output']],
    [['--outp'], ['--output']],
    [['nonsense', ''], []],
    [['nonsense', 'more', 'x'], []],
  ])('of commands and options: %j', async (words, expected) => {
    expect(await candidates(words)).toEqual(expected);
  });

  test.each<[string[], string[]]>([
    [['--output', 'js'], ['json']],
    [['stats', '--output', 'js'], ['json']],
    [['stats', '-o', 'js'], ['json']],
    [['stats', '-qo', 'js'], ['json']],
    [['stats', '--output=js'], ['--output=json']],
    [['sandbox', '--system', 'hon'], ['honzik']],
    [['bench', 'ping', 'mi'], ['mixed']],
    [['keys', '--type', 'z'], ['zset']],
    [
      ['invalidate', '--ttl', ''],
      ['none', '..5m', '1h..', '1h..24h'],
    ],
    [['warm', '--ttl', ''], []],
    [['prune', '--idle', ''], []],
    [['keys', '--sort', 's'], ['size']],
    [['hits', '--sort', 'readsP'], ['readsPerSecond']],
    [['inspect', '--columns', 'namespace,memoryS'], ['namespace,memoryShare']],
    [['--timeout', ''], []],
    [['-c', ''], ['(files)']],
    [['stats', '--password-file', 'x'], ['(files)']],
    [['config', 'validate', ''], ['(files)']],
    [['warm', ''], ['(files)']],
    [['warm', 'one.json', ''], ['(files)']],
    [['ttl', ''], []],
  ])('of values: %j', async (words, expected) => {
    expect(await candidates(words)).toEqual(expected);
  });

  test.each<[string[], string[]]>([
    [
      ['invalidate', ''],
      ['user', 'scenario'],
    ],
    [['invalidate', 'sc'], ['scenario']],
    [['invalidate', '--dry-run', 'sc'], ['scenario']],
    [['invalidate', '-p', 'prod', 'sc'], ['scenario']],
    [['invalidate', 'user', ''], []],
    [
      ['-p', ''],
      ['prod', 'local'],
    ],
    [['stats', '--profile=pr'], ['--profile=prod']],
    [['invalidate', 'user', '12', '--confirm', 'pr'], ['prod']],
    [
      ['keys', '--namespace', 'user'],
      ['user-profile', 'user-settings'],
    ],
    [['keys', '--namespace', 'odd'], ['odd name']],
    [['invalidate', '--only', 'user-profile,o'], ['user-profile,odd name']],
  ])('of names in the map: %j', async (words, expected) => {
    expect(await candidates(words)).toEqual(expected);
  });

  test('reads the map that the command line or the environment names', async () => {
    const other = folderWith({ 'other.json': '{ "entities": { "order": { "patterns": ["order:<id>"] } } }' });
    expect(await candidates(['invalidate', ''], other)).toEqual([]);
    expect(await candidates(['-c', 'other.json', 'invalidate', ''], other)).toEqual(['order']);
    expect(await candidates(['--config=other.json', 'invalidate', ''], other)).toEqual(['order']);
    expect(await candidates(['invalidate', ''], other, { CACHECTL_CONFIG: 'other.json' })).toEqual(['order']);
  });

  test.each([
    ['with mistakes', '{ "zzz": 1, "entities": { "user": {} } }', ['user']],
    ['that is cut off', '{ "entities": { "user": { "patterns": ["user:', ['user']],
    ['of another shape', '{ "entities": ["user"], "profiles": 7 }', []],
    ['that is no JSON', 'entities: user', []],
  ])('takes what names there are in a map %s', async (_what, text, expected) => {
    expect(await candidates(['invalidate', ''], folderWith({ 'cachectl.config.json': text }))).toEqual(
      expected,
    );
  });

  test('offers options without a dash where nothing else can follow', async () => {
    expect(await candidates(['stats', ''])).toEqual(expect.arrayContaining(['--limit', '--url', '--help']));
    expect(await candidates(['stats', 'x'])).toEqual([]);
    expect(await candidates(['invalidate', 'user', '12', ''])).toEqual([]);
  });

  test('offers an option once, unless it may be given again', async () => {
    const offered = await candidates(['check', '--url', 'redis://x', '-q', '--only', 'a', '--']);
    expect(offered).not.toContain('--url');
    expect(offered).not.toContain('--quiet');
    expect(offered).toContain('--only');
  });

  test('takes nothing for an option behind --', async () => {
    expect(await candidates(['invalidate', '--', 'user', '--dry'])).toEqual([]);
    expect(await candidates(['invalidate', '--', 'us'])).toEqual(['user']);
  });

  test('goes on inside a command that runs another one', async () => {
    expect(await candidates(['sandbox', '--', 'insp'])).toEqual(['inspect']);
    expect(await candidates(['sandbox', '--system', 'honzik', '--', 'inspect', '--dep'])).toEqual([
      '--depth',
    ]);
  });

  test('knows every command of the program, and no hidden one', async () => {
    const help = (await cli(['--help'])).stdout;
    const listed = [...(/^Commands:\n((?: {2}.+\n)+)/m.exec(help)?.[1]?.matchAll(/^ {2}([a-z]+)/gm) ?? [])];
    const offered = await candidates(['']);
    expect(listed.length).toBeGreaterThan(8);
    expect(offered).toEqual(listed.map(([, name]) => name));
    expect(offered).not.toContain('complete');
  });

  test('describes what it offers, and never shows a URL of the map', async () => {
    const result = await cli(['-o', 'json', 'complete', '--', '--profile', ''], { cwd });
    expect(jsonOf(result)).toMatchObject({
      candidates: [
        { kind: 'word', value: 'prod', description: 'protected, readOnly' },
        { kind: 'word', value: 'local', description: '' },
      ],
    });
    expect(result.stdout).not.toContain('hunter2');
    const named = await cli(['complete', '--', 'keys', '--namespace', 'user-s'], { cwd });
    expect(named.stdout).toBe('word\tuser-settings\tuser:<id>:settings settings:<id>\n');
  });

  test('works where the connection settings are broken', async () => {
    expect(await candidates(['insp'], cwd, { REDIS_URL: 'not a URL', CACHECTL_PROFILE: 'none' })).toEqual([
      'inspect',
    ]);
  });
});

describe('a completion script', () => {
  test.each(shells)('for %s is printed as it is shipped', async (shell) => {
    const { exitCode, stdout } = await cli(['completion', shell], { cwd, env: { REDIS_URL: 'not a URL' } });
    const shipped = readFileSync(join(packageRoot, 'completions', `cachectl.${shell}`), 'utf8');
    expect(exitCode).toBe(0);
    expect(shipped, 'stale: `npm run generate` writes it').toBe(stdout);
  });

  test('is the same on a terminal as in a pipe', async () => {
    for (const shell of shells) {
      const piped = await cli(['completion', shell]);
      expect((await cli(['completion', shell], { terminal: true })).stdout).toBe(piped.stdout);
    }
  });

  test('for another shell is refused with the shells there are', async () => {
    expect(await cli(['completion', 'tcsh'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Allowed choices are bash, zsh, fish.') as string,
    });
  });
});
