import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/support/files.ts';
import { temporaryFolder } from '../server/own.ts';

test('makes the folders that are missing, and is content where all are there', () => {
  const folder = temporaryFolder();
  makeFolder(join(folder, 'a', 'b', 'c'));
  makeFolder(join(folder, 'a', 'b', 'c'));
  expect(existsSync(join(folder, 'a', 'b', 'c'))).toBe(true);
});

test.runIf(existsSync('/proc/self'))('gives up where a folder cannot be', () => {
  expect(() => makeFolder('/proc/nobody/a/b')).toThrow(/ENOENT|EACCES|EPERM/);
});
