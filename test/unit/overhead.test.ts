import { beforeAll, describe, expect, test } from 'vitest';
import { keyOverheadBytes } from '../../src/keyspace/key-statistics.ts';
import { productOf, readInfo } from '../../src/redis/info.ts';
import { send, sendAll } from '../server/redis.ts';
import { startServer } from '../server/own.ts';

const { server } = await startServer();
let layout: { readonly allocator: string; readonly product: string; readonly major: number };
beforeAll(async () => {
  const info = await readInfo(server.nodes[0]);
  const { product, version } = productOf(info);
  layout = { allocator: info['mem_allocator'] ?? '', product, major: Number.parseInt(version) };
});

/** MEMORY USAGE of integers, whose value is in the object itself: all of it is overhead. */
async function measured(lengths: readonly number[]): Promise<Map<number, number>> {
  const names = lengths.map((length) => 'k'.repeat(length));
  await sendAll(
    server,
    names.map((name) => ['SET', name, '12345']),
  );
  const replies = await sendAll(
    server,
    names.map((name) => ['MEMORY', 'USAGE', name]),
  );
  return new Map(lengths.map((length, index) => [length, Number(replies[index])]));
}

describe('the overhead of a key', () => {
  test('is what MEMORY USAGE says of a value that takes no bytes, for names of 1 to 400 bytes and long ones', async (context) => {
    const { product, major } = layout;
    if (!layout.allocator.startsWith('jemalloc') || product !== 'redis' || major < 6 || major > 8) {
      const what = `${product} ${major} with ${layout.allocator}`;
      process.stderr.write(
        `the overhead of keys was NOT compared: it is computed for redis 6 to 8 with jemalloc, this is ${what}\n`,
      );
      context.skip(what);
    }
    const lengths = [
      ...Array.from({ length: 400 }, (_, index) => index + 1),
      511,
      512,
      513,
      4000,
      65_530,
      // What is larger than 64 KB has finer size classes from jemalloc 5.3.1 on.
      ...(major < 8 ? [65_536, 100_000] : []),
    ];
    const usage = await measured(lengths);
    const differing = [...usage].filter(([length, bytes]) => keyOverheadBytes(length) !== bytes);
    expect(
      differing.map(([length, bytes]) => ({ length, bytes, computed: keyOverheadBytes(length) })),
    ).toEqual([]);
  });

  test('leaves the value of a string: what it takes with its header', async () => {
    await send(server, 'SET', 'name', 'x'.repeat(1000));
    const value = Number(await send(server, 'MEMORY', 'USAGE', 'name')) - keyOverheadBytes(4);
    expect(value).toBeGreaterThanOrEqual(1000);
    expect(value).toBeLessThan(1300);
  });
});

test('a longer name never costs less, and each costs more than its bytes', () => {
  for (let length = 0; length < 2000; length++) {
    expect(keyOverheadBytes(length + 1)).toBeGreaterThanOrEqual(keyOverheadBytes(length));
    expect(keyOverheadBytes(length)).toBeGreaterThan(length + 40);
    expect(keyOverheadBytes(length)).toBeLessThan(1.25 * length + 70);
  }
});
