import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapAt } from '../named-map.ts';
import { decodeValue } from '../../src/records/decode/decode.ts';
import { keyText } from '../../src/keyspace/key-text.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { longestTtlSeconds, secondsUntilMidnight } from '../../src/keyspace/ttl.ts';
import { familiesOf, type SandboxRecord } from '../../src/sandbox/family.ts';
import { generateRecords } from '../../src/sandbox/seed.ts';
import { configFileOf, type SystemName, systemDescriptions, systemNames } from '../../src/sandbox/systems.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const now = Date.parse('2026-03-05T10:20:30Z');
const generated = (system: SystemName, keys: number, seed = 1) => [
  ...generateRecords(system, { keys, seed, now }),
];
const largest = new Map<SystemName, SandboxRecord[]>();

/** The first records with seed 1, at most 5000, which are generated once: a larger set begins with a smaller one. */
function recordsOf(system: SystemName, keys: number): SandboxRecord[] {
  const records = largest.get(system) ?? generated(system, 5000);
  largest.set(system, records);
  return records.slice(0, keys);
}
const mapOf = (system: SystemName) => buildMap(mapAt(configFileOf(system, packageRoot)).config);
const keysOf = (records: readonly SandboxRecord[]) => records.map(({ key }) => keyText(key));

describe.each(systemNames)('the data of %s', (system) => {
  test('is the same for the same seed, down to the last byte', () => {
    expect(generated(system, 800, 42)).toEqual(generated(system, 800, 42));
  });

  test('differs for another seed', () => {
    const values = new Set(recordsOf(system, 500).map(({ value }) => value));
    const others = generated(system, 500, 2).filter(({ value }) => !values.has(value));
    expect(others.length).toBeGreaterThan(300);
  });

  test('has as many keys as were asked for, and none twice', () => {
    const keys = generated(system, 15_000).map(({ key }) => key);
    expect(keys).toHaveLength(15_000);
    expect(new Set(keys).size).toBe(15_000);
  });

  test('of a larger set begins with that of a smaller one', () => {
    const large = recordsOf(system, 400);
    fc.assert(
      fc.property(fc.nat(400), (keys) => {
        expect(generated(system, keys)).toEqual(large.slice(0, keys));
      }),
      { numRuns: 10 },
    );
  });

  test('comes one by one: the first record of very many takes no longer than one', () => {
    const first = generateRecords(system, { keys: 1e12, seed: 1, now }).next();
    expect(first.value).toEqual(generated(system, 1)[0]);
  });

  test('fills every namespace of the map that the application writes, and no key lies outside', () => {
    const map = mapOf(system);
    const names = new Set<string | undefined>(
      recordsOf(system, 2000).map(({ key }) => map.classify(key)?.name),
    );
    expect(names).not.toContain(undefined);
    const written = map.namespaces.map(({ name }) => name).filter((name) => name !== 'declared_only');
    expect([...names].sort()).toEqual(written.sort());
  });

  test('has TTLs from next to nothing up to the rule of the map, but for the faults that it is meant to have', () => {
    const map = mapOf(system);
    const ratios: number[] = [];
    for (const { key, ttlMillis } of recordsOf(system, 3000)) {
      const { name, ttl } = map.classify(key) ?? {};
      if (ttl == null || name === undefined) continue;
      const longest = longestTtlSeconds(ttl);
      if (['scenario_unlocked', 'quota'].includes(name)) continue;
      if (keyText(key).startsWith('db_query:course_catalog:')) expect(ttlMillis).toBeNull();
      else {
        expect(ttlMillis, keyText(key)).toBeGreaterThan(0);
        expect(ttlMillis, keyText(key)).toBeLessThanOrEqual((longest ?? 0) * 1000);
        if (ttl.kind === 'fixed') ratios.push((ttlMillis ?? 0) / 1000 / ttl.seconds);
      }
    }
    // Evenly spread, so each tenth of the rule has about a tenth of the keys.
    for (let tenth = 0; tenth < 10; tenth++) {
      const share =
        ratios.filter((ratio) => Math.min(9, Math.floor(ratio * 10)) === tenth).length / ratios.length;
      expect(share).toBeGreaterThan(0.06);
      expect(share).toBeLessThan(0.14);
    }
  });

  test('has values that read as the map says', () => {
    const map = mapOf(system);
    for (const { key, value } of recordsOf(system, 1500)) {
      const namespace = map.classify(key);
      if (namespace?.encoding == null) continue;
      const { encoding, envelopeField } = namespace;
      const decoded = decodeValue(value, { encoding, envelopeField, truncated: false });
      expect(decoded.format, keyText(key)).toBe(encoding);
      if (encoding !== 'pickle' && encoding !== 'fernet')
        expect(decoded.remark, keyText(key)).toBeUndefined();
      // Values without a template look like what they are.
      const guessed = decodeValue(value, { encoding: null, envelopeField, truncated: false });
      if (['pickle', 'fernet', 'binary'].includes(encoding)) expect(guessed.format).toBe(encoding);
    }
  });

  test('has sizes with a long tail', () => {
    const sizes = recordsOf(system, 5000)
      .map(({ value }) => value.length)
      .sort((a, b) => a - b);
    expect(sizes.at(-1)).toBeGreaterThan(6 * (sizes[2500] ?? Infinity));
  });

  test('is described in one line', () => {
    expect(systemDescriptions[system]).toMatch(/^[^\n]{20,110}$/);
  });

  test('comes from families with names of their own', () => {
    const names = familiesOf(system).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('keys that examples and tests may name', () => {
  test.each([
    ['education', [/^db_query:user_progress:user:1$/, /^user:12:simulations:/, /_user_id:123$/]],
    ['education', [/^simulation:7:chat:/, /^simulation:456:chat:/, /_scenario_id:7_/, /_scenario_id:456_/]],
    ['content', [/^learning_path:1:/, /^learning_path:12:/, /^learning_path:123:/]],
    [
      'boardroom',
      [
        /^user_profile:1$/,
        /^user_sessions:12$/,
        /^user_profile:123$/,
        /^user_profile:\*$/,
        /decisions\/456:/,
      ],
    ],
    [
      'honzik',
      [
        /^user:1:profile$/,
        /^user:12:profile$/,
        /^user:123:profile$/,
        /^user:555:profile$/,
        /^weekly_report:12:/,
      ],
    ],
    ['subjunctive', [/^subjunctive:ai:hint:\{'verb': 'ser', 'tense': 'present'\}$/]],
  ] as const)('%s has %s among its first 500', (system, shapes) => {
    for (const seed of [1, 99]) {
      const keys = keysOf(generated(system, 500, seed));
      for (const shape of shapes)
        expect(keys.filter((key) => shape.test(key)).length, String(shape)).toBeGreaterThan(0);
    }
  });

  test('users are skewed: the first has far more keys than one in the middle', () => {
    const keys = keysOf(generated('education', 20_000));
    const of = (user: number) => keys.filter((key) => key.includes(`:user:${user}:`)).length;
    expect(of(1)).toBeGreaterThan(3 * of(200));
  });
});

describe('the faults of the applications', () => {
  test('quotas without TTL are counters of days long past', () => {
    const left = recordsOf('honzik', 3000).filter(
      ({ key, ttlMillis }) => key.startsWith('quota:') && ttlMillis === null,
    );
    expect(left.length).toBeGreaterThan(5);
    for (const { key, value } of left) {
      expect(value).toMatch(/^\d+$/);
      expect(Date.parse(key.slice(-10))).toBeLessThan(now - 86_400_000);
    }
  });

  test('most unlocks have an hour at most, though all were meant to stay', () => {
    const unlocks = recordsOf('honzik', 3000).filter(({ key }) => key.startsWith('scenario_unlocked:'));
    const ending = unlocks.filter(({ ttlMillis }) => ttlMillis !== null);
    expect(ending.length).toBeGreaterThan(unlocks.length / 2);
    expect(ending.length).toBeLessThan(unlocks.length);
    for (const { ttlMillis } of ending) expect(ttlMillis).toBeLessThanOrEqual(3_600_000);
  });

  test('an OAuth state is a bare token, and its value a Fernet token', () => {
    const states = recordsOf('education', 2000).filter(({ key }) => /^[\w-]{43}$/.test(key));
    expect(states.length).toBeGreaterThan(3);
    for (const { value } of states) {
      const bytes = Buffer.from(value, 'base64url');
      expect(bytes[0]).toBe(0x80);
      expect(bytes.readBigUInt64BE(1)).toBeLessThanOrEqual(BigInt((now / 1000) | 0));
      expect((bytes.length - 1 - 8 - 16 - 32) % 16).toBe(0);
    }
  });

  test('decorated keys hold an address in memory, which no two calls share', () => {
    const addresses = keysOf(recordsOf('education', 5000)).flatMap(
      (key) => / object at (0x7f[0-9a-f]{10})>/.exec(key)?.[1] ?? [],
    );
    expect(addresses.length).toBeGreaterThan(50);
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  test('a second deployment lies beside the first', () => {
    const keys = keysOf(recordsOf('subjunctive', 1000));
    expect(keys.filter((key) => key.startsWith('subjunctive:prod:')).length).toBeGreaterThan(10);
  });
});

describe('keys with dates', () => {
  test('are those of today in Prague, and end at its midnight', () => {
    // In Prague the next day has begun.
    const late = Date.parse('2026-07-01T22:30:00Z');
    const records = [...generateRecords('honzik', { keys: 300, seed: 1, now: late })];
    const daily = records.filter(({ key }) => key.startsWith('stats:'));
    expect(daily.length).toBeGreaterThan(10);
    for (const { key, ttlMillis } of daily) {
      expect(key).toMatch(/:daily:2026-07-02$/);
      expect(ttlMillis).toBe(secondsUntilMidnight('Europe/Prague', late) * 1000);
    }
  });
});
