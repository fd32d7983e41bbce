import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { replaceFile } from '../../src/replace-file.ts';
import { requireTool } from '../server/tools.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'cachectl-replace-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('replacing a file', () => {
  test('leaves exactly the text, and nothing beside it', () => {
    const cwd = folder();
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        replaceFile(join(cwd, 'report'), text);
        expect(readFileSync(join(cwd, 'report'), 'utf8')).toBe(text);
        expect(readdirSync(cwd)).toEqual(['report']);
      }),
      { numRuns: 30 },
    );
  });

  test('makes the folders it needs', () => {
    const cwd = folder();
    replaceFile(join(cwd, 'a/b/report'), 'text');

    expect(readFileSync(join(cwd, 'a/b/report'), 'utf8')).toBe('text');
  });

  test('gives a reader that has the old file open the old text', () => {
    const path = join(folder(), 'report');
    writeFileSync(path, 'old');
    const reader = openSync(path, 'r');
    onTestFinished(() => closeSync(reader));
    replaceFile(path, 'new');

    expect(readFileSync(reader, 'utf8')).toBe('old');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  test('keeps the mode of the file', () => {
    const path = join(folder(), 'report');
    writeFileSync(path, 'old');
    chmodSync(path, 0o666);
    replaceFile(path, 'new');

    expect(statSync(path).mode & 0o777).toBe(0o666);
  });

  test('that fails changes nothing', () => {
    const cwd = folder();
    mkdirSync(join(cwd, 'report'));

    expect(() => replaceFile(join(cwd, 'report'), 'text')).toThrow('EISDIR');
    expect(readdirSync(cwd)).toEqual(['report']);
    expect(readdirSync(join(cwd, 'report'))).toEqual([]);
  });

  test('writes into a device, and does not put a file in its place', () => {
    replaceFile('/dev/null', 'text');

    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('writes into a pipe that somebody reads', async () => {
    const cwd = folder();
    const path = join(cwd, 'pipe');
    execFileSync(requireTool('mkfifo'), [path]);
    const reader = spawn('cat', [path]);
    const read = new Promise<string>((resolve) => {
      let text = '';
      reader.stdout.on('data', (chunk: Buffer) => (text += String(chunk)));
      reader.once('close', () => resolve(text));
    });
    replaceFile(path, 'through the pipe');

    expect(await read).toBe('through the pipe');
    expect(statSync(path).isFIFO()).toBe(true);
  });
});
