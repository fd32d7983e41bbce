import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DoctorResult } from '../../src/commands/doctor/result.ts';
import { doctorRules } from '../../src/health/doctor/diagnose.ts';
import { replyText } from '../../src/redis/reply.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { open, startServer, temporaryFolder } from '../server/own.ts';
import { clientName } from '../../src/redis/target.ts';
import { send, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { windowOf } from './hits-runs.ts';

const map = {
  namespaces: {
    page: { pattern: 'page:*', ttl: '1h', missCost: 0.01 },
    session: { pattern: 'session:*', kind: 'state' },
    object: { pattern: 'object:*' },
    pickle: { pattern: 'pickle:*' },
  },
};

function folderOf(config: object): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(config));
  return folder;
}

async function doctor(args: readonly string[], options: CliOptions) {
  const outcome = await cli(['doctor', ...args, '-o', 'json'], options);
  return { ...outcome, result: jsonOf(outcome) as unknown as DoctorResult };
}

const idsOf = ({ findings }: DoctorResult) =>
  findings.map(({ id, subject }) => `${id} ${subject ?? ''}`.trim());

/** A line in the protocol's inline form, and no reading of what comes back. */
async function rudeClient(port: number, ...lines: readonly string[]): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.pause();
  for (const line of lines) socket.write(`${line}\r\n`);
}

const keys = (name: string, count: number, ...more: readonly (string | number)[]) =>
  Array.from({ length: count }, (_, index) => ['SET', `${name}:${index}`, 'x', ...more] as const);

const healthy = {
  args: [
    '--maxmemory',
    '100mb',
    '--maxmemory-policy',
    'volatile-lru',
    '--latency-monitor-threshold',
    '10000',
    // What a busy machine makes slow is no matter here.
    '--slowlog-log-slower-than',
    '10000000',
    '--latency-tracking',
    'no',
  ],
  config: ['user default off', 'user admin on >secret ~* &* +@all'],
};

const asAdmin = { username: 'admin', password: 'secret' };

describe('a healthy server', async () => {
  const { redis, server } = await startServer(healthy, { ...asAdmin, clientName });
  const options = {
    url: redis.url.replace('redis://', 'redis://admin@'),
    env: { REDISCLI_AUTH: 'secret', XDG_STATE_HOME: temporaryFolder() },
  };
  const cwd = folderOf({ ...map, doctor: { ignore: { 'known-faults': 'patched by the distribution' } } });
  const run = (...args: readonly string[]) => doctor(args, { ...options, cwd });
  await sendAll(
    server,
    Array.from({ length: 300 }, (_, index) => ['SET', `page:${index}`, '"x"', 'EX', 2000 + 5 * index]),
  );

  test('has no finding, and says which rules were not judged and why', async () => {
    const { result, exitCode } = await run();
    expect(idsOf(result)).toEqual([]);
    expect(result).toMatchObject({ status: 'healthy', critical: 0, warning: 0, notice: 0 });
    expect(exitCode).toBe(0);
    expect(result.notJudged.map(({ rule, reason }) => `${rule}: ${reason}`)).toEqual([
      'CC113: nothing is replicated',
      'CC211: only an LFU policy counts the uses of keys; --hits 30s sees which are read most',
      'CC301: no traffic to judge',
      ...['CC302', 'CC303', 'CC304', 'CC305', 'CC306', 'CC307', 'CC308', 'CC309'].map(
        (rule) => `${rule}: the traffic was not observed: --hits 30s does`,
      ),
      'CC311: the server does not report `latency_percentiles_usec_get`',
    ]);
    const judged = [...result.healthyRules, ...result.notJudged, ...result.ignored].map(({ rule }) => rule);
    expect(judged.sort()).toEqual(doctorRules.map(({ number }) => number));
  });

  test('reports what the map has ignored, in each form', async () => {
    const { result } = await run();
    expect(result.ignored).toMatchObject([
      {
        ...{ rule: 'CC116', id: 'known-faults', reason: 'patched by the distribution' },
        origin: expect.stringContaining('cachectl.config.json') as string,
      },
    ]);
    const piped = await cli(['doctor'], { ...options, cwd });
    expect(piped).toMatchObject({ exitCode: 0, stdout: '' });
    expect(piped.stderr).toMatch(
      /^note: CC116 known-faults is ignored by `.*`: patched by the distribution\n$/,
    );
  });

  test('is asked only what was named', async () => {
    const { result } = await run('--only', 'CC101,noeviction', '--ignore', 'cc103=on purpose');
    expect(result.healthyRules.map(({ id }) => id)).toEqual(['no-maxmemory']);
    expect(result.ignored).toMatchObject([{ rule: 'CC103', reason: 'on purpose', origin: '--ignore' }]);
    expect(result.serverCost).toBeNull();
  });

  test.each([
    ['--only', 'CC999'],
    ['--ignore', 'nope=because'],
  ])('%s %s is refused', async (...args) => {
    const { exitCode, stderr } = await cli(['doctor', ...args], { ...options, cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/there is no rule `(CC999|nope)`/);
  });

  test('has traffic judged with --hits, and what misses cost', async () => {
    // Reads of our own name are no traffic.
    const application = await open(redis.url, asAdmin);
    const begun = await windowOf(server);
    const ignoring = ['--ignore', 'dangerous-commands=the application is the admin'];
    const outcome = run('--hits', '900ms', '--no-keys', '--fail-on', 'warning', ...ignoring);
    await Promise.race([begun(), outcome]);
    const gone = Array.from({ length: 150 }, (_, index) => `page:gone:${index}`);
    await sendAll(
      application,
      gone.map((key) => ['SET', key, 'x', 'PX', 40]),
    );
    await sleep(80);
    await sendAll(
      application,
      gone.map((key) => ['GET', key]),
    );
    await sendAll(
      application,
      Array.from({ length: 400 }, () => ['GET', 'page:1']),
    );
    const { result, exitCode } = await outcome;
    expect(idsOf(result)).toEqual(['expires-too-soon page', 'hot-key page:1']);
    const { missesPerSecond, costPerHour } = result.findings[0]?.cost ?? {};
    expect(costPerHour).toBeCloseTo((missesPerSecond ?? 0) * 36);
    expect(exitCode).toBe(1);
  });
});

describe('a neglected server', async () => {
  const { redis, server } = await startServer({ args: ['--notify-keyspace-events', 'KEA'] });
  const cwd = folderOf(map);
  const soon = Date.now() + 3_600_000;
  await send(server, 'FLUSHDB');
  await sendAll(server, [
    ...keys('page', 300),
    ...keys('page:herd', 200, 'PXAT', soon - 1000),
    ...keys('object:<Query object at 0x7f3c2a1b4d90>', 3),
    ['SET', 'object:-7230917402347120934', 'x'],
    ['SET', 'pickle:1', '\x80\x04\x95\x0c'],
    ['SET', 'other:1', 'x'],
    ['SETRANGE', 'page:big', 20_000_000, 'x'],
    ['SADD', 'page:set', ...Array.from({ length: 60_000 }, (_, index) => `member ${index}`)],
    ...Array.from({ length: 12 }, () => ['SMEMBERS', 'page:set']),
    ['KEYS', 'nothing:*'],
  ]);
  const busy =
    "local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end local s = now() while now() < s + 150 do end";
  await send(server, 'CONFIG', 'SET', 'latency-monitor-threshold', '50');
  await send(server, 'EVAL', busy, 0);

  test('has a finding of each kind, the worst first', async () => {
    await rudeClient(redis.port, 'CLIENT SETNAME web-1', 'GET page:big', 'GET page:big');
    await rudeClient(redis.port, 'CLIENT SETNAME billing-7', 'MONITOR');
    await until('replies wait', async () =>
      /omem=[1-9]\d{7}/.test(replyText(await send(server, 'CLIENT', 'LIST'))),
    );
    const { result, exitCode } = await doctor([], { url: redis.url, cwd });
    const ids = idsOf(result);
    for (const expected of [
      ...['no-maxmemory', 'latency-events command', 'output-buffers', 'several-applications'],
      ...['events-left-on', 'monitor-left-on', 'keys-without-ttl', 'ttl-rule-broken page', 'ttl-herd page'],
      ...['big-key page:big', 'big-collection page:set', 'pickled-values pickle', 'unmapped-keys (unmapped)'],
      ...['slow-commands EVAL', 'keys-command KEYS', 'flush-command FLUSHDB', 'whole-reads SMEMBERS'],
      ...['open-default-user', 'dangerous-commands default'],
    ])
      expect(ids).toContain(expected);
    expect(ids.filter((id) => id === 'unstable-keys object')).toHaveLength(2);
    expect(result.findings.find(({ id }) => id === 'open-default-user')?.severity).toBe('notice');
    expect(exitCode).toBe(0);
    const strict = await doctor(['--only', 'no-maxmemory', '--fail-on', 'warning'], { url: redis.url, cwd });
    expect(strict.exitCode).toBe(1);
  });

  test('is shown to people, and in the forms of pipelines', async () => {
    const args = ['doctor', '--only', 'no-maxmemory,keys-command', '--fail-on', 'warning'];
    const shown = await cli(args, { url: redis.url, cwd, terminal: true, env: { NO_COLOR: '1' } });
    expect(shown.stdout).toMatch(
      /^▲ CC101 no-maxmemory: no `maxmemory`: [^]*\n {2}`CONFIG SET maxmemory 2gb`[^]*▲ CC312 keys-command: KEYS: 1 call of /,
    );
    const github = await cli([...args, '-o', 'github'], { url: redis.url, cwd });
    expect(github.stdout).toMatch(/^::warning title=cachectl doctor CC101 no-maxmemory::no `maxmemory`/);
    const junit = await cli([...args, '-o', 'junit'], { url: redis.url, cwd });
    expect(junit.stdout).toMatch(/tests="2" failures="2"/);
  });

  test('is a log of SARIF 2.1.0', async () => {
    const { stdout } = await cli(['doctor', '-o', 'sarif'], { url: redis.url, cwd });
    const log = JSON.parse(stdout) as SarifLog;
    expect(log).toMatchObject({
      version: '2.1.0',
      $schema: expect.stringContaining('sarif-2.1.0') as string,
    });
    const [run] = log.runs;
    const rules = run?.tool.driver.rules ?? [];
    expect(run?.tool.driver.name).toBe('cachectl');
    expect(rules.map(({ id }) => id)).toEqual(doctorRules.map(({ number }) => number));
    expect(run?.results.length).toBeGreaterThan(10);
    for (const { ruleId, ruleIndex, level, message, locations } of run?.results ?? []) {
      expect(rules[ruleIndex]?.id).toBe(ruleId);
      expect(['error', 'warning', 'note']).toContain(level);
      expect(message.text).not.toBe('');
      expect(locations[0]?.physicalLocation.artifactLocation.uri).toBe('cachectl.config.json');
    }
  });
});

/** The fields that the schema requires, and those that viewers do. */
interface SarifLog {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string }[] };
    };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly {
        readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
      }[];
    }[];
  }[];
}

test('state and caches under one policy, a hot key, and TTLs without jitter are found', async () => {
  const { redis, server } = await startServer({
    args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lfu', '--lfu-log-factor', '0'],
  });
  await sendAll(server, [...keys('session', 20), ...Array.from({ length: 300 }, () => ['GET', 'session:1'])]);
  const cwd = folderOf(map);
  const { result } = await doctor([], { url: redis.url, cwd });
  expect(idsOf(result)).toEqual(expect.arrayContaining(['state-evicted session', 'hot-key session:1']));
  expect(result.status).toBe('critical');

  await send(server, 'CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
  await sendAll(server, keys('page', 1200, 'EX', 3000));
  const later = await doctor([], { url: redis.url, cwd });
  expect(idsOf(later.result)).toEqual(expect.arrayContaining(['no-jitter page', 'ttl-herd page']));
  expect(idsOf(later.result)).not.toContain('state-evicted session');
});

test('keys that end at midnight are a notice, and none where the map says until midnight', async () => {
  const { redis, server } = await startServer();
  const dayMillis = 86_400_000;
  const midnight = Math.ceil(Date.now() / dayMillis + 1) * dayMillis;
  await sendAll(server, keys('quota', 200, 'PXAT', midnight));
  const args = ['--only', 'ttl-herd', '--fail-on', 'notice'];
  const found = await doctor(args, { url: redis.url, cwd: temporaryFolder() });
  expect(found.result.findings).toMatchObject([
    { severity: 'notice', remedy: expect.stringContaining('"untilMidnight": "') as string },
  ]);
  const cwd = folderOf({ namespaces: { quota: { pattern: 'quota:*', ttl: { untilMidnight: 'UTC' } } } });
  expect(await doctor(args, { url: redis.url, cwd })).toMatchObject({ exitCode: 0 });
});

test('a user who may hardly ask anything learns what was not judged', async () => {
  const { redis, server } = await startServer();
  await send(
    server,
    'ACL',
    'SETUSER',
    'poor',
    'on',
    '>secret',
    '~*',
    '-@all',
    '+ping',
    '+hello',
    '+client|setname',
    '+select',
  );
  const { result, exitCode } = await doctor([], {
    url: redis.url.replace('redis://', 'redis://poor@'),
    env: { REDISCLI_AUTH: 'secret' },
  });
  expect(exitCode).toBe(0);
  expect(result.findings).toEqual([]);
  const reasons = Object.fromEntries(result.notJudged.map(({ rule, reason }) => [rule, reason]));
  expect(reasons).toMatchObject({
    ...{ CC101: '`INFO` is refused (NOPERM)', CC108: '`CLIENT LIST` is refused (NOPERM)' },
    ...{ CC118: '`CONFIG GET` is refused (NOPERM)', CC310: '`SLOWLOG` is refused (NOPERM)' },
    CC401: '`ACL GETUSER` is refused (NOPERM)',
    CC204: expect.stringContaining('SCAN') as string,
  });
});
