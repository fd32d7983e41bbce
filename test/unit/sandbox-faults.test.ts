import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { mapAt } from '../named-map.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';

import { faultOf, generateFaultyTraffic, recordsOfFault } from '../../src/sandbox/faults.ts';
import type { TrafficOperation } from '../../src/sandbox/operations.ts';
import {
  configFileOf,
  type FaultName,
  faultNames,
  type SystemName,
  systemNames,
} from '../../src/sandbox/systems.ts';
import { TrafficAccount } from '../../src/sandbox/traffic-account.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const mapOf = (system: SystemName) => buildMap(mapAt(configFileOf(system, packageRoot)).config);
const now = Date.parse('2026-03-05T10:20:30Z');
const pairs = systemNames.flatMap((system) => faultNames.map((name) => [system, name] as const));

function take(system: SystemName, name: FaultName, count: number): TrafficOperation[] {
  const stream = generateFaultyTraffic(system, faultOf(system, name), { seed: 1, now: () => now });
  return Array.from({ length: count }, () => stream.next().value);
}

const keyOf = (operation: TrafficOperation) => ('record' in operation ? operation.record.key : operation.key);

describe.each(pairs)('%s with %s', (system, name) => {
  const fault = faultOf(system, name);
  const map = mapOf(system);
  const isHit = (operation: TrafficOperation) =>
    fault.namespaces.includes(map.classify(keyOf(operation))?.name ?? '');

  test('names namespaces of the map, and its traffic goes to each of them', () => {
    const reads = take(system, name, 2000).filter(({ kind }) => kind === 'read');
    const names = new Set(reads.map((read) => map.classify(keyOf(read))?.name));
    for (const namespace of fault.namespaces) expect(names).toContain(namespace);
    expect(reads.filter(isHit).length / reads.length).toBeGreaterThan(0.4);
    // The rest of the traffic continues.
    expect(names.size).toBeGreaterThan(fault.namespaces.length + 3);
  });

  test('is the same for the same seed', () => {
    expect(take(system, name, 300)).toEqual(take(system, name, 300));
  });

  test('has what it reads again and again put in place', () => {
    const placed = new Set([...recordsOfFault(system, fault, { seed: 1, now })].map(({ key }) => key));
    const families = new Set(fault.families.map((family) => family.name));
    expect(families.size).toBeGreaterThan(0);
    const again = take(system, name, 2000).filter(
      (operation) => operation.kind === 'read' && operation.isNew !== true && placed.has(keyOf(operation)),
    );
    if (name === 'unstable-keys') expect(placed.size).toBe(0);
    else expect(again.length).toBeGreaterThan(700);
  });
});

test('the documentation names the namespaces of every system and fault', () => {
  const page = readFileSync(`${packageRoot}/docs/sandbox-faults.md`, 'utf8');
  for (const system of systemNames) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${system}\``)) ?? '';
    const cells = faultNames.map((name) => faultOf(system, name).namespaces.map((each) => `\`${each}\``));
    expect(
      row
        .split('|')
        .slice(2, -1)
        .map((cell) => cell.trim()),
    ).toEqual(cells.map((names) => names.join(', ')));
  }
});

describe('a TTL too short', () => {
  test('holds for the namespace alone', () => {
    const millis = take('boardroom', 'short-ttl', 2000).flatMap((operation) =>
      operation.kind === 'read' ? [[operation.record.key.split(':')[0], operation.record.ttlMillis]] : [],
    );
    for (const [prefix, ttlMillis] of millis) {
      if (prefix === 'user_profile') expect(ttlMillis).toBe(300);
      else expect(ttlMillis).toBeGreaterThan(5000);
    }
  });
});

describe('values that have outgrown memory', () => {
  test.each(systemNames)('are still what the application writes in %s, and large', (system) => {
    for (const { key, value } of recordsOfFault(system, faultOf(system, 'small-memory'), { seed: 1, now })) {
      expect(value.length).toBeGreaterThan(7000);
      if (mapOf(system).classify(key)?.encoding?.startsWith('json') === true)
        expect(() => JSON.parse(Buffer.from(value, 'latin1').toString('utf8')) as unknown).not.toThrow();
    }
  });
});

describe('unstable keys', () => {
  test('are never asked for twice, and do not pile up', () => {
    const operations = take('content', 'unstable-keys', 12_000);
    const strays = operations.filter((operation) => /^learning_path/.test(keyOf(operation)));
    const reads = strays.filter(({ kind }) => kind === 'read').map(keyOf);
    expect(new Set(reads).size).toBe(reads.length);
    const kept = new Set(reads);
    for (const operation of strays) if (operation.kind === 'expire') kept.delete(keyOf(operation));
    expect(kept.size).toBeLessThan(500);
    expect(reads.length).toBeGreaterThan(1000);
  });
});

describe('an account of traffic', () => {
  const map = buildMap({ namespaces: { page: { pattern: 'page:<id>' } } });
  const key = bytesOf('page:1');
  const causesOf = (account: TrafficAccount) => account.totals.byNamespace.get('page')?.causes;

  test('tells a miss by the last thing that was done to its key', () => {
    const account = new TrafficAccount(map);
    account.missed(key, 0, true);
    account.stored(key, 0, null);
    account.gone(key, 'invalidated');
    account.missed(key, 1, false);
    account.stored(key, 2, 100);
    account.missed(key, 200, false);
    account.gone(key, 'expired');
    account.missed(key, 300, false);
    account.missed(asBytes('page:2'), 300, false);
    expect(causesOf(account)).toEqual({
      expired: 2,
      evicted: 0,
      invalidated: 1,
      renamed: 0,
      neverCached: 1,
      goneOrNew: 0,
      unknown: 1,
    });
  });

  test('calls a key evicted that is gone before its time, where the server may evict', () => {
    const account = new TrafficAccount(map, true);
    account.stored(key, 0, 1000);
    account.missed(key, 500, false);
    account.missed(key, 1500, false);
    account.stored(key, 0, undefined);
    account.missed(key, 1500, false);
    expect(causesOf(account)).toMatchObject({ evicted: 1, expired: 1, unknown: 1 });
  });

  test('puts keys of no namespace together', () => {
    const account = new TrafficAccount(map);
    account.hit(bytesOf('other'));
    account.hit(bytesOf('another'));
    expect(account.totals.byNamespace.get('(unmapped)')).toMatchObject({ reads: 2, hits: 2 });
  });
});
