import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { cli } from '../run-cli.ts';
import { type CertificateSet, makeCertificates } from '../server/certificates.ts';
import { open, temporaryFolder } from '../server/own.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { send, startPrivateServer } from '../server/redis.ts';
import { withMap } from './invalidate-setup.ts';

let redis: RedisProcess;
let files: CertificateSet;
/** Of an authority that the server does not know. */
let others: CertificateSet;
let plain: string;
beforeAll(async () => {
  redis = await startPrivateServer({ tls: true });
  files = redis.certificates ?? makeCertificates(redis.directory);
  others = makeCertificates(temporaryFolder());
  plain = redis.url.replace('rediss:', 'redis:');
});
afterAll(() => redis.stop());

const keys = (...args: readonly string[]) => cli(['keys', ...args], { url: redis.url });

const written = (name: string, text: string) => {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
};

describe('a TLS option turns TLS on for a redis:// URL', () => {
  test('that a flag, the environment or a profile gives', async () => {
    const ca = ['--tls-ca', files.caFile];
    const map: ConfigFile = { profiles: { p: { url: plain, tls: { ca: files.caFile } } } };
    for (const run of [
      cli(['keys', '--url', plain, ...ca]),
      cli(['keys', ...ca], { url: plain }),
      cli(['keys', '--profile', 'p'], { env: withMap(map) }),
      cli(['keys', '--insecure'], { url: plain }),
    ])
      expect(await run).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});

describe('a certificate', () => {
  /** The server shows `certificate` until the test ends. */
  async function show(certificate: string): Promise<void> {
    const server = await open(`unix://${redis.socketPath}`);
    const use = (file: string) => send(server, 'CONFIG', 'SET', 'tls-cert-file', file);
    await use(written('shown.pem', certificate));
    onTestFinished(() => void use(files.certificateFile));
  }

  test('for another host is named by its hosts, with the option that expects it', async () => {
    const { exitCode, stderr } = await keys(
      '--tls-ca',
      files.caFile,
      '--tls-server-name',
      'cache.example.com',
    );
    expect(exitCode).toBe(3);
    expect(stderr).toContain('its certificate is for `localhost`, `127.0.0.1`, not for `cache.example.com`');
    expect(stderr).toContain('--tls-server-name localhost');
    expect(await keys('--tls-ca', files.caFile, '--tls-server-name', 'localhost')).toMatchObject({
      exitCode: 0,
    });
  });

  test('that has expired, or is self-signed, is refused in words with the way out', async () => {
    await show(files.expired);
    const expired = await keys('--tls-ca', files.caFile);
    expect(expired.exitCode).toBe(3);
    expect(expired.stderr).toMatch(/has expired\nhint: renew the certificate.*clock.*--insecure/);
    await show(files.selfSigned);
    const selfSigned = await keys();
    expect(selfSigned.exitCode).toBe(3);
    expect(selfSigned.stderr).toMatch(/its certificate is self-signed\nhint: .*--tls-ca FILE.*--insecure/);
    expect(await keys('--tls-ca', written('own.pem', files.selfSigned))).toMatchObject({ exitCode: 0 });
  });

  test('of the client is refused in words where the server does not know its authority', async () => {
    const pair = ['--tls-cert', others.certificateFile, '--tls-key', others.keyFile];
    const { exitCode, stderr } = await keys('--tls-ca', files.caFile, ...pair);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/does not accept the client certificate.*\nhint: .*--tls-cert FILE/);
  });
});

describe('files that cannot be used are named before anything is connected to', () => {
  const encrypted = () =>
    createPrivateKey(readFileSync(files.keyFile))
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();

  test.each<[string, () => readonly string[], RegExp]>([
    [
      'a certificate without its key',
      () => ['--tls-cert', files.certificateFile],
      /--tls-cert `.*server\.pem` is given without its key\nhint: name the key: --tls-key FILE/,
    ],
    [
      'a key without its certificate',
      () => ['--tls-key', files.keyFile],
      /--tls-key `.*server\.key` is given without its certificate\nhint: name the certificate: --tls-cert FILE/,
    ],
    [
      'a key of another certificate',
      () => ['--tls-cert', files.certificateFile, '--tls-key', others.keyFile],
      /--tls-key `.*server\.key` does not belong to --tls-cert `.*server\.pem`/,
    ],
    [
      'a certificate and a key in each other’s place',
      () => ['--tls-cert', files.keyFile, '--tls-key', files.certificateFile],
      /--tls-cert `.*server\.key` is a PRIVATE KEY, not a CERTIFICATE/,
    ],
    [
      'a certificate as its key',
      () => ['--tls-cert', files.certificateFile, '--tls-key', files.certificateFile],
      /--tls-key `.*server\.pem` is a CERTIFICATE, not a PRIVATE KEY/,
    ],
    [
      'a key that is encrypted',
      () => ['--tls-cert', files.certificateFile, '--tls-key', written('locked.key', encrypted())],
      /--tls-key `.*locked\.key` is encrypted.*\nhint: `openssl pkey/,
    ],
    [
      'a key as the authority',
      () => ['--tls-ca', files.keyFile],
      /--tls-ca `.*server\.key` is a PRIVATE KEY, not a CERTIFICATE/,
    ],
    [
      'an authority that is no PEM',
      () => ['--tls-ca', written('ca.txt', 'ca')],
      /--tls-ca `.*ca\.txt` is not PEM/,
    ],
    [
      'an authority that is damaged',
      () => [
        '--tls-ca',
        written('ca.pem', files.ca.replace('MII', 'AAA').slice(0, 200) + '\n-----END CERTIFICATE-----\n'),
      ],
      /the CERTIFICATE in --tls-ca `.*ca\.pem` cannot be read/,
    ],
  ])('%s', async (_name, args, message) => {
    const { exitCode, stderr } = await cli(['keys', ...args()], { url: 'rediss://127.0.0.1:1' });
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  test('by the field of a profile', async () => {
    const map: ConfigFile = { profiles: { p: { url: plain, tls: { certificate: files.certificateFile } } } };
    const { exitCode, stderr } = await cli(['keys', '-p', 'p'], { env: withMap(map) });
    expect(stderr).toMatch(
      /tls\.certificate `.*` is given without its key\nhint: name the key: "key": "FILE" next to it/,
    );
    expect(exitCode).toBe(2);
  });
});
