import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolveIn } from './resolved-settings.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder();

describe('a password in a file', () => {
  const passwordIn = async (content: string | Buffer) => {
    writeFileSync(join(folder, 'given'), content);
    return (await resolveIn(folder, { options: { url: 'redis://h', passwordFile: 'given' } })).target
      .password;
  };

  test.each([
    ['a byte order mark before it', '\ufeffsekret\n'],
    ['a CR LF after it', 'sekret\r\n'],
    ['a CR after it', 'sekret\r'],
    ['both', '\ufeffsekret\r\nnot this\r\n'],
  ])('is read with %s', async (_what, content) => {
    expect(await passwordIn(content)).toBe('sekret');
  });

  test.each<[string, string | Buffer, string]>([
    ['UTF-16 with a mark', Buffer.from('\ufeffsekret', 'utf16le'), 'cannot be read: it is UTF-16 or binary'],
    ['UTF-16 without one', Buffer.from('sekret', 'utf16le'), 'cannot be read: it is UTF-16 or binary'],
    ['Latin-1', Buffer.from('sekr\u00e9t', 'latin1'), 'cannot be read: it is not UTF-8 text'],
    ['nothing', '', 'has no password in its first line'],
    ['a byte order mark alone', '\ufeff\r\n', 'has no password in its first line'],
    ['no line', 'x'.repeat(2 << 20), 'cannot be read: it is longer than 1 MiB'],
  ])('is refused with %s', async (_what, content, reason) => {
    await expect(passwordIn(content)).rejects.toThrow(reason);
  });

  test('is refused where the file is a folder', async () => {
    await expect(resolveIn(folder, { options: { url: 'redis://h', passwordFile: '.' } })).rejects.toThrow(
      'cannot be read: it is a folder',
    );
  });

  test('is read from a pipe, whose writer may come late', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    spawn('sh', ['-c', 'sleep 0.3; printf "sekret\\n" > "$0"', pipe]);
    expect(
      (await resolveIn(folder, { options: { url: 'redis://h', passwordFile: 'pipe' } })).target.password,
    ).toBe('sekret');
  });

  test('is not waited for without end where no one writes to the pipe', async () => {
    execFileSync('mkfifo', [join(folder, 'silent')]);
    await expect(
      resolveIn(folder, { options: { url: 'redis://h', passwordFile: 'silent' } }),
    ).rejects.toThrow('nothing came from this pipe within 5 s');
  });
});
