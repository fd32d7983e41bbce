import { Command, CommanderError } from '@commander-js/extra-typings';
import { commandDefinitions } from '../commands/index.ts';
import { exitCodeHelp, exitCodes, type ExitCode } from '../commands/exit-codes.ts';
import type { Runner } from '../commands/runner.ts';
import { examples } from '../commands/runner.ts';
import { printable } from '../render/printable.ts';
import type { Io } from './io.ts';
import { addGlobalOptions, type GlobalOptions } from './options.ts';
import type { RunCli } from './execute.ts';

declare const CACHECTL_VERSION: string | undefined;

/** The version of the package; the build puts it in. */
export const version = typeof CACHECTL_VERSION === 'string' ? CACHECTL_VERSION : '0.0.0-source';

/** The whole command line. Building it opens no socket and loads no library but commander. */
export function buildProgram(io: Io, run: Runner): Command {
  const program = new Command('cachectl');
  program
    .description('Does this cache earn its memory, and can I change it without hurting anyone?')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('hint: `cachectl help` lists the commands, `cachectl help COMMAND` its options')
    .configureHelp({ showGlobalOptions: false, helpWidth: Math.min(io.stdout.columns || 100, 110) })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', () => `${exitCodeText()}${firstSteps}`);
  addGlobalOptions(program);
  for (const define of commandDefinitions) define(program, run);
  for (const command of program.commands) {
    command.configureHelp({ ...program.configureHelp(), showGlobalOptions: false });
    command.addHelpText('after', 'Connection and output options: cachectl --help');
    command.showHelpAfterError(`hint: \`cachectl help ${command.name()}\` shows its options and examples`);
  }
  return program;
}

const firstSteps = examples(
  ['cachectl sandbox --tour', 'see everything on a throw-away Redis'],
  ['cachectl stats', 'hit rate, memory, and what is in there'],
  ['cachectl inspect --top 20', 'namespaces by size, and the largest keys'],
  ['cachectl invalidate user 123 --dry-run', 'what would go; nothing is changed'],
);

function exitCodeText(): string {
  return `\nExit codes:\n${exitCodeHelp.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}\n`;
}

/** Parses and runs a command line. Never throws for an expected failure; gives the exit code. */
export const runCli: RunCli = async (argv, io) => {
  let exitCode: ExitCode = exitCodes.success;
  const run: Runner = async (self, load) => {
    const { execute } = await import('./execute.ts');
    const name = commandPath(self);
    const execution = await load();
    exitCode = await execute(io, self.optsWithGlobals() as unknown as GlobalOptions, name, execution, runCli);
  };
  const program = buildProgram(io, run);
  if (argv.length === 0) {
    io.stdout.write(program.helpInformation());
    return exitCodes.success;
  }
  const unknown = unknownHelpTopic(program, argv);
  if (unknown !== undefined) {
    io.stderr.write(
      `error: there is no command \`${printable(unknown)}\`\nhint: \`cachectl help\` lists the commands\n`,
    );
    return exitCodes.usage;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
    const { failureOf, failureText } = await import('./failures.ts');
    const failure = failureOf(error);
    io.stderr.write(failureText(failure));
    return failure.exitCode;
  }
  return exitCode;
};

/** commander would answer `help nope` with the general help, and not say why. */
function unknownHelpTopic(program: Command, [first, topic]: readonly string[]): string | undefined {
  const isUnknown = first === 'help' && topic !== undefined && !topic.startsWith('-') && topic !== 'help';
  return isUnknown && !program.commands.some((command) => command.name() === topic) ? topic : undefined;
}

function commandPath(self: Parameters<Runner>[0]): string {
  const names: string[] = [];
  for (let command = self; command.parent !== null; command = command.parent) names.unshift(command.name());
  return names.join(' ');
}
