import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { emptyDatabase, sendAll, testUrl } from '../server/redis.ts';
import { runBinaryInTerminal } from '../server/terminal.ts';
import { emptyServer, temporaryFolder } from '../server/own.ts';

const server = await emptyServer();
beforeEach(async () => {
  await emptyDatabase(server);
  await sendAll(server, [
    ['SET', 'user:1:a', 'x'],
    ['SET', 'user:1:b', 'y'],
  ]);
});

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

const writers: [string, (file: string) => string[]][] = [
  ['export --to', (file) => ['export', '*', '--form', 'ndjson', '--to', file]],
  ['invalidate --plan-out', (file) => ['invalidate', 'user', '1', '--plan-out', file]],
  ['inspect --save', (file) => ['inspect', '--exact', '--save', file]],
  ['inspect --checkpoint', (file) => ['inspect', '--exact', '--checkpoint', file]],
  ['whatif --record', (file) => ['whatif', '--for', '200ms', '--record', file]],
  ['config init --file', (file) => ['config', 'init', '--file', file]],
];
/** Writes only to new files, at the end of one, or in place of what it wrote itself. */
const others: [string, (file: string) => string[]][] = [
  ['check --save-baseline', (file) => ['check', '--no-write', '--save-baseline', file]],
  ['hits --record', (file) => ['hits', '--for', '200ms', '--mode', 'counters', '--record', file]],
  ['invalidate --journal', (file) => ['invalidate', 'user', '1', '--yes', '--journal', file]],
  ['warm --rejects', (file) => ['warm', '-', '--skip-invalid', '--rejects', file]],
];

const run = (args: readonly string[], cwd: string) =>
  cli(args, {
    cwd,
    url: testUrl(),
    env: { HOME: cwd },
    input: '{"key":"a","value":"b","ttl":5}\n{"key":1}\n',
  });

describe('a file that holds keys or values', () => {
  test.each([...writers, ...others])('is private: %s', async (name, argsOf) => {
    const cwd = temporaryFolder();
    // Only a walk that is not over keeps its checkpoint up to date, and its rejects are not put in folders.
    const file = name === 'warm --rejects' || name === 'hits --record' ? 'file' : 'a/file';
    await run(argsOf(file), cwd);

    if (name !== 'inspect --checkpoint' || existsSync(join(cwd, file)))
      expect(modeOf(join(cwd, file))).toBe('600');
    if (existsSync(join(cwd, 'a'))) expect(modeOf(join(cwd, 'a'))).toBe('700');
  });

  test.each(writers)(
    'is replaced with --force alone, and is private whatever was there: %s',
    async (name, argsOf) => {
      const cwd = temporaryFolder();
      const file = join(cwd, 'file');
      writeFileSync(file, 'old');
      chmodSync(file, 0o644);
      const refused = await run(argsOf('file'), cwd);
      expect(refused).toMatchObject({
        exitCode: 5,
        stderr: expect.stringMatching(
          /`file` exists already; nothing was written\nhint: add --force/,
        ) as string,
      });
      expect(readFileSync(file, 'utf8')).toBe('old');
      const replaced = await run([...argsOf('file'), '--force'], cwd);
      expect(replaced.exitCode).toBe(0);
      if (name === 'inspect --checkpoint') return;
      expect(readFileSync(file, 'utf8')).not.toBe('old');
      expect(modeOf(file)).toBe('600');
    },
  );

  test.each([...writers, ...others])('is not written through a link: %s', async (_name, argsOf) => {
    const cwd = temporaryFolder();
    const target = join(cwd, 'target');
    writeFileSync(target, 'old', { mode: 0o644 });
    symlinkSync(target, join(cwd, 'file'));
    const force = writers.some(([, each]) => each === argsOf) ? ['--force'] : [];
    const { exitCode } = await run([...argsOf('file'), ...force], cwd);

    expect(exitCode).not.toBe(0);
    expect(readFileSync(target, 'utf8')).toBe('old');
    expect(modeOf(target)).toBe('644');
  });

  test('that others could read is private once a window was added', async () => {
    const cwd = temporaryFolder();
    const file = join(cwd, 'hits.ndjson');
    writeFileSync(file, '', { mode: 0o644 });
    await run(['hits', '--for', '200ms', '--mode', 'counters', '--record', 'hits.ndjson'], cwd);
    expect(readFileSync(file, 'utf8')).not.toBe('');
    expect(modeOf(file)).toBe('600');
  });

  test('is in a state folder that is private, also where it was not', async () => {
    const cwd = temporaryFolder();
    const state = join(cwd, '.local/state/cachectl');
    mkdirSync(join(state, 'journals'), { recursive: true, mode: 0o755 });
    await run(['invalidate', 'user', '1', '--yes'], cwd);
    expect([modeOf(state), modeOf(join(state, 'journals'))]).toEqual(['700', '700']);
    const fresh = temporaryFolder();
    await sendAll(server, [['SET', 'user:1:a', 'x']]);
    await run(['invalidate', 'user', '1', '--yes'], fresh);
    expect(modeOf(join(fresh, '.local/state/cachectl/journals'))).toBe('700');
  });

  test('goes to a device as it is', async () => {
    const { exitCode } = await run(
      ['export', '*', '--form', 'ndjson', '--to', '/dev/null'],
      temporaryFolder(),
    );
    expect(exitCode).toBe(0);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test.each([
    ['y', 0, 'exported'],
    ['n', 5, 'not confirmed; nothing was written'],
  ])('is replaced at a terminal after a yes: %s', async (answer, exitCode, text) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'file'), 'old');
    const terminal = await runBinaryInTerminal(
      ['export', '*', '--form', 'ndjson', '--to', 'file', '--url', testUrl()],
      { cwd },
    );
    onTestFinished(() => terminal.close());
    await terminal.waitFor(/file exists already\. Replace it\?/);
    await terminal.send(answer, 'Enter');
    await terminal.waitFor(new RegExp(text));
    expect(await terminal.exitCode()).toBe(exitCode);
    expect(readFileSync(join(cwd, 'file'), 'utf8') === 'old').toBe(exitCode !== 0);
  });
});
