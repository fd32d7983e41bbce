import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/support/random.ts';
import { emptyAccount } from '../../../src/redis/account.ts';
import { asBytes } from '../../../src/support/bytes.ts';
import { connect } from '../../../src/redis/connect.ts';
import {
  shareBefore,
  type PagePlace,
  type PageSource,
  segmentPages,
  shareRead,
  slotPages,
} from '../../../src/redis/page-source.ts';
import { infoNumber, readInfo } from '../../../src/redis/info.ts';
import { replyText } from '../../../src/redis/reply.ts';
import { samplePages, type SampleOptions } from '../../../src/redis/sample.ts';
import type { RedisServer } from '../../../src/redis/server.ts';
import { walkKeys } from '../../../src/redis/walk.ts';
import type { RedisProcess } from '../../server/redis-process.ts';
import { emptyDatabase, send, sendAll, startPrivateServer, targetOf } from '../../server/redis.ts';
import { rounds } from '../../server/effort.ts';
import { until } from '../../server/until.ts';

/** Everything that a source has, in draws of changing sizes. */
function drawAll(source: PageSource, draw: SeededRandom, limits: readonly number[]): PagePlace[] {
  const places: PagePlace[] = [];
  for (let round = 0; ; round++) {
    const drawn = source.draw(limits[round % limits.length] ?? 1, draw);
    if (drawn.length === 0) return places;
    places.push(...drawn);
  }
}

describe('pages of a table', () => {
  test('are drawn from each segment once, all at the same place of it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300_000 }),
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
        (keys, seed, limits) => {
          const source = segmentPages(keys);
          const places = drawAll(source, new SeededRandom(seed, 'test'), limits);
          const segments = source.pages ?? 0;
          const cursors = places.map(({ cursor }) => Number(cursor));

          expect(places).toHaveLength(segments);
          expect(new Set(cursors.map((cursor) => cursor % segments)).size).toBe(segments);
          expect(new Set(cursors.map((cursor) => Math.floor(cursor / segments))).size).toBe(1);
          expect(cursors.every((cursor) => Number.isSafeInteger(cursor) && cursor >= 0)).toBe(true);
          expect(places.every(({ count, holds }) => count === source.pageSize && holds(asBytes('key')))).toBe(
            true,
          );
          // Cursors are the same shares of the table apart.
          const before = places.map(({ cursor }) => shareBefore(cursor)).sort((a, b) => a - b);
          const errors = before.map((share, index) => Math.abs(share - (before[0] ?? 0) - index / segments));
          expect(errors.every((error) => error < 1e-9)).toBe(true);
        },
      ),
      { numRuns: rounds(100) },
    );
  });

  test('come in an order of their own for each seed, the same for the same', () => {
    const cursorsOf = (seed: number) =>
      drawAll(segmentPages(50_000), new SeededRandom(seed, 'test'), [10]).map(({ cursor }) => cursor);
    expect(cursorsOf(1)).toEqual(cursorsOf(1));
    expect(cursorsOf(1)).not.toEqual(cursorsOf(2));
    expect(cursorsOf(1)).not.toEqual([...cursorsOf(1)].sort((a, b) => Number(a) - Number(b)));
  });

  test('have every segment equally often among the first', () => {
    const counts = new Map<number, number>();
    for (let seed = 0; seed < 4000; seed++) {
      for (const { cursor } of segmentPages(1600).draw(4, new SeededRandom(seed, 'test'))) {
        const segment = Number(cursor) % 16;
        counts.set(segment, (counts.get(segment) ?? 0) + 1);
      }
    }
    // 1000 each; the variance of 4000 draws of 4 of 16 is 750.
    for (let segment = 0; segment < 16; segment++)
      expect(Math.abs((counts.get(segment) ?? 0) - 1000)).toBeLessThan(5 * Math.sqrt(750));
  });

  test.each([
    [1, 1, 1],
    [100, 1, 100],
    [1_000_000, 8192, 122],
    [100_000_000, 1_048_576, 95],
  ])('of %i keys are %i of about %i keys', (keys, pages, pageSize) => {
    expect(segmentPages(keys)).toMatchObject({ keys, pages, pageSize });
  });
});

describe('pages of slots', () => {
  const slotOf = (key: string) => Number(key.split(':')[0]);
  const sizes = new Map([
    [0, 1],
    [7, 50],
    [16_383, 949],
    [12, 0],
  ]);

  test('are drawn in proportion to the keys of their slots, and never come to an end', () => {
    const source = slotPages(sizes, slotOf);
    expect(source).toMatchObject({ keys: 1000, pages: null });
    const counts = new Map<number, number>();
    const places = source.draw(20_000, new SeededRandom(3, 'test'));
    for (const { cursor } of places) {
      const slot = Number(cursor) % 16_384;
      counts.set(slot, (counts.get(slot) ?? 0) + 1);
    }
    expect(places).toHaveLength(20_000);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 7, 16_383]);
    for (const [slot, count] of counts) {
      const share = (sizes.get(slot) ?? 0) / 1000;
      expect(Math.abs(count - 20_000 * share)).toBeLessThan(5 * Math.sqrt(20_000 * share * (1 - share)));
    }
  });

  test('take a small slot whole, from its beginning, and of a large one a page from anywhere', () => {
    const places = slotPages(sizes, slotOf).draw(2000, new SeededRandom(4, 'test'));
    const ofSlot = (slot: number) => places.filter(({ cursor }) => Number(cursor) % 16_384 === slot);
    expect(ofSlot(7).every(({ cursor, count }) => cursor === '7' && count === 50)).toBe(true);
    expect(new Set(ofSlot(16_383).map(({ cursor }) => cursor)).size).toBeGreaterThan(1500);
    expect(ofSlot(16_383).every(({ count }) => count === 100)).toBe(true);
    expect(places.every(({ cursor }) => Number.isSafeInteger(Number(cursor)))).toBe(true);
  });

  test('end where the slot does', () => {
    const [place] = slotPages(new Map([[7, 50]]), slotOf).draw(1, new SeededRandom(5, 'test'));
    expect(place?.holds(asBytes('7:a'))).toBe(true);
    expect(place?.holds(asBytes('8:a'))).toBe(false);
  });

  test('of no keys are none', () => {
    expect(slotPages(new Map(), slotOf).draw(10, new SeededRandom(1, 'test'))).toEqual([]);
  });
});

test('what pages have read is less than their part of all pages, for they overlap', () => {
  expect(shareRead({ pages: null, pageSize: 100 }, 50)).toBe(0);
  expect(shareRead({ pages: 1000, pageSize: 100 }, 0)).toBe(0);
  expect(shareRead({ pages: 1000, pageSize: 100 }, 500)).toBeCloseTo(0.46, 2);
  expect(shareRead({ pages: 1000, pageSize: 100 }, 2000)).toBeCloseTo(0.92, 2);
});

describe('on a real server', () => {
  let redis: RedisProcess;
  let server: RedisServer;
  beforeAll(async () => {
    redis = await startPrivateServer();
    server = await connect(targetOf(redis.url));
  });
  afterAll(async () => {
    server.close();
    await redis.stop();
  });
  beforeEach(() => emptyDatabase(server));

  /** Keys in a table that is not being resized: that would change what its pages hold. */
  async function store(count: number): Promise<void> {
    await sendAll(
      server,
      Array.from({ length: count }, (_, index) => [
        'SET',
        `${index % 4 === 0 ? 'quarter' : 'rest'}:${index}`,
        'x',
      ]),
    );
    await until('the table is at rest', async () => {
      const statistics = replyText(await send(server, 'DEBUG', 'HTSTATS', 0));
      return !statistics.includes('rehashing target');
    });
  }
  const sampleOf = (options: Partial<SampleOptions> = {}, keys = 20_000, account = emptyAccount()) =>
    samplePages(
      server,
      [{ node: server.nodes[0], source: segmentPages(keys), runId: null, typeByLookup: false }],
      { columns: () => ({ memory: true }), limits: {}, draw: new SeededRandom(6, 'test'), ...options },
      account,
    );

  test('all pages together see nearly every key, and no other', async () => {
    await store(20_000);
    const keys: string[] = [];
    const numbers: number[] = [];
    const account = emptyAccount();
    for await (const page of sampleOf({}, 20_000, account)) {
      keys.push(...page.keys);
      numbers.push(page.number);
      expect(page.scannedKeys).toBe(page.keys.length);
      expect(page.memoryBytes.every((bytes) => bytes !== null && bytes > 0)).toBe(true);
    }
    expect(numbers).toEqual(Array.from({ length: 256 }, (_, index) => index));
    // Segments of 78 keys, give or take 9, read as pages of 78.
    expect(new Set(keys).size).toBeGreaterThan(20_000 * 0.93);
    // A page ends behind a bucket, which has up to seven keys on Valkey.
    expect(keys.length).toBeLessThan(20_000 * 1.06);
    // And a DBSIZE with each round of ten pages.
    expect(account.commands).toBe(256 + Math.ceil(256 / 10) + keys.length);
  });

  test('a page has the keys that a walk over all finds at its place', async () => {
    await store(5000);
    const order: string[] = [];
    for await (const { keys } of walkKeys(server.nodes[0], { columns: {} }, emptyAccount()))
      order.push(...keys);
    for await (const { keys } of sampleOf({ columns: () => ({}) }, 5000)) {
      const at = order.indexOf(keys[0] ?? '');
      expect(order.slice(at, at + keys.length)).toEqual(keys);
    }
  });

  test('the server or our own filter narrows a page, and its keys are counted all the same', async () => {
    await store(10_000);
    const shareOf = async (options: Partial<SampleOptions>) => {
      let [wanted, scanned] = [0, 0];
      for await (const { keys, scannedKeys } of sampleOf(options, 10_000)) {
        expect(keys.every((key) => key.startsWith('quarter:'))).toBe(true);
        wanted += keys.length;
        scanned += scannedKeys;
      }
      expect(scanned).toBeGreaterThan(9000);
      return wanted / scanned;
    };
    const byServer = await shareOf({ match: asBytes('quarter:*') });
    const byUs = await shareOf({ accepts: (key) => key.startsWith('quarter:') });
    expect(byServer).toBeCloseTo(byUs, 9);
    expect(byUs).toBeCloseTo(0.25, 1);
    await send(server, 'HSET', 'quarter:hash', 'field', 'value');
    let hashes = 0;
    for await (const { keys } of sampleOf({ type: 'hash' }, 10_000)) hashes += keys.length;
    expect(hashes).toBeLessThanOrEqual(2);
  });

  test('the account is true to the unit also when the reader leaves in the middle', async () => {
    await store(20_000);
    const hits = async () => infoNumber(await readInfo(server.nodes[0]), 'keyspace_hits') ?? -1;
    for (const pages of [1, 7, 25]) {
      const before = await hits();
      const { hits: earlier } = server.nodes[0].lookups;
      const account = emptyAccount();
      let read = 0;
      for await (const page of sampleOf({ columns: () => ({ ttl: true, type: true }) }, 20_000, account)) {
        expect(page.types.length).toBe(page.keys.length);
        if (++read === pages) break;
      }
      const own = server.nodes[0].lookups.hits - earlier;
      expect(own).toBe((await hits()) - before);
      expect(own).toBeGreaterThan(0);
    }
  });

  test('a sample that is aborted ends soon', async () => {
    await store(20_000);
    const controller = new AbortController();
    let pages = 0;
    for await (const page of sampleOf({ signal: controller.signal })) {
      expect(page.keys.length).toBeGreaterThan(0);
      pages++;
      controller.abort();
    }
    // Eight rounds of ten pages may be on their way.
    expect(pages).toBeLessThan(100);
  });
});
