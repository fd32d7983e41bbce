import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Execution } from './context.ts';

/**
 * Carries a command from its parsed options to its exit code; each action calls it once. `load` imports what the command
 * runs, which is then not read by `--help` and by other commands.
 */
export type Runner = <Result extends object>(
  self: CommandUnknownOpts,
  load: () => Promise<Execution<Result>>,
) => Promise<void>;

/** What each command file exports: it adds its options and text to the program, and says what to run. */
export type DefineCommand = (program: Command, run: Runner) => void;

/** Examples under a command's help, each a command line with what it is for. */
export function examples(...lines: readonly (readonly [command: string, purpose: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, purpose]) => `  $ ${command.padEnd(width)}   ${purpose}`).join('\n')}\n`;
}
