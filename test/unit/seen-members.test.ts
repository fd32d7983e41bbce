import { expect, test } from 'vitest';
import { SeenMembers } from '../../src/records/export/fixture-chunks.ts';
import type { Value } from '../../src/records/values/value.ts';

const elementsOf = (value: Value | null) => (value !== null && 'elements' in value ? value.elements : null);
const piece = (type: 'hash' | 'list' | 'set' | 'zset', ...elements: string[]) =>
  ({ type, elements }) as unknown as Value;

test.each([
  ['hash', ['a', '1', 'b', '1'], ['b', '2', 'c', '1', 'c', '2'], ['c', '1']],
  ['set', ['a', 'b'], ['b', 'a', 'c'], ['c']],
  ['zset', ['1', 'a', '2', 'b'], ['9', 'a', '1', 'c'], ['1', 'c']],
  ['list', ['a', 'b'], ['a', 'b'], ['a', 'b']],
] as const)('a %s gives each member once that a cursor gives twice', (type, first, second, left) => {
  const seen = new SeenMembers();
  expect(elementsOf(seen.newOf(piece(type, ...first)))).toEqual(first);
  expect(elementsOf(seen.newOf(piece(type, ...second)))).toEqual(left);
});

test('a piece of which all has come before is none', () => {
  const seen = new SeenMembers();
  seen.newOf(piece('set', 'a', 'b'));
  expect(seen.newOf(piece('set', 'b', 'a'))).toBeNull();
});
