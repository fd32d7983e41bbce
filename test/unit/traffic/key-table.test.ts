import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyHash } from '../../../src/traffic/keys/key-hash.ts';
import { KeyTable } from '../../../src/traffic/keys/key-table.ts';
import { rounds } from '../../server/effort.ts';
import { hashOf } from './text-hash.ts';

const columns = [
  'state',
  'goneAtMillis',
  'missedAtMillis',
  'misses',
  'deadlineMillis',
  'overMillis',
  'row',
  'evictionMark',
] as const;

/** Values that differ from column to column. */
function write(table: KeyTable, index: number, stamp: number): void {
  columns.forEach((column, order) => (table.young[column][index] = stamp + order));
}

const read = (table: KeyTable, index: number) => columns.map((column) => table.young[column][index]);
const written = (stamp: number) => columns.map((_, order) => stamp + order);
const blank = columns.map(() => 0);

/** Few, so that they come again; some share a home slot, and some a half. */
const hashes: fc.Arbitrary<KeyHash> = fc.oneof(
  fc.record({
    high: fc.integer({ min: -3, max: 3 }),
    low: fc.constantFrom(0, 1, 15, 16, 17, -1, 2 ** 31 - 1),
  }),
  fc.nat(60).map((number) => hashOf(`key:${number}`)),
);
const steps = fc.array(
  fc.record({ hash: hashes, enter: fc.boolean(), stamp: fc.integer({ min: 1, max: 200 }) }),
  { maxLength: 500, size: 'max' },
);
// Zero halves stand for a free slot within the table.
const nameOf = ({ high, low }: KeyHash) => (high === 0 && low === 0 ? '0 1' : `${high} ${low}`);

test.each([16, 64, 1024])(
  'with %i slots it agrees with a map of all keys but for those it forgot',
  (slots) => {
    fc.assert(
      fc.property(steps, (list) => {
        const table = new KeyTable(slots);
        const model = new Map<string, number>();
        // An expectation costs more than a step, so that only one that fails is made.
        const agree = (found: unknown, wanted: unknown) => {
          if (found !== wanted) expect(found).toBe(wanted);
        };
        const readText = (index: number) => read(table, index).join();
        for (const { hash, enter, stamp } of list) {
          const known = model.get(nameOf(hash));
          const index = enter ? table.enter(hash) : table.find(hash);
          const isFound = index >= 0 && read(table, index).some((value) => value !== 0);
          if (isFound) {
            agree(readText(index), known === undefined ? 'never entered' : written(known).join());
          } else if (known !== undefined) {
            agree(table.mayBeForgotten(hash), true);
            agree(table.forgotten > 0, true);
          }
          if (enter) {
            if (!isFound) agree(readText(index), blank.join());
            write(table, index, stamp);
            model.set(nameOf(hash), stamp);
          }
          agree(table.remembered <= table.bound, true);
          if (table.forgotten === 0) agree(table.remembered, model.size);
        }
      }),
      // Without a limit, making a counterexample of hundreds of steps smaller may take an hour.
      { numRuns: rounds(200), interruptAfterTimeLimit: 20_000 },
    );
  },
);

describe('with more keys than it holds', () => {
  const fill = (table: KeyTable, from: number, to: number) => {
    for (let number = from; number < to; number++)
      write(table, table.enter(hashOf(`key:${number}`)), (number % 100) + 1);
  };

  test('forgets the oldest, and never one of the last half of its bound', () => {
    const table = new KeyTable(256);
    fill(table, 0, 1000);
    expect(table.forgotten + table.remembered).toBe(1000);
    expect(table.find(hashOf('key:0'))).toBe(-1);
    for (let number = 1000 - table.bound / 2; number < 1000; number++) {
      const index = table.find(hashOf(`key:${number}`));
      expect(read(table, index)).toEqual(written((number % 100) + 1));
    }
  });

  test('keeps a key that is asked for again and again, and counts it once', () => {
    const table = new KeyTable(256);
    write(table, table.enter(hashOf('loved')), 7);
    for (let number = 0; number < 5000; number++) {
      table.enter(hashOf(`key:${number}`));
      if (number % 50 === 0) expect(read(table, table.find(hashOf('loved')))).toEqual(written(7));
    }
    expect(table.forgotten + table.remembered).toBe(5001);
  });

  test('an entry that comes back after it was forgotten is a new one', () => {
    const table = new KeyTable(256);
    fill(table, 0, 1000);
    expect(read(table, table.enter(hashOf('key:0')))).toEqual(blank);
  });

  test('of five forgotten keys for each slot all may be forgotten, and of those never seen less than one in a hundred', () => {
    const slots = 2 ** 16;
    const table = new KeyTable(slots);
    let number = 0;
    while (table.forgotten < 5 * slots) write(table, table.enter(hashOf(`key:${number++}`)), 1);

    let denied = 0;
    for (let old = 0; old < table.forgotten; old++) {
      if (!table.mayBeForgotten(hashOf(`key:${old}`))) denied++;
    }
    expect(denied).toBe(0);
    let mistaken = 0;
    for (let other = 0; other < 100_000; other++) {
      if (table.mayBeForgotten(hashOf(`never:${other}`))) mistaken++;
    }
    expect(mistaken).toBeLessThan(1000);
  });
});
