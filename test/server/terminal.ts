import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { binary, cleanEnvironment, requireBundle } from './binary.ts';
import { requireTool } from './tools.ts';

const run = promisify(execFile);

export interface TerminalOptions {
  /** Default: 80. */
  readonly columns?: number;
  /** Default: 24. */
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A real terminal with a program in it, as a person sees it. */
export interface Terminal {
  /** Types: names of keys as tmux knows them (`Enter`, `C-c`, `Down`), anything else letter by letter. */
  send(...keys: readonly string[]): Promise<void>;
  /** The text on the screen, without blanks at the ends of lines; `withStyles` keeps colors as escape sequences. */
  screen(withStyles?: boolean): Promise<string>;
  /** Waits for a text on the screen, and returns the screen. @throws Error that shows the screen, after 30 s */
  waitFor(text: RegExp, timeoutMillis?: number): Promise<string>;
  /** Waits for the program's end, and returns its exit code. @throws Error that shows the screen, after 30 s */
  exitCode(timeoutMillis?: number): Promise<number>;
  resize(columns: number, rows: number): Promise<void>;
  close(): Promise<void>;
}

/** The built `bin/cachectl` in a terminal. */
export function runBinaryInTerminal(
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<Terminal> {
  requireBundle();
  return runTerminal([process.execPath, binary, ...args], options);
}

// tmux forgets the last lines of a program that ends at once, so the terminal outlives it. A shell that waits for a
// program would die of the Ctrl-C meant for that program, but for the trap.
const wrapper = 'trap : INT QUIT; "$@"; echo $? >"$0"; exec sleep 600';

/** Starts a program in a terminal of its own. The caller closes it. @throws Error when tmux is missing */
export async function runTerminal(
  command: readonly string[],
  options: TerminalOptions = {},
): Promise<Terminal> {
  const program = requireTool('tmux');
  const home = mkdtempSync(join(tmpdir(), 'cachectl-terminal-'));
  const env = cleanEnvironment(home, options.env);
  const tmux = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(program, ['-u', '-S', join(home, 'tmux'), '-f', '/dev/null', ...args], {
      env,
    });
    return stdout;
  };
  const size = ['-x', String(options.columns ?? 80), '-y', String(options.rows ?? 24)];
  const statusFile = join(home, 'status');
  await tmux(
    'new-session',
    '-d',
    ...size,
    '-c',
    options.cwd ?? home,
    'sh',
    '-c',
    wrapper,
    statusFile,
    ...command,
  );
  await tmux('set-option', '-g', 'status', 'off');

  const screen = async (withStyles = false) =>
    (await tmux('capture-pane', '-p', ...(withStyles ? ['-e'] : [])))
      .replace(/[^\S\n]+$/gm, '')
      .replace(/\n+$/, '\n');
  const until = async <T>(
    what: string,
    timeoutMillis: number,
    look: () => Promise<T | undefined>,
  ): Promise<T> => {
    const deadline = Date.now() + timeoutMillis;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline)
        throw new Error(`${what} within ${timeoutMillis} ms; the screen is:\n${await screen()}`);
      await sleep(60);
    }
  };
  return {
    send: (...keys) => tmux('send-keys', ...keys).then(() => undefined),
    screen,
    waitFor: (text, timeoutMillis = 30_000) =>
      until(`${String(text)} did not appear`, timeoutMillis, async () => {
        const shown = await screen();
        return text.test(shown) ? shown : undefined;
      }),
    exitCode: (timeoutMillis = 30_000) =>
      until('the program did not end', timeoutMillis, () => {
        const status = existsSync(statusFile) ? readFileSync(statusFile, 'utf8') : '';
        return Promise.resolve(status.endsWith('\n') ? Number(status) : undefined);
      }),
    resize: (columns, rows) =>
      tmux('resize-window', '-x', String(columns), '-y', String(rows)).then(() => undefined),
    close: async () => {
      await tmux('kill-server').catch(() => undefined);
      await removeFolder(home);
    },
  };
}

/** A program of the terminal that is still ending may write its files again while they are removed. */
async function removeFolder(folder: string, timeoutMillis = 8_000): Promise<void> {
  const deadline = Date.now() + timeoutMillis;
  for (;;) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(100);
  }
}
