import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runBinary } from '../server/binary.ts';
import { temporaryFolder } from '../server/own.ts';

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** Runs `--help` with this folder for caches. */
async function help(cache: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const { exitCode, stdout, stderr } = await runBinary(['--help'], {
    env: { XDG_CACHE_HOME: cache, ...more },
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('Usage: cachectl');
}

describe('what V8 made of the code', () => {
  test('is kept for the next run, which takes it as it is', async () => {
    const cache = temporaryFolder();
    await help(cache);
    const kept = files(cache);
    expect(kept.length).toBeGreaterThan(0);
    const before = kept.map((file) => statSync(file).ino);
    await help(cache);
    expect(files(cache)).toEqual(kept);
    expect(kept.map((file) => statSync(file).ino)).toEqual(before);
    for (const file of kept) expect(statSync(file).mode & 0o077).toBe(0);
  });

  test('is made anew where the file is damaged', async () => {
    const cache = temporaryFolder();
    await help(cache);
    const kept = files(cache);
    for (const file of kept) writeFileSync(file, readFileSync(file).subarray(0, 1000));
    await help(cache);
    for (const file of kept) expect(statSync(file).size).toBeGreaterThan(1000);
  });

  test('is neither read nor written where another user can write, where there is no folder, or where it is switched off', async () => {
    const cache = temporaryFolder();
    await help(cache, { NODE_DISABLE_COMPILE_CACHE: '1' });
    mkdirSync(join(cache, 'cachectl'), { recursive: true });
    chmodSync(join(cache, 'cachectl'), 0o777);
    await help(cache);
    expect(files(cache)).toEqual([]);
    await help('', { HOME: '' });
    await help('/proc/nowhere');
  });
});
