import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { type Given, resolveIn } from './resolved-settings.ts';
import { type CertificateSet, makeCertificates } from '../server/certificates.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder();
let certificates: CertificateSet;
beforeAll(() => {
  certificates = makeCertificates(folder);
});

const resolve = (given: Given) => resolveIn(folder, given);

describe('a profile that has only the address in common with the URL', () => {
  const options = { url: 'rediss://h' };
  const withTls = (tls: object): ConfigFile => ({ profiles: { p: { url: 'rediss://h', tls } } });

  test.each([{ verify: false }, { ca: 'ca.pem' }, { serverName: 'evil' }])(
    'has no say in whose certificate is accepted: %j',
    async (tls) => {
      const { target, value, origin, warnings } = await resolve({ options, config: withTls(tls) });
      expect(target.tls).toEqual({ verify: true });
      expect([value('tls'), origin('tls')]).toEqual(['verified', '--url']);
      expect(warnings).toEqual([
        `profile \`p\` has the address of the URL; its tls settings ${Object.keys(tls).join()} are used with --profile p alone`,
      ]);
    },
  );

  test('turns TLS on, and gives its client certificate', async () => {
    const config = withTls({ certificate: 'server.pem', key: 'server.key' });
    const { target, origin, warnings } = await resolve({ options: { url: 'redis://h' }, config });
    const [certificate, key] = [certificates.certificateFile, certificates.keyFile].map((file) =>
      readFileSync(file, 'utf8'),
    );
    expect(target.tls).toEqual({ certificate, key, verify: true });
    expect(origin('tls')).toBe('profile p');
    expect(warnings).toEqual([]);
  });

  test('gives its password to its own user alone', async () => {
    const config: ConfigFile = { profiles: { p: { url: 'redis://h', username: 'ann', passwordEnv: 'P' } } };
    const passwordFor = async (url: string) =>
      (await resolve({ options: { url }, config, env: { P: 'of ann' } })).target;
    expect(await passwordFor('redis://h')).toMatchObject({ username: 'ann', password: 'of ann' });
    expect(await passwordFor('redis://ann@h')).toMatchObject({ password: 'of ann' });
    expect((await passwordFor('redis://bob@h')).password).toBeUndefined();
  });
});

describe('a map that is not trusted', () => {
  const trust = { state: 'not trusted', refusal: { reason: 'it is not trusted', hint: 'trust it' } } as const;
  const judged = { source: 'discovered', trust } as const;
  const config: ConfigFile = {
    defaultProfile: 'p',
    profiles: {
      p: {
        ...{ url: 'rediss://h', username: 'evil', passwordEnv: 'SECRET', tls: { verify: false } },
        ...{ protected: true, readOnly: true },
      },
      s: { sentinel: { name: 'm', nodes: ['redis://s'] }, sentinelPasswordEnv: 'SECRET' },
      c: { cluster: ['redis://c'] },
    },
  };
  const env = { SECRET: 'topsecret', REDISCLI_AUTH: 'topsecret' };

  test.each<[string, Given]>([
    ['--profile', { options: { profile: 'p' } }],
    ['CACHECTL_PROFILE', { env: { CACHECTL_PROFILE: 's' } }],
    ['defaultProfile', {}],
    ['--profile', { options: { profile: 'c' } }],
    ['--profile', { options: { profile: 'p', url: 'rediss://h' } }],
  ])('is not connected by: %s %j', async (origin, given) => {
    const { obstacle, target } = await resolve({ ...given, config, judged, env: { ...env, ...given.env } });
    expect(obstacle?.message).toContain(`(from ${origin}) is not used to connect: it is not trusted`);
    expect(obstacle?.hint).toBe('trust it');
    expect(['127.0.0.1', 'h']).toContain(target.host);
  });

  test('shows that its profile is not used', async () => {
    const { value, origin } = await resolve({ config, judged });
    expect([value('url'), origin('url')]).toEqual([null, 'profile p, not used']);
    expect([value('trust'), origin('trust')]).toEqual(['not trusted', 'discovered']);
  });

  test('still protects a URL of the same address, and gives it nothing else', async () => {
    const { obstacle, profile, target, warnings, value } = await resolve({
      ...{ options: { url: 'rediss://h' }, config, judged, env: { SECRET: 'topsecret' } },
    });
    expect(obstacle).toBeNull();
    expect(profile).toEqual({ name: 'p', protected: true, readOnly: true });
    expect(target).toEqual({
      ...{ host: 'h', port: 6379, database: 0, tls: { verify: true }, timeoutMillis: 10_000 },
      retryMillis: 30_000,
    });
    expect([value('username'), value('password')]).toEqual([null, null]);
    expect(warnings).toEqual([
      'profile `p` has the address of the URL, and only its protections hold: it is not trusted; trust it',
    ]);
  });

  test('says nothing where it would have given nothing', async () => {
    const { warnings, obstacle } = await resolve({ options: { url: 'redis://c' }, config, judged, env });
    expect({ warnings, obstacle }).toEqual({ warnings: [], obstacle: null });
  });
});

describe('the password file of a profile', () => {
  const home = temporaryFolder();
  writeFileSync(join(home, 'secret'), 'from-home\n');
  const outside = temporaryFolder();
  writeFileSync(join(outside, 'secret'), 'of the system\n');
  const given = (passwordFile: string): Given => ({
    ...{ options: { profile: 'p' }, config: { profiles: { p: { url: 'redis://h', passwordFile } } } },
    env: { HOME: home },
  });

  test('may lie in the home', async () => {
    expect((await resolve(given(join(home, 'secret')))).target.password).toBe('from-home');
  });

  test.each(['directly', 'by dots', 'through a link in the folder', 'with the root for a home'])(
    'is refused elsewhere: %s',
    async (way) => {
      const path = join(outside, 'secret');
      rmSync(join(folder, 'link'), { force: true });
      symlinkSync(path, join(folder, 'link'));
      const named =
        way === 'by dots'
          ? join('..', relative(dirname(folder), path))
          : way.includes('link')
            ? 'link'
            : path;
      const { obstacle, target } = await resolve({
        ...given(named),
        ...(way.includes('root') && { env: { HOME: '/' } }),
      });
      expect(obstacle?.message).toMatch(
        /^passwordFile `.*` is neither in the folder of the map nor in your home$/,
      );
      expect(target.password).toBeUndefined();
    },
  );
});
