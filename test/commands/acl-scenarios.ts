import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliResult } from '../run-cli.ts';
import { temporaryFolder } from '../server/own.ts';
import { emptyDatabase, makeIdle, send, sendAll } from '../server/redis.ts';
import { storedKeys } from './invalidate-setup.ts';

/** A command line, and what `acl` is asked for it. */
export interface Scenario {
  /** `{url}` in it is the server, for an administrator. */
  readonly line: string;
  readonly acl: string;
  readonly input?: string;
  /** What an administrator runs before. */
  readonly before?: string;
  readonly isIdle?: true;
  /** Once this is printed, the clock of the run is past its end: what is read in the background is there then. */
  readonly until?: string;
  /** Settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False: the same rights are tried one by one elsewhere. */
  readonly oneByOne?: false;
}

const shortRecords = [
  '{"key":"page:0","value":"changed","ttl":60}',
  '{"key":"new:1","type":"list","value":["a"]}',
  '{"key":"new:2","type":"stream","value":[{"id":"1-1","fields":{"a":"b"}}]}',
  '{"key":"new:3","type":"hash","value":{"name":"ben"}}',
  '{"key":"new:4","type":"set","value":["a"]}',
  '{"key":"new:5","type":"zset","value":{"a":1}}',
].join('\n');

const records = [
  shortRecords,
  `{"key":"new:6","type":"set","value":${JSON.stringify(Array.from({ length: 10_100 }, (_, index) => `m${index}`))}}`,
  `{"key":"new:7","type":"set","ttl":60,"value":${JSON.stringify(Array.from({ length: 10_100 }, (_, index) => `m${index}`))}}`,
].join('\n');

/** A selection by everything that can be read of a key, which collections of all types pass. */
const judged =
  '--size >1B --type list --type hash --type set --type zset --type stream --ttl none --elements >0';
/** Keys of each type that `bench` reads; where sizes are not known it reads those of the first three. */
const [ofBounded, ofWhole] = [
  ['page', 'queue', 'rank'],
  ['user', 'tags'],
].map((names) => names.map((name) => `--like ${name}:*`).join(' '));
const judgedNames = '--size --type --ttl --elements';

export const scenarios: readonly Scenario[] = [
  { line: 'stats --exact', acl: 'stats' },
  { line: 'stats --hits 100ms', acl: 'stats --hits', oneByOne: false },
  { line: 'watch --for 3s -i 100ms', acl: 'watch', until: '"namespacesReadAt":"' },
  { line: 'watch --count 2 -i 100ms --hits', acl: 'watch --hits', oneByOne: false },
  { line: 'metrics', acl: 'metrics' },
  { line: 'metrics --ttls', acl: 'metrics --ttls' },
  { line: 'hits --for 100ms', acl: 'hits' },
  { line: 'hits --for 100ms', acl: 'hits', settings: { 'notify-keyspace-events': 'EA' } },
  { line: 'hits --for 100ms --mode misses-only', acl: 'hits --mode misses-only', oneByOne: false },
  { line: 'hits --for 100ms --mode counters', acl: 'hits --mode counters', oneByOne: false },
  { line: 'whatif --for 100ms', acl: 'whatif' },
  { line: 'inspect --exact', acl: 'inspect' },
  { line: 'inspect --most-elements', acl: 'inspect --most-elements' },
  {
    line: 'inspect --exact --latency-budget 1s',
    acl: 'inspect --latency-budget',
    settings: { 'maxmemory-policy': 'allkeys-lfu' },
  },
  {
    line: `inspect --exact ${judged} --idle >1s`,
    acl: `inspect ${judgedNames} --idle`,
    isIdle: true,
  },
  { line: 'report page.html --exact --force', acl: 'report' },
  {
    line: 'report page.html --exact --force',
    acl: 'report',
    settings: { 'maxmemory-policy': 'allkeys-lfu' },
  },
  { line: 'report page.html --force --hits 100ms', acl: 'report --hits', oneByOne: false },
  { line: 'keys *', acl: 'keys' },
  { line: 'keys none:*', acl: 'keys' },
  { line: 'keys * --long', acl: 'keys --long' },
  { line: 'keys * --type list', acl: 'keys --type' },
  { line: 'keys * --larger-than 1kB', acl: 'keys --larger-than' },
  { line: 'keys * --ttl none', acl: 'keys --ttl' },
  { line: 'keys * --size >1kB', acl: 'keys --size' },
  { line: 'keys * --idle >1s', acl: 'keys --idle', isIdle: true },
  { line: 'keys * --elements >1', acl: 'keys --elements' },
  ...['page:1', 'int:1', 'user:1', 'queue:1', 'tags:1', 'rank:1', 'log:1'].map((key) => ({
    line: `get ${key}`,
    acl: 'get',
  })),
  { line: 'ttl page:1', acl: 'ttl' },
  { line: 'invalidate --pattern page:* --yes', acl: 'invalidate' },
  {
    line: `invalidate --pattern *:1 ${judged} --idle >1s --yes`,
    acl: `invalidate ${judgedNames} --idle`,
    isIdle: true,
  },
  { line: 'invalidate user 1 --yes', acl: 'invalidate' },
  { line: 'invalidate team 1 --yes', acl: 'invalidate' },
  { line: 'invalidate --pattern page:* --no-backup --yes', acl: 'invalidate --no-backup' },
  { line: 'invalidate user 1 --no-backup --yes', acl: 'invalidate --no-backup' },
  { line: 'invalidate team 1 --no-backup --yes', acl: 'invalidate --no-backup' },
  { line: 'invalidate --pattern page:* --mode soft --over 10s --yes', acl: 'invalidate --mode soft' },
  { line: 'invalidate page 1 --mode generation --yes', acl: 'invalidate --mode generation' },
  {
    line: 'apply plan.json --yes',
    acl: 'apply',
    before: 'invalidate --pattern page:* --plan-out plan.json',
  },
  {
    line: 'apply plan.json --yes',
    acl: 'apply',
    before: 'invalidate --pattern page:* --mode soft --plan-out plan.json',
  },
  {
    line: 'apply plan.json --yes',
    acl: `apply ${judgedNames}`,
    before: `invalidate --pattern *:1 ${judged} --plan-out plan.json`,
  },
  {
    line: 'apply plan.json --yes',
    acl: 'apply --idle',
    before: 'invalidate --pattern *:1 --idle >1s --plan-out plan.json',
    isIdle: true,
  },
  {
    line: 'undo a.journal --yes',
    acl: 'undo',
    before: 'invalidate --pattern page:* --backup --journal a.journal --yes',
  },
  {
    line: 'undo a.journal --yes',
    acl: 'undo',
    before: 'prune --set-ttl --too-long --journal a.journal --yes',
  },
  { line: 'prune --set-ttl --too-long --yes', acl: 'prune' },
  { line: 'prune --idle 1s --yes', acl: 'prune', isIdle: true },
  { line: `prune --set-ttl ${judged} --yes`, acl: `prune ${judgedNames}` },
  { line: 'warm -', acl: 'warm', input: records },
  { line: 'warm all.archive', acl: 'warm', before: 'export * --to all.archive' },
  { line: 'warm - --only-missing', acl: 'warm --only-missing', input: records },
  { line: 'warm - --merge', acl: 'warm --merge', input: records, oneByOne: false },
  { line: 'warm - --verify all', acl: 'warm --verify', input: shortRecords },
  { line: 'export * --to all.ndjson', acl: 'export' },
  { line: 'export * --to all.archive', acl: 'export --form archive' },
  {
    line: `export * --to all.archive ${judged}`,
    acl: `export --form archive ${judgedNames}`,
  },
  { line: 'export * --to all.archive --idle >1s', acl: 'export --form archive --idle', isIdle: true },
  { line: 'diff all.ndjson', acl: 'diff', before: 'export * --to all.ndjson' },
  { line: 'diff {url} --pattern none:*', acl: 'diff' },
  { line: `diff {url} ${judged}`, acl: `diff ${judgedNames}` },
  { line: 'diff {url} --idle >1s', acl: 'diff --idle', isIdle: true },
  { line: 'bench --operations 100 --keys 10 --warmup 10ms', acl: 'bench' },
  { line: 'bench mget hget --operations 50 --keys 10 --warmup 0', acl: 'bench mget hget' },
  { line: `bench ${ofBounded} --operations 300 --warmup 0`, acl: 'bench --like' },
  { line: `bench ${ofWhole} --operations 300 --warmup 0`, acl: 'bench --like' },
  { line: `bench ${ofBounded} --shape --operations 300 --warmup 0`, acl: 'bench --like --shape' },
  { line: 'bench latency --for 50ms', acl: 'bench latency' },
  { line: 'check', acl: 'check' },
  { line: 'check --no-write', acl: 'check --no-write' },
  {
    line: 'check --no-write --max-keys 1000 --max-bytes 1GB --max-without-ttl 1 --forbid tmp:*',
    acl: 'check --no-write --max-keys --max-bytes --max-without-ttl --forbid',
  },
  { line: 'check --no-write --save-baseline a.json', acl: 'check --no-write --save-baseline' },
  { line: 'check --no-write --doctor', acl: 'check --no-write --doctor' },
  { line: 'doctor --exact', acl: 'doctor' },
  {
    line: 'doctor --exact',
    acl: 'doctor',
    settings: { 'maxmemory-policy': 'allkeys-lfu' },
  },
  { line: 'doctor --no-keys --hits 100ms', acl: 'doctor --no-keys --hits', oneByOne: false },
  { line: 'config init --file -', acl: 'config' },
];

const map = {
  namespaces: {
    page: { pattern: 'page:*', ttl: '5m' },
    plain: { pattern: 'plain:*', ttl: '1h' },
    user: { pattern: 'user:*' },
  },
  entities: {
    page: { patterns: ['page:<id>'], generation: 'generation:<id>' },
    user: { patterns: ['user:<id>'], index: 'idx:user:<id>' },
    team: { patterns: ['user:<id>'], index: 'idx:team:<id>' },
  },
};

const some = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}:${index}`);
const elements = some(300, 'an element of a collection that is long enough to be read in pieces');

async function fill(server: RedisServer): Promise<void> {
  await emptyDatabase(server);
  await sendAll(server, [
    ...some(12, 'page').map((key, index) => ['SET', key, `"${key}"`, 'EX', 600 + index]),
    ...some(2, 'plain').map((key) => ['SET', key, '']),
    ...some(2, 'int').map((key) => ['SET', key, '7']),
    ...some(3, 'user').map((key) => ['HSET', key, 'name', 'ann', 'age', 7]),
    ...some(2, 'queue').map((key) => ['RPUSH', key, 'a', 'b']),
    ...some(2, 'tags').map((key) => ['SADD', key, 'a', 'b']),
    ...some(2, 'rank').map((key) => ['ZADD', key, 1, 'a', 2, 'b']),
    ...some(2, 'log').map((key) => ['XADD', key, '*', 'a', 'b']),
    ['SADD', 'idx:user:1', 'user:1', 'user:2', 'user:gone'],
    ['ZADD', 'idx:team:1', 1, 'user:1', 2, 'user:gone'],
    ['SET', 'generation:1', 1],
    ['SET', 'long:string', 'x'.repeat(300_000)],
    ['RPUSH', 'long:list', ...elements],
    ['SADD', 'long:set', ...elements],
    ['HSET', 'long:hash', ...elements.flatMap((each) => [each, each])],
    ['ZADD', 'long:zset', ...elements.flatMap((each, index) => [index, each])],
  ]);
}

/** What came of a run. */
export interface AsUser extends CliResult {
  /** `command get`, `key user:1`, … */
  readonly refused: readonly string[];
  /** The commands that the server ran meanwhile, ours among them. */
  readonly called: ReadonlySet<string>;
}

const defaults = { 'notify-keyspace-events': '', 'maxmemory-policy': 'noeviction' };

/** Runs the line on a fresh keyspace as the user whom these rules make, and gives what was refused. */
export async function runAs(
  server: RedisServer,
  url: string,
  rules: readonly string[],
  { line, input, before, isIdle, until, settings }: Scenario,
): Promise<AsUser> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
  for (const [name, value] of Object.entries({ ...defaults, ...settings }))
    await send(server, 'CONFIG', 'SET', name, value);
  await fill(server);
  if (isIdle) await makeIdle(server, await storedKeys(server), 100);
  const run = (words: string[], as: string) => {
    let isOver = false;
    return cli(words, {
      ...{ url: as, cwd: folder, env: { XDG_STATE_HOME: join(folder, 'state') } },
      ...(input !== undefined && { input }),
      now: () => Date.now() + (isOver ? 3_600_000 : 0),
      onOutput: (text) => (isOver ||= until !== undefined && text.includes(until)),
    });
  };
  if (before !== undefined) await run(before.split(' '), url);
  await send(server, 'ACL', 'SETUSER', 'ann', 'reset', '>secret', ...rules);
  await send(server, 'ACL', 'LOG', 'RESET');
  const callsBefore = await callsOfAll(server);
  const outcome = await run(
    [...line.replace('{url}', url).split(' '), '-o', 'json'],
    url.replace('://', '://ann:secret@'),
  );
  const called = [...(await callsOfAll(server))].filter(
    ([name, calls]) => calls > (callsBefore.get(name) ?? 0),
  );
  const log = (await send(server, 'ACL', 'LOG')) as unknown[][];
  const refused = log.map((entry) => {
    const field = (name: string) => String(entry[entry.indexOf(name) + 1]);
    return `${field('reason')} ${field('object')}`;
  });
  return { ...outcome, refused, called: new Set(called.map(([name]) => name)) };
}

/** How often each command was called, by the names of `INFO commandstats`. */
async function callsOfAll(server: RedisServer): Promise<Map<string, number>> {
  const stats = replyText(await send(server, 'INFO', 'commandstats'));
  return new Map(
    Array.from(stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name = '', calls]) => [
      name,
      Number(calls),
    ]),
  );
}
