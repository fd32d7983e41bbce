import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bindPlaceholder,
  compilePattern,
  escapeGlob,
  globOf,
  parsePattern,
} from '../../src/keyspace/pattern.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { type Reply, replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { emptyDatabase, send, sendAll, testServer } from '../server/redis.ts';
import { ids, keys, patternTexts } from './pattern-arbitraries.ts';
import { rounds } from '../server/effort.ts';

const colon = [':'];

describe("the server's MATCH", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await testServer();
  });
  afterAll(() => server.close());

  const scan = async (glob: ByteString): Promise<Set<string>> => {
    const found = new Set<string>();
    let cursor = '0';
    do {
      const [next, page] = (await send(server, 'SCAN', cursor, 'MATCH', glob, 'COUNT', 1000)) as Reply[];
      for (const key of page as ByteString[]) found.add(key);
      cursor = replyText(next);
    } while (cursor !== '0');
    return found;
  };
  const store = async (list: readonly ByteString[]): Promise<void> => {
    await emptyDatabase(server);
    await sendAll(
      server,
      list.map((key) => ['SET', key, '1']),
    );
  };
  const runs = { numRuns: rounds(120) };

  test('misses no key that a pattern accepts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(patternTexts, { minLength: 20, maxLength: 20 }),
        fc.array(keys, { minLength: 60, maxLength: 60 }),
        ids,
        async (list, stored, id) => {
          await store(stored);
          for (const text of list) {
            for (const pattern of [parsePattern(text), bindPlaceholder(parsePattern(text), 'id', id)]) {
              const found = await scan(globOf(pattern));
              const accepts = compilePattern(pattern, colon);
              expect(
                stored.filter((key) => accepts(key) && !found.has(key)),
                pattern.text,
              ).toEqual([]);
            }
          }
        },
      ),
      runs,
    );
  });

  test('of a pattern without placeholders finds exactly what the pattern accepts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(patternTexts, { minLength: 20, maxLength: 20 }),
        fc.array(keys, { minLength: 60, maxLength: 60 }),
        async (list, stored) => {
          await store(stored);
          for (const text of list.filter((each) => !/<(id|x)>/.test(each))) {
            const accepts = compilePattern(parsePattern(text), colon);
            expect([...(await scan(globOf(parsePattern(text))))].sort(), text).toEqual(
              [...new Set(stored)].filter(accepts).sort(),
            );
          }
        },
      ),
      runs,
    );
  });

  test('of an escaped key finds that key only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(keys, { minLength: 40, maxLength: 40 }), async (stored) => {
        await store(stored);
        for (const key of stored) expect(await scan(escapeGlob(key))).toEqual(new Set([key]));
      }),
      runs,
    );
  });

  test('keeps a star behind an escaped one', async () => {
    await store([asBytes('a*'), asBytes('a*b'), asBytes('ab')]);
    expect(await scan(globOf(parsePattern('a\\**')))).toEqual(new Set(['a*', 'a*b']));
  });
});
