import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { sendAll, startPrivateServer, targetOf } from '../server/redis.ts';
import { temporaryFolder } from '../server/own.ts';

const page = readFileSync(new URL('../../docs/output.md', import.meta.url), 'utf8');

/** What the page says that a name is. */
const vocabulary = new Map(
  [...page.matchAll(/^\| (`[^|]+`) +\| ([a-z ]+?) +\|/gm)].flatMap(([, names = '', is = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, is] as const),
  ),
);

/** Objects whose keys are data. */
const open = new Set(/objects\n([^.]+), and not listed/.exec(page)?.[1]?.match(/\w+/g));

const isNumber = (value: unknown) => typeof value === 'number';
const fits: Readonly<Record<string, (value: unknown) => boolean>> = {
  count: (value) => Number.isInteger(value),
  number: isNumber,
  ...{ bytes: isNumber, seconds: isNumber, micros: isNumber },
  ratio: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  text: (value) => typeof value === 'string',
  'yes or no': (value) => typeof value === 'boolean',
  list: Array.isArray,
  object: (value) => typeof value === 'object' && !Array.isArray(value),
  any: () => true,
};

/** Fields that the page does not know, or knows as something else. */
function strangersIn(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => strangersIn(each, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const here = `${path}.${name}`;
    const whole = name.replace(/Interval$/, '');
    const is = vocabulary.get(name) ?? (vocabulary.has(whole) ? 'list' : undefined);
    const own = is === undefined || (field !== null && fits[is]?.(field) !== true);
    const inside = open.has(name) || is === 'any' ? [] : strangersIn(field, here);
    return [
      ...(own ? [`${here} is ${JSON.stringify(field).slice(0, 40)}, not ${is ?? 'in the page'}`] : []),
      ...inside,
    ];
  });
}

let redis: RedisProcess;
let server: RedisServer;
const folder = temporaryFolder();

const map = {
  profiles: { here: { url: 'redis://127.0.0.1:1/0' } },
  namespaces: {
    profile: { pattern: 'user:<id>:profile', ttl: '1h', hitRateTarget: 0.5, encoding: 'json' },
    session: { pattern: 'session:<token>', kind: 'state' },
    cart: { pattern: 'cart:<id>', ttl: '2h' },
  },
  entities: { user: { patterns: ['user:<id>:profile'] } },
  thresholds: { minHitRate: 0.1 },
};

beforeAll(async () => {
  redis = await startPrivateServer();
  server = await connect(targetOf(redis.url));
  const indexes = Array.from({ length: 60 }, (_, index) => index);
  await sendAll(server, [
    ...indexes.map((index) => ['SET', `user:${index}:profile`, `{"id":${index}}`, 'EX', 3000]),
    ...indexes.map((index) => ['SET', `session:${index}a`, 'x', 'EX', 9000]),
    ...indexes.map((index) => ['HSET', `cart:${index}`, 'item', 'x']),
    ...indexes.map((index) => ['GET', `user:${2 * index}:profile`]),
  ]);
});
afterAll(async () => {
  server.close();
  await redis.stop();
});

/** A line of `hits --record` from before there were digests. */
const recordWithMisses = {
  ...{ recordVersion: 1, at: '2026-01-01T00:00:00.000Z', server: 'redis://127.0.0.1:1/0', mode: 'exact' },
  ...{ windowSeconds: 1, valid: true, reads: 9, hits: 0, misses: 9, hitRate: 0, namespaces: [] },
  missed: [{ key: 'user:1:profile', database: 0, namespace: 'profile', misses: 9, refillSeconds: 1 }],
};

/** In this order: later ones use what earlier ones wrote. */
const lines = [
  'stats --window 100ms --hits 300ms',
  'hits --for 300ms --record hits.ndjson',
  'hits --for 300ms --compare misses.ndjson',
  'hits --for 300ms --fail-below-target',
  'hits --restore',
  'whatif --for 300ms --target 0.9 --ttl 1s --record window.curves --force',
  'whatif --from window.curves',
  'inspect --exact --save before.json',
  'inspect --since before.json --most-elements',
  'report page.html --snapshot figures.json',
  'keys --long',
  'get user:1:profile',
  'get cart:1',
  'get nothing',
  'ttl user:1:profile nothing',
  'invalidate user 1 nobody --plan-out plan.json',
  'invalidate user 2 --yes',
  'invalidate user 3 --yes --mode soft',
  'apply plan.json --yes --journal applied.journal',
  'undo applied.journal --yes',
  'prune --set-ttl --too-long --yes',
  'export --to all.ndjson',
  'warm all.ndjson --verify all',
  'warm all.ndjson --from misses.ndjson',
  'diff all.ndjson',
  'bench --operations 200 --keys 20 --fail-above 1us --fail-miss-ratio 1% --hdr-file-prefix run',
  'bench mget --operations 50 --keys 20 --warmup 0 --payload 64B-1KiB',
  'bench --like user:* --operations 50 --warmup 0',
  'bench latency --for 200ms',
  'bench intrinsic --for 100ms',
  'bench get --operations 50 --keys 20 --warmup 0 --against URL --rounds 8 --fail-slower 90%',
  'check',
  'doctor --hits 300ms',
  'acl stats --hits',
  'watch --interval 200ms --count 2 --hits',
  'metrics --ttls',
  'config show',
  'config validate',
  'config init --file -',
  'keys --ttl bogus',
];

test('each name in the output of every command is in docs/output.md, and is what the page says', async () => {
  const met = new Set<string>();
  const strangers = new Set<string>();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
  writeFileSync(join(folder, 'misses.ndjson'), JSON.stringify(recordWithMisses));
  for (const line of lines) {
    const { stdout, stderr } = await cli([...line.replace('URL', redis.url).split(' '), '-o', 'json'], {
      url: redis.url,
      cwd: folder,
    });
    expect([line, stderr, stdout.startsWith('{')]).toEqual([line, stderr, true]);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect([line, result['schemaVersion'], typeof result['ownLookups']]).toEqual([line, 2, 'object']);
    for (const stranger of strangersIn(result, line)) strangers.add(stranger);
    for (const [, name = ''] of stdout.matchAll(/"(\w+)":/g)) met.add(name);
  }
  expect([...strangers]).toEqual([]);
  expect(met.size).toBeGreaterThan(200);
});

test('no unit is missing from a name, and none is wrong', () => {
  const suffixes: Readonly<Record<string, RegExp>> = {
    bytes: /Bytes(Before)?$/,
    seconds: /(^s|S)econds$/,
    micros: /Micros$/,
  };
  for (const [name, is] of vocabulary) {
    const unit = suffixes[is];
    if (unit !== undefined) expect([name, unit.test(name)]).toEqual([name, true]);
    if (is === 'count')
      expect([name, /(Bytes|Seconds|Micros|Millis|Rate|Ratio|Share)$/.test(name)]).toEqual([name, false]);
    if (/Keys$/.test(name)) expect([name, is]).toEqual([name, 'count']);
  }
});
