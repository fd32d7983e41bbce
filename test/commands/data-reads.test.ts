import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { processFacts } from '../../src/cli/process-facts.ts';
import { rememberLookups } from '../../src/health/lookups/ledger.ts';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, jsonOf } from '../run-cli.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { send, sendAll, startPrivateServer, targetOf } from '../server/redis.ts';
import { open, proxyTo, temporaryFolder } from '../server/own.ts';

let redis: RedisProcess;
let server: RedisServer;
let folder: string;

beforeEach(async () => {
  redis = await startPrivateServer();
  server = await connect(targetOf(redis.url));
  folder = temporaryFolder();
});
afterEach(async () => {
  server.close();
  await redis.stop();
});

const keys = 2000;

/** An application with keys, whose reads hit as often as they miss. */
async function runApplication(reads = 1000): Promise<void> {
  await sendAll(
    server,
    Array.from({ length: keys }, (_, index) => ['SET', `page:${index}`, 'x', 'EX', 3600]),
  );
  await readAsApplication(reads / 2, reads / 2);
}

async function readAsApplication(hits: number, misses: number): Promise<void> {
  await sendAll(server, [
    ...Array.from({ length: hits }, (_, index) => ['GET', `page:${index}`]),
    ...Array.from({ length: misses }, (_, index) => ['GET', `nothing:${index}`]),
  ]);
}

const run = (...args: string[]) =>
  cli(args, { url: redis.url, cwd: folder, env: { XDG_STATE_HOME: folder } });

interface HitRate {
  readonly hits: number;
  readonly misses: number;
  readonly dataReads: Record<string, unknown>;
}

async function stats(...args: string[]) {
  const result = jsonOf(await run('stats', '--no-namespaces', '-o', 'json', ...args));
  return result as unknown as {
    lifetime: HitRate;
    window: HitRate | null;
    grade: string | null;
    reasons: { text: string }[];
    ledgerDamage: string | null;
  };
}

async function check(...args: string[]) {
  const result = await run('check', '--only', 'hit-rate', '--min-hit-rate', '80%', '-o', 'json', ...args);
  const { checks } = jsonOf(result) as unknown as {
    checks: { status: string; message: string; remedy: string | null; evidence: Record<string, unknown> }[];
  };
  return { exitCode: result.exitCode, ...checks[0] };
}

test('the order of the README shows the same hit rate before and after the keys were inspected', async () => {
  await runApplication();
  const before = await stats();
  await run('inspect', '--exact');
  await run('keys', '--long');
  await run('export', '--to', 'all.ndjson');
  await run('bench', 'get', '--operations', '500', '--keys', '50', '--warmup', '10ms');
  const after = await stats();

  expect(after.lifetime.hits).toBeGreaterThan(before.lifetime.hits + 4 * keys);
  expect(before.lifetime.dataReads).toMatchObject({ hits: 500, misses: 500, unclear: 0, ownHits: 0 });
  expect(after.lifetime.dataReads).toMatchObject({
    ...{ reads: 1000, hits: 500, misses: 500, unclear: 0, metadataLookups: 0 },
    ...{ hitRateInterval: [0.5, 0.5], ownHits: after.lifetime.hits - 500, ownMisses: 0 },
  });
  expect(after).toMatchObject({ grade: before.grade, reasons: before.reasons });
  expect(await check()).toMatchObject({
    exitCode: 1,
    message: '50.0 % of 1,000 reads, below the limit of 80.0 %',
    evidence: { dataReads: 1000, ownHits: after.lifetime.hits - 500 },
  });
});

test('a run says that its lookups could not be remembered, and how many', async () => {
  await runApplication();
  writeFileSync(join(folder, 'no-folder'), '');
  const bench = await cli(['bench', 'get', '--operations', '500', '--keys', '50', '--warmup', '10ms'], {
    url: redis.url,
    env: { XDG_STATE_HOME: join(folder, 'no-folder') },
  });
  expect(bench.exitCode).toBe(0);
  expect(bench.stderr).toMatch(
    /^warning: [\d,]+ lookups of this run could not be remembered, so the hit rate of `stats` and `check` may include them: .*no-folder/m,
  );
});

test('a server that is late is not taken for one that is gone', async () => {
  await runApplication();
  const proxy = await proxyTo(redis.port);
  const slow = await open(proxy.url, { timeoutMillis: 300 });
  await send(slow, 'TTL', 'page:1');
  proxy.stall();
  const terms = { command: 'ttl', folder, processes: processFacts(), now: Date.now };
  await expect(rememberLookups(slow.nodes, terms)).rejects.toThrow(
    /did not answer|no answer in time|timed out/,
  );
});

test('the table shows the raw rate and the one that is judged', async () => {
  await runApplication();
  await run('inspect', '--exact');
  const { stdout } = await cli(['stats', '--no-namespaces', '--no-color'], {
    url: redis.url,
    cwd: folder,
    env: { XDG_STATE_HOME: folder },
    terminal: true,
  });
  expect(stdout).toMatch(/hit rate +9\d\.\d %/);
  expect(stdout).toMatch(/data reads +50\.0 % +judged: 1,000 reads of data, without [\d,]+ of cachectl/);
});

describe('lookups of other tools that read no data', () => {
  /** What `redis-cli --bigkeys` does, by the tool itself where it is installed. */
  async function findBigKeys(): Promise<void> {
    const found = await promisify(execFile)('redis-cli', ['-p', String(redis.port), '--bigkeys']).then(
      () => true,
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return false;
      },
    );
    if (found) return;
    const names = Array.from({ length: keys }, (_, index) => `page:${index}`);
    await sendAll(server, [...names.map((key) => ['TYPE', key]), ...names.map((key) => ['STRLEN', key])]);
  }

  test('are taken off, with bounds, and a gate does not pass on what they hide', async () => {
    await runApplication();
    await findBigKeys();
    const { lifetime, grade, reasons } = await stats();
    // 4,500 hits and 500 misses, of which 4,000 read no data: between 500 and 1,000 reads hit.
    expect(lifetime.dataReads).toMatchObject({
      ...{ reads: 1000, hits: 500, misses: 0, unclear: 500, metadataLookups: 2 * keys },
      hitRateInterval: [0.5, 1],
      metadataCommands: [
        { command: 'STRLEN', calls: keys },
        { command: 'TYPE', calls: keys },
      ],
    });
    expect(grade).toBeNull();
    expect(reasons[0]?.text).toContain('hit rate between 50.0 % and 100.0 %');
    expect(await check()).toMatchObject({
      exitCode: 1,
      message:
        '50.0 % to 100.0 % of 1,000 reads, not shown to reach the limit of 80.0 %: 2,000 STRLEN and 2,000 TYPE calls hide it',
      remedy: expect.stringContaining('cachectl check --window 30s') as string,
      evidence: { hitRateLow: 0.5, hitRateHigh: 1, metadataLookups: 2 * keys },
    });
  });

  test('hide nothing from a window that they are not in', async () => {
    await runApplication();
    await findBigKeys();
    const checked = check('--window', '1s');
    // Within the window, whenever the program has begun it.
    const traffic = setInterval(() => void readAsApplication(18, 2).catch(() => undefined), 20);
    onTestFinished(() => clearInterval(traffic));
    const result = await checked;
    clearInterval(traffic);
    expect(result).toMatchObject({
      exitCode: 0,
      evidence: { metadataLookups: 0, windowSeconds: expect.any(Number) as number },
    });
    expect(result.evidence?.['hitRateLow']).toBeCloseTo(0.9, 1);
  });
});

describe('what is remembered of own lookups', () => {
  const ledger = () => join(folder, 'cachectl', 'lookups');
  const file = () => join(ledger(), readdirSync(ledger()).find((name) => name.endsWith('.json')) ?? '');

  test('is for its owner alone', async () => {
    await runApplication();
    await run('inspect');
    expect(statSync(ledger()).mode & 0o777).toBe(0o700);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test('ends with the counters that it is taken off from', async () => {
    await runApplication();
    await run('inspect');
    await send(server, 'CONFIG', 'RESETSTAT');
    await readAsApplication(90, 10);
    expect((await stats()).lifetime.dataReads).toMatchObject({ reads: 100, hits: 90, ownHits: 0 });
    // So many that the counters are beyond what they were before.
    await readAsApplication(keys, 0);
    await readAsApplication(keys, 0);
    await readAsApplication(keys, 0);
    await readAsApplication(keys, 1000);
    expect((await stats()).lifetime.dataReads).toMatchObject({ hits: 90 + 4 * keys, ownHits: 0 });
    await run('keys', '--long');
    expect((await stats()).lifetime.dataReads).toMatchObject({ hits: 90 + 4 * keys, ownHits: 2 * keys });
  });

  test('is added up from runs at the same time', async () => {
    await runApplication();
    await Promise.all(Array.from({ length: 6 }, () => run('keys', '--long')));
    expect((await stats()).lifetime.dataReads).toMatchObject({ hits: 500, misses: 500, ownHits: 12 * keys });
  });

  test('that is damaged is named, and what the server says of metadata commands still holds', async () => {
    await runApplication();
    await run('keys', '--long');
    writeFileSync(file(), '{"recordVersion":1,"look');
    const found = await stats();
    expect(found.ledgerDamage).toBe(`\`${file()}\` is damaged`);
    expect(found.lifetime.dataReads).toMatchObject({ reads: 1000, hits: 500, unclear: 500 });
    const { stdout, exitCode } = await run('stats', '--no-namespaces', '-o', 'table');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/lookups of earlier runs of cachectl are\s+not\s+all\s+known/);
    expect(await check()).toMatchObject({
      evidence: { ledgerDamage: found.ledgerDamage },
      message: expect.stringContaining('lookups of earlier runs of cachectl are not all known') as string,
    });
    // What would hold the limit is no pass, for reads of our own may be among those that hit.
    await readAsApplication(keys, 0);
    for (let round = 0; round < 20; round++) await readAsApplication(keys, 0);
    expect(await check()).toMatchObject({ status: 'warn', exitCode: 0 });
    await run('keys', '--long');
    expect((await stats()).ledgerDamage).toBe(`\`${file()}\` was damaged, and begun again`);
  });

  test('is nothing where the folder cannot be written, and no command fails over it', async () => {
    await runApplication();
    writeFileSync(join(folder, 'cachectl'), 'a file in the place of the folder');
    expect(await run('keys', '--long', '--limit', '3')).toMatchObject({ exitCode: 0 });
    expect((await stats()).lifetime.dataReads).toMatchObject({ ownHits: 0 });
  });
});

test('a server without any reads of an application has no traffic to judge', async () => {
  await runApplication(0);
  await run('inspect');
  const { grade, reasons } = await stats();
  expect(grade).toBeNull();
  expect(reasons[0]?.text).toBe('hit rate not judged: no traffic since the counters began');
  expect((await run('stats', '--no-namespaces', '-o', 'table')).stdout).toContain(
    'No grade: fewer than 100 reads to judge by',
  );
  expect(await check()).toMatchObject({ exitCode: 0, message: 'no traffic to judge' });
});
