import { describe, expect, test } from 'vitest';
import type { GlobalOptions } from '../../src/cli/options.ts';
import { resolveSettings } from '../../src/cli/settings.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { namedMap } from '../named-map.ts';

const profiles: NonNullable<ConfigFile['profiles']> = {
  one: { url: 'redis://one.example:6379/0' },
  many: {
    cluster: ['redis://n1.example:7000', 'redis://ann:secret@n2.example:7001'],
    protected: true,
  },
  watched: {
    sentinel: {
      name: 'main',
      nodes: ['redis://s1.example:26379', 'redis://:watch@s2.example:26380'],
      database: 3,
    },
    passwordEnv: 'MAIN_PASSWORD',
    readOnly: true,
  },
};

interface Given {
  readonly options?: Partial<GlobalOptions>;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: ConfigFile;
}

function resolve({ options = {}, env = {}, config = { profiles } }: Given) {
  const surroundings = {
    workingDirectory: '/',
    stdoutIsTerminal: false,
    signal: new AbortController().signal,
  };
  const loaded = namedMap('/cachectl.config.json', config);
  return resolveSettings({ color: true, ...options }, env, loaded, surroundings);
}

const settingOf = async (given: Given, name: string) =>
  (await resolve(given)).settings.find((setting) => setting.name === name);

describe('a profile of a cluster', () => {
  const given: Given = { options: { profile: 'many' } };

  test('leads to its seeds, with one user and password for all', async () => {
    expect(await resolve(given)).toMatchObject({
      target: {
        topology: {
          kind: 'cluster',
          seeds: [
            { host: 'n1.example', port: 7000 },
            { host: 'n2.example', port: 7001 },
          ],
        },
        ...{ database: 0, username: 'ann', password: 'secret' },
      },
      profile: { name: 'many', protected: true, readOnly: false },
    });
    expect(await settingOf(given, 'url')).toEqual({
      name: 'url',
      value: 'redis://n1.example:7000,redis://n2.example:7001',
      origin: 'profile many',
    });
    expect(await settingOf(given, 'topology')).toMatchObject({ value: 'cluster', origin: 'profile many' });
  });

  test('has one database', async () => {
    await expect(resolve({ options: { profile: 'many', db: 2 } })).rejects.toThrow(
      'database 2 (from --db) cannot be had: a cluster has database 0 alone',
    );
    const config: ConfigFile = { profiles: { p: { cluster: ['redis://h/5'] } } };
    await expect(resolve({ options: { profile: 'p' }, config })).rejects.toThrow(
      'database 5 (from profile p)',
    );
  });

  test('names a seed that cannot be read, and no password', async () => {
    const config: ConfigFile = { profiles: { p: { cluster: ['redis://h', 'http://ann:s3cret@x'] } } };
    await expect(resolve({ options: { profile: 'p' }, config })).rejects.toThrow(
      /^the URL `http:\/\/…@x` \(from profile p\) cannot be used/,
    );
  });
});

describe('--cluster', () => {
  test.each<[string, Given, string]>([
    ['--url', { options: { cluster: true, url: 'redis://h:7000' } }, 'h'],
    ['REDIS_URL', { options: { cluster: true }, env: { REDIS_URL: 'redis://h:7000' } }, 'h'],
    ['a profile', { options: { cluster: true, profile: 'one' } }, 'one.example'],
  ])('takes the server of %s for a seed', async (_what, given, host) => {
    expect((await resolve(given)).target.topology).toMatchObject({ kind: 'cluster', seeds: [{ host }] });
    expect(await settingOf(given, 'topology')).toMatchObject({ value: 'cluster', origin: '--cluster' });
  });

  test('cannot stand beside Sentinels, or a database number', async () => {
    await expect(resolve({ options: { cluster: true, profile: 'watched' } })).rejects.toThrow(
      '--cluster cannot be used with profile watched, which leads to Sentinels',
    );
    await expect(resolve({ options: { cluster: true, url: 'redis://h/4' } })).rejects.toThrow(
      'database 4 (from --url) cannot be had',
    );
  });
});

describe('a profile of Sentinels', () => {
  const env = { MAIN_PASSWORD: 'main' };

  test('leads to them, and keeps their password apart from that of the server', async () => {
    const { target, profile } = await resolve({ options: { profile: 'watched' }, env });
    expect(target).toMatchObject({
      topology: {
        kind: 'sentinel',
        name: 'main',
        sentinels: [
          { host: 's1.example', port: 26379 },
          { host: 's2.example', port: 26380 },
        ],
        password: 'watch',
      },
      ...{ database: 3, password: 'main' },
    });
    expect(target.username).toBeUndefined();
    expect(profile).toMatchObject({ name: 'watched', readOnly: true });
  });

  test('may take their password from a variable, which must be set', async () => {
    const sentinel = { name: 'main', nodes: ['redis://s1.example:26379'] };
    const config: ConfigFile = { profiles: { p: { sentinel, sentinelPasswordEnv: 'WATCH' } } };
    const options = { profile: 'p' };
    expect((await resolve({ options, config, env: { WATCH: 'x' } })).target.topology).toMatchObject({
      password: 'x',
    });
    expect((await resolve({ options, config })).obstacle?.message).toBe(
      'profile `p` takes the password of its Sentinels from WATCH, which is not set',
    );
    expect(
      JSON.stringify((await resolve({ options, config, env: { WATCH: 's3cret' } })).settings),
    ).not.toContain('s3cret');
  });

  test('says where the database number goes', async () => {
    const config: ConfigFile = { profiles: { p: { sentinel: { name: 'm', nodes: ['redis://s/2'] } } } };
    await expect(resolve({ options: { profile: 'p' }, config })).rejects.toThrow(
      'the URL of a Sentinel (from profile p) ends in database 2',
    );
  });
});

describe('protections of a profile', () => {
  test.each<[string, Given, string]>([
    ['a seed', { options: { url: 'redis://n1.example:7000' } }, 'many'],
    ['another seed', { env: { REDIS_URL: 'redis://N2.example.:7001' } }, 'many'],
    ['a seed with --cluster', { options: { url: 'redis://n2.example:7001', cluster: true } }, 'many'],
    ['a Sentinel', { options: { url: 'redis://s2.example:26380' } }, 'watched'],
  ])('hold for a URL that is that of %s', async (_what, given, name) => {
    const { protected: isProtected = false, readOnly = false } = profiles[name] ?? {};
    expect((await resolve(given)).profile).toEqual({ name, protected: isProtected, readOnly });
  });

  test('do not hold elsewhere', async () => {
    expect((await resolve({ options: { url: 'redis://n1.example:7001' } })).profile).toBeNull();
  });
});
