import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { binary, cleanEnvironment, requireBundle } from './binary.ts';
import { startTmux } from './tmux.ts';
import { requireTool } from './tools.ts';

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
  /** How many lines have scrolled off the screen, or were erased in a way that keeps them. */
  linesAbove(): Promise<number>;
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
// program would die of the Ctrl-C meant for that program, but for the trap. The title of the terminal, in which the exit code
// comes, is behind all that the program has written.
const wrapper = `trap : INT QUIT; "$@"; printf '\\033\\\\\\033]2;exit code %d\\033\\\\' $?; exec sleep 600`;

/** Starts a program in a terminal of its own. The caller closes it. @throws Error when tmux is missing */
export async function runTerminal(
  command: readonly string[],
  options: TerminalOptions = {},
): Promise<Terminal> {
  const program = requireTool('tmux');
  const home = mkdtempSync(join(tmpdir(), 'cachectl-terminal-'));
  const size = ['-x', String(options.columns ?? 80), '-y', String(options.rows ?? 24)];
  const words = ['sh', '-c', wrapper, 'sh', ...command];
  const tmux = startTmux(program, join(home, 'tmux'), cleanEnvironment(home, options.env), [
    ['set-option', '-g', 'status', 'off'],
    ['new-session', '-d', ...size, '-c', options.cwd ?? home, ...words],
  ]);
  const startedAt = Date.now();
  // The session is there a moment after the server. Fails where it could not be made.
  for (let isThere = false; !isThere;) {
    isThere = await tmux.run('list-panes').then(
      () => true,
      (error: unknown) => {
        if (Date.now() - startedAt > 30_000) throw error;
        return false;
      },
    );
    if (!isThere) await sleep(20);
  }

  const screen = async (withStyles = false) =>
    (await tmux.run('capture-pane', '-p', ...(withStyles ? ['-e'] : [])))
      .replace(/[^\S\n]+$/gm, '')
      .replace(/\n+$/, '\n');
  const until = async <T>(
    what: string,
    timeoutMillis: number,
    look: () => Promise<T | undefined>,
  ): Promise<T> => {
    const deadline = Date.now() + timeoutMillis;
    for (;;) {
      const change = tmux.nextChange();
      const found = await look();
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${what} within ${timeoutMillis} ms; the screen is:\n${await screen()}`);
      await Promise.race([change, sleep(left, undefined, { ref: false })]);
    }
  };
  return {
    send: (...keys) => tmux.run('send-keys', ...keys).then(() => undefined),
    screen,
    linesAbove: async () => Number(await tmux.run('display-message', '-p', '#{history_size}')),
    waitFor: (text, timeoutMillis = 30_000) =>
      until(`${String(text)} did not appear`, timeoutMillis, async () => {
        const shown = await screen();
        return text.test(shown) ? shown : undefined;
      }),
    exitCode: (timeoutMillis = 30_000) =>
      until('the program did not end', timeoutMillis, async () => {
        const [, code] =
          /^exit code (\d+)/.exec(await tmux.run('display-message', '-p', '#{pane_title}')) ?? [];
        return code === undefined ? undefined : Number(code);
      }),
    resize: (columns, rows) =>
      tmux.run('resize-window', '-x', String(columns), '-y', String(rows)).then(() => undefined),
    close: async () => {
      await tmux.stop();
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
