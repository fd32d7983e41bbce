import { beforeAll, describe, expect, test } from 'vitest';
import type { InspectResult } from '../../src/commands/inspect/result.ts';
import type { IntervalOrNull, NamespaceSummary } from '../../src/commands/namespace-summary.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { cli } from '../run-cli.ts';
import { sendAll, targetOf } from '../server/redis.ts';
import { bytesOfJson, hostileKeys } from './hostile-keys.ts';
import { inspect } from './inspect-runs.ts';
import { countersOf, folderWith, linesOf } from './reading.ts';
import { isLong, rounds } from '../server/effort.ts';
import { startServer } from '../server/own.ts';

const keyCount = 30_000;
const seeds = Array.from({ length: rounds(80) }, (_, index) => String(index + 1));

/** Six namespaces of 40 % to 0.1 % of the keys, of different types, sizes and TTLs. */
function commandOf(index: number): (string | number)[] {
  const size = 20 + ((index * 7919) % 900);
  const spread = [50, 250, 3000, 40_000, 500_000][index % 5] ?? 0;
  const at = index % 1000;
  if (at < 400)
    return index % 3 === 0
      ? ['SET', `user:${index}:profile`, 'x'.repeat(size)]
      : ['SET', `user:${index}:profile`, 'x'.repeat(size), 'EX', 100_000 + index];
  if (at < 650) return ['HSET', `session:${index}`, 'token', 'x'.repeat(1 + (index % 120))];
  if (at < 800) return ['SET', `quota:${index}`, index, 'EX', spread + 600];
  if (at < 950) return ['SET', `page:${index}:html`, 'x'.repeat(2 * size), 'EX', 1_000_000];
  if (at < 999) return ['RPUSH', `feed:${index}`, ...Array.from({ length: 1 + (index % 9) }, () => 'item')];
  return ['SADD', `rare:${index}`, 'a', 'b'];
}

const { redis, server } = await startServer();
let truth: InspectResult;
beforeAll(async () => {
  await sendAll(
    server,
    Array.from({ length: keyCount }, (_, index) => commandOf(index)),
  );
  truth = (await inspect(['--exact'], { url: redis.url })).result;
});

const sample = async (args: readonly string[] = [], options = {}) =>
  inspect([...(args.includes('--precision') ? [] : ['--precision', '10%']), ...args], {
    url: redis.url,
    ...options,
  });

interface Estimate {
  readonly kind: string;
  readonly value: number;
  readonly interval: IntervalOrNull;
}

/** Every figure of a row that has an interval, by name. */
function estimatesOf(row: NamespaceSummary): Map<string, Estimate> {
  const found = new Map<string, Estimate>();
  const add = (kind: string, label: string, value: number | null, interval: IntervalOrNull = null) => {
    if (value !== null) found.set(`${row.namespace} ${kind} ${label}`, { kind, value, interval });
  };
  add('keys', '', row.keys, row.keysInterval);
  add('memoryBytes', '', row.memoryBytes, row.memoryBytesInterval);
  add('withoutTtl', '', row.withoutTtl, row.withoutTtlInterval);
  for (const kind of ['types', 'encodings'] as const)
    for (const [label, value] of Object.entries(row[kind] ?? {}))
      add(kind, label, value, row[`${kind}Intervals`]?.[label]);
  for (const span of row.ttlHistogram ?? [])
    add('ttlHistogram', String(span.upToSeconds), span.keys, span.keysInterval);
  return found;
}

const allEstimatesOf = ({ namespaces, total }: InspectResult) =>
  new Map([...namespaces, total].flatMap((row) => [...estimatesOf(row)]));

/** Keys without TTL are counted by the server, and exact in a sample too. */
const holds = ({ kind, value, interval }: Estimate, truth: number) =>
  interval === null ? kind === 'withoutTtl' && value === truth : interval[0] <= truth && truth <= interval[1];

describe('a sample', () => {
  test('has intervals that hold the truth', { timeout: 120_000 }, async () => {
    expect(truth).toMatchObject({ exact: true, keys: keyCount });
    const expected = new Map([...allEstimatesOf(truth)].filter(([, { value }]) => value > 0));
    const holdings = new Map([...expected.keys()].map((name) => [name, 0]));
    for (const seed of seeds) {
      const { exitCode, result } = await sample(['--seed', seed]);
      expect(exitCode).toBe(0);
      expect(result).toMatchObject({
        exact: false,
        reading: { method: 'sample', keyspaceKeys: keyCount, coversAll: true, precision: { target: 0.1 } },
      });
      expect(result.reading.scannedKeys).toBeLessThan(keyCount);
      expect(result.reading.precision?.reached).toBeLessThanOrEqual(0.1);
      const estimates = allEstimatesOf(result);
      for (const [name, { value }] of expected) {
        const estimate = estimates.get(name);
        // A namespace that was not seen has a bound instead.
        const held =
          estimate === undefined ? value <= (result.reading.mostUnseenKeys ?? 0) : holds(estimate, value);
        if (held) holdings.set(name, (holdings.get(name) ?? 0) + 1);
      }
    }
    // The server orders its keys by a seed of its own, so each run draws anew: of 95 % intervals one in 500,000 holds
    // in fewer than 12 cases of 20, or 62 of 80.
    const fewest = isLong ? 62 : 12;
    for (const [name, count] of holdings) expect([name, count >= fewest]).toEqual([name, true]);
    for (const kind of new Set([...expected.values()].map((each) => each.kind))) {
      const counts = [...holdings].filter(([name]) => expected.get(name)?.kind === kind);
      const share = counts.reduce((sum, [, count]) => sum + count, 0) / (counts.length * seeds.length);
      expect([kind, share]).toEqual([kind, expect.any(Number)]);
      expect(share).toBeGreaterThanOrEqual(isLong ? 0.92 : 0.89);
    }
  });

  test('of the same seed is the same, and of another is not', async () => {
    const keysOf = async (seed: string) =>
      (await sample(['--seed', seed, '--top', '2000'])).result.largest.map(({ key }) => key);
    const first = await keysOf('7');
    expect(first.length).toBeGreaterThan(1000);
    expect(await keysOf('7')).toEqual(first);
    expect(new Set(await keysOf('8'))).not.toEqual(new Set(first));
  });

  test('shows half of its intervals beside the figures, and says what it is', async () => {
    const { stdout } = await cli(['inspect', '--precision', '10%', '--no-color'], {
      url: redis.url,
      terminal: true,
    });
    expect(stdout).toMatch(/NAMESPACE +KEYS +MEMORY +SHARE +NO TTL +TTL LEFT +± KEYS +± MEM +± NO TTL\n/);
    expect(stdout).toMatch(/ {2}user: .* \d+\.\d % +\d+\.\d %\n|user:<id>:profile .* \d+\.\d % +\d+\.\d %\n/);
    expect(stdout).toMatch(/a sample of [\d,]+ keys out of 30,000 keys: ± is half of the 95 % interval,\s/);
    expect(stdout).toMatch(/a namespace that is not listed has at most \d+ keys \(95 %\)/);
    expect(stdout).toContain('Largest of the keys that were read');
  });

  test('gives its bounds to programs', async () => {
    const { stdout } = await cli(['inspect', '--precision', '10%', '-o', 'csv'], { url: redis.url });
    const [header = '', ...rows] = linesOf(stdout.replaceAll('\r\n', '\n'));
    const names = header.split(',');
    for (const row of rows) {
      const cells = row.split(',');
      const cell = (name: string) => Number(cells[names.indexOf(name)]);
      expect(cell('keysLow')).toBeLessThanOrEqual(cell('keys'));
      expect(cell('keysHigh')).toBeGreaterThanOrEqual(cell('keys'));
      expect(cell('memoryBytesLow')).toBeLessThanOrEqual(cell('memoryBytes'));
      expect(cell('memoryBytesHigh')).toBeGreaterThanOrEqual(cell('memoryBytes'));
    }
    expect(rows.length).toBeGreaterThanOrEqual(5);
  });
});

describe('the precision', () => {
  test('excludes --exact', async () => {
    const outcome = await cli(['inspect', '--exact', '--precision', '5%'], { url: redis.url });
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^error: --exact and --precision exclude each other\nhint: /);
  });

  test('that takes every key reads every key, and both readings are paid for in the account', async () => {
    const before = await countersOf(server);
    const { exitCode, result } = await sample(['--precision', '0.1%']);
    const after = await countersOf(server);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      exact: true,
      keys: keyCount,
      keysInterval: null,
      memoryBytes: truth.memoryBytes,
      reading: { method: 'exact', mostUnseenKeys: null, precision: null },
    });
    expect(result.ownLookups).toEqual({
      hits: after.hits - before.hits,
      misses: after.misses - before.misses,
      lost: 0,
    });
    expect(result.ownLookups.hits).toBeGreaterThan(4 * keyCount);
  });

  test('costs lookups for the keys of the sample alone', async () => {
    const before = await countersOf(server);
    const { result } = await sample();
    const after = await countersOf(server);
    expect(result.ownLookups.hits).toBe(after.hits - before.hits);
    // What was on its way when the sample was good enough was looked up too.
    expect(result.ownLookups.hits).toBeGreaterThanOrEqual(4 * result.total.readKeys);
    expect(result.ownLookups.hits).toBeLessThan(0.75 * 4 * keyCount);
  });
});

test.each([0, 1, 60])('a database of %d keys is read whole, whatever the precision', async (count) => {
  const url = `${redis.url}/2`;
  const other = await connect(targetOf(url));
  await sendAll(
    other,
    Array.from({ length: count }, (_, index) => ['SET', `user:${index}`, 'x']),
  );
  other.close();
  const { exitCode, result } = await inspect(['--precision', '50%'], { url });
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({ exact: true, keys: count, keysInterval: null });
});

describe('a filter in a sample', () => {
  const map = { namespaces: { profile: { pattern: 'user:<id>:profile' }, page: { pattern: 'page:*' } } };
  test.each([
    ['a pattern', ['user:<id>:profile'], 'user:<id>:profile'],
    ['--match', ['--match', 'page:*:html'], 'page:<id>:html'],
    ['--type', ['--type', 'hash'], 'session:<id>'],
    ['--namespace', ['--namespace', 'profile'], 'user:<id>:profile'],
  ])('%s: its counts hold the truth', async (_what, args, pattern) => {
    const cwd = folderWith(map);
    const whole = truth.namespaces.find((row) => row.pattern === pattern);
    let held = 0;
    for (const seed of seeds.slice(0, 12)) {
      const { exitCode, result } = await sample(
        ['--seed', seed, ...args],
        args.includes('--namespace') ? { cwd } : {},
      );
      expect(exitCode).toBe(0);
      expect(result.namespaces.map((row) => row.pattern)).toEqual([pattern]);
      expect(result.reading.keyspaceKeys).toBe(keyCount);
      const figures = [...estimatesOf(result.total).values()].filter(
        ({ kind }) => kind === 'keys' || kind === 'memoryBytes',
      );
      const exact = { keys: whole?.keys ?? -1, memoryBytes: whole?.memoryBytes ?? -1 };
      if (figures.every((each) => holds(each, exact[each.kind as keyof typeof exact]))) held++;
    }
    // Of two figures that each hold with 95 %; fewer than 7 of 12 are one case in 10,000 at worst.
    expect(held).toBeGreaterThanOrEqual(7);
  });

  test('that nothing matches finds nothing, and says how little that may be', async () => {
    const { exitCode, result } = await sample(['--match', 'nothing:*']);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ keys: 0, namespaces: [], largest: [] });
  });
});

test('hostile names leave a sample intact, and come back byte by byte', async () => {
  const url = `${redis.url}/1`;
  const other = await connect(targetOf(url));
  const names = hostileKeys.flatMap((key) =>
    Array.from({ length: key.length > 1000 ? 3 : 2400 }, (_, index) => asBytes(`${key}:${index}`)),
  );
  await sendAll(
    other,
    names.map((key) => ['SET', key, 'x']),
  );
  other.close();
  const line = ['inspect', '--precision', '40%', '--top', '100000', '--seed', '3'];

  const { result } = await inspect(line.slice(1), { url });
  expect(result.exact).toBe(false);
  const known = new Set<string>(names);
  const listed = result.largest.map(bytesOfJson);
  // Pages of a sample may overlap; a key is listed once.
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.length).toBeLessThanOrEqual(result.total.readKeys);
  expect(listed.length).toBeGreaterThan(0.9 * result.total.readKeys);
  expect(listed.filter((key) => !known.has(key))).toEqual([]);

  const { stdout } = await cli(line, { url });
  const lines = linesOf(stdout).map((each) => each.split('\t'));
  expect(stdout).not.toMatch(/[\p{Cf}]|[^\P{Cc}\t\n]/u);
  const widths = { namespaces: 22, ttl: 6, idle: 6, sizes: 6, largest: 4 };
  expect(lines.filter((fields) => fields.length !== widths[fields[0] as keyof typeof widths])).toEqual([]);
});
