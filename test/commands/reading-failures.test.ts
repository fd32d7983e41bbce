import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, type CliOptions } from '../run-cli.ts';
import { freePort, type RedisProcess } from '../server/redis-process.ts';
import { startPrivateServer, testUrl } from '../server/redis.ts';
import { folderWith } from './reading.ts';
import { temporaryFolder } from '../server/own.ts';

const secret = 'hunter2-p@ss:wörd/#?';
const escaped = encodeURIComponent(secret);
/** Any part of it is too much. */
const traces = ['hunter2', 'wörd', escaped, 'w%C3%B6rd'];

const commands = ['stats', 'inspect', 'keys', 'get user:1', 'get user:1 --raw', 'ttl user:1'];
const formats = ['table', 'tsv', 'json', 'ndjson', 'csv'] as const;

let guarded: RedisProcess;
const folder = temporaryFolder();
let nowhere: string;
beforeAll(async () => {
  guarded = await startPrivateServer({ args: ['--requirepass', 'another'] });
  writeFileSync(join(folder, 'secret'), `${secret}\n`);
  nowhere = `redis://127.0.0.1:${await freePort()}`;
});
afterAll(async () => {
  await guarded.stop();
});

interface Failing {
  readonly args?: readonly string[];
  readonly options: CliOptions;
  readonly exitCode: number;
  readonly kind: string;
  readonly message: RegExp;
}

const withPassword = (url: string) => url.replace('://', `://ann:${escaped}@`);

/** Each way to fail, with a password in it wherever one can be. */
const failures: Readonly<Record<string, () => Failing>> = {
  'a host that is not there': () => ({
    options: { url: withPassword(nowhere) },
    exitCode: 3,
    kind: 'connect',
    message: /^cannot connect to 127\.0\.0\.1:\d+: nothing listens there$/,
  }),
  'a wrong password in the URL': () => ({
    options: { url: guarded.url.replace('://', `://:${escaped}@`) },
    exitCode: 3,
    kind: 'login',
    message: /^logging in on 127\.0\.0\.1:\d+: the server answered `WRONGPASS /,
  }),
  'an unknown user in the URL': () => ({
    options: { url: withPassword(guarded.url) },
    exitCode: 3,
    kind: 'login',
    message: /WRONGPASS/,
  }),
  'a wrong password in REDISCLI_AUTH': () => ({
    options: { url: guarded.url, env: { REDISCLI_AUTH: secret } },
    exitCode: 3,
    kind: 'login',
    message: /WRONGPASS/,
  }),
  'a wrong password in a file': () => ({
    args: ['--password-file', join(folder, 'secret')],
    options: { url: guarded.url },
    exitCode: 3,
    kind: 'login',
    message: /WRONGPASS/,
  }),
  'no password at all': () => ({
    options: { url: guarded.url },
    exitCode: 3,
    kind: 'login',
    message: /the server answered `NOAUTH Authentication required\.`$/,
  }),
  'a database out of range': () => ({
    options: { url: testUrl().replace(/\/\d+$/, '/9999') },
    exitCode: 4,
    kind: 'refused',
    message: /`SELECT` on .*: the server answered `ERR DB index is out of range`/,
  }),
  'a URL that cannot be read': () => ({
    options: { url: `redis://ann:${secret}@h` },
    exitCode: 2,
    kind: 'usage',
    message: /^the URL `.*` \(from REDIS_URL\) cannot be used: /,
  }),
  'an unknown profile': () => ({
    args: ['--profile', 'prod'],
    options: { cwd: folderWith({ profiles: { local: { url: withPassword('redis://h') } } }) },
    exitCode: 2,
    kind: 'usage',
    message: /^there is no profile `prod` \(from --profile\)$/,
  }),
  'a map that is no JSON': () => ({
    options: {
      cwd: folderWith(`{\n  "profiles": {\n    "p": { "url": "${withPassword('redis://h')}" } ]\n`),
    },
    exitCode: 2,
    kind: 'config',
    message: /cachectl\.config\.json` is not a valid map:\n {2}3:\d+ /,
  }),
  'a map with a mistake': () => ({
    options: { cwd: folderWith('{\n  "namespaces": {\n    "p": { "pattern": "user:<" }\n  }\n}') },
    exitCode: 2,
    kind: 'config',
    message: /is not a valid map:\n {2}3:23 {2}namespaces\.p\.pattern {2}pattern `user:<`/,
  }),
};

describe.each(Object.entries(failures))('%s', (_name, failing) => {
  test.each(commands)('ends `%s` with a cause, a hint and its exit code, in every format', async (line) => {
    const command = line.split(' ');
    const { args = [], options, exitCode, kind, message } = failing();
    for (const format of formats) {
      if (command.includes('--raw') && format.includes('json')) continue;
      const outcome = await cli([...command, ...args, '-o', format], options);
      expect(outcome.exitCode, outcome.stderr).toBe(exitCode);
      const [first = '', ...rest] = outcome.stderr.replace(/^error: /, '').split('\nhint: ');
      expect(first.trimEnd()).toMatch(message);
      expect(rest.length).toBeLessThanOrEqual(1);
      if (format === 'json') {
        const result = JSON.parse(outcome.stdout) as { ok: boolean; error: Record<string, unknown> };
        expect(result).toMatchObject({ schemaVersion: 2, command: command[0], ok: false, error: { kind } });
        expect(String(result.error['message'])).toMatch(message);
      } else if (format !== 'ndjson') {
        expect(outcome.stdout).toBe('');
      }
      for (const trace of traces) expect(outcome.stdout + outcome.stderr).not.toContain(trace);
    }
  });
});

test('a failure is one or two lines, without a stack trace, and hints at what to do', async () => {
  const outcome = await cli(['stats'], { url: nowhere });
  expect(outcome.stderr).toMatch(/^error: cannot connect to [^\n]+\nhint: [^\n]+\n$/);
  const login = await cli(['keys'], { url: guarded.url });
  expect(login.stderr).toMatch(/^error: [^\n]+NOAUTH[^\n]+\nhint: set REDISCLI_AUTH[^\n]+\n$/);
});

test('--quiet keeps the failure', async () => {
  expect((await cli(['stats', '--quiet'], { url: nowhere })).stderr).toMatch(/^error: /);
});

test('--ask-password without a terminal says what else there is', async () => {
  const outcome = await cli(['stats', '--ask-password'], { url: guarded.url });
  expect(outcome).toMatchObject({
    exitCode: 2,
    stderr: 'error: --ask-password needs a terminal\nhint: use REDISCLI_AUTH or --password-file FILE\n',
  });
});

test('the right password works by each way', async () => {
  writeFileSync(join(folder, 'right'), 'another\n');
  const ways: [string[], CliOptions][] = [
    [[], { url: guarded.url.replace('://', '://:another@') }],
    [[], { url: guarded.url, env: { REDISCLI_AUTH: 'another' } }],
    [['--password-file', join(folder, 'right')], { url: guarded.url }],
    [
      [],
      {
        cwd: folderWith({ defaultProfile: 'p', profiles: { p: { url: guarded.url, passwordEnv: 'P' } } }),
        env: { P: 'another', CACHECTL_CONFIG: 'cachectl.config.json' },
      },
    ],
  ];
  for (const [args, options] of ways)
    expect((await cli(['stats', '--no-namespaces', ...args], options)).exitCode).toBe(0);
});
