import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asBytes, bytesOf } from '../../../src/support/bytes.ts';
import { neighbourOf, slotCount, slotOf, type SlotRange, uncoveredSlots } from '../../../src/redis/slots.ts';
import { sendAll } from '../../server/redis.ts';
import { startServer } from '../../server/own.ts';

const keys = fc.oneof(
  fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
    maxLength: 40,
  }),
  fc.string({ unit: fc.constantFrom('{', '}', 'a', ':'), maxLength: 12 }),
);

describe('the slot of a key', () => {
  test('is that of the value the specification gives for CRC16', () => {
    expect(slotOf(bytesOf('123456789'))).toBe(0x31c3 % slotCount);
  });

  test.each([
    ['{user1000}.following', 'user1000'],
    ['foo{bar}{zap}', 'bar'],
    ['foo{{bar}}zap', '{bar'],
  ])('is that of its hash tag: %s', (key, tag) => {
    expect(slotOf(bytesOf(key))).toBe(slotOf(bytesOf(tag)));
  });

  test('is the one that a server finds, for keys of any bytes', async () => {
    const { server } = await startServer({ args: ['--cluster-enabled', 'yes', '--cluster-port', '0'] });
    const sample = [
      ...fc.sample(keys, 2000),
      ...['', '{}', '{}x', 'a{}b{c}', 'a}b{c', 'é:{ü}', '{a}{b}', 'x{', '}{x}', '\xff\x00\r\n'],
    ];

    const found = await sendAll(
      server,
      sample.map((key) => ['CLUSTER', 'KEYSLOT', key]),
    );

    expect(sample.map((key) => slotOf(asBytes(key)))).toEqual(found);
  });
});

describe('the neighbour of a key', () => {
  test('begins with it and the suffix, and lies in its slot', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const neighbour = neighbourOf(asBytes(key), ':copy');
        expect(neighbour.startsWith(`${key}:copy`)).toBe(true);
        expect(slotOf(neighbour)).toBe(slotOf(asBytes(key)));
      }),
      { numRuns: 50 },
    );
  });

  test('of a key with a hash tag has no number', () => {
    expect(neighbourOf(asBytes('user:{12}:x'), ':copy')).toBe('user:{12}:x:copy');
  });
});

describe('slots without an owner', () => {
  const uncovered = (...ranges: readonly [number, number][]) =>
    uncoveredSlots(ranges.map(([first, last]) => ({ first, last })));

  test('are the gaps between ranges in any order', () => {
    expect(uncovered([0, 16_383])).toEqual([]);
    expect(uncovered([8000, 16_383], [0, 7999])).toEqual([]);
    expect(uncovered()).toEqual([{ first: 0, last: 16_383 }]);
    expect(uncovered([1, 4], [6, 16_382])).toEqual([
      { first: 0, last: 0 },
      { first: 5, last: 5 },
      { first: 16_383, last: 16_383 },
    ]);
  });

  test('and the ranges together are all slots, each once', () => {
    const range = fc
      .tuple(fc.nat(slotCount - 1), fc.nat(slotCount - 1))
      .map(([left, right]): SlotRange => ({ first: Math.min(left, right), last: Math.max(left, right) }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 6 }), (ranges) => {
        const owned = new Set<number>();
        for (const { first, last } of ranges) for (let slot = first; slot <= last; slot++) owned.add(slot);
        let missing = 0;
        for (const { first, last } of uncoveredSlots(ranges))
          for (let slot = first; slot <= last; slot++) missing += owned.has(slot) ? slotCount : 1;
        expect(owned.size + missing).toBe(slotCount);
      }),
      { numRuns: 50 },
    );
  });
});
