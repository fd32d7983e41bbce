import { expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import { sendAll, testUrl } from '../server/redis.ts';
import { inspect, inspectTable } from './inspect-runs.ts';
import { folderWith, linesOf } from './reading.ts';
import { emptyServer } from '../server/own.ts';

const hour = 3600;
const hours = (count: number) => count * hour;

/** Noon in Prague. */
const noon = Date.UTC(2026, 5, 15, 10);

const config = {
  namespaces: {
    fixed: { pattern: 'fixed:<id>', ttl: '1h' },
    range: { pattern: 'range:<id>', ttl: { min: '1h', max: '2h' } },
    daily: { pattern: 'daily:<id>', ttl: { untilMidnight: 'Europe/Prague' } },
    kept: { pattern: 'kept:<id>', ttl: 'permanent' },
    short: { pattern: 'short:<id>', ttl: '1h' },
    few: { pattern: 'few:<id>', ttl: '1h' },
    free: { pattern: 'free:<id>' },
  },
} as const;

/** Keys of a namespace by the seconds they have left; null: no TTL. */
const keysOf = (name: string, ttls: readonly (number | null)[]) =>
  ttls.map((seconds, index) => [
    'SET',
    `${name}:${index}`,
    'x',
    ...(seconds === null ? [] : ['EX', seconds]),
  ]);

const times = (count: number, seconds: number | null) => Array.from({ length: count }, () => seconds);

async function fill(): Promise<RedisServer> {
  const server = await emptyServer();
  await sendAll(server, [
    ...keysOf('fixed', [...times(5, hour), 10, ...times(3, null), hour + 60, hours(30)]),
    ...keysOf('range', [hour, hours(2), 30, null, hours(3)]),
    // Twelve hours are left until midnight.
    ...keysOf('daily', [
      hours(12),
      hours(12) - 40,
      hours(12) + 40,
      hours(12) - 600,
      hours(20),
      hours(26),
      null,
    ]),
    ...keysOf('kept', [null, null, hour]),
    ...keysOf('short', times(120, 1200)),
    ...keysOf('few', times(99, 1200)),
    ...keysOf('free', [null, 10, hours(500)]),
  ]);
  return server;
}

const atNoon = () => ({ cwd: folderWith(config), now: () => noon });
const none = {
  guessed: false,
  kept: 0,
  keptInterval: null,
  missing: 0,
  missingInterval: null,
  tooLong: 0,
  tooLongInterval: null,
  unexpected: 0,
  unexpectedInterval: null,
  drifting: 0,
  driftingInterval: null,
  fallsShort: false,
};

test('each TTL is held against the rule of its namespace', async () => {
  await fill();
  const { exitCode, result } = await inspect([], atNoon());
  expect(exitCode).toBe(0);
  const rules = Object.fromEntries(result.namespaces.map(({ namespace, ttlRule }) => [namespace, ttlRule]));
  expect(rules).toEqual({
    fixed: { ...none, rule: '1h', kept: 6, missing: 3, tooLong: 2 },
    range: { ...none, rule: '1h … 2h', kept: 3, missing: 1, tooLong: 1 },
    daily: {
      ...none,
      rule: 'until midnight in Europe/Prague',
      kept: 3,
      missing: 1,
      tooLong: 1,
      drifting: 2,
    },
    kept: { ...none, rule: 'permanent', kept: 2, unexpected: 1 },
    short: { ...none, rule: '1h', kept: 120, fallsShort: true },
    few: { ...none, rule: '1h', kept: 99 },
    free: null,
  });
  expect(result.total.ttlRule).toBeNull();
});

test('the verdicts of one namespace are the same level by level', async () => {
  await fill();
  const { result } = await inspect(['--namespace', 'fixed'], atNoon());
  expect(result.namespaces).toMatchObject([
    { namespace: 'fixed', pattern: 'fixed:<id>', ttlRule: { kept: 6, missing: 3, tooLong: 2 } },
  ]);
});

test('people see the rules that are broken, programs all', async () => {
  await fill();
  const table = await inspectTable([], atNoon());
  const [, after = ''] = table.split('TTLs against the rules of the map\n');
  const [rows = ''] = after.split('\n\n');
  expect(linesOf(rows).map((line) => line.trim().replace(/ {2,}/g, '|'))).toEqual([
    'NAMESPACE|VERDICT|RULE|KEPT|NO TTL|TOO LONG|UNEXPECTED',
    'short|shorter than the rule|1h|120|0|0|0',
    'fixed|warn|1h|6|3|2|0',
    'daily|warn|until midnight in…ope/Prague|3|1|1|0',
    'range|warn|1h … 2h|3|1|1|0',
    'kept|warn|permanent|2|0|0|1',
    '(a wider terminal shows DRIFTING)',
  ]);
  expect(table).toContain('1 namespace kept to its TTL rule');

  const { stdout } = await cli(['inspect'], { url: testUrl(), ...atNoon() });
  const lines = linesOf(stdout).map((line) => line.split('\t'));
  const piped = lines.filter(([name]) => name === 'ttlRules').map(([, ...fields]) => fields);
  expect(piped).toHaveLength(6);
  expect(piped).toContainEqual(['few', '1h', '99', '0', '0', '0', '0', 'ok']);
  expect(piped).toContainEqual(['kept', 'permanent', '2', '0', '0', '1', '0', 'warn']);
});

test('a rule that is a guess is shown with what it would say, and passes no verdict', async () => {
  await fill();
  const { fixed, short, few } = config.namespaces;
  const guesses = {
    namespaces: { fixed: { ...fixed, ttlGuessed: true }, short: { ...short, ttlGuessed: true }, few },
  };
  const cwd = folderWith(guesses);
  const { result } = await inspect([], { cwd, now: () => noon });
  expect(result.namespaces.find(({ namespace }) => namespace === 'fixed')?.ttlRule).toEqual({
    ...{ ...none, guessed: true, rule: '1h', kept: 6, missing: 3, tooLong: 2 },
  });
  const table = await inspectTable([], { cwd, now: () => noon });
  expect(table).toMatch(/fixed +guess +1h +6 +3 +2/);
  expect(table).toContain('1 namespace kept to its TTL rule');
  expect(table).toMatch(/2 TTL rules are guesses: once a TTL is right, remove `"ttlGuessed"`/);
});

test('a walk that read no TTL passes no verdict', async () => {
  await fill();
  const { stdout } = await cli(['stats', '-o', 'json'], { url: testUrl(), ...atNoon() });
  const { namespaces } = JSON.parse(stdout) as { namespaces: { ttlRule: unknown }[] };
  expect(namespaces.map(({ ttlRule }) => ttlRule)).toEqual(namespaces.map(() => null));
});

test('without a map there are no rules', async () => {
  await fill();
  const { result } = await inspect();
  expect(result.namespaces.every(({ ttlRule }) => ttlRule === null)).toBe(true);
  expect(await inspectTable()).not.toContain('TTLs against the rules');
});
