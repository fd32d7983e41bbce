import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forever } from '../../../src/curves/access-sample.ts';
import { rulesOf } from '../../../src/traffic/rules/counting-rules.ts';
import { expected, lineOf, printed, readPieces } from './monitor-lines.ts';
import { rounds } from '../../server/effort.ts';

const hostile = [
  '',
  ' ',
  '"',
  '" "',
  '] "',
  '\\',
  '\\"',
  '\r\n',
  '\x00',
  '\xff',
  'GET',
  'get',
  'EX',
  '10',
  'STREAMS',
  'KEYS',
  'STORE',
  '2',
  '"GET" "key"',
  'ends with \\',
  'x5c',
];
const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const argument = fc.oneof(
  fc.constantFrom(...hostile),
  fc.array(byte, { maxLength: 12 }).map((bytes) => bytes.join('')),
  fc.constantFrom('user:1', 'a', '1', '3'),
);
/** In any mixture of cases. */
const anyCase = (word: string) =>
  fc
    .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
    .map((upper) => Array.from(word, (c, at) => (upper[at] ? c.toUpperCase() : c.toLowerCase())).join(''));
const nameOf = (command: string) => fc.tuple(...command.split(' ').map(anyCase));

// SET has options that only a well-formed command has.
const rules = rulesOf('redis').filter(({ command }) => command !== 'SET');
const ruled = fc
  .constantFrom(...rules)
  .chain(({ command }) =>
    fc.tuple(nameOf(command), fc.array(argument, { maxLength: 9 })).map(([name, rest]) => [...name, ...rest]),
  );
const unruled = fc
  .tuple(fc.constantFrom('PING', 'PUBLISH', 'OBJECT', 'XINFO', 'json.get', 'EVAL', ''), fc.array(argument))
  .map(([name, rest]) => [name, ...rest]);

const number = fc.integer({ min: 1, max: 99_999 }).map(String);
const setOption = fc.oneof(
  ...['GET', 'NX', 'XX', 'KEEPTTL'].map((word) => anyCase(word).map((name) => [name])),
  ...['EX', 'PX', 'EXAT', 'PXAT'].map((word) => fc.tuple(anyCase(word), number)),
);
const setting = fc
  .tuple(anyCase('SET'), argument, argument, fc.array(setOption, { maxLength: 4 }))
  .map(([name, key, value, options]) => [name, key, value, ...options.flat()]);

const source = fc.constantFrom(
  '0 127.0.0.1:5000',
  '0 lua',
  '12 [::1]:6379',
  '3 [fe80::1%eth0]:1',
  '0 unix:/tmp/redis.sock',
  '15 unix:/tmp/a] b [0',
);
const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 });

test('whatever the arguments and wherever the stream is cut, it tells the lookups and writes that the rules name', () => {
  const command = fc.tuple(fc.oneof({ weight: 6, arbitrary: ruled }, setting, unruled), source);
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 6 }), cuts, (commands, pieces) => {
      const text = `+OK\r\n${commands.map(([argv, from]) => lineOf(argv, from)).join('')}`;
      const { told, reader } = readPieces(text, pieces);
      const wanted = commands.flatMap(([argv, from]) => expected(argv, Number.parseInt(from)));
      expect([...told.all].sort()).toEqual([...wanted].sort());
      expect(reader.commands).toBe(commands.length);
      expect(reader.bytes).toBe(text.length);
      expect(reader.cutLines).toBe(0);
      expect(reader.refused).toBeNull();
    }),
    { numRuns: rounds(3000), interruptAfterTimeLimit: 15_000 },
  );
});

test('a key named by each rule is told, so that no rule is silently passed over', () => {
  for (const { command, reads, writes, stores = writes } of rulesOf('redis')) {
    const argv = [...command.split(' '), ...Array.from({ length: 8 }, () => '1')];
    const { told } = readPieces(lineOf(argv), [7]);
    expect([command, [...told.all].sort()]).toEqual([command, expected(argv).sort()]);
    const named = [reads, stores].some((places) => places?.kind === 'range');
    if (named && command !== 'SET') expect([command, told.all.length > 0]).toEqual([command, true]);
  }
});

describe('SET', () => {
  const read = (...argv: string[]) => {
    const { told } = readPieces(lineOf(['SET', ...argv]), [11]);
    return { looksUp: told.all.includes(`read 0 ${argv[0] ?? ''} 1`), ttlMillis: told.ttls };
  };

  test('with GET among its options looks its key up once, however often it says so', () => {
    expect(read('k', 'v', 'GET').looksUp).toBe(true);
    expect(readPieces(lineOf(['SET', 'k', 'v', 'GET', 'get', 'GET']), [9]).told.all.sort()).toEqual([
      'read 0 k 1',
      'write 0 k',
    ]);
    const many = ['SET', 'k', 'v', 'GET', ...Array.from({ length: 9 }, () => 'KEEPTTL')];
    expect(readPieces(lineOf(many), [9]).told.all).toContain('read 0 k 1');
  });

  test.each(['GET', ' ', '" "', '" "GET', 'x" "GET" "y', '\\', '\\\\" "GET', '', '\r\n"GET"', 'EX'])(
    'with the value %j looks nothing up, and says its TTL',
    (value) => {
      expect(read('k', value)).toEqual({ looksUp: false, ttlMillis: [forever] });
      expect(read('k', value, 'EX', '10')).toEqual({ looksUp: false, ttlMillis: [10_000] });
      expect(read('k', value, 'nx', 'px', '1500')).toEqual({ looksUp: false, ttlMillis: [1500] });
      expect(read('k', value, 'Get', 'Ex', '7', 'XX')).toEqual({ looksUp: true, ttlMillis: [7000] });
    },
  );

  test('with a condition on the old value finds the options before and behind it', () => {
    const token = '0f3c8e52-6b1d-4f7a-9c38-7d2b61a0e45c';
    expect(read('k', 'v', 'GET', 'IFEQ', token)).toEqual({ looksUp: true, ttlMillis: [forever] });
    expect(read('k', 'v', 'EX', '10', 'IFEQ', 'old')).toEqual({ looksUp: false, ttlMillis: [10_000] });
    expect(read('k', 'v', 'IFEQ', 'old', 'PX', '5', 'GET')).toEqual({ looksUp: true, ttlMillis: [5] });
  });

  test('with a point in time says how far that is from the time of the line, and keeps a TTL or takes it away', () => {
    expect(read('k', 'v', 'EXAT', '1700000010').ttlMillis).toEqual([expect.closeTo(9876.544, 2)]);
    expect(read('k', 'v', 'PXAT', '1700000000500', 'GET').ttlMillis).toEqual([expect.closeTo(376.544, 2)]);
    expect(read('k', '10', 'KEEPTTL').ttlMillis).toEqual([0]);
    expect(read('k', '10').ttlMillis).toEqual([forever]);
  });

  test('with a value of 10 MB is a write of its key', () => {
    const line = lineOf(['SET', 'big', 'x'.repeat(10_000_000), 'EX', '10']);
    for (const piece of [65_536, 9_999_999, line.length]) {
      const { told, reader } = readPieces(line + lineOf(['GET', 'after']), [piece]);
      expect(told.all).toEqual(['write 0 big', 'read 0 after 1']);
      expect([reader.cutLines, reader.refused, reader.commands]).toEqual([0, null, 2]);
    }
  });
});

test('commands that say how long a key lives tell its TTL in milliseconds', () => {
  const ttl = (...argv: string[]) => readPieces(lineOf(argv), [64]).told.ttls;
  expect(ttl('SETEX', 'k', '20', 'v')).toEqual([20_000]);
  expect(ttl('psetex', 'k', '20', 'v')).toEqual([20]);
  expect(ttl('EXPIRE', 'k\n', '5', 'NX')).toEqual([5000]);
  expect(ttl('PEXPIRE', 'k', '5')).toEqual([5]);
  expect(ttl('EXPIRE', 'k', '-1')).toEqual([]);
  expect(ttl('EXPIRE', 'k', 'never')).toEqual([]);
  expect(ttl('PEXPIREAT', 'k', '1700000001123')).toEqual([expect.closeTo(999.544, 2)]);
  expect(ttl('EXPIREAT', 'k', '1600000000')).toEqual([]);
  expect(ttl('RESTORE', 'k', '1500', 'x')).toEqual([1500]);
  expect(ttl('GETEX', 'k', 'EX', '5')).toEqual([5000]);
  expect(ttl('GETEX', 'k', 'PXAT', '1700000001123')).toEqual([expect.closeTo(999.544, 2)]);
  expect(ttl('GETEX', 'k')).toEqual([]);
});

test('commands that take a TTL away, or leave it, tell so', () => {
  const ttl = (...argv: string[]) => readPieces(lineOf(argv), [64]).told.ttls;
  for (const argv of [
    ...[
      ['PERSIST', 'k'],
      ['GETEX', 'k', 'PERSIST'],
      ['GETSET', 'k', 'v'],
      ['MSET', 'k', 'v'],
      ['RESTORE', 'k', '0', 'x'],
    ],
    ...[
      ['SUNIONSTORE', 'k', 'a', 'b'],
      ['ZUNIONSTORE', 'k', '1', 'a'],
      ['SORT', 'a', 'STORE', 'k'],
    ],
  ])
    expect([argv, ttl(...argv)]).toEqual([argv, [forever]]);
  for (const argv of [
    ['INCR', 'k'],
    ['HSET', 'k', 'f', 'v'],
    ['LPUSH', 'k', 'v'],
    ['SETRANGE', 'k', '1', 'v'],
  ])
    expect([argv, ttl(...argv)]).toEqual([argv, [0]]);
});

test('commands that may leave no key behind tell so, and store none', () => {
  const told = (...argv: string[]) => {
    const { altered, removed, all } = readPieces(lineOf(argv), [64]).told;
    return { altered, removed, stored: all.filter((each) => each.startsWith('write')).length };
  };
  for (const argv of [
    ['LPOP', 'k'],
    ['SREM', 'k', 'm'],
    ['HDEL', 'k', 'f'],
    ['ZMPOP', '1', 'k', 'MIN'],
    ['XDEL', 'k', '1-1'],
  ])
    expect([argv, told(...argv)]).toEqual([argv, { altered: ['k'], removed: [], stored: 1 }]);
  for (const argv of [
    ['MOVE', 'k', '1'],
    ['HGETDEL', 'k', 'FIELDS', '1', 'f'],
    ['EXPIRE', 'k', '-1'],
    ['PERSIST', 'k'],
  ])
    expect([argv, told(...argv)]).toEqual([argv, { altered: ['k'], removed: [], stored: 0 }]);
  expect(told('SMOVE', 'k', 'to', 'm')).toEqual({ altered: ['k', 'to'], removed: [], stored: 1 });
  expect(told('RENAME', 'k', 'to')).toEqual({ altered: [], removed: ['k'], stored: 1 });
  expect(told('SINTERSTORE', 'k', 'a')).toEqual({ altered: ['k'], removed: [], stored: 1 });
});

describe('long lines', () => {
  const longKeys = Array.from({ length: 60_000 }, (_, index) => `user:${index}`.padEnd(90, '.'));

  test('of more than 64 KB are read whole', () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `user:${index}"\n`);
    const { told, reader } = readPieces(lineOf(['MGET', ...keys]), [65_536, 16_384]);
    expect(told.all).toEqual(keys.map((key) => `read 0 ${key} 1`));
    expect(reader.cutLines).toBe(0);
  });

  test.each([
    ['MGET', ['MGET', ...longKeys]],
    ['a script, whose keys stand behind it', ['EVAL_RO', 'x'.repeat(5_000_000), '1', 'k']],
    ['ZUNION', ['ZUNION', String(longKeys.length), ...longKeys]],
    ['COPY from a key of that length', ['COPY', 'x'.repeat(5_000_000), 'k']],
  ])('of more than 4 MB are told of as cut: %s', (_, argv) => {
    const isRuled = expected(argv).length > 0;
    for (const piece of [65_536, 6_000_000]) {
      const { told, reader } = readPieces(lineOf(argv) + lineOf(['GET', 'after']), [piece]);
      expect(reader.commands).toBe(2);
      expect(told.all.at(-1)).toBe('read 0 after 1');
      // In one piece nothing has to be kept, and so nothing is cut.
      if (isRuled && piece === 65_536) expect(reader.cutLines).toBe(1);
      expect(reader.refused).toBeNull();
    }
  });

  test('are of no account where all keys stand at their beginning', () => {
    const line = lineOf(['HSET', 'h', 'field', 'x'.repeat(9_000_000)]);
    const { told, reader } = readPieces(line, [65_536]);
    expect([told.all, reader.cutLines]).toEqual([['write 0 h'], 0]);
  });

  test('of more than 4 MB that come in one piece without an end leave nothing of the reader in doubt', () => {
    const line = lineOf(['SET', 'big', 'x'.repeat(10_000_000)]);
    const { told, reader } = readPieces(line + lineOf(['GET', 'after']), [9_000_000]);
    expect(told.all).toEqual(['write 0 big', 'read 0 after 1']);
    expect([reader.refused, reader.commands]).toEqual([null, 2]);
  });
});

describe('the source of a command', () => {
  test.each(['0 unix:/tmp/a] "b', '0 unix:/tmp/a] "b]', '0 unix:/tmp/"] "'])(
    'does not end within [%s]',
    (from) => {
      for (const argv of [
        ['GET', 'k'],
        ['OBJECT', 'ENCODING', 'k'],
        ['SET', 'k', 'v', 'GET'],
      ]) {
        expect(readPieces(lineOf(argv, from), [40]).told.all.sort()).toEqual(expected(argv).sort());
      }
    },
  );

  test('names the database', () => {
    expect(readPieces(lineOf(['GET', 'k'], '1234 lua'), [99]).told.all).toEqual(['read 1234 k 1']);
  });
});

test('FLUSHDB tells of its database, FLUSHALL of all', () => {
  const text = lineOf(['flushdb', 'ASYNC'], '7 [::1]:1') + lineOf(['FLUSHALL']);
  expect(readPieces(text, [13]).told.all).toEqual(['flush 7', 'flush all']);
});

describe('a refusal in place of OK', () => {
  test.each(["-NOPERM User x has no permissions to run the 'monitor' command", '-ERR unknown command'])(
    '%s is kept, wherever it is cut',
    (text) => {
      for (const piece of [1, 5, 1000]) {
        const { reader } = readPieces(`${text}\r\n`, [piece]);
        expect(reader.refused).toBe(text.slice(1));
      }
    },
  );

  test('is none when the server says OK', () => {
    expect(readPieces('+OK\r\n', [2]).reader).toMatchObject({ refused: null, commands: 0 });
  });
});

test.each(['$3\r\nabc\r\n', ':-100\r\n', '*1\r\n$1\r\na\r\n'])(
  '%j is no line of MONITOR, and said to be none',
  (text) => {
    expect(() => readPieces(text, [1000])).toThrow('which is no line of MONITOR');
  },
);

test('what the server prints of an argument is printable, and begins and ends with a quote', () => {
  expect(printed('a"b\\c\n\x00\xff')).toBe(String.raw`"a\"b\\c\n\x00\xff"`);
});
