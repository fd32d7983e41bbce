import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import { productOf, readInfo, survivesNoTouch } from '../../src/redis/info.ts';
import { generateRecords, seedServer } from '../../src/sandbox/seed.ts';
import { displayWidth } from '../../src/render/width.ts';
import { folderWith, linesOf } from '../commands/reading.ts';
import { cli } from '../run-cli.ts';
import { binary } from '../server/binary.ts';
import { send, targetOf } from '../server/redis.ts';
import { runBinaryInTerminal, runTerminal, type Terminal, type TerminalOptions } from '../server/terminal.ts';
import { startRedis, startServer } from '../server/own.ts';
import { openShell } from './screen-shell.ts';

const { redis, server } = await startServer();
beforeAll(async () => {
  await seedServer(server.nodes[0], generateRecords('honzik', { keys: 2000, seed: 2, now: Date.now() }));
  await send(server, 'SET', 'user:1:profile', '{"name":"Jana"}', 'EX', 3000);
  await send(server, 'SET', 'esc:\x1b[41m\x1b]0;pwned\x07:end', '\x1b[2Jvalue');
});

async function run(args: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
  const terminal = await runBinaryInTerminal(args, {
    rows: 200,
    ...options,
    env: { REDIS_URL: redis.url, ...options.env },
  });
  onTestFinished(() => terminal.close());
  return terminal;
}

async function screenOf(
  args: readonly string[],
  options: TerminalOptions = {},
  withStyles = false,
): Promise<string> {
  const terminal = await run(args, options);
  expect(await terminal.exitCode()).toBe(0);
  return terminal.screen(withStyles);
}

/** Those whose tables leave out columns first. */
const wide: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['inspect by levels', ['inspect', '--depth', '2', '--top', '0']],
  ['stats', ['stats', '--limit', '5']],
];
const all: typeof wide = [
  ...wide,
  ['inspect', ['inspect', '--limit', '8']],
  ['get', ['get', 'user:1:profile']],
  ['ttl', ['ttl', 'user:1:profile', 'platform:metrics:latest']],
  ['keys', ['keys', 'stats:*', '--limit', '5', '--quiet']],
];

describe.each([
  [40, all],
  [60, wide],
  [80, wide],
] as const)('a terminal of %d columns', (columns, commands) => {
  test.each(commands)('shows %s without a line that is broken', async (_what, args) => {
    // What was looked up before, and how long ago, is part of the figures.
    const state = { XDG_STATE_HOME: folderWith({}) };
    await expect
      .poll(
        async () => {
          const lines = linesOf(await screenOf(args, { columns, env: state }));
          const { stdout } = await cli([...args, '--no-color'], { url: redis.url, columns, env: state });
          for (const line of linesOf(stdout)) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
          // A terminal that had to break a line would have more of them.
          return lines.length - linesOf(stdout).length;
        },
        { timeout: 40_000 },
      )
      .toBe(0);
  });
});

describe('colors', () => {
  const styled = (env: Readonly<Record<string, string>>, ...flags: string[]) =>
    screenOf(['stats', '--no-namespaces', ...flags], { env }, true);

  test('are shown at a terminal', async () => {
    expect(await styled({})).toMatch(/\x1b\[1m/);
  });

  test.each([
    ['NO_COLOR', { NO_COLOR: '1' }, []],
    ['--no-color', { FORCE_COLOR: '1' }, ['--no-color']],
  ])('are left out with %s', async (_what, env, flags) => {
    expect(await styled(env as Record<string, string>, ...flags)).not.toContain('\x1b');
  });

  test('are left out on a dumb terminal', async () => {
    // The terminal sets TERM itself.
    const command = ['env', 'TERM=dumb', process.execPath, binary, 'stats', '--no-namespaces'];
    const terminal = await runTerminal(command, { env: { REDIS_URL: redis.url } });
    onTestFinished(() => terminal.close());
    expect(await terminal.exitCode()).toBe(0);
    expect(await terminal.screen(true)).not.toContain('\x1b');
  });
});

describe('characters', () => {
  test('are ASCII where the locale has no others', async () => {
    const args = ['inspect', 'quota:*', '--top', '3'];
    const screen = await screenOf(args, { env: { LANG: 'C' }, columns: 120 });
    expect(screen).toMatch(/ %  ?#+ /);
    expect(screen).toMatch(/[smhd] \.\.\. \d/);
    expect(screen).not.toMatch(/[^\x20-\x7e\n]/);
    expect(await screenOf(args, { columns: 120 })).toMatch(/ % █+/);
  });

  test('of keys and values never act on the terminal', async () => {
    const screen = await screenOf(['get', 'esc:\x1b[41m\x1b]0;pwned\x07:end'], {}, true);
    expect(screen).toContain('esc:\\x1b[41m\\x1b]0;pwned\\x07:end');
    expect(screen).toContain('\\x1b[2Jvalue');
    expect(screen).not.toContain('\x1b[41m');
  });
});

describe('progress', () => {
  test('is one line that goes away when the work is done', async () => {
    const large = await startRedis();
    const other = await connect(targetOf(large.url));
    await send(other, 'DEBUG', 'POPULATE', 150_000);
    other.close();
    const terminal = await run(['inspect', '--exact'], { env: { REDIS_URL: large.url }, columns: 100 });
    const busy = await terminal.waitFor(/reading keys {2}.* % {2}[\d,]+ keys {2}[\d,]+\/s/);
    expect(linesOf(busy).filter((line) => line.includes('reading keys'))).toHaveLength(1);
    expect(await terminal.exitCode(30_000)).toBe(0);
    const done = await terminal.screen();
    expect(done).not.toContain('reading keys');
    expect(done).toMatch(/^150,000 keys in 1 namespace\n/);
  });

  test('is stopped by Ctrl-C, and what was read is shown', async () => {
    const large = await startRedis();
    const other = await connect(targetOf(large.url));
    await send(other, 'DEBUG', 'POPULATE', 300_000);
    other.close();
    const terminal = await run(['inspect', '--exact'], { env: { REDIS_URL: large.url }, columns: 100 });
    await terminal.waitFor(/reading keys {2}.* %/);
    await terminal.send('C-c');
    expect(await terminal.exitCode()).toBe(130);
    const screen = await terminal.screen();
    expect(screen).toContain('the walk ended early');
    expect(screen).not.toContain('reading keys');
  });

  test('is not shown with --quiet', async () => {
    const terminal = await run(['stats', '--window', '1s', '--no-namespaces', '--quiet']);
    for (let look = 0; look < 6; look++) {
      expect(await terminal.screen()).not.toContain('measuring');
      await sleep(100);
    }
    expect(await terminal.exitCode()).toBe(0);
  });
});

describe('--ask-password', () => {
  test('takes a password that is not shown, and logs in with it', async () => {
    await send(server, 'ACL', 'SETUSER', 'ann', 'on', '>s3cret-words', '~*', '+@all');
    const terminal = await run(['stats', '--no-namespaces', '--username', 'ann', '--ask-password']);
    await terminal.waitFor(/Password for ann/);
    await terminal.send('s3cret-words');
    await sleep(200);
    expect(await terminal.screen()).not.toContain('s3cret');
    await terminal.send('Enter');
    expect(await terminal.waitFor(/^(?:Grade: |No grade)[\s\S]*cost to the server/m)).not.toContain('s3cret');
    expect(await terminal.exitCode()).toBe(0);
  });

  test('refuses a wrong one without repeating it', async () => {
    const terminal = await run(['stats', '--username', 'nobody', '--ask-password']);
    await terminal.waitFor(/Password for nobody/);
    await terminal.send('wr0ng', 'Enter');
    expect(await terminal.exitCode()).toBe(3);
    expect(await terminal.screen()).toMatch(/error: logging in on .*WRONGPASS/);
    expect(await terminal.screen()).not.toContain('wr0ng');
  });

  test.each([['C-c'], ['C-d']])('left with %s ends with 130, and asks the server nothing', async (key) => {
    const terminal = await run(['stats', '--ask-password', '-u', 'redis://127.0.0.1:1']);
    await terminal.waitFor(/Password for the default user/);
    await terminal.send(key);
    expect(await terminal.exitCode()).toBe(130);
    expect(await terminal.screen()).toContain('error: the question was left unanswered');
  });

  test('asks nobody in CI', async () => {
    const terminal = await run(['stats', '--ask-password'], { env: { CI: 'true' } });
    expect(await terminal.exitCode()).toBe(2);
    expect(await terminal.screen()).toContain('--ask-password needs a terminal');
  });
});

test('the map of the folder is used', async () => {
  const cwd = folderWith({ namespaces: { speech: { pattern: 'tts:*' } } });
  expect(await screenOf(['inspect', '--top', '0'], { cwd })).toMatch(/in 2 namespaces\n.*\n {2}speech /);
});

test('what follows a result on the same screen leaves its first line there', async () => {
  const { terminal, type } = await openShell(redis.url);
  // Its reads are remembered; before Redis 7.2 they begin idle times anew, of which `inspect` warns.
  await type('cachectl export --limit 50 >/dev/null && clear && cachectl inspect');
  const screen = await terminal.waitFor(/^(\(a taller terminal|this\s+run added)[^]*^\$ *$/m);
  expect(screen).toMatch(/^[\d,]+ keys in \d+ namespaces/);
  if (!survivesNoTouch(productOf(await readInfo(server.nodes[0]))))
    expect(screen).toMatch(/^warning: `export` made/m);
});
