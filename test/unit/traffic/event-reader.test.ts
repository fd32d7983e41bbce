import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventChannels, EventReader, keyEvents } from '../../../src/traffic/streams/event-reader.ts';
import { rounds } from '../../server/effort.ts';

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const message = (channel: string, payload: string) =>
  `*3\r\n${bulk('message')}${bulk(channel)}${bulk(payload)}`;
const event = (kind: string, database: number, key: string) =>
  message(`__keyevent@${database}__:${kind}`, key);
const confirmation = (channel: string, count: number) =>
  `*3\r\n${bulk('subscribe')}${bulk(channel)}:${count}\r\n`;

function readPieces(text: string, pieces: readonly number[]) {
  const told: string[] = [];
  const reader = new EventReader({
    event: (kind, database, bytes, start, end) =>
      told.push(`${kind} ${database} ${bytes.toString('latin1', start, end)}`),
  });
  const bytes = Buffer.from(text, 'latin1');
  const memory = Buffer.alloc(Math.max(...pieces, 1));
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = Math.min(pieces[turn % pieces.length] ?? 1, bytes.length - at);
    bytes.copy(memory, 0, at, at + length);
    reader.push(memory.subarray(0, length));
    at += length;
  }
  return { told, reader };
}

const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const key = fc.oneof(
  fc.constantFrom('', '\r\n', '*3\r\n$7\r\nmessage', '$-1', ':1\r\n', '-ERR no\r\n', '__keyevent@0__:del'),
  fc.array(byte, { maxLength: 30 }).map((bytes) => bytes.join('')),
);
const pieces = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 });
const foreign = fc.constantFrom(
  '__keyevent@0__:expire',
  '__keyevent@0__:rename_to',
  '__keyevent@3__:move_to',
  '__keyevent@0__:',
  '__keyevent@',
  '__keyspace@0__:key',
  '',
  'x',
  '0123456789012',
  'news:keymiss',
);

test('wherever the stream is cut, each event is told once, in order, with its database and its key', () => {
  const events = fc.record({
    kind: fc.constantFrom(...keyEvents),
    database: fc.oneof(fc.nat(15), fc.nat(99_999)),
    key,
  });
  const noise = fc.oneof(
    fc.tuple(foreign, key).map(([channel, payload]) => message(channel, payload)),
    fc.nat(200).map((count) => confirmation('__keyevent@0__:new', count)),
  );
  const item = fc.oneof(
    {
      weight: 4,
      arbitrary: events.map((each) => ({ text: event(each.kind, each.database, each.key), each })),
    },
    noise.map((text) => ({ text, each: null })),
  );
  fc.assert(
    fc.property(fc.array(item, { maxLength: 8 }), pieces, (items, lengths) => {
      const text = items.map((each) => each.text).join('');
      const { told, reader } = readPieces(text, lengths);
      const wanted = items.flatMap(({ each }) => (each ? [`${each.kind} ${each.database} ${each.key}`] : []));
      expect(told).toEqual(wanted);
      expect(reader).toMatchObject({ events: wanted.length, bytes: text.length, refused: null });
    }),
    { numRuns: rounds(1000), interruptAfterTimeLimit: 10_000 },
  );
});

test('a channel of something else, as the last of a stream, is passed over', () => {
  for (const channel of ['x', '', '__keyevent@0', '0000000000000000'])
    expect(readPieces(message(channel, '1'), [1000]).told).toEqual([]);
});

test('counts the channels that the server confirmed', () => {
  const channels = eventChannels(16);
  expect(channels).toHaveLength(16 * keyEvents.length);
  const text = channels.map((channel, index) => confirmation(channel, index + 1)).join('');
  for (const length of [1, 3, 64, 65_536])
    expect(readPieces(text, [length]).reader).toMatchObject({ confirmed: channels.length, events: 0 });
});

test('reads a key of several megabytes, and the event behind it', () => {
  const long = 'x\r\n'.repeat(2_000_000);
  const text = event('keymiss', 10, long) + event('del', 2, 'k');
  const { told } = readPieces(text, [65_536]);
  expect(told.map((each) => [each.slice(0, 12), each.length])).toEqual([
    ['keymiss 10 x', long.length + 11],
    ['del 2 k', 7],
  ]);
});

describe('what the server says in place of a confirmation', () => {
  const refusals = [
    '-NOPERM No permissions to access a channel\r\n',
    '-ERR unknown command\r\n-ERR another\r\n',
  ];
  test.each(refusals)('%j is kept: the first of it', (text) => {
    for (const length of [1, 7, 1000]) {
      const { reader } = readPieces(text, [length]);
      expect(reader.refused).toBe(text.slice(1, text.indexOf('\r')));
    }
  });

  test('leaves the confirmations around it counted', () => {
    const text = `${confirmation('a', 1)}-NOPERM no\r\n${confirmation('b', 2)}`;
    expect(readPieces(text, [4]).reader).toMatchObject({ confirmed: 2, refused: 'NOPERM no' });
  });
});

test.each(['+OK\r\n', ':1\r\n', '$3\r\nfoo\r\n', '*3\r\n+message\r\n+a\r\n+b\r\n'])(
  '%j is no message, and said to be none',
  (text) => {
    expect(() => readPieces(text, [1000])).toThrow('no message');
  },
);
