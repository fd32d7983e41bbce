import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { merge } from '../../src/support/merge.ts';

/** Items of a source, and what it has done. */
function source(name: string, items: number, log: string[], failsAt = Number.POSITIVE_INFINITY) {
  return (async function* () {
    try {
      for (let item = 0; item < items; item++) {
        await sleep(1);
        if (item === failsAt) throw new Error(`${name} failed`);
        log.push(`${name}${item}`);
        yield `${name}${item}`;
      }
      return `${name} read`;
    } finally {
      log.push(`${name} ended`);
    }
  })();
}

const gathered = async (sources: readonly AsyncGenerator<string, string>[]) => {
  const merged = merge(sources);
  const items: string[] = [];
  for (;;) {
    const step = await merged.next();
    if (step.done === true) return { items, ends: step.value };
    items.push(step.value);
  }
};

test('gives every item once, in the order of its source, and what each source returned', async () => {
  const { items, ends } = await gathered([source('a', 3, []), source('b', 0, []), source('c', 2, [])]);
  expect(items.filter((item) => item.startsWith('a'))).toEqual(['a0', 'a1', 'a2']);
  expect(items.filter((item) => item.startsWith('c'))).toEqual(['c0', 'c1']);
  expect(items).toHaveLength(5);
  expect(ends).toEqual(['a read', 'b read', 'c read']);
});

test('sources work at the same time', async () => {
  const log: string[] = [];
  const merged = merge([source('a', 2, log), source('b', 2, log)]);
  await merged.next();
  await merged.next();
  expect(log.slice(0, 2).sort()).toEqual(['a0', 'b0']);
  await merged.return([]);
});

test('no more sources work at once than are wanted', async () => {
  const log: string[] = [];
  const all = [source('a', 2, log), source('b', 2, log), source('c', 2, log)];
  for await (const item of merge(all, 1)) expect(log.at(-1)).toBe(item);
  expect(log).toEqual(['a0', 'a1', 'a ended', 'b0', 'b1', 'b ended', 'c0', 'c1', 'c ended']);
});

test('a reader who leaves ends them all', async () => {
  const log: string[] = [];
  for await (const item of merge([source('a', 9, log), source('b', 9, log)])) {
    expect(item).toMatch(/0$/);
    break;
  }
  expect(log.filter((line) => line.endsWith('ended')).sort()).toEqual(['a ended', 'b ended']);
});

test('one that fails ends the others', async () => {
  const log: string[] = [];
  await expect(gathered([source('a', 9, log, 1), source('b', 9, log)])).rejects.toThrow('a failed');
  expect(log).toContain('b ended');
});
