import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../../src/support/files.ts';

test('makes the folders that are missing, and is content where all are there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cachectl-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  makeFolder(join(folder, 'a', 'b', 'c'));
  makeFolder(join(folder, 'a', 'b', 'c'));
  expect(existsSync(join(folder, 'a', 'b', 'c'))).toBe(true);
});

test.runIf(existsSync('/proc/self'))('gives up where a folder cannot be', () => {
  expect(() => makeFolder('/proc/nobody/a/b')).toThrow(/ENOENT|EACCES|EPERM/);
});
