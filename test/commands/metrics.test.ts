import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { catalog } from '../../src/commands/metrics/catalog.ts';
import { parseInfo } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import { cli, type CliOptions } from '../run-cli.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { emptyDatabase, send, sendAll } from '../server/redis.ts';
import { installed, valueOf } from './metrics-text.ts';

const { redis, server } = await startServer();
const nowhere = 'redis://127.0.0.1:1';
let folder: string;

const map = {
  namespaces: {
    page: { pattern: 'page:*', ttl: '5m', hitRateTarget: 0.8 },
    user: { pattern: 'user:*', ttl: '1h' },
    queue: { pattern: 'queue:*', kind: 'state' },
  },
};

beforeEach(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
  await emptyDatabase(server);
  await sendAll(server, [
    ...Array.from({ length: 30 }, (_, index) => ['SET', `page:${index}`, 'x', 'EX', 200]),
    ...Array.from({ length: 5 }, (_, index) => ['SET', `page:long:${index}`, 'x', 'EX', 9000]),
    ...Array.from({ length: 7 }, (_, index) => ['SET', `user:${index}`, 'x']),
    ['RPUSH', 'queue:mail', 'a'],
    ['SET', 'stray "1"\n', 'x'],
  ]);
});

const run = (args: readonly string[], options: CliOptions = {}) =>
  cli(['metrics', ...args], {
    url: redis.url,
    cwd: folder,
    ...options,
    env: { XDG_STATE_HOME: join(folder, 'state'), ...options.env },
  });

async function hits(): Promise<number> {
  return Number(parseInfo(replyText(await send(server, 'INFO', 'STATS')))['keyspace_hits']);
}

describe('metrics', () => {
  test('takes the commands of earlier runs for its own', async () => {
    await sendAll(
      server,
      Array.from({ length: 2000 }, (_, index) => ['SET', `page:${1000 + index}`, 'x', 'EX', 200]),
    );
    const commandsOf = (stdout: string) =>
      ['commands_processed_total', 'own_commands_total'].map((name) =>
        Number(valueOf(stdout, `cachectl_${name}`)),
      ) as [number, number];
    const [processed, own] = commandsOf((await run([])).stdout);
    const [processedThen, ownThen] = commandsOf((await run([])).stdout);
    // What the library says when it logs in is not counted, nor what the first run sent after its last reading.
    expect(processedThen - processed).toBeLessThan(20);
    expect(ownThen - own).toBeGreaterThan(2000);
  });

  test('has the keys of each namespace, and those that break its TTL rule', async () => {
    const { exitCode, stdout, stderr } = await run(['--ttls']);
    expect([exitCode, stderr]).toEqual([0, '']);
    const figure = (name: string, labels = '') => valueOf(stdout, `cachectl_${name}`, labels);
    expect(figure('up')).toBe(1);
    expect(figure('namespace_keys', 'namespace="page",kind="cache"')).toBe(35);
    expect(figure('namespace_keys', 'namespace="queue",kind="state"')).toBe(1);
    expect(figure('namespace_keys', 'namespace="(unmapped)"')).toBe(1);
    expect(figure('namespace_keys_without_ttl', 'namespace="user",kind="cache"')).toBe(7);
    const broken = (namespace: string, violation: string) =>
      figure('namespace_ttl_violations', `namespace="${namespace}",kind="cache",violation="${violation}"`);
    expect([broken('user', 'missing'), broken('page', 'too_long')]).toEqual([7, 5]);
    expect(figure('namespace_hit_ratio_target', 'namespace="page"')).toBe(0.8);
    expect(figure('namespaces_sampled')).toBe(0);
  });

  test('takes its own lookups off the hits, those of earlier runs too', async () => {
    const before = await hits();
    const first = await run(['--ttls']);
    const second = await run(['--ttls']);
    expect(await hits()).toBeGreaterThan(before);
    const shown = [first, second].map(({ stdout }) => valueOf(stdout, 'cachectl_hits_total'));
    expect(shown).toEqual([before, before]);
  });

  test('sums up in (other) what is beyond --max-namespaces', async () => {
    const { stdout } = await run(['--max-namespaces', '1']);
    const names = [...stdout.matchAll(/^cachectl_namespace_keys\{namespace="([^"]*)"/gm)].map(
      ([, name]) => name,
    );
    expect(names.sort()).toEqual(['(other)', 'page']);
    expect(valueOf(stdout, 'cachectl_namespace_keys', 'namespace="(other)"')).toBe(9);
  });

  test('leaves out what the server refuses, and counts it', async () => {
    await sendAll(server, [
      ['ACL', 'SETUSER', 'weak', 'on', '>pw', '~*', '&*', '+@all', '-memory'],
      ['ACL', 'SETUSER', 'weaker', 'on', '>pw', '~*', '&*', '+@all', '-scan'],
    ]);
    const as = (user: string) => ({ url: redis.url.replace('redis://', `redis://${user}:pw@`) });
    const bytes = await run([], as('weak'));
    expect(bytes.exitCode).toBe(0);
    expect(bytes.stdout).not.toContain('namespace_memory_bytes{');
    expect(valueOf(bytes.stdout, 'cachectl_scrape_errors_total', 'reason="no_memory"')).toBe(1);
    expect(valueOf(bytes.stdout, 'cachectl_namespace_keys', 'namespace="page",kind="cache"')).toBe(35);
    const keys = await run([], as('weaker'));
    expect(keys.stdout).not.toContain('cachectl_namespace_keys');
    expect(valueOf(keys.stdout, 'cachectl_scrape_errors_total', 'reason="NOPERM"')).toBe(1);
  });

  test('says of a server that is not there that it is down', async () => {
    const { exitCode, stdout, stderr } = await run([], { url: nowhere });
    expect(exitCode).toBe(3);
    expect(valueOf(stdout, 'cachectl_up')).toBe(0);
    expect(valueOf(stdout, 'cachectl_scrape_errors_total', 'reason="ECONNREFUSED"')).toBe(1);
    expect(stdout).not.toContain('cachectl_hits_total');
    expect(stderr).toContain('error: ');
  });

  test('writes a whole textfile in the place of the one before, readable for others, also where the server is down', async () => {
    const file = join(folder, 'cache.prom');
    expect(await run(['--textfile', file])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(valueOf(readFileSync(file, 'utf8'), 'cachectl_up')).toBe(1);
    expect(statSync(file).mode & 0o444).toBe(0o444);
    const { ino } = statSync(file);
    expect((await run(['--textfile', 'cache.prom'], { url: nowhere })).exitCode).toBe(3);
    expect(valueOf(readFileSync(file, 'utf8'), 'cachectl_up')).toBe(0);
    expect(statSync(file).ino).not.toBe(ino);
    expect(readdirSync(folder).filter((name) => name.includes('.tmp'))).toEqual([]);
    expect(await run(['--textfile', 'none/\u0000/x'])).toMatchObject({ exitCode: 2 });
  });

  test('names what is in names of keys on one line', async () => {
    await emptyDatabase(server);
    await sendAll(server, [['SET', 'a"b\\c\nd:x', 'x']]);
    writeFileSync(join(folder, 'cachectl.config.json'), '{}');
    const { stdout } = await run([]);
    expect(stdout.split('\n').filter((line) => line.startsWith('cachectl_namespace_keys{'))).toHaveLength(1);
    for (const line of stdout.split('\n'))
      expect(line).toMatch(/^($|# (HELP|TYPE) |cachectl_\w+(\{.*\})? \S+$)/);
  });

  test.skipIf(!installed('promtool'))('passes `promtool check metrics`', async () => {
    const { stdout } = await run(['--ttls']);
    expect(execFileSync('promtool', ['check', 'metrics'], { input: stdout, encoding: 'utf8' })).toBe('');
  });

  test('has a page that lists every metric', () => {
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `cachectl_(\w+)` +\| (\w+) /gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    expect(listed).toEqual(Object.entries(catalog).map(([name, [type]]) => [name, type]));
  });
});
