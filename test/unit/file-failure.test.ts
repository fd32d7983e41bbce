import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fileFailureText } from '../../src/support/failure.ts';

function failureOf(path: string): unknown {
  try {
    return readFileSync(path);
  } catch (error) {
    return error;
  }
}

test.each([
  ['/no/such/file', 'there is no such file'],
  ['/', 'it is a folder'],
  ['/dev/null/file', 'a part of its path is a file, not a folder'],
  [`/${'x'.repeat(5000)}`, 'its name is too long'],
])('a file that cannot be read is spoken of in plain words: %.20s', (path, text) => {
  expect(fileFailureText(failureOf(path))).toBe(text);
});

test('a code without words of its own loses code, call and path', () => {
  const error = Object.assign(new Error("EIO: i/o error, read '/x'"), { code: 'EIO' });
  expect(fileFailureText(error)).toBe('i/o error');
});

test('what is no failure of a file keeps its words', () => {
  expect(fileFailureText(new Error('it is not JSON, but text'))).toBe('it is not JSON, but text');
});
