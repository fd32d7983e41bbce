import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { countsScanType, parseInfo, productOf, readInfo, survivesNoTouch } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import { cli } from '../run-cli.ts';
import { callsOf, emptyDatabase, makeIdle, send, sendAll, untilCalled } from '../server/redis.ts';
import { storedKeys } from './invalidate-setup.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

const { redis, server } = await startServer();
const scanTypeLooksUp = countsScanType(await readInfo(server.nodes[0]));
let folder: string;

const names = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) => `${name}:${index}`);

/** Of more than a megabyte. */
const longList = Array.from(
  { length: 4000 },
  (_, index) => `element ${index} ${'of a long list '.repeat(20)}`,
);

beforeEach(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
  await emptyDatabase(server);
  await sendAll(server, [
    ...names(40, 'page').map((key, index) => ['SET', key, `"${key}"`, 'EX', 600 + index]),
    ...names(20, 'plain').map((key) => ['SET', key, '']),
    ...names(10, 'user').map((key) => ['HSET', key, 'name', 'ann', 'age', 7]),
    ...names(5, 'queue').map((key) => ['RPUSH', key, 'a', 'b']),
    ...names(5, 'tags').map((key) => ['SADD', key, 'a', 'b']),
    ...names(5, 'rank').map((key) => ['ZADD', key, 1, 'a', 2, 'b']),
    ...names(5, 'log').map((key) => ['XADD', key, '*', 'a', 'b']),
    ['SET', 'big', 'x'.repeat(3_000_000)],
    ['RPUSH', 'long', ...longList],
    ['SADD', 'idx:user:1', 'user:1', 'user:2', 'user:gone'],
  ]);
});

async function counters(): Promise<{ hits: number; misses: number }> {
  const info = parseInfo(replyText(await send(server, 'INFO', 'STATS')));
  return { hits: Number(info['keyspace_hits']), misses: Number(info['keyspace_misses']) };
}

/** What the ledger has of the server. */
function remembered(): { hits: number; misses: number } {
  const state = join(folder, 'state', 'cachectl', 'lookups');
  let files: string[];
  try {
    files = readdirSync(state).filter((name) => name.endsWith('.json'));
  } catch {
    files = [];
  }
  const [file] = files;
  if (file === undefined) return { hits: 0, misses: 0 };
  const { lookups } = JSON.parse(readFileSync(join(state, file), 'utf8')) as {
    lookups: { hits: number; misses: number };
  };
  return { hits: lookups.hits, misses: lookups.misses };
}

const less = (after: { hits: number; misses: number }, before: { hits: number; misses: number }) => ({
  hits: after.hits - before.hits,
  misses: after.misses - before.misses,
});

const run = (args: readonly string[], input?: string) =>
  cli(args, {
    url: redis.url,
    cwd: folder,
    env: { XDG_STATE_HOME: join(folder, 'state') },
    ...(input !== undefined && { input }),
  });

const fixture = [
  '{"key":"page:0","value":"changed","ttl":60}',
  '{"key":"user:0","type":"hash","value":{"name":"ben"}}',
  '{"key":"new:1","type":"list","value":["a"]}',
  '{"key":"new:2","type":"stream","value":[{"id":"1-1","fields":{"a":"b"}}]}',
  '{"key":"new:3","value":""}',
].join('\n');

const map = {
  namespaces: {
    page: { pattern: 'page:*', ttl: '5m' },
    plain: { pattern: 'plain:*', ttl: '1h' },
    user: { pattern: 'user:*' },
  },
  entities: { user: { patterns: ['user:<id>'], index: 'idx:user:<id>' } },
};

interface CommandLine {
  readonly line: string;
  readonly input?: string;
  /** What has to be run before. */
  readonly before?: string;
  /** The keys have been idle for long. */
  readonly isIdle?: true;
  /** False: it leaves the counters alone. */
  readonly looksUp?: boolean;
}

const commands: readonly CommandLine[] = [
  { line: 'inspect' },
  { line: 'inspect --exact page:*' },
  { line: 'inspect --type hash' },
  { line: 'inspect --most-elements' },
  { line: 'report page.html' },
  { line: 'keys page:* --long' },
  { line: 'keys * --type list', looksUp: scanTypeLooksUp },
  { line: 'keys * --ttl none' },
  { line: 'keys * --size >1KB', looksUp: false },
  { line: 'keys * --idle >=0s' },
  { line: 'keys * --elements >1' },
  { line: 'keys * --sort elements --long' },
  { line: 'inspect --elements >1 --ttl none' },
  // No string has elements: what is looked up is the type alone.
  { line: 'prune --set-ttl --type string --elements <5 --dry-run', looksUp: scanTypeLooksUp },
  { line: 'invalidate --pattern page:* --ttl >1m --idle >=0s --yes' },
  { line: 'get page:1' },
  { line: 'get plain:1' },
  { line: 'get user:1' },
  { line: 'get log:1' },
  { line: 'get nothing' },
  { line: 'ttl page:1 nothing plain:1' },
  { line: 'prune --set-ttl --too-long --dry-run' },
  { line: 'prune --set-ttl --too-long --yes' },
  { line: 'prune --idle 1s --yes', isIdle: true },
  { line: 'invalidate --pattern page:* --yes' },
  { line: 'invalidate --pattern page:* --backup --yes' },
  { line: 'invalidate --pattern page:* --mode soft --over 10s --yes' },
  { line: 'invalidate --pattern page:* --dry-run' },
  { line: 'invalidate user 1 --yes' },
  {
    line: 'apply plan.json --yes',
    before: 'invalidate --pattern page:* --plan-out plan.json',
  },
  {
    line: 'apply plan.json --yes',
    before: 'invalidate --pattern page:* --ttl >1m --plan-out plan.json',
  },
  {
    line: 'undo soft.journal --yes',
    before: 'invalidate --pattern page:* --mode soft --over 1h --journal soft.journal --yes',
  },
  {
    line: 'undo backup.journal --yes',
    before: 'invalidate --pattern page:* --backup --journal backup.journal --yes',
    looksUp: false,
  },
  { line: 'export *' },
  { line: 'export * --to all.archive' },
  { line: 'diff all.ndjson', before: 'export * --to all.ndjson' },
  { line: 'diff all.archive', before: 'export * --to all.archive' },
  { line: 'warm - --verify all', input: fixture },
  { line: 'warm - --verify', input: fixture },
  { line: 'bench --operations 500 --keys 50 --warmup 10ms' },
  { line: 'bench get --operations 500 --keys 50 --pipeline 7 --connections 3' },
  { line: 'bench mget hget --operations 300 --keys 55 --hit-ratio 70% --pipeline 3' },
  { line: 'bench --like page:* --like user:* --operations 300 --pipeline 3' },
  { line: 'bench --like page:* --like user:* --shape --hit-ratio 80% --operations 300' },
  { line: 'hits --for 500ms --mode exact' },
  { line: 'whatif --for 500ms' },
  { line: 'hits --for 500ms --mode sampled' },
  { line: 'hits --for 500ms --mode counters' },
  { line: 'watch --count 2 -i 200ms', looksUp: false },
  { line: 'metrics', looksUp: false },
  { line: 'metrics --ttls' },
  { line: 'watch --count 2 -i 200ms --hits' },
  { line: 'check' },
  { line: 'check --no-write', looksUp: false },
  { line: 'check --no-write --max-without-ttl 1' },
  { line: 'check --no-write --max-keys 1000 --forbid tmp:*', looksUp: false },
  { line: 'check --no-write --save-baseline base.json' },
  { line: 'check --no-write --doctor' },
  { line: 'doctor' },
  { line: 'doctor --no-keys', looksUp: false },
  { line: 'config init --file -' },
  { line: 'stats', looksUp: false },
  { line: 'stats --hits 500ms' },
];

/** What goes to stdout is their result, and not the records of an export. */
const isReporting = ({ line, input }: CommandLine) =>
  input === undefined && (!line.startsWith('export') || line.includes('--to'));

/** What a JSON result says of its own lookups; null where there is no such result. */
function reportedIn(stdout: string): { hits: number; misses: number } | null {
  const { ownLookups } = JSON.parse(stdout) as { ownLookups?: { hits: number; misses: number } };
  return ownLookups === undefined ? null : { hits: ownLookups.hits, misses: ownLookups.misses };
}

describe('what a run adds to the counters of hits and misses is what is remembered of it, and what it reports', () => {
  test.each(commands)('`$line`', async (command) => {
    const { line, input, before, isIdle = false, looksUp = true } = command;
    if (isIdle) await makeIdle(server, await storedKeys(server), 100);
    if (before !== undefined) await run(before.split(' '));
    const start = { server: await counters(), ledger: remembered() };
    const isReported = isReporting(command);
    const result = await run([...line.split(' '), ...(isReported ? ['-o', 'json'] : [])], input);
    const added = less(await counters(), start.server);
    expect({ stderr: result.stderr, ...less(remembered(), start.ledger) }).toMatchObject(added);
    expect(added.hits + added.misses > 0).toBe(looksUp);
    if (isReported) expect(reportedIn(result.stdout)).toEqual(added);
  });
});

describe('what is remembered', () => {
  test('is that values were read in a way that the server counts as a use of the keys', async () => {
    await run(['keys', '*', '--long']);
    const warning = 'ago, which this server counts as a use: idle times';
    expect((await run(['inspect'])).stderr).not.toContain(warning);
    await run(['export', 'page:*', '--to', 'pages.ndjson']);
    await send(server, 'CONFIG', 'RESETSTAT');
    await run(['inspect']);
    const { stderr } = await run(['inspect']);
    if (survivesNoTouch(productOf(await readInfo(server.nodes[0])))) expect(stderr).not.toContain(warning);
    else {
      expect(stderr).toMatch(
        /warning: `export` made 40 reads of values \d+ m?s ago, which this server counts/,
      );
      expect((await run(['prune', '--idle', '1h', '--dry-run'])).stderr).toContain(warning);
      expect((await run(['prune', '--set-ttl', '--dry-run'])).stderr).not.toContain(warning);
    }
  });

  test('holds a run that was interrupted', async () => {
    const [start, scans] = [await counters(), await callsOf(server, 'scan')];
    const interruption = new AbortController();
    const running = cli(['inspect', '--exact', '--count', '10', '--max-rate', '40'], {
      url: redis.url,
      cwd: folder,
      env: { XDG_STATE_HOME: join(folder, 'state') },
      signal: interruption.signal,
    });
    await untilCalled(server, 'scan', scans + 8);
    interruption.abort('SIGINT');
    expect((await running).exitCode).toBe(130);
    const added = less(await counters(), start);
    expect(added.hits).toBeGreaterThan(0);
    expect(remembered()).toEqual(added);
  });

  test('holds a run that failed', async () => {
    const start = await counters();
    // The index is a string: found out by a lookup of it.
    await sendAll(server, [['SET', 'idx:user:9', 'no set']]);
    expect((await run(['invalidate', 'user', '9', '--yes'])).exitCode).toBe(2);
    expect(remembered()).toEqual({ hits: 1, misses: 0 });
    expect(less(await counters(), start)).toEqual({ hits: 1, misses: 0 });
  });
});
