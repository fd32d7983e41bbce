import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cli, type CliResult } from '../run-cli.ts';
import { open, startServer, temporaryFolder } from '../server/own.ts';
import { callsOf, emptyDatabase, send, sendAll } from '../server/redis.ts';
import { beginFailover, startWatchedPair } from '../server/sentinel.ts';
import { until } from '../server/until.ts';
import { valueOf } from './metrics-text.ts';

const { redis, server } = await startServer();
const second = await startServer();
const folder = temporaryFolder();

beforeAll(async () => {
  const map = {
    profiles: { other: { url: second.redis.url }, gone: { url: 'redis://127.0.0.1:1' } },
    namespaces: { page: { pattern: 'page:*', hitRateTarget: 0.9 }, job: { pattern: 'job:*', kind: 'state' } },
  };
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
  await emptyDatabase(server);
  await emptyDatabase(second.server);
  await sendAll(server, [
    ...Array.from({ length: 10 }, (_, index) => ['SET', `page:${index}`, 'x', 'EX', 500]),
    ['SET', 'job:1', 'x'],
  ]);
  await sendAll(second.server, [['SET', 'page:other', 'x', 'EX', 500]]);
});

/** A program that serves metrics while `use` runs, and is then interrupted. */
async function serving(
  args: readonly string[],
  use: (url: string) => Promise<void>,
  {
    reason = 'SIGINT',
    now = Date.now,
    config = 'cachectl.config.json',
  }: { readonly reason?: string; readonly now?: () => number; readonly config?: string } = {},
): Promise<CliResult> {
  const stop = new AbortController();
  let ready: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => (ready = resolve));
  const run = cli(['metrics', '--config', config, '--listen', '127.0.0.1:0', ...args], {
    url: redis.url,
    cwd: folder,
    env: { XDG_STATE_HOME: join(folder, 'state') },
    signal: stop.signal,
    now,
    onOutput: (text) => ready(text.trim()),
  });
  const ended = run.then(({ stderr }) => Promise.reject(new Error(`it has ended: ${stderr}`)));
  try {
    await use(await Promise.race([url, ended]));
  } finally {
    ended.catch(() => undefined);
    stop.abort(reason);
  }
  return run;
}

const scrape = async (url: string) => (await fetch(url)).text();

/** Scrapes until the text is as wanted; INFO is read once a second at most. */
async function scrapedUntil(url: string, isWanted: (text: string) => boolean): Promise<string> {
  let text = '';
  await until('the metrics are as wanted', async () => isWanted((text = await scrape(url))));
  return text;
}

describe('metrics --listen', () => {
  test('serves metrics until it is interrupted', async () => {
    const { exitCode, stderr } = await serving([], async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
      const text = await scrapedUntil(url, (each) => each.includes('cachectl_namespace_keys{'));
      expect(valueOf(text, 'cachectl_namespace_keys', 'namespace="page",kind="cache"')).toBe(10);
      const base = url.replace('/metrics', '');
      expect(await scrape(`${base}/healthz`)).toBe('ok\n');
      expect(await scrape(base)).toMatch(/^cachectl \S+: metrics are at \/metrics\n$/);
      expect((await fetch(`${base}/nope`)).status).toBe(404);
      expect((await fetch(url, { method: 'POST' })).status).toBe(405);
      expect((await fetch(url, { method: 'HEAD' })).headers.get('content-type')).toContain('version=0.0.4');
    });
    expect([exitCode, stderr]).toEqual([130, '']);
  });

  test('ends with 143 at SIGTERM', async () => {
    const { exitCode } = await serving(['--no-namespaces'], () => Promise.resolve(), {
      reason: 'SIGTERM',
    });
    expect(exitCode).toBe(143);
  });

  test('reads a profile of the map as a target, and no other place', async () => {
    const run = await serving([], async (url) => {
      const text = await scrapedUntil(`${url}?target=other`, (each) =>
        each.includes('cachectl_namespace_keys{'),
      );
      expect(valueOf(text, 'cachectl_namespace_keys', 'namespace="page",kind="cache"')).toBe(1);
      const gone = await scrape(`${url}?target=gone`);
      expect([
        valueOf(gone, 'cachectl_up'),
        valueOf(gone, 'cachectl_scrape_errors_total', 'reason="ECONNREFUSED"'),
      ]).toEqual([0, 1]);
      for (const name of ['nope', second.redis.url, '__proto__']) {
        const answer = await fetch(`${url}?target=${encodeURIComponent(name)}`);
        expect([answer.status, await answer.text()]).toEqual([
          404,
          `there is no profile \`${name}\` in the map\n`,
        ]);
      }
    });
    expect(run.exitCode).toBe(130);
    expect(run.stderr).toContain('127.0.0.1:1');
  });

  test('has counters that never go back, whatever becomes of those of the server', async () => {
    await serving(['--no-namespaces'], async (url) => {
      await send(server, 'GET', 'page:1');
      const before = valueOf(await scrape(url), 'cachectl_hits_total') ?? Number.NaN;
      await sendAll(server, [
        ['CONFIG', 'RESETSTAT'],
        ['GET', 'page:1'],
        ['GET', 'page:2'],
      ]);
      await scrapedUntil(url, (text) => (valueOf(text, 'cachectl_hits_total') ?? 0) >= before + 2);
    });
  });

  test('has hits and misses of each namespace, and puts the setting of the server back', async () => {
    const setting = () => send(server, 'CONFIG', 'GET', 'notify-keyspace-events');
    const was = await setting();
    const { exitCode } = await serving(['--hits'], async (url) => {
      const start = await scrape(url);
      expect(valueOf(start, 'cachectl_traffic_observed')).toBe(1);
      await sendAll(server, [
        ...Array.from({ length: 8 }, (_, index) => ['GET', `page:${index}`]),
        ...Array.from({ length: 3 }, (_, index) => ['GET', `page:none:${index}`]),
        ['UNLINK', 'page:9'],
        ['GET', 'page:9'],
        ['SET', 'page:9', 'x', 'EX', 500],
      ]);
      const labels = 'namespace="page",kind="cache"';
      const text = await scrapedUntil(
        url,
        (each) => valueOf(each, 'cachectl_namespace_hits_total', labels) === 8,
      );
      const misses = (cause: string) =>
        valueOf(text, 'cachectl_namespace_misses_total', `${labels},cause="${cause}"`);
      expect([misses('gone_or_new'), misses('invalidated'), misses('expired')]).toEqual([3, 1, 0]);
      expect(valueOf(text, 'cachectl_namespace_writes_total', labels)).toBe(1);
      expect(await setting()).not.toEqual(was);
    });
    expect(exitCode).toBe(130);
    expect(await setting()).toEqual(was);
  });

  test.each([[['--hits', '--max-cost', '1'], 'max_cost']])('stops observing at %j', async (args, reason) => {
    await serving(args, async (url) => {
      const text = await scrapedUntil(url, (each) => valueOf(each, 'cachectl_traffic_observed') === 0);
      expect(valueOf(text, 'cachectl_scrape_errors_total', `reason="${reason}"`)).toBe(1);
    });
  });

  test('observes again five minutes after it stopped for its cost, and stops again', async () => {
    let later = 0;
    const stopped = (times: number) => (text: string) =>
      valueOf(text, 'cachectl_traffic_observed') === 0 &&
      valueOf(text, 'cachectl_scrape_errors_total', 'reason="max_cost"') === times;
    await serving(
      ['--hits', '--max-cost', '1', '--no-namespaces'],
      async (url) => {
        await scrapedUntil(url, stopped(1));
        const calls = await callsOf(server, 'monitor');
        later = 290_000;
        await scrape(url);
        expect(await callsOf(server, 'monitor')).toBe(calls);
        later = 310_000;
        await scrapedUntil(url, stopped(2));
        expect(await callsOf(server, 'monitor')).toBe(calls + 1);
      },
      { now: () => Date.now() + later },
    );
  });

  test('follows the primary behind a Sentinel, whose counters do not go back', async () => {
    const pair = await startWatchedPair((primary) => sendAll(primary, [['SET', 'page:1', 'x', 'EX', 500]]));
    const map = { profiles: { ha: { sentinel: { name: 'main', nodes: [pair.sentinel.url] } } } };
    writeFileSync(join(folder, 'ha.config.json'), JSON.stringify(map));
    const follow = async (url: string) => {
      const target = `${url}?target=ha`;
      const keys = (count: number) => (text: string) =>
        valueOf(text, 'cachectl_database_keys', 'db="0"') === count && valueOf(text, 'cachectl_up') === 1;
      const before = await scrapedUntil(target, keys(1));
      await beginFailover(pair);
      const replica = await open(pair.replica.url);
      await until('the replica takes writes', () =>
        send(replica, 'SET', 'page:2', 'x', 'EX', 500).then(
          () => true,
          () => false,
        ),
      );
      await pair.primary.stop();
      const after = await scrapedUntil(target, keys(2));
      for (const name of ['cachectl_hits_total', 'cachectl_commands_processed_total'])
        expect(valueOf(after, name)).toBeGreaterThanOrEqual(valueOf(before, name) ?? Number.NaN);
    };
    await serving([], follow, { config: 'ha.config.json' });
  });

  test.each([
    [['--listen', '0.0.0.0:0'], 'whoever can reach'],
    [['--listen', 'nonsense:port'], 'is no address'],
    [['--hits'], '--listen'],
    [['--listen', '127.0.0.1:0', '--textfile', 'x'], 'cannot be used with'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await cli(['metrics', ...args], { url: redis.url, cwd: folder });
    expect(exitCode).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message);
  });
});
