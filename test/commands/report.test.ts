import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { emptyServer, startServer, temporaryFolder } from '../server/own.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { windowOf } from './hits-runs.ts';
import { traffic } from './stats-runs.ts';

const server = await emptyServer();
const folder = temporaryFolder();
const run = (...args: string[]) => cli(['report', ...args], { url: testUrl(), cwd: folder });
const page = (name: string) => readFileSync(join(folder, name), 'utf8');

const hostile = '</script><img src=x onerror=alert(1)>"\'`\u202e\x1b[41m';

beforeAll(async () => {
  await sendAll(server, [
    ...Array.from({ length: 60 }, (_, index) => ['SET', `page:${index}`, 'x'.repeat(50 * index)]),
    ...Array.from({ length: 40 }, (_, index) => ['SET', `user:${index}:profile`, 'x', 'EX', 600]),
    ...Array.from({ length: 20 }, (_, index) => ['SET', `evil:${hostile}:${index}`, 'x'.repeat(3000)]),
  ]);
});

describe('a report', () => {
  test('holds the figures of `inspect`, is private, and says what it wrote', async () => {
    const result = await run('page.html', '--output', 'json');
    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)).toMatchObject({
      ok: true,
      file: 'page.html',
      keys: 120,
      exact: true,
      snapshotFile: null,
    });
    expect(statSync(join(folder, 'page.html')).mode & 0o777).toBe(0o600);
    const { memoryBytes } = jsonOf(await cli(['inspect', '-o', 'json'], { url: testUrl() }));
    expect(jsonOf(result)['memoryBytes']).toBe(memoryBytes);
    expect(page('page.html')).toContain('page:&lt;id&gt;');
  });

  test('begins with the hit rate that is judged, without lookups of `inspect`', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 300, 200);
    const at = { url: redis.url, cwd: folder, env: { XDG_STATE_HOME: join(folder, 'state') } };
    await cli(['inspect', '--exact'], at);
    await cli(['report', 'judged.html'], at);
    expect(page('judged.html')).toMatch(/<dt>Hit rate<\/dt>\s*<dd><strong>60\.0 %<\/strong>/);
  });

  test('shows of a token in a key only how it begins, and its snapshot the whole', async () => {
    const { redis, server } = await startServer();
    const token = '2ekr1fQz9vXw3LmT7bYc';
    await sendAll(server, [['SET', `session:${token}`, 'x'.repeat(100)]]);
    await cli(['report', 'tokens.html', '--snapshot', 'tokens.json'], { url: redis.url, cwd: folder });
    expect(page('tokens.html')).toContain('session:2ekr…');
    expect(page('tokens.html')).not.toContain(token);
    expect(page('tokens.json')).toContain(token);
  });

  test('that was interrupted is not written, and shows no figures of one', async () => {
    const { redis, server } = await startServer();
    const controller = new AbortController();
    const begun = await windowOf(server);
    const running = cli(['report', 'cut.html', '--hits', '30s', '-o', 'table'], {
      ...{ url: redis.url, cwd: folder, signal: controller.signal },
      env: { XDG_STATE_HOME: join(folder, 'state') },
    });
    await Promise.race([begun(), running]);
    controller.abort('SIGINT');
    expect(await running).toEqual({
      exitCode: 130,
      stdout: '',
      stderr: 'error: interrupted; no report was written: the figures are those of a part\n',
    });
    expect(existsSync(join(folder, 'cut.html'))).toBe(false);
  });

  test('of observed traffic has one hit rate: of the tile, and of the grade', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 100, 900);
    const begun = await windowOf(server);
    const outcome = cli(['report', 'graded.html', '--hits', '900ms', '--snapshot', 'graded.json'], {
      ...{ url: redis.url, cwd: folder, env: { XDG_STATE_HOME: join(folder, 'state') } },
    });
    await Promise.race([begun(), outcome]);
    await traffic(server, 200, 200);
    await outcome;
    expect(page('graded.html')).toMatch(/<dt>Hit rate<\/dt>\s*<dd><strong>50\.0 %<\/strong>/);
    expect(page('graded.html')).toContain('hit rate 50.0 % while observed');
    expect(page('graded.html')).not.toMatch(/\b10\.0 %|CC301/);
  });

  test('asks for nothing from anywhere, and lets no name of a key be markup', async () => {
    await run('hostile.html');
    const text = page('hostile.html');
    expect(text).toContain("default-src 'none'");
    expect(text).not.toContain('<img');
    expect(text).not.toMatch(/[\u202e\x1b]/);
    expect(text.match(/<script>/g)).toHaveLength(1);
    expect(text).not.toMatch(/\b(?:src|href)="(?!#)/);
  });

  test('is the same page when it is made again from what was saved', async () => {
    await run('first.html', '--snapshot', 'figures.json');
    const again = await cli(['report', 'again.html', '--from', 'figures.json'], {
      url: 'redis://127.0.0.1:1',
      cwd: folder,
    });
    expect(again.exitCode).toBe(0);
    expect(page('again.html')).toBe(page('first.html'));
  });

  test('shows what changed since earlier figures', async () => {
    await run('then.html', '--snapshot', 'then.json');
    await sendAll(server, [['SET', 'added:1', 'x'.repeat(10_000)]]);
    const result = await run('now.html', '--compare', 'then.json', '--output', 'json');
    await sendAll(server, [['UNLINK', 'added:1']]);
    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)['comparedWith']).toMatch(/^\d{4}-/);
    const table = page('now.html').split('Namespaces then and now').at(-1) ?? '';
    expect(/<tbody>.*?<\/th>/s.exec(table)?.[0]).toContain('added:');
  });

  test('shows the windows of a history, with the causes of their misses, also from saved figures', async () => {
    const window = await cli(['hits', '--for', '200ms', '--mode', 'counters', '--record', 'hits.ndjson'], {
      url: testUrl(),
      cwd: folder,
    });
    expect(window.exitCode, window.stderr).toBe(0);
    const result = await run('history.html', '--history', 'hits.ndjson', '--snapshot', 'history.json');
    expect(result.exitCode, result.stderr).toBe(0);
    expect(page('history.html')).toContain('1 window of hits.ndjson');
    await run('history-again.html', '--from', 'history.json');
    expect(page('history-again.html')).toBe(page('history.html'));
    writeFileSync(join(folder, 'empty.ndjson'), '');
    const refused = await run('none.html', '--history', 'empty.ndjson');
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is empty') as string });
  });

  test('shows what more memory and other TTLs would do: of a recording, of saved figures, of the window of --hits', async () => {
    const { redis, server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 40 }, (_, index) => ['SET', `user:${index}:profile`, 'x', 'EX', '600']),
    );
    const at = { url: redis.url, cwd: folder, env: { XDG_STATE_HOME: join(folder, 'state') } };
    const withReads = async (...args: string[]) => {
      const begun = await windowOf(server);
      const outcome = cli(args, at);
      await Promise.race([begun(), outcome]);
      await sendAll(
        server,
        Array.from({ length: 400 }, (_, index) => ['GET', `user:${index % 50}:profile`]),
      );
      expect((await outcome).exitCode).toBe(0);
    };
    const title = 'With more memory, less, or other TTLs';

    await withReads('whatif', '--for', '400ms', '--record', 'window.curves');
    await run('curves.html', '--whatif', 'window.curves', '--snapshot', 'curves.json');
    const text = page('curves.html');
    for (const part of [title, '80.0 % of', 'from window.curves', 'class="marked"', 'today, '])
      expect(text).toContain(part);
    expect(text).toMatch(/<th scope="row"\s*>user:&lt;id&gt;:profile<\/th>/);
    await run('curves-again.html', '--from', 'curves.json');
    expect(page('curves-again.html')).toBe(text);

    await withReads('report', 'live.html', '--hits', '400ms');
    expect(page('live.html')).toContain(title);
    expect(page('live.html')).toContain('80.0 % of');
    await cli(['report', 'without-reads.html', '--hits', '200ms'], at);
    expect(page('without-reads.html')).not.toContain(title);
  });

  test('shows sizes and idle times of each namespace', async () => {
    await run('spread.html');
    const text = page('spread.html');
    expect(text).toContain('Sizes of keys, a column for each power of two');
    expect(text).toMatch(/class="spread"[^>]*>\s*<path d="M\d+ 100v-/);
    expect(text).toContain('Bytes by the time since the last use');
  });

  test('has what the doctor finds in namespaces and in traffic, without another walk', async () => {
    const map = {
      namespaces: {
        page: { pattern: 'page:*', ttl: '1h' },
        user: { pattern: 'user:<id>:<part>', ttl: 'permanent' },
      },
    };
    writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
    await run('doctor.html');
    rmSync(join(folder, 'cachectl.config.json'));
    const text = page('doctor.html');
    expect(text).toContain('CC203: page: the rule is 1h: 60 keys without a TTL');
    expect(text).toContain('CC203: user: the rule is permanent: 40 keys with a TTL');
    expect(text).toContain('CC210: (unmapped): 20 keys');
  });

  test('goes to stdout', async () => {
    const { exitCode, stdout } = await run('-');
    expect(exitCode).toBe(0);
    expect(stdout.startsWith('<!doctype html>')).toBe(true);
    expect(stdout.trimEnd().endsWith('</html>')).toBe(true);
  });

  test('replaces no file unasked', async () => {
    writeFileSync(join(folder, 'mine.html'), 'mine');
    const { exitCode, stderr } = await run('mine.html');
    expect([exitCode, page('mine.html')]).toEqual([5, 'mine']);
    expect(stderr).toContain('--force');
    expect((await run('mine.html', '--force')).exitCode).toBe(0);
  });

  test.each([
    [['-', '--open'], '--open needs a file'],
    [['a.html', '--from', 'then.json', '--hits', '1s'], '--from and --hits exclude each other'],
    [['b.html', '--from', 'page.html'], '`page.html` cannot be read'],
    [['c.html', '--whatif', 'then.json'], 'it is no recording of `whatif`'],
    [['c.html', '--bench', 'then.json'], 'it is not the result of `cachectl bench --output json`'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await run(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test('stays small, however many namespaces there are', async () => {
    const wide = Array.from({ length: 30_000 }, (_, index) => [
      'SET',
      `${index.toString(36)}x:${index % 7}:y`,
      'x',
    ]);
    await sendAll(server, wide);
    const result = await run('wide.html', '--exact', '--output', 'json');
    await sendAll(
      server,
      wide.map(([, key = '']) => ['UNLINK', key]),
    );
    expect(jsonOf(result)['fileBytes']).toBeLessThan(2e6);
  });
});

test('evictions are on the page with one number, that of the grade', async () => {
  const { redis, server: own } = await startServer();
  await send(own, 'CONFIG', 'SET', 'maxmemory', '3mb', 'maxmemory-policy', 'allkeys-lru');
  for (let batch = 0; batch < 10; batch++)
    await sendAll(
      own,
      Array.from({ length: 500 }, (_, id) => ['SET', `page:${batch}:${id}`, 'x'.repeat(1000)]),
    );
  const { exitCode } = await cli(['report', 'full.html'], { url: redis.url, cwd: folder });
  expect(exitCode).toBe(0);
  expect(page('full.html').match(/[\d,]+ keys evicted/g)).toHaveLength(1);
});
