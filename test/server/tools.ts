import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { TestRunner } from 'vitest';

/** The path of a program, or null where it is not installed. */
function findTool(name: string): string | null {
  const folders = isAbsolute(name) ? [''] : (process.env['PATH'] ?? '').split(delimiter);
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

/** The Redis program to start: `CACHECTL_TEST_REDIS_BIN`, else `redis-server` or `valkey-server` on PATH, else null. */
export function findRedisServer(): string | null {
  const named = process.env['CACHECTL_TEST_REDIS_BIN'];
  if (named === undefined || named === '') return findTool('redis-server') ?? findTool('valkey-server');
  const path = findTool(named);
  if (path === null)
    throw new Error(`CACHECTL_TEST_REDIS_BIN names \`${named}\`, which is not an executable file`);
  return path;
}

/**
 * The path of a program that the current test cannot do without. Where it is missing the test is skipped, with a line
 * on stderr; with `CI` set that is a failure.
 */
export function requireTool(name: string): string {
  const path = name === 'redis-server' ? findRedisServer() : findTool(name);
  if (path !== null) return path;
  const test = TestRunner.getCurrentTest();
  const complaint = `\`${name}\` is not installed (\`bin/setup --dev\` installs what the tests use)`;
  if (isCi() || test === undefined) throw new Error(complaint);
  process.stderr.write(`skipped: ${test.fullTestName}: ${complaint}\n`);
  return test.context.skip(complaint);
}

function isCi(): boolean {
  return !['', '0', 'false'].includes(process.env['CI'] ?? '');
}
