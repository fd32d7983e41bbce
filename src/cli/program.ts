import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { commandDefinitions } from './commands.ts';
import { exitCodeLines, exitCodes, type ExitCode } from '../commands/exit-codes.ts';
import { helpTopics } from '../commands/help/topics.ts';
import { type Runner, examples } from '../commands/runner.ts';
import type { HelpRequest } from './help-request.ts';
import { fittedHelp } from './help-text.ts';
import type { Io } from './io.ts';
import { addGlobalOptions, type GlobalOptions, refuseRepetition } from './options.ts';
import type { RunCli } from './execute.ts';
import { widthOf } from './terminal.ts';
import { version } from './version.ts';
import { readWords } from './words.ts';

/** The whole command line. Building it opens no socket and loads no library but commander. */
export function buildProgram(io: Io, run: Runner): Command {
  const program = new Command('cachectl');
  // What reads a pipe may be a pager in a terminal that is not known from here.
  const helpWidth = Math.min(widthOf(io, 80), 110);
  program
    .description('Does this cache earn its memory, and can I change it without hurting anyone?')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: false, helpWidth, minWidthToWrap: 20 })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(fittedHelp(text, helpWidth)),
      writeErr: (text) => void io.stderr.write(fittedHelp(text, helpWidth)),
      // An error is printed by `runCli`, with what stdout shows in place of a result.
      outputError: () => undefined,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', `${exitCodeText}${firstSteps}${topicList}`);
  addGlobalOptions(program);
  for (const define of commandDefinitions) define(program, run);
  // Not before: subcommands, which have no topics, take over what is set.
  program.helpCommand('help [command]', 'print the help of a command or a topic');
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
    command.configureHelp({ ...program.configureHelp(), showGlobalOptions: false });
    command.addHelpText('after', 'Connection and output options: cachectl --help');
  }
  refuseRepetition(program);
  return program;
}

const firstSteps = examples(
  ['cachectl sandbox --tour', 'see everything on a throw-away Redis'],
  ['cachectl stats', 'hit rate, memory, and what is in there'],
  ['cachectl inspect --top 20', 'namespaces by size, and the largest keys'],
  ['cachectl invalidate user 123 --dry-run', 'what would go; nothing is changed'],
);

const exitCodeText = `\nExit codes:\n${exitCodeLines}\n`;

const topicWidth = Math.max(...helpTopics.map(([name]) => name.length));
const topicList = `\nTopics (cachectl help TOPIC):\n${helpTopics
  .map(([name, summary]) => `  ${name.padEnd(topicWidth)}  ${summary}`)
  .join('\n')}`;

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
  if (argv.length === 0 && io.stdout.isTTY !== true) {
    io.stdout.write(program.helpInformation());
    return exitCodes.success;
  }
  // Else commander would print all of its help, and what is wrong behind it. With the action a wrong command reads otherwise.
  if (argv[0]?.startsWith('-') !== false && readWords(program, argv).operands.length === 0)
    program.action(async (options) => {
      if (io.stdout.isTTY !== true) throw new CommanderError(exitCodes.usage, 'commander.help', 'no command');
      const [{ execute }, { overviewExecution }] = await Promise.all([
        import('./execute.ts'),
        import('../commands/overview/run.ts'),
      ]);
      // A first look is not to be waited for.
      const quick = { timeout: 2, retryFor: 0, ...(options as unknown as GlobalOptions) };
      exitCode = await execute(io, quick, 'overview', overviewExecution(version, argv), runCli);
    });
  try {
    const asked = await helpAsked(program, argv);
    if ('topic' in asked) {
      const { topicTexts } = await import('../commands/help/texts.ts');
      program.configureOutput().writeOut?.(topicTexts[asked.topic]);
      return exitCodes.success;
    }
    await program.parseAsync([...asked.argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.success;
    const { reportUnparsed } = await import('./unparsed.ts');
    return reportUnparsed(io, argv, error, (capture) => buildProgram(io, capture));
  }
  return exitCode;
};

/** `-qh` and `-uh`, where `h` is a host, are distinguished by what is loaded then. */
const mayAskForHelp = /^(?:help|--help|-\w*h)$/;

async function helpAsked(program: Command, argv: readonly string[]): Promise<HelpRequest> {
  if (!argv.some((word) => mayAskForHelp.test(word)) || isPlain(program, argv)) return { argv };
  return (await import('./help-request.ts')).helpRequest(program, argv);
}

/** `--help`, or `config init --help`: commander answers it as it is meant, and what would distinguish it takes as long as all else. */
function isPlain(program: Command, argv: readonly string[]): boolean {
  let commands: CommandUnknownOpts['commands'] = program.commands;
  for (const word of argv.slice(0, -1)) {
    const command = commands.find((each) => each.name() === word);
    if (command === undefined) return false;
    commands = command.commands;
  }
  return /^(?:--help|-h)$/.test(argv.at(-1) ?? '');
}

function commandPath(self: Parameters<Runner>[0]): string {
  const names: string[] = [];
  for (let command = self; command.parent !== null; command = command.parent) names.unshift(command.name());
  return names.join(' ');
}

export { processIo } from './io.ts';
