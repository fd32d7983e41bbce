import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { GlobalOptions } from '../../src/cli/options.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { InputError } from '../../src/support/failure.ts';
import { type Given, resolveIn } from './resolved-settings.ts';
import { makeCertificates } from '../server/certificates.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder();
let authority: string;
beforeAll(() => {
  writeFileSync(join(folder, 'password'), 'from-file\nnot this\n');
  writeFileSync(join(folder, 'empty'), '\nnot this\n');
  authority = makeCertificates(folder).ca;
});

const profiles: NonNullable<ConfigFile['profiles']> = {
  local: { url: 'redis://127.0.0.1:6379/0' },
  staging: { url: 'redis://ann:secret@staging.example:6390/2', readOnly: true },
  production: { url: 'rediss://cache.example:6380/0', passwordEnv: 'PRODUCTION_PASSWORD', protected: true },
};

const resolve = (given: Given = {}) => resolveIn(folder, { config: { profiles }, ...given });

const failureOf = async (given: Given): Promise<InputError> => {
  try {
    await resolve(given);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('it was resolved');
};

describe('without anything said', () => {
  test('the server is the local one, and every setting is a default', async () => {
    const { target, profile, settings, output } = await resolve({ config: null });
    expect(target).toEqual({
      host: '127.0.0.1',
      port: 6379,
      database: 0,
      timeoutMillis: 10_000,
      retryMillis: 30_000,
    });
    expect(profile).toBeNull();
    expect(output).toBe('tsv');
    expect(Object.fromEntries(settings.map(({ name, origin }) => [name, origin]))).toEqual({
      config: 'none found',
      trust: 'none',
      profile: 'none',
      url: 'default',
      topology: 'default',
      database: 'default',
      username: 'none',
      password: 'none',
      tls: 'default',
      timeoutSeconds: 'default',
      retryForSeconds: 'default',
      output: 'default: a pipe',
    });
  });

  test('a terminal gets tables', async () => {
    expect(await resolve({ terminal: true })).toMatchObject({ output: 'table' });
    expect(await resolve({ terminal: true, options: { output: 'json' } })).toMatchObject({ output: 'json' });
  });
});

describe('the server', () => {
  const withDefault: ConfigFile = { profiles, defaultProfile: 'staging' };
  const flag = { url: 'redis://flag.example' };
  const env = { REDIS_URL: 'redis://env.example' };

  test.each<[string, Given, string, string]>([
    [
      '--url, before all else',
      { options: { ...flag, profile: 'staging' }, env, config: withDefault },
      'flag.example',
      '--url',
    ],
    [
      'a profile named by a flag',
      { options: { profile: 'staging' }, env, config: withDefault },
      'staging.example',
      'profile staging',
    ],
    [
      'REDIS_URL',
      { env: { ...env, CACHECTL_PROFILE: 'staging' }, config: withDefault },
      'env.example',
      'REDIS_URL',
    ],
    [
      'a profile named by the environment',
      { env: { CACHECTL_PROFILE: 'staging' }, config: { ...withDefault, defaultProfile: 'local' } },
      'staging.example',
      'profile staging',
    ],
    ['the default profile of the map', { config: withDefault }, 'staging.example', 'profile staging'],
    ['the default', { env: { REDIS_URL: '', CACHECTL_PROFILE: '' } }, '127.0.0.1', 'default'],
  ])('is that of %s', async (_what, given, host, origin) => {
    const resolved = await resolve(given);
    expect(resolved.target.host).toBe(host);
    expect(resolved.origin('url')).toBe(origin);
  });

  test('and its parts may come from further flags', async () => {
    const { target, origin } = await resolve({
      options: { url: 'redis://bob:secret@h/3', db: 5, username: 'ann', timeout: 2.5 },
    });
    expect(target).toMatchObject({ database: 5, username: 'ann', password: 'secret', timeoutMillis: 2500 });
    expect([origin('database'), origin('username'), origin('password'), origin('timeoutSeconds')]).toEqual([
      '--db',
      '--username',
      '--url',
      '--timeout',
    ]);
  });

  test.each([
    ['--url', { options: { url: '"redis://h/2"\n' } }],
    ['REDIS_URL', { env: { REDIS_URL: '"redis://h/2"\n' } }],
    ['profile p', { options: { profile: 'p' }, config: { profiles: { p: { url: '"redis://h/2"\n' } } } }],
    [
      'profile p',
      { options: { profile: 'p' }, config: { profiles: { p: { cluster: ['redis://h', '"redis://i"\n'] } } } },
    ],
    [
      'profile p',
      {
        options: { profile: 'p' },
        config: { profiles: { p: { sentinel: { name: 'm', nodes: ['"redis://h"\n'] } } } },
      },
    ],
  ] satisfies [string, Given][])(
    'of a URL in quotes is read, and the quotes are named: %s',
    async (origin, given) => {
      const resolved = await resolve(given);
      expect(resolved.target.host).toBe('h');
      expect(resolved.warnings).toEqual([
        `the URL (from ${origin}) has a line feed (U+000A), a double quote (U+0022) around it, which is left out`,
      ]);
    },
  );

  test('that cannot be read is named on one line, by the character', async () => {
    const error = await failureOf({ env: { REDIS_URL: 'redis://ca\nche' } });
    expect(error.message).toBe(
      'the URL `redis://ca\\nche` (from REDIS_URL) cannot be used: its host contains a line feed (U+000A)',
    );
  });

  test('that cannot be read from a URL is named with its origin, and without its password', async () => {
    const error = await failureOf({ env: { REDIS_URL: 'http://ann:s3cret@h' } });
    expect(error.message).toMatch(/^the URL `http:\/\/…@h` \(from REDIS_URL\) cannot be used: /);
    expect(error.message).not.toContain('s3cret');
  });

  test('of a profile that does not exist is refused, with the names there are', async () => {
    expect(await failureOf({ options: { profile: 'prod' } })).toMatchObject({
      message: 'there is no profile `prod` (from --profile)',
      hint: 'profiles are: local, staging, production',
    });
    expect((await failureOf({ env: { CACHECTL_PROFILE: 'toString' } })).message).toContain(
      '(from CACHECTL_PROFILE)',
    );
    expect((await failureOf({ options: { profile: 'prod' }, config: null })).hint).toMatch(/config init/);
  });

  test('given by a URL needs no profile that the environment names', async () => {
    expect((await resolve({ options: flag, env: { CACHECTL_PROFILE: 'unknown' } })).profile).toBeNull();
  });
});

describe('the password', () => {
  const PRODUCTION_PASSWORD = 'from-variable';

  test.each<[string, Given, string | undefined, string]>([
    [
      'the file of the flag',
      { options: { url: 'redis://:in-url@h', passwordFile: 'password' } },
      'from-file',
      '--password-file',
    ],
    ['the URL', { options: { url: 'redis://:in-url@h' }, env: { REDISCLI_AUTH: 'auth' } }, 'in-url', '--url'],
    [
      'the profile',
      { options: { profile: 'production' }, env: { PRODUCTION_PASSWORD, REDISCLI_AUTH: 'auth' } },
      'from-variable',
      'profile production',
    ],
    [
      'REDISCLI_AUTH',
      { options: { profile: 'local' }, env: { REDISCLI_AUTH: 'auth' } },
      'auth',
      'REDISCLI_AUTH',
    ],
    ['nowhere', { env: { REDISCLI_AUTH: '' } }, undefined, 'none'],
    [
      'the person at the terminal, later',
      { options: { profile: 'production', askPassword: true } },
      undefined,
      '--ask-password',
    ],
    [
      'the URL, where the profile at its address has none at hand',
      { options: { url: 'rediss://:in-url@cache.example:6380' } },
      'in-url',
      '--url',
    ],
    [
      'REDISCLI_AUTH, where the profile at the address of a URL has none at hand',
      { options: { url: 'rediss://cache.example:6380' }, env: { REDISCLI_AUTH: 'auth' } },
      'auth',
      'REDISCLI_AUTH',
    ],
    [
      'the file of the flag, where the profile has none at hand',
      { options: { profile: 'production', passwordFile: 'password' } },
      'from-file',
      '--password-file',
    ],
    [
      'the file of the profile, beside the map',
      {
        options: { profile: 'p' },
        config: { profiles: { p: { url: 'redis://h', passwordFile: 'password' } } },
      },
      'from-file',
      'profile p',
    ],
  ])('comes from %s', async (_what, given, password, origin) => {
    const resolved = await resolve(given);
    expect(resolved.target.password).toBe(password);
    expect(resolved.origin('password')).toBe(origin);
  });

  test('never stands in the settings', async () => {
    const { settings } = await resolve({
      options: { url: 'redis://ann:s3cret@h' },
      env: { REDISCLI_AUTH: 's3cret' },
    });
    expect(JSON.stringify(settings)).not.toContain('s3cret');
    expect(settings.find(({ name }) => name === 'password')?.value).toBe('********');
  });

  test('that a profile takes from a variable must be there', async () => {
    const { obstacle, target, value, origin } = await resolve({
      options: { profile: 'production' },
      env: { REDISCLI_AUTH: 'of another' },
    });
    expect(obstacle).toMatchObject({
      message: 'profile `production` takes its password from PRODUCTION_PASSWORD, which is not set',
      hint: expect.stringMatching(/`export PRODUCTION_PASSWORD=…`.*--ask-password/) as string,
    });
    expect(target.password).toBeUndefined();
    expect([value('password'), origin('password')]).toEqual([
      'not set',
      'profile production: PRODUCTION_PASSWORD is not set',
    ]);
    expect((await resolve({ options: { profile: 'production', askPassword: true } })).obstacle).toBeNull();
  });

  test.each([
    ['missing', 'there is no such file'],
    ['.', 'it is a folder'],
    ['empty', 'has no password in its first line'],
  ])('in a file that is no good (%s) is asked for in words', async (passwordFile, message) => {
    const error = await failureOf({ options: { passwordFile } });
    expect(error.message).toMatch(/^--password-file `/);
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/ENOENT|EISDIR/);
  });
});

describe('protections', () => {
  const at = async (url: string, config: ConfigFile = { profiles }) =>
    (await resolve({ options: { url }, config })).profile;

  test('are those of the profile that is named', async () => {
    const env = { PRODUCTION_PASSWORD: 'x' };
    expect((await resolve({ options: { profile: 'production' }, env })).profile).toEqual({
      name: 'production',
      protected: true,
      readOnly: false,
    });
    expect((await resolve({ options: { profile: 'staging' } })).profile).toMatchObject({
      name: 'staging',
      readOnly: true,
    });
  });

  test.each([
    'rediss://cache.example:6380',
    'rediss://cache.example:6380/7',
    'redis://ann:x@CACHE.example.:6380/0',
  ])('of a profile hold for a URL that leads to its server: %s', async (url) => {
    expect(await at(url)).toEqual({ name: 'production', protected: true, readOnly: false });
  });

  test.each([
    'rediss://cache.example:6381',
    'rediss://cache.example.org:6380',
    'unix:///run/cache.example:6380',
  ])('of a profile do not hold elsewhere: %s', async (url) => {
    expect(await at(url)).toBeNull();
  });

  test('of a profile on this machine hold under each of its names', async () => {
    const config: ConfigFile = { profiles: { tunnel: { url: 'redis://localhost:7000', protected: true } } };
    for (const host of ['127.0.0.1', 'LOCALHOST', '[::1]', '127.0.0.2'])
      expect(await at(`redis://${host}:7000`, config)).toMatchObject({ name: 'tunnel', protected: true });
  });

  test('hold for a URL in the environment, and for the default one', async () => {
    const config: ConfigFile = { profiles: { here: { url: 'redis://localhost', protected: true } } };
    expect((await resolve({ config })).profile).toMatchObject({ name: 'here', protected: true });
    expect((await resolve({ config, env: { REDIS_URL: 'redis://localhost/3' } })).profile).toMatchObject({
      protected: true,
    });
  });

  test('are not lifted by a default profile that leads elsewhere', async () => {
    const config: ConfigFile = { profiles, defaultProfile: 'local' };
    expect(await at('rediss://cache.example:6380', config)).toMatchObject({
      name: 'production',
      protected: true,
    });
  });

  test('are not lifted by naming another profile beside the URL, whose user and password are used', async () => {
    const resolved = await resolve({ options: { url: 'rediss://cache.example:6380', profile: 'staging' } });
    expect(resolved.profile).toEqual({ name: 'production', protected: true, readOnly: true });
    expect([resolved.value('profile'), resolved.origin('profile')]).toEqual(['production', 'same address']);
  });

  test('are those of the strictest of several profiles at one address', async () => {
    const config: ConfigFile = {
      profiles: {
        plain: { url: 'redis://h' },
        reader: { url: 'redis://h', readOnly: true },
        guarded: { url: 'redis://h', protected: true },
      },
    };
    expect(await at('redis://h', config)).toEqual({ name: 'guarded', protected: true, readOnly: true });
    // Who names a profile has said which.
    expect((await resolve({ options: { profile: 'plain' }, config })).profile).toEqual({
      name: 'plain',
      protected: false,
      readOnly: false,
    });
  });

  test('are not missed for a profile beside it whose URL is broken', async () => {
    const config: ConfigFile = {
      profiles: { broken: { url: 'http://h:6379' }, p: { url: 'redis://h', protected: true } },
    };
    expect(await at('redis://h', config)).toMatchObject({ name: 'p' });
  });
});

describe('TLS', () => {
  test('is off for redis:// and on, with verification, for rediss://', async () => {
    expect((await resolve({ options: { url: 'redis://h' } })).target.tls).toBeUndefined();
    expect((await resolve({ options: { url: 'rediss://h' } })).target.tls).toEqual({ verify: true });
    expect((await resolve({ options: { url: 'rediss://h', insecure: true } })).target.tls).toEqual({
      verify: false,
    });
  });

  test.each<[Partial<GlobalOptions>, boolean]>([
    [{ tlsCa: 'ca.pem' }, true],
    [{ tlsServerName: 'cache' }, true],
    [{ tlsCert: 'server.pem', tlsKey: 'server.key' }, true],
    [{ insecure: true }, false],
  ])('is on where %j is given, whatever names the URL', async (options, verify) => {
    const config: ConfigFile = { profiles: { p: { url: 'redis://h' } } };
    for (const given of [
      { options: { ...options, url: 'redis://h' } },
      { options: { ...options, profile: 'p' }, config },
      { options, env: { REDIS_URL: 'redis://h' } },
    ])
      expect((await resolve(given)).target.tls).toMatchObject({ verify });
  });

  test('takes files of a flag from the working folder and those of a profile from beside the map', async () => {
    const config: ConfigFile = {
      profiles: { p: { url: 'redis://h', tls: { ca: 'ca.pem', verify: false } } },
    };
    expect((await resolve({ options: { profile: 'p' }, config })).target.tls).toEqual({
      ca: authority,
      verify: false,
    });
    expect((await failureOf({ options: { url: 'rediss://h', tlsCa: 'no.pem' } })).message).toMatch(
      /^--tls-ca `.*no\.pem` cannot be read: there is no such file$/,
    );
  });
});
