import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';

/** What can be read of a command line of which some part may be wrong. */
export interface Words {
  /** The words that are no options: the command, and what follows it. */
  readonly operands: readonly string[];
  /** The global options, and `help`, as texts. */
  readonly options: Readonly<Record<string, unknown>>;
}

export function readWords(program: CommandUnknownOpts, argv: readonly string[]): Words {
  const scanner: CommandUnknownOpts = new Command().helpOption(false).option('-h, --help');
  // Without parsers and choices, which throw.
  for (const { flags } of program.options)
    scanner.addOption(new Option(flags.replace('<', '[').replace('>', ']')));
  const { operands } = scanner.parseOptions([...argv]);
  return { operands, options: scanner.opts() };
}
