import { expect, test } from 'vitest';
import { emptyMap } from '../../src/keyspace/map.ts';
import { ComparisonTally } from '../../src/records/compare/tally.ts';
import { asBytes } from '../../src/support/bytes.ts';

test('without a map, differences are counted by the namespaces that all keys together show', () => {
  const tally = new ComparisonTally(emptyMap, 20);
  for (let id = 0; id < 60; id++) {
    tally.addLone(asBytes(`flag:feature-${id}`), 'string', 'a');
    tally.addLone(asBytes(`page:/products/${id}`), 'string', 'b');
  }
  expect(tally.namespaces()).toEqual([
    { namespace: 'flag:feature-<id>', missing: 60, extra: 0, different: 0 },
    { namespace: 'page:/products/<id>', missing: 0, extra: 60, different: 0 },
  ]);
});

test('rows of many namespaces are bounded, and add up', () => {
  const tally = new ComparisonTally(emptyMap, 0);
  for (let word = 0; word < 26 * 26; word++) {
    const name = String.fromCharCode(97 + Math.floor(word / 26), 97 + (word % 26));
    tally.addLone(asBytes(`${name}:x`), 'string', 'a');
  }
  const rows = tally.namespaces();
  expect(rows.length).toBeLessThanOrEqual(40);
  expect(rows.at(-1)?.namespace).toBe('(other)');
  expect(rows.reduce((sum, { missing }) => sum + missing, 0)).toBe(676);
});

test('each kind of difference has a list of its own', () => {
  const tally = new ComparisonTally(emptyMap, 20);
  const sighting = { type: 'string', length: 1, digest: null, ttlSeconds: null };
  const enter = (key: string, what: 'value' | 'ttl') =>
    tally.enter(asBytes(key), { kind: 'different', what, a: sighting, b: sighting });
  for (let id = 0; id < 30; id++) enter(`session:${id}`, 'ttl');
  enter('user:5', 'value');
  const { value, ttl } = tally.differences;
  expect([ttl.first.length, ttl.total]).toEqual([20, 30]);
  expect(value.first).toMatchObject([{ key: 'user:5' }]);
});
