import { describe, expect, test } from 'vitest';
import { ReplyParser, type Reply } from '../../../src/redis/reply.ts';
import { parseClusterSlots, rangesText } from '../../../src/redis/cluster.ts';

/** What a parser makes of the server's own bytes. */
function replyOf(text: string): Reply {
  const replies: Reply[] = [];
  new ReplyParser((reply) => replies.push(reply)).push(Buffer.from(text, 'latin1'));
  return replies[0] ?? null;
}

const node = (host: string, port: number) => `*3\r\n${host}\r\n:${port}\r\n$2\r\nid\r\n`;

describe('the answer to CLUSTER SLOTS', () => {
  test('gives each primary once with all its ranges, and no replica', () => {
    const reply = replyOf(
      '*3\r\n' +
        `*4\r\n:0\r\n:99\r\n${node('$2\r\nn1', 7000)}${node('$2\r\nn2', 7001)}` +
        `*3\r\n:100\r\n:16382\r\n${node('$3\r\n::1', 7000)}` +
        `*3\r\n:16383\r\n:16383\r\n${node('$2\r\nn1', 7000)}`,
    );
    expect(parseClusterSlots(reply, 'seed')).toEqual([
      {
        place: { host: 'n1', port: 7000 },
        ranges: [
          { first: 0, last: 99 },
          { first: 16_383, last: 16_383 },
        ],
      },
      { place: { host: '::1', port: 7000 }, ranges: [{ first: 100, last: 16_382 }] },
    ]);
  });

  test.each(['$-1', '$0\r\n', '$1\r\n?'])(
    'takes the host that was asked where a node names none: %j',
    (host) => {
      const reply = replyOf(`*1\r\n*3\r\n:0\r\n:16383\r\n${node(host, 7000)}`);
      expect(parseClusterSlots(reply, 'seed')).toMatchObject([{ place: { host: 'seed', port: 7000 } }]);
    },
  );

  test('that is none is a failure of the server', () => {
    expect(() => parseClusterSlots(replyOf('+OK\r\n'), 'seed')).toThrow(/no list of slots/);
  });
});

test('ranges of slots read as people write them', () => {
  const ranges = (...list: readonly [number, number][]) =>
    rangesText(list.map(([first, last]) => ({ first, last })));
  expect(ranges([5, 5])).toBe('slot 5');
  expect(ranges([0, 5460], [5462, 5462])).toBe('slots 0-5460, 5462');
  expect(ranges(...Array.from({ length: 9 }, (_, index): [number, number] => [index * 2, index * 2]))).toBe(
    'slots 0, 2, 4, 6, 8, 10, 12, 14, …',
  );
});
