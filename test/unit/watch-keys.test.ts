import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseKeys } from '../../src/cli/screen.ts';

describe('what is typed', () => {
  test.each([
    ['q', ['q']],
    ['jjk', ['j', 'j', 'k']],
    ['\x1b[A\x1b[B', ['up', 'down']],
    ['\x1bOA', ['up']],
    ['\x1b[5~\x1b[6~', ['page-up', 'page-down']],
    ['\x1b[H\x1b[F\x1b[1~\x1b[4~', ['home', 'end', 'home', 'end']],
    ['\r', ['enter']],
    ['\x03', ['ctrl-c']],
    ['\x1a', ['ctrl-z']],
    ['\x7f', ['backspace']],
    ['é漢', ['é', '漢']],
  ])('%j is %j', (text, keys) => {
    expect(parseKeys(text)).toEqual({ keys, rest: '' });
  });

  test('an escape waits for what may follow, and is a key where another one does', () => {
    expect(parseKeys('\x1b')).toEqual({ keys: [], rest: '\x1b' });
    expect(parseKeys('q\x1b[')).toEqual({ keys: ['q'], rest: '\x1b[' });
    expect(parseKeys('\x1bq')).toEqual({ keys: ['escape', 'q'], rest: '' });
  });

  test('sequences that mean nothing here are no letters', () => {
    expect(parseKeys('\x1b[1;5C\x1b[15~q')).toEqual({ keys: ['q'], rest: '' });
  });
});

test('keys come out the same however the line cuts what arrives', () => {
  const typed = fc.array(fc.constantFrom('q', '\x1b[A', '\x1bOB', '\x1b[5~', '\r', '漢', '\x1b[1;5C'));
  fc.assert(
    fc.property(typed, fc.nat(), (parts, at) => {
      const text = parts.join('');
      const cut = text.length === 0 ? 0 : at % text.length;
      const first = parseKeys(text.slice(0, cut));
      const second = parseKeys(first.rest + text.slice(cut));
      expect([...first.keys, ...second.keys]).toEqual(parseKeys(text).keys);
    }),
  );
});
