import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { processFacts } from '../../src/cli/process-facts.ts';
import { newDraftPath, replaceFile as replaceFileOf, replacePublicFile } from '../../src/support/files.ts';
import { writeNamedFile } from '../../src/support/named-file.ts';
import type { ProcessFacts } from '../../src/support/processes.ts';
import { requireTool } from '../server/tools.ts';
import { temporaryFolder } from '../server/own.ts';

const facts = processFacts();
const replaceFile = (path: string, text: string) => replaceFileOf(path, text, facts);
const writeNamed = (path: string, text: string, signal = new AbortController().signal) =>
  writeNamedFile(path, text, { processes: facts, signal }, (cause) => new Error(cause));

describe('replacing a file', () => {
  test('leaves exactly the text, and nothing beside it', () => {
    const cwd = temporaryFolder();
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
    const cwd = temporaryFolder();
    replaceFile(join(cwd, 'a/b/report'), 'text');

    expect(readFileSync(join(cwd, 'a/b/report'), 'utf8')).toBe('text');
  });

  test('gives a reader that has the old file open the old text', () => {
    const path = join(temporaryFolder(), 'report');
    writeFileSync(path, 'old');
    const reader = openSync(path, 'r');
    onTestFinished(() => closeSync(reader));
    replaceFile(path, 'new');

    expect(readFileSync(reader, 'utf8')).toBe('old');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  test('leaves it readable by its owner alone, whatever was there', () => {
    const cwd = temporaryFolder();
    const path = join(cwd, 'report');
    writeFileSync(path, 'old');
    chmodSync(path, 0o666);
    replaceFile(path, 'new');
    replaceFile(join(cwd, 'a/b/report'), 'new');

    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(cwd, 'a/b/report')).mode & 0o777).toBe(0o600);
    for (const each of ['a', 'a/b']) expect(statSync(join(cwd, each)).mode & 0o777).toBe(0o700);
  });

  test('that holds no keys keeps the mode of the file', () => {
    const path = join(temporaryFolder(), 'report');
    writeFileSync(path, 'old');
    chmodSync(path, 0o664);
    replacePublicFile(path, 'new', facts);

    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o664);
  });

  test.each(['to a file', 'to nothing', 'to a folder'])('follows no link: one %s', (what) => {
    const cwd = temporaryFolder();
    const target = join(cwd, 'target');
    if (what === 'to a file') writeFileSync(target, 'old');
    if (what === 'to a folder') mkdirSync(target);
    symlinkSync(target, join(cwd, 'report'));

    expect(() => replaceFile(join(cwd, 'report'), 'text')).toThrow('it is a link, which is not followed');
    if (what === 'to a file') expect(readFileSync(target, 'utf8')).toBe('old');
    expect(readdirSync(cwd)).toHaveLength(what === 'to nothing' ? 1 : 2);
  });

  test('that fails changes nothing', () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'report'));

    expect(() => replaceFile(join(cwd, 'report'), 'text')).toThrow('EISDIR');
    expect(readdirSync(cwd)).toEqual(['report']);
    expect(readdirSync(join(cwd, 'report'))).toEqual([]);
  });

  test('writes into a device, and does not put a file in its place', async () => {
    await writeNamed('/dev/null', 'text');

    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('writes into a pipe, whose reader may come later', async () => {
    const path = join(temporaryFolder(), 'pipe');
    execFileSync(requireTool('mkfifo'), [path]);
    // More than a pipe holds.
    const text = 'through the pipe\n'.repeat(10_000);
    const written = writeNamed(path, text);
    const reader = spawn('sh', ['-c', 'sleep 0.1; cat pipe'], { cwd: dirname(path) });
    let read = '';
    reader.stdout.on('data', (chunk: Buffer) => (read += String(chunk)));
    await Promise.all([written, once(reader, 'close')]);

    expect(read).toBe(text);
    expect(statSync(path).isFIFO()).toBe(true);
  });

  test('leaves a pipe whose reader takes nothing a moment after the signal', async () => {
    const path = join(temporaryFolder(), 'pipe');
    execFileSync(requireTool('mkfifo'), [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    for (const signal of [AbortSignal.timeout(50), AbortSignal.abort()])
      await expect(writeNamed(path, 'x'.repeat(1_000_000), signal)).rejects.toThrow('aborted');
    closeSync(reader);
  });

  test('removes the drafts of runs that have ended, and no others', async () => {
    const cwd = temporaryFolder();
    const draftOf = (processes: ProcessFacts) => {
      const draft = newDraftPath(join(cwd, 'other'), processes);
      writeFileSync(draft, 'values');
      return basename(draft);
    };
    const running = spawn('sleep', ['60']);
    onTestFinished(() => void running.kill());
    const pid = running.pid ?? 0;
    const ended = spawn('true');
    await once(ended, 'exit');
    const kept = [
      draftOf(facts),
      draftOf({ ...facts, pid }),
      draftOf({ ...facts, hostname: 'another', pid: ended.pid ?? 0 }),
      'report.0b2f8a1e-0000-4000-8000-000000000000.tmp',
      'notes.cachectl-1-1.tmp',
    ];
    for (const name of kept.slice(3)) writeFileSync(join(cwd, name), 'somebody');
    draftOf({ ...facts, pid: ended.pid ?? 0 });
    // The number of a process that runs, and was not the one that wrote.
    writeFileSync(
      join(cwd, kept[1]?.replace(/-[0-9a-f]{8}-([0-9a-f]{8})\.tmp$/, '-00000000-$1.tmp') ?? ''),
      'values',
    );
    expect(readdirSync(cwd)).toHaveLength(7);

    replaceFile(join(cwd, 'report'), 'text');

    expect(readdirSync(cwd).sort()).toEqual([...kept, 'report'].sort());
  });
});
