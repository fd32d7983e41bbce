import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FixtureValue } from '../../src/records/fixtures/record.ts';
import {
  fillCommands,
  isLong,
  stagedReplace,
  writeCommands,
} from '../../src/records/fixtures/write-commands.ts';
import { asBytes } from '../../src/support/bytes.ts';
import type { RedisCommand } from '../../src/redis/server.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { rounds } from '../server/effort.ts';

const key = asBytes('k');
const types = { hash: 2, list: 1, set: 1, zset: 2 } as const;
const elementsOf = (count: number, length = 3) =>
  Array.from({ length: count }, (_, index) => asBytes(String(index).padEnd(length, '.')));

describe('replacing a key', () => {
  test('with a string is one SET', () => {
    const value: FixtureValue = { type: 'string', bytes: asBytes('v') };
    expect(writeCommands({ key, value }, 1500, 'replace')).toEqual([['SET', 'k', 'v', 'PX', 1500]]);
    expect(writeCommands({ key, value }, null, 'replace')).toEqual([['SET', 'k', 'v']]);
  });

  test('with a collection is one transaction that empties, fills and gives the TTL', () => {
    const value: FixtureValue = { type: 'hash', elements: elementsOf(2, 1) };
    expect(writeCommands({ key, value }, 1500, 'replace')).toEqual([
      ['MULTI'],
      ['UNLINK', 'k'],
      ['HSET', 'k', '0', '1'],
      ['PEXPIRE', 'k', 1500],
      ['EXEC'],
    ]);
    expect(writeCommands({ key, value }, null, 'replace').map(([name]) => name)).toEqual([
      'MULTI',
      'UNLINK',
      'HSET',
      'EXEC',
    ]);
  });
});

describe('filling a collection', () => {
  test('passes on every element once, in order, in commands of bounded size that cut no pair', () => {
    const type = fc.constantFrom('hash', 'list', 'set', 'zset');
    fc.assert(
      fc.property(
        type,
        fc.integer({ min: 1, max: 4000 }),
        fc.constantFrom(1, 50, 5000),
        (name, count, length) => {
          const width = types[name];
          const elements = elementsOf(count * width, length);
          const commands = fillCommands(key, { type: name, elements });
          const passed = commands.map(([, , ...rest]) => rest);
          expect(passed.flat()).toEqual(elements);
          for (const chunk of passed) {
            expect(chunk.length % width).toBe(0);
            expect(chunk.length).toBeLessThanOrEqual(1000);
            expect(chunk.join('').length).toBeLessThan(256 * 1024 + width * length);
          }
        },
      ),
      { numRuns: rounds(100) },
    );
  });

  test('sends one entry of a stream per command', () => {
    const entries = [
      { id: asBytes('1-1'), fields: elementsOf(2) },
      { id: null, fields: elementsOf(4) },
    ];
    expect(fillCommands(key, { type: 'stream', entries })).toEqual([
      ['XADD', 'k', '1-1', '0..', '1..'],
      ['XADD', 'k', '*', '0..', '1..', '2..', '3..'],
    ]);
  });
});

describe('a long collection', () => {
  const long = { type: 'list', elements: elementsOf(10_001) } as const;

  test('is one of more than 10,000 elements', () => {
    expect(isLong(long)).toBe(true);
    expect(isLong({ type: 'list', elements: elementsOf(10_000) })).toBe(false);
    expect(isLong({ type: 'string', bytes: asBytes('x'.repeat(100_000)) })).toBe(false);
  });

  test('is filled under another name, which expires, and takes the key in the last step', () => {
    const { steps, abandon } = stagedReplace(key, long, 5000);
    const staging = String(abandon?.[1]);
    const names = (step: readonly RedisCommand[] | undefined) => step?.map(([name]) => name);

    expect(staging).toMatch(/^k:cachectl-staging(:\d+)?$/);
    // RENAME takes no names of two slots.
    expect(slotOf(asBytes(staging))).toBe(slotOf(key));
    expect(names(steps[0])).toEqual(['UNLINK', 'RPUSH', 'PEXPIRE']);
    expect(steps.at(-1)).toEqual([['MULTI'], ['PEXPIRE', staging, 5000], ['RENAME', staging, 'k'], ['EXEC']]);
    expect(abandon).toEqual(['UNLINK', staging]);
    const fills = steps.flat().filter(([name]) => name === 'RPUSH');
    expect(fills.every(([, target]) => target === staging)).toBe(true);
    expect(fills.flatMap(([, , ...elements]) => elements)).toEqual(long.elements);
  });

  test('without TTL loses that of the unfinished copy', () => {
    const { steps, abandon } = stagedReplace(key, long, null);
    expect(steps.at(-1)?.[1]).toEqual(['PERSIST', abandon?.[1]]);
  });
});
