import { expect, onTestFinished } from 'vitest';
import { binary } from '../server/binary.ts';
import { runTerminal, type Terminal, type TerminalOptions } from '../server/terminal.ts';

/** Types a command line. */
export type TypeLine = (line: string) => Promise<void>;

/**
 * A shell with job control with text on the screen already. `type` types a command line, with `cachectl` for the program, and
 * `watch` for its live view.
 */
export async function openShell(
  url: string,
  options: TerminalOptions = {},
): Promise<{ readonly terminal: Terminal; readonly type: TypeLine }> {
  const terminal = await runTerminal(['bash', '--norc', '--noprofile', '-i'], {
    ...options,
    env: { REDIS_URL: url, PS1: '$ ', ...options.env },
  });
  onTestFinished(() => terminal.close());
  const type: TypeLine = (line) => terminal.send('-l', line).then(() => terminal.send('Enter'));
  await terminal.waitFor(/\$/);
  await type(
    `cachectl() { "${process.execPath}" "${binary}" "$@"; }; watch() { cachectl watch "$@"; }; PS1='$ '`,
  );
  await type(`clear; echo what stood here; stty -a >before`);
  await terminal.waitFor(/what stood here\n/);
  return { terminal, type };
}

/** The shell is as it was: its text, its settings, and what is typed is seen. */
export async function expectRestored(terminal: Terminal, type: TypeLine, code: number): Promise<string> {
  // What is typed before the program has gone is the program's.
  await terminal.waitFor(/what stood here/);
  await type('echo "code=$?"; stty -a >after; cmp before after && echo same');
  const screen = await terminal.waitFor(/code=\d+\n(.*\n)*.*\bsame\n/);
  expect(screen).toContain('what stood here');
  expect(screen).toContain(`code=${code}`);
  expect(screen).not.toMatch(/^hit rate|q quit/m);
  // The cursor: hidden it would not be shown where the next letter goes.
  await type('printf "\\033[6n"; read -rs -t 2 -d R place; echo "place=${place#*[}"');
  expect(await terminal.waitFor(/place=\d+;\d+/)).toMatch(/place=\d+;\d+/);
  return screen;
}
