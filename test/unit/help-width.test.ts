import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { displayWidth } from '../../src/render/width.ts';

function helpAt(
  columns: number | undefined,
  terminal: number | undefined = columns,
): readonly (readonly [name: string, text: string])[] {
  let printed = '';
  const stdout = { columns, write: (text: string) => (printed += text) };
  const stderr = { columns: terminal };
  const program = buildProgram({ stdout, stderr, variables: {} } as unknown as Io, () => Promise.resolve());
  const all = (command: CommandUnknownOpts): CommandUnknownOpts[] => [
    command,
    ...command.commands.flatMap(all),
  ];
  return all(program).map((command) => {
    printed = '';
    command.outputHelp();
    return [command.name(), printed] as const;
  });
}

test('the help of every command fits a terminal of 80 columns; only command lines to copy stay whole', () => {
  const wide = helpAt(80).flatMap(([name, text]) =>
    text
      .split('\n')
      .filter((line) => displayWidth(line) > 80 && !line.startsWith('  $ '))
      .map((line) => `${name}: ${line}`),
  );
  expect(wide).toEqual([]);
});

test('an example that is too wide with its purpose has it on the line above', () => {
  const [, text = ''] = helpAt(80).find(([name]) => name === 'diff') ?? [];
  expect(text).toContain('  # a file with the server\n  $ cachectl diff backup.archive\n');
});

test('the help in a pipe has the width of the terminal, where a pager shows it', () => {
  expect(helpAt(undefined, 72)).toEqual(helpAt(72));
  expect(helpAt(undefined)).toEqual(helpAt(80));
});
