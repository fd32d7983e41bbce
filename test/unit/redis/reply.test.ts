import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asBytes } from '../../../src/support/bytes.ts';
import { type Reply, ReplyError, ReplyParser } from '../../../src/redis/reply.ts';
import { rounds } from '../../server/effort.ts';

/** The RESP2 form of a reply. Strings go as bulk strings, which hold any byte. */
function encode(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`;
  if (reply instanceof ReplyError) return `-${reply.message}\r\n`;
  return `*${reply.length}\r\n${reply.map(encode).join('')}`;
}

/** What the parser makes of the bytes when they come in these chunks, in a buffer that still has those of before. */
function parse(...chunks: readonly string[]): Reply[] {
  const replies: Reply[] = [];
  const parser = new ReplyParser((reply) => replies.push(reply));
  for (const chunk of chunks) {
    const buffer = Buffer.alloc(chunk.length + 40, '\r\n:7\r\n$1\r\nx');
    parser.push(buffer, buffer.write(chunk, 'latin1'));
  }
  return replies;
}

function cutAt(text: string, places: readonly number[]): string[] {
  const ends = [...new Set(places.map((place) => place % (text.length + 1)))].sort(
    (left, right) => left - right,
  );
  return [...ends, text.length].map((end, index) => text.slice(index === 0 ? 0 : ends[index - 1], end));
}

const byteString = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => asBytes(Buffer.from(bytes).toString('latin1')));
const errorReply = fc
  .stringMatching(/^[A-Z]{2,10} [a-z '`]{0,20}$/)
  .map((message) => new ReplyError(message));
const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.maxSafeInteger(),
    byteString,
    fc.constant(null),
    errorReply,
    fc.array(tie('reply'), { maxLength: 5 }),
  ),
}));

/** The same reply without texts. */
const emptied = (whole: Reply): Reply =>
  Array.isArray(whole) ? whole.map(emptied) : typeof whole === 'string' ? asBytes('') : whole;

describe('the reply parser', () => {
  test('that keeps no texts gives everything else', () => {
    fc.assert(
      fc.property(fc.array(reply, { minLength: 1, maxLength: 6 }), (replies) => {
        const read: Reply[] = [];
        const parser = new ReplyParser((each) => read.push(each));
        parser.keepsTexts = false;
        parser.push(Buffer.from(replies.map(encode).join(''), 'latin1'));
        expect(read).toEqual(replies.map(emptied));
      }),
    );
  });

  test('reads back any replies, wherever the chunks are cut', () => {
    fc.assert(
      fc.property(
        fc.array(reply, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (replies, places) => {
          const bytes = replies.map(encode).join('');
          expect(parse(...cutAt(bytes, places))).toEqual(replies);
        },
      ),
      { numRuns: rounds(500) },
    );
  });

  test('reads back any replies byte by byte', () => {
    fc.assert(
      fc.property(reply, (value) => {
        const bytes = encode(value);
        expect(parse(...Array.from(bytes, (byte) => byte))).toEqual([value]);
      }),
    );
  });

  test('hands over each reply as soon as its last byte is there', () => {
    const replies: Reply[] = [];
    const parser = new ReplyParser((value) => replies.push(value));
    parser.push(Buffer.from('+OK\r\n$3\r\nab'));
    expect(replies).toEqual(['OK']);
    parser.push(Buffer.from('c\r'));
    expect(replies).toHaveLength(1);
    parser.push(Buffer.from('\n'));
    expect(replies).toEqual(['OK', 'abc']);
  });

  test('tells a nil array, an empty array and an empty string apart', () => {
    expect(parse('*-1\r\n*0\r\n$0\r\n\r\n')).toEqual([null, [], '']);
  });

  test('keeps carriage returns and line feeds inside a bulk string', () => {
    expect(parse('$6\r\n\r\n:1\r\n\r\n')).toEqual(['\r\n:1\r\n']);
  });

  test.each([
    ['arrays nested without end', '*1\r\n'.repeat(100_000), 'nested more than 64 levels deep'],
    ['a string longer than the server gives', '$1099511627776\r\nx', 'a string of 1099511627776 bytes'],
    ['an array longer than memory', '*1099511627776\r\n', 'an array of 1099511627776 elements'],
    ['a length that is no number', '$abc\r\n', '`abc` in place of a number'],
    ['a number without digits', ':-\r\n', '`-` in place of a number'],
    ['a line without end', `+${'x'.repeat(2 ** 21)}`, 'a line of more than 1 MB'],
    ['RESP3', '%1\r\n', 'RESP3 (a reply that starts with `%`)'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => parse(bytes)).toThrow(message);
  });

  test('reads a long string of many chunks without going back to its start each time', () => {
    const chunk = Buffer.alloc(1024, 'x');
    const count = 64 * 1024;
    const replies: Reply[] = [];
    const parser = new ReplyParser((value) => replies.push(value));
    parser.push(Buffer.from(`$${chunk.length * count}\r\n`));
    for (let sent = 0; sent < count; sent++) parser.push(chunk);
    parser.push(Buffer.from('\r\n'));
    expect((replies[0] as string).length).toBe(chunk.length * count);
  });

  test('refuses bytes that are no Redis reply', () => {
    expect(() => parse('HTTP/1.1 400 Bad Request\r\n')).toThrow('not RESP2');
  });
});

describe('an error reply', () => {
  test.each([
    ['NOPERM no permission', 'NOPERM'],
    ['WRONGTYPE Operation against a key', 'WRONGTYPE'],
    ["ERR unknown command 'FOO'", 'ERR'],
    ['something in small letters', 'ERR'],
  ])('%s has the code %s', (message, code) => {
    expect(parse(`-${message}\r\n`)).toEqual([new ReplyError(message)]);
    expect(new ReplyError(message).code).toBe(code);
  });
});
