import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import type { startPrivateServer } from '../server/redis.ts';
import { send, testUrl } from '../server/redis.ts';
import { ownDatabase, proxyTo, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();
const folder = temporaryFolder();

function fixture(name: string, content: unknown): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

/** NDJSON with as many records, each of about `bytes`. */
const manyRecords = (count: number, bytes = 20) =>
  Array.from(
    { length: count },
    (_, id) => `{"key":"user:${id}","value":"${'v'.repeat(bytes)}","ttl":600}`,
  ).join('\n');

const warm = (args: readonly string[], options: CliOptions = {}) =>
  cli(['warm', ...args], { url: testUrl(), cwd: folder, ...options });
const keys = async (of = server) => Number(await send(of, 'DBSIZE'));

/** The JSON result; fails unless every record is counted once. */
function counts(result: Awaited<ReturnType<typeof cli>>): Record<string, number> {
  const fields = jsonOf(result) as Record<string, number>;
  const count = (name: string) => fields[name] ?? Number.NaN;
  expect(count('records')).toBe(count('written') + count('skipped') + count('failed'));
  expect(count('skipped')).toBe(
    count('invalid') + count('expired') + count('existing') + count('notWritten'),
  );
  return fields;
}

/** A server of the test's own, with what the configuration adds. */
async function privateServer(
  options: Parameters<typeof startPrivateServer>[0],
): Promise<{ url: string; admin: RedisServer }> {
  const { redis, server: admin } = await startServer(options);
  return { url: redis.url, admin };
}

const urlAs = (url: string, user: string) => url.replace('redis://', `redis://${user}:pw@`);

describe('records that cannot be used', () => {
  const bad = [
    '[',
    '  {"key": "good", "value": "1", "ttl": 60},',
    '  {"key": "b", "value": "1", "ttl": -5},',
    '  {',
    '    "key": "c",',
    '    "value": tru',
    '  },',
    '  {"key": "a\\u001b[31m", "type": "set", "value": "x"}',
    ']',
  ].join('\n');

  test('are named by file, line, key and reason, and nothing is written', async () => {
    const result = await warm([fixture('bad.json', bad)]);

    expect(result.exitCode).toBe(2);
    expect(result.stdout).toBe('');
    expect(result.stderr).toBe(
      [
        'error: 3 of 4 records cannot be used; nothing was written:',
        '  bad.json:3  `b`  `ttl` is -5; it must be more than 0, or null for a key without TTL',
        '  bad.json:4  not JSON: expected a value in line 6, not `tru`',
        '  bad.json:8  `a\\x1b[31m`  the value of a set is a text, not an array: expected [text]',
        'hint: --skip-invalid writes the others',
        '',
      ].join('\n'),
    );
    expect(await keys()).toBe(0);
  });

  test('are told in JSON too', async () => {
    const result = await warm([fixture('bad.json', bad), '-o', 'json']);

    expect(counts(result)).toMatchObject({ ok: false, records: 4, written: 0, invalid: 3, notWritten: 1 });
    expect(jsonOf(result)['problems']).toEqual([
      expect.objectContaining({ file: 'bad.json', line: 3, key: 'b' }),
      expect.objectContaining({ file: 'bad.json', line: 4, key: null }),
      expect.objectContaining({ file: 'bad.json', line: 8, key: 'a\u001b[31m' }),
    ]);
  });

  test('hold up the good ones of all other files', async () => {
    const result = await warm([fixture('good.json', { a: '1' }), fixture('bad.json', bad), '-o', 'json']);
    expect(counts(result)).toMatchObject({ records: 5, written: 0 });
    expect(await keys()).toBe(0);
  });

  test('are left out with --skip-invalid, and listed', async () => {
    const result = await warm([fixture('bad.json', bad), '--skip-invalid', '-o', 'json']);

    expect(result.exitCode).toBe(0);
    expect(counts(result)).toMatchObject({ ok: true, written: 1, skipped: 3, invalid: 3, failed: 0 });
    expect(result.stderr).toContain('warning: 3 records are left out:\n  bad.json:3  `b`');
    expect(await keys()).toBe(1);
  });

  test('are counted where there are more than anyone wants to read', async () => {
    const result = await warm([fixture('many-bad.ndjson', '{"key":"a"}\n'.repeat(1000)), '-o', 'json']);
    expect(result.stderr).toMatch(/^error: 1,000 of 1,000 records cannot be used; nothing was written:\n/);
    expect(result.stderr).toContain('\n  and 980 more\n');
    expect(jsonOf(result)['problems']).toHaveLength(20);
  });

  test('do not hide that a dry run would fail', async () => {
    const result = await warm([fixture('bad.json', bad), '--dry-run']);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('--skip-invalid does not go past the place where a file is cut off', async () => {
    const file = fixture('cut.json', '[{"key":"a","value":"1"},\n{"key":"b","val');
    const result = await warm([file, '--skip-invalid', '-o', 'json']);

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(
      'error: `cut.json` line 2: the array that begins in line 1 is not closed; nothing was written',
    );
    expect(counts(result)).toMatchObject({
      records: 1,
      written: 0,
      problems: [{ file: 'cut.json', line: 2 }],
    });
    expect(await keys()).toBe(0);
  });

  test('are no worse for being a missing file or a folder', async () => {
    expect(await warm(['missing.json'])).toMatchObject({
      exitCode: 2,
      stderr: 'error: cannot read `missing.json`: there is no such file\n',
    });
    expect((await warm(['.'])).stderr).toContain('cannot read `.`: it is a folder');
    expect((await warm(['-', '-'])).stderr).toContain('`-` can be given only once');
  });
});

describe('a server that refuses everything', () => {
  test('because its memory is full ends the work at once, and counts what was written', async () => {
    const { url, admin } = await privateServer({
      args: ['--maxmemory', '4mb', '--maxmemory-policy', 'noeviction'],
    });
    const file = fixture('large.ndjson', manyRecords(20_000, 1000));

    const result = await warm([file, '--ignore-memory-estimate', '-o', 'json'], { url });

    expect(result.exitCode).toBe(4);
    const { written = 0, failed = 0, notWritten = 0 } = counts(result);
    expect(written).toBe(await keys(admin));
    expect(written).toBeGreaterThan(0);
    expect(failed).toBeGreaterThan(0);
    expect(notWritten).toBeGreaterThan(10_000);
    expect(jsonOf(result)).toMatchObject({ error: { kind: 'refused', code: 'OOM' } });
    expect(result.stderr).toContain(`${written.toLocaleString('en-US')} of 20,000 records were written`);
  });

  test('because it is a replica says so', async () => {
    const { url, admin } = await privateServer({});
    await send(admin, 'REPLICAOF', '127.0.0.1', 1);

    const result = await warm([fixture('many.ndjson', manyRecords(5000)), '-o', 'json'], { url });

    expect(result.exitCode).toBe(4);
    expect(jsonOf(result)).toMatchObject({ error: { code: 'READONLY' } });
    expect(result.stderr).toContain('is a replica of 127.0.0.1:1, and `warm` writes; nothing was changed');
  });

  test('because of permissions for the command says so', async () => {
    const { url } = await privateServer({ config: ['user ann on >pw ~* -@all +ping +hello +select +get'] });

    const result = await warm([fixture('many.ndjson', manyRecords(5000)), '-o', 'json'], {
      url: urlAs(url, 'ann'),
    });

    expect(result.exitCode).toBe(4);
    expect(counts(result)).toMatchObject({ written: 0, error: { code: 'NOPERM' } });
    expect(counts(result)['failed']).toBeLessThanOrEqual(1000);
  });

  test('transactions is asked before the first collection, so that none is left half written', async () => {
    const { url, admin } = await privateServer({
      config: ['user ann on >pw ~* +@all -multi', 'user bob on >pw ~* +@all -exec'],
    });
    await send(admin, 'SET', 'a', 'old');
    const file = fixture('collections.json', [
      { key: 'a', type: 'list', value: ['new'] },
      { key: 'b', value: 'x' },
    ]);

    for (const user of ['ann', 'bob']) {
      const result = await warm([file, '-o', 'json'], { url: urlAs(url, user) });
      expect(result.exitCode).toBe(4);
      expect(counts(result)).toMatchObject({ written: 0, failed: 0, notWritten: 2 });
    }
    expect(await send(admin, 'GET', 'a')).toBe('old');
    expect(await keys(admin)).toBe(1);
  });

  test('what fills collections leaves the old value in place', async () => {
    const { url, admin } = await privateServer({ config: ['user ann on >pw ~* +@all -rpush'] });
    await send(admin, 'SET', 'short', 'old');
    await send(admin, 'SET', 'long', 'old');
    const long = Array.from({ length: 12_000 }, (_, index) => index);

    for (const [key, value] of Object.entries({ short: [1, 2], long })) {
      const result = await warm(
        [fixture('list.json', [{ key, type: 'list', value }]), '--replace', '-o', 'json'],
        {
          url: urlAs(url, 'ann'),
        },
      );
      expect(result.exitCode).toBe(4);
      expect(counts(result)).toMatchObject({ written: 0, failed: 1, error: { code: 'NOPERM' } });
      expect(await send(admin, 'GET', key)).toBe('old');
    }
    expect(await keys(admin)).toBe(2);
  });
});

describe('a server that refuses some keys', () => {
  test('gets the others, and the exit code tells', async () => {
    const { url, admin } = await privateServer({ config: ['user ann on >pw ~user:* +@all'] });
    const file = fixture('keys.json', [
      { key: 'user:1', value: 'x', ttl: 60 },
      { key: 'other', value: 'x', ttl: 60 },
      { key: 'list', type: 'list', value: ['x'], ttl: 60 },
      { key: 'user:2', type: 'list', value: ['x'], ttl: 60 },
    ]);

    const result = await warm([file, '-o', 'json'], { url: urlAs(url, 'ann') });

    expect(result.exitCode).toBe(1);
    expect(counts(result)).toMatchObject({ ok: true, written: 2, failed: 2, unknown: 0 });
    expect(jsonOf(result)['problems']).toEqual([
      expect.objectContaining({
        file: 'keys.json',
        line: 1,
        key: 'other',
        reason: expect.stringContaining('NOPERM') as string,
      }),
      expect.objectContaining({ key: 'list', reason: expect.stringContaining('NOPERM') as string }),
    ]);
    expect(result.stderr).toMatch(
      /warning: 2 records could not be written:\n {2}keys\.json:1 {2}`other` {2}the server answered `NOPERM/,
    );
    expect(await keys(admin)).toBe(2);
  });

  test('counts those beside the ones that were left out', async () => {
    const { url } = await privateServer({ config: ['user ann on >pw ~user:* +@all'] });
    const file = fixture(
      'both.ndjson',
      '{"key":"user:1","value":"x","ttl":60}\n{"key":"user:2"}\n{"key":"other","value":"x","ttl":60}',
    );

    const result = await warm([file, '--skip-invalid', '-o', 'json'], { url: urlAs(url, 'ann') });

    expect(result.exitCode).toBe(1);
    expect(counts(result)).toMatchObject({ records: 3, written: 1, invalid: 1, failed: 1 });
    expect(result.stderr).toContain('warning: 1 record is left out:\n  both.ndjson:2');
    expect(result.stderr).toContain('warning: 1 record could not be written:\n  both.ndjson:3  `other`');
  });
});

describe('a connection that is lost', () => {
  test('leaves every record counted as written, unknown, or not sent, and a second run completes the work', async () => {
    const proxy = await proxyTo(Number(new URL(testUrl()).port));
    const url = `${proxy.url}${new URL(testUrl()).pathname}`;
    const file = fixture('large.ndjson', manyRecords(30_000, 200));
    const watch = setInterval(() => {
      void keys().then((count) => {
        if (count > 3000) proxy.cut();
      });
    }, 1);

    const result = await warm([file, '--retry-for', '0', '-o', 'json'], { url }).finally(() =>
      clearInterval(watch),
    );

    expect(result.exitCode).toBe(3);
    const { written = 0, unknown = 0, notWritten = 0 } = counts(result);
    const present = await keys();
    expect(written).toBeLessThanOrEqual(present);
    expect(present).toBeLessThanOrEqual(written + unknown);
    expect(notWritten).toBeGreaterThan(0);
    expect(result.stderr).toMatch(
      / of 30,000 records were written(?:, and of [\d,]+ on their way nothing is known)?\nhint: running it again is harmless/,
    );

    const again = await warm([file, '-o', 'json']);
    expect(counts(again)).toMatchObject({ ok: true, written: 30_000 });
    expect(await keys()).toBe(30_000);
  });

  test('or was never there is told before the files are read', async () => {
    const result = await warm([fixture('bad.json', '[')], { url: 'redis://127.0.0.1:1' });
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toContain('cannot connect to 127.0.0.1:1');
  });
});

describe('an interruption', () => {
  test('while writing finishes what is on its way and tells how far it came', async () => {
    const controller = new AbortController();
    const watch = setInterval(() => {
      void keys().then((count) => {
        if (count > 1000) controller.abort('SIGINT');
      });
    }, 1);
    const file = fixture('large.ndjson', manyRecords(60_000, 200));

    const result = await warm([file, '-o', 'json'], { signal: controller.signal }).finally(() =>
      clearInterval(watch),
    );

    expect(result.exitCode).toBe(130);
    const { written = 0, unknown, notWritten = 0 } = counts(result);
    expect(written).toBe(await keys());
    expect(unknown).toBe(0);
    expect(notWritten).toBeGreaterThan(0);
    expect(result.stderr).toMatch(
      /^error: interrupted: [\d,]+ of 60,000 records were written; running it again is harmless/m,
    );
  });

  test('before anything was written says that', async () => {
    const result = await warm([fixture('a.json', { a: '1' })], { signal: AbortSignal.abort('SIGTERM') });
    expect(result.exitCode).toBe(143);
    expect(result.stderr).toContain('nothing was written');
    expect(await keys()).toBe(0);
  });
});

describe('a protected profile', () => {
  const config = () =>
    fixture('protected.json', {
      profiles: { prod: { url: testUrl(), protected: true }, dev: { url: testUrl() } },
    });
  const run = (...args: string[]) => runWith(config(), ...args);
  const runWith = (map: string, ...args: string[]) =>
    cli(['warm', fixture('a.json', { a: '1' }), '--config', map, '--ttl', '60s', ...args], { cwd: folder });

  test('is written to only where it is named', async () => {
    const result = await run('--profile', 'prod');
    expect(result).toMatchObject({
      exitCode: 5,
      stderr:
        'error: profile `prod` is protected; nothing was changed\nhint: add --confirm prod to write 1 record to ' +
        `${testUrl()}\n`,
    });
    expect(await keys()).toBe(0);

    expect((await run('--profile', 'prod', '--confirm', 'prod')).exitCode).toBe(0);
    expect(await keys()).toBe(1);
  });

  test('is not meant where another name is given', async () => {
    const is = (confirmed: string, named: string) =>
      `\`--confirm ${confirmed}\` is not the profile in force, \`${named}\``;
    const none = '`--confirm prod` names a profile, and none is in force';
    for (const [map, args, message] of [
      [config(), ['--profile', 'prod', '--confirm', 'dev'], is('dev', 'prod')],
      [config(), ['--profile', 'dev', '--confirm', 'prod'], is('prod', 'dev')],
      [fixture('empty-map.json', {}), ['--url', testUrl(), '--confirm', 'prod'], none],
    ] as const) {
      const result = await runWith(map, ...args);
      expect(result.exitCode).toBe(5);
      expect(result.stderr).toContain(message);
    }
    expect(await keys()).toBe(0);
  });

  test('that is not protected needs no confirmation', async () => {
    expect((await run('--profile', 'dev')).exitCode).toBe(0);
    expect(await keys()).toBe(1);
  });

  test('needs none for a dry run', async () => {
    expect((await run('--profile', 'prod', '--dry-run')).exitCode).toBe(0);
  });
});
