import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { systemNames } from '../../src/sandbox/systems.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { naming } from '../named-map.ts';
import { temporaryFolder } from '../server/own.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
/** A terminal without colors. */
const atTerminal = { terminal: true, env: { NO_COLOR: '1' } };
const nowhere = 'redis://127.0.0.1:1/0';

function folderWith(map?: object | string): string {
  const folder = temporaryFolder();
  if (map !== undefined) {
    const text = typeof map === 'string' ? map : JSON.stringify(map);
    writeFileSync(join(folder, 'cachectl.config.json'), text, { mode: 0o600 });
  }
  return folder;
}

const shop = {
  defaultProfile: 'prod',
  profiles: {
    prod: { url: 'redis://cache.example:6380/2', passwordEnv: 'SHOP_PASSWORD', protected: true },
    old: { url: 'redis://me:hunter2@old.example/0', readOnly: true },
  },
  namespaces: {
    price: { pattern: ['price:<id>', 'offer:<id>'], ttl: '1h', hitRateTarget: '80%', encoding: 'json' },
    today: { pattern: 'today:<id>', ttl: { untilMidnight: 'Europe/Prague' } },
    cart: { pattern: 'cart:<id>', kind: 'state', ttl: { min: '30s', max: 3600 } },
  },
  entities: { user: { patterns: ['price:<id>'], hashedIn: ['today'] } },
  thresholds: { minHitRate: '90%', maxPingMillis: 5 },
};

describe('config show', () => {
  const show = (args: readonly string[], options: CliOptions) =>
    cli(['config', 'show', ...args], { ...options, env: { ...naming(options.cwd), ...options.env } });

  test('gives every setting with its origin, and the map in force, without a server', async () => {
    const cwd = folderWith(shop);
    const result = await show(['-o', 'json'], { cwd, env: { SHOP_PASSWORD: 'hunter2' } });

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonOf(result)).toMatchObject({
      command: 'config show',
      ok: true,
      configFile: join(cwd, 'cachectl.config.json'),
      settings: expect.arrayContaining([
        { name: 'profile', value: 'prod', origin: 'defaultProfile' },
        { name: 'url', value: 'redis://cache.example:6380/2', origin: 'profile prod' },
        { name: 'password', value: '********', origin: 'profile prod' },
        { name: 'output', value: 'json', origin: '--output' },
      ]) as unknown,
      profiles: [
        { name: 'prod', url: 'redis://cache.example:6380/2', protected: true, readOnly: false, inUse: true },
        { name: 'old', url: 'redis://…@old.example/0', protected: false, readOnly: true, inUse: false },
      ],
      delimiters: [':'],
      namespaces: [
        {
          name: 'price',
          patterns: ['price:<id>', 'offer:<id>'],
          kind: 'cache',
          ttl: { kind: 'fixed', seconds: 3600 },
          hitRateTarget: 0.8,
          encoding: 'json',
        },
        { name: 'today', ttl: { kind: 'untilMidnight', timeZone: 'Europe/Prague' } },
        { name: 'cart', kind: 'state', ttl: { kind: 'range', minSeconds: 30, maxSeconds: 3600 } },
      ],
      entities: [{ name: 'user', patterns: ['price:<id>'], hashedIn: ['today'] }],
      thresholds: { minHitRate: 0.9, maxPingMillis: 5 },
    });
    expect(result.stdout).not.toContain('hunter2');
  });

  test('puts an option before the environment, and that before the map', async () => {
    const cwd = folderWith(shop);
    const urlOf = async (args: readonly string[], url?: string) => {
      const result = await show([...args, '-o', 'json'], {
        cwd,
        env: { SHOP_PASSWORD: 'x' },
        ...(url !== undefined && { url }),
      });
      const settings = jsonOf(result)['settings'] as { name: string; value: string; origin: string }[];
      const url_ = settings.find(({ name }) => name === 'url');
      return [url_?.value, url_?.origin];
    };
    expect(await urlOf([])).toEqual(['redis://cache.example:6380/2', 'profile prod']);
    expect(await urlOf([], 'redis://b:1/1')).toEqual(['redis://b:1/1', 'REDIS_URL']);
    expect(await urlOf(['-u', 'redis://c:2/2'], 'redis://b:1/1')).toEqual(['redis://c:2/2', '--url']);
    expect(await urlOf(['-p', 'old'], 'redis://b:1/1')).toEqual([
      'redis://old.example:6379/0',
      'profile old',
    ]);
  });

  test('shows people one pattern below the other, and no password', async () => {
    const result = await show(['-p', 'old'], { cwd: folderWith(shop), ...atTerminal });

    expect(result.exitCode).toBe(0);
    expect(result.stdout).toMatch(/price +price:<id> +cache +1h +80\.0 %\n +offer:<id>\n/);
    expect(result.stdout).toMatch(/today +today:<id> +cache +until midnight in Europe\/Prague/);
    expect(result.stdout).toMatch(/cart +cart:<id> +state +30 s … 1h/);
    expect(result.stdout).toMatch(/minHitRate +90\.0 %/);
    expect(result.stdout).toMatch(/password +\*{8} +profile old/);
    expect(result.stdout).not.toContain('hunter2');
  });

  test('takes no default profile for in use where REDIS_URL leads elsewhere', async () => {
    const map = { defaultProfile: 'local', profiles: { local: { url: 'redis://127.0.0.1:6379/0' } } };
    const result = await show(['-o', 'json'], { cwd: folderWith(map), url: nowhere });

    expect(jsonOf(result)).toMatchObject({
      settings: expect.arrayContaining([
        { name: 'profile', value: null, origin: 'none' },
        { name: 'url', value: nowhere, origin: 'REDIS_URL' },
      ]) as unknown,
      profiles: [{ name: 'local', inUse: false }],
    });
  });

  test('shows a profile whose password is not at hand, which a command that connects refuses', async () => {
    const cwd = folderWith(shop);
    const result = await show(['-p', 'prod', '-o', 'json'], { cwd, env: { REDISCLI_AUTH: 'of another' } });

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonOf(result)['settings']).toContainEqual({
      name: 'password',
      value: 'not set',
      origin: 'profile prod: SHOP_PASSWORD is not set',
    });
    expect(
      await cli(['stats', '-p', 'prod'], { cwd, env: { ...naming(cwd), REDISCLI_AUTH: 'of another' } }),
    ).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /SHOP_PASSWORD, which is not set\nhint: `export SHOP_PASSWORD=…`/,
      ) as string,
    });
  });

  test('says how to get a map where there is none', async () => {
    const result = await show([], { cwd: folderWith(), ...atTerminal });

    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain('no map: namespaces are inferred from the keys; `cachectl config init`');
  });

  test('exits 2 where the map is broken', async () => {
    const result = await show(['-o', 'json'], { cwd: folderWith({ zzz: 1 }) });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/is not a valid map:\n {2}1:2 {2}zzz {2}is not a known field\nhint: /);
    expect(jsonOf(result)).toMatchObject({
      ok: false,
      error: { kind: 'config' },
      settings: [],
      namespaces: [],
    });
  });
});

describe('config show, for a cluster and Sentinels', () => {
  const cwdOf = () =>
    folderWith({
      profiles: {
        many: { cluster: ['redis://ann:hunter2@n1.example:7000', 'redis://n2.example:7000'] },
        main: { sentinel: { name: 'primary-1', nodes: ['redis://s1.example:26379'], database: 4 } },
      },
    });

  test('lists where each profile leads, without passwords', async () => {
    const result = await cli(['config', 'show', '-o', 'json'], { cwd: cwdOf(), url: nowhere });
    expect(result.stdout).not.toContain('hunter2');
    expect(jsonOf(result)).toMatchObject({
      profiles: [
        {
          name: 'many',
          topology: 'cluster',
          url: 'redis://…@n1.example:7000,redis://n2.example:7000',
        },
        { name: 'main', topology: 'sentinel', url: 'redis://s1.example:26379' },
      ],
    });
  });

  test.each([
    ['many', 'redis://n1.example:7000,redis://n2.example:7000', 'cluster', '0'],
    ['main', 'redis://s1.example:26379', 'Sentinels of primary-1', '4'],
  ])('shows what is in force with profile %s', async (profile, url, topology, database) => {
    const result = await cli(['config', 'show', '-o', 'json', '-p', profile], {
      ...{ cwd: cwdOf(), env: { CACHECTL_CONFIG: 'cachectl.config.json' } },
    });
    const origin = `profile ${profile}`;
    expect(jsonOf(result)).toMatchObject({
      settings: expect.arrayContaining([
        { name: 'url', value: url, origin },
        { name: 'topology', value: topology, origin },
        { name: 'database', value: database, origin },
      ]) as unknown,
    });
  });
});

describe('config validate', () => {
  const validate = (args: readonly string[], options: CliOptions = {}) =>
    cli(['config', 'validate', ...args], options);

  test('counts what a valid map holds', async () => {
    const cwd = folderWith({ ...shop, profiles: { prod: shop.profiles.prod } });
    const result = await validate(['-o', 'json'], { cwd, url: nowhere });

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonOf(result)).toMatchObject({
      ok: true,
      valid: true,
      file: join(cwd, 'cachectl.config.json'),
      counts: { namespaces: 3, stateNamespaces: 1, patterns: 4, entities: 1, profiles: 1, thresholds: 2 },
      problems: [],
      warnings: [],
    });
    expect((await validate([], { cwd, ...atTerminal })).stdout).toMatch(
      /namespaces +3 +1 of kind state, 4 patterns in all\n[^]*✓ valid\n$/,
    );
  });

  test.each(systemNames)('finds nothing wrong with the example map of %s', async (system) => {
    const result = await validate([join(packageRoot, 'examples', system, 'cachectl.config.json')]);
    expect(result).toMatchObject({ exitCode: 0 });
  });

  test('exits 2 and names each mistake with its place', async () => {
    const cwd = folderWith('{\n  "namespaces": {\n    "a": { "pattern": "<", "ttl": "x" }\n  }\n}');
    const result = await validate(['-o', 'json'], { cwd });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(
      /is not a valid map:\n {2}3:23 {2}namespaces\.a\.pattern {2}.+\n {2}3:35 {2}namespaces\.a\.ttl {2}`x` is not a duration.+\nhint: /,
    );
    expect(jsonOf(result)).toMatchObject({
      ok: false,
      error: { kind: 'config' },
      valid: false,
      counts: null,
      problems: [
        { path: 'namespaces.a.pattern', line: 3, column: 23 },
        { path: 'namespaces.a.ttl', line: 3, column: 35 },
      ],
    });
  });

  test('prints one problem per line as ndjson', async () => {
    const result = await validate(['-o', 'ndjson'], { cwd: folderWith({ zzz: 1, yyy: 2 }) });
    const lines = result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { record: string; path: string });
    expect(lines.map(({ record, path }) => [record, path])).toEqual([
      ['problems', 'zzz'],
      ['problems', 'yyy'],
      ['summary', undefined],
    ]);
  });

  test('warns of what is suspicious, and exits 0', async () => {
    const cwd = folderWith(shop);
    chmodSync(join(cwd, 'cachectl.config.json'), 0o644);
    const result = await validate(['-o', 'json'], { cwd });

    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(
      /^warning: 1:\d+ {2}profiles\.old\.url {2}holds a password, and others may read this file/,
    );
    expect(result.stderr).not.toContain('hunter2');
    expect(jsonOf(result)).toMatchObject({ valid: true, warnings: [{ path: 'profiles.old.url', line: 1 }] });
    expect((await validate(['-q'], { cwd })).stderr).toBe('');
  });

  test('tests the file that is named, whatever else is broken', async () => {
    const cwd = folderWith({ zzz: 1 });
    writeFileSync(join(cwd, 'good.json'), '{}');
    expect(await validate(['good.json'], { cwd })).toMatchObject({ exitCode: 0 });
    expect(await validate(['-c', 'good.json'], { cwd })).toMatchObject({ exitCode: 0 });
    expect(await validate([], { cwd, env: { CACHECTL_CONFIG: 'good.json' } })).toMatchObject({ exitCode: 0 });
    expect(await validate(['cachectl.config.json', '-c', 'good.json'], { cwd })).toMatchObject({
      exitCode: 2,
    });
  });

  test('says so where there is no map, or no such file', async () => {
    const cwd = folderWith();
    expect(await validate([], { cwd })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^error: there is no cachectl\.config\.json in .+\nhint: `cachectl config init`/,
      ) as string,
    });
    expect((await validate(['none.json'], { cwd })).stderr).toMatch(
      /^error: `.*none\.json` cannot be read: there is no such file\nhint: .*config init/,
    );
  });
});

describe('config schema', () => {
  test('prints the JSON Schema alone', async () => {
    const result = await cli(['config', 'schema'], { cwd: folderWith({ zzz: 1 }), url: 'not a URL' });

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({ title: 'cachectl namespace map', type: 'object' });
    expect(result.stdout).toBe(readFileSync(join(packageRoot, 'schema/cachectl.config.schema.json'), 'utf8'));
  });
});

describe('config without a subcommand', () => {
  test('lists its subcommands, and is a usage error', async () => {
    const result = await cli(['config']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/init .*\n.*show .*\n.*validate .*\n.*trust .*\n.*schema /);
  });
});
