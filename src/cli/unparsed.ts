import { noLookups } from '../redis/lookups.ts';
import { type Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { type Execution, isReportFormat, outputFormats } from '../commands/context.ts';
import type { ExitCode } from '../commands/exit-codes.ts';
import type { Runner } from '../commands/runner.ts';
import { InputError } from '../support/failure.ts';
import { failureOf, failureText } from './failures.ts';
import type { Io } from './io.ts';
import type { GlobalOptions } from './options.ts';
import { Printer, withFormat } from './printer.ts';
import { readWords } from './words.ts';

type AnyExecution = Execution<Record<string, unknown>>;

/**
 * Reports what kept a command from running as every other failure: on stderr, and on stdout the fields of the command's result
 * where the format is one for programs. Without a command the object has none of them.
 * @param build Makes the program once more, to ask a command for its fields.
 */
export async function reportUnparsed(
  io: Io,
  argv: readonly string[],
  error: unknown,
  build: (run: Runner) => Command,
): Promise<ExitCode> {
  const program = build(() => Promise.resolve());
  const scan = scanOf(program, argv);
  const { operands } = scan;
  const path = commandPath(program, operands[0] === 'help' ? operands.slice(1) : operands);
  const failure = failureOf(error instanceof CommanderError ? inWords(error, path, program) : error);
  const execution = path === null ? null : await executionOf(path, build);
  const name = path?.join(' ') ?? null;
  const printer = new Printer(io, name, withFormat(scan.options, io, execution?.formatInPipe));
  if (scan.isFormatKnown) await printer.finish(execution ?? noExecution, undefined, failure, noLookups);
  printer.fail(failureText(failure));
  return failure.exitCode;
}

const removal =
  '`cachectl invalidate` removes what a user or an entity has, or the keys of a pattern, after a plan: `cachectl invalidate --pattern PATTERN --dry-run`';
const listing = '`cachectl keys PATTERN` lists keys, `cachectl inspect` shows namespaces';
const living = '`cachectl watch` is the live view, `cachectl hits` says what misses, and why';

/** Words of other tools for what has another name here. */
const foreignCommands: ReadonlyMap<string, string> = new Map([
  ...['ls', 'list', 'scan'].map((word) => [word, listing] as const),
  ...['rm', 'del', 'delete', 'unlink', 'remove', 'purge', 'flush', 'flushdb', 'flushall', 'clear'].map(
    (word) => [word, removal] as const,
  ),
  ...['top', 'monitor', 'live'].map((word) => [word, living] as const),
  ...['info', 'status', 'dbsize'].map(
    (word) => [word, '`cachectl stats` shows hit rate, memory and namespaces'] as const,
  ),
  ...['memory', 'du', 'bigkeys', 'memkeys'].map(
    (word) => [word, '`cachectl inspect` shows bytes by namespace, and the largest keys'] as const,
  ),
  ...['ping', 'health'].map((word) => [word, '`cachectl check` says whether the server works'] as const),
  ...['set', 'load', 'import', 'restore'].map(
    (word) => [word, '`cachectl warm FILE` loads keys; `cachectl undo` puts back what was removed'] as const,
  ),
  ...['dump', 'save', 'backup'].map((word) => [word, '`cachectl export` writes keys to a file'] as const),
]);

/** Options that other commands have to select keys, and that a command cannot take: why, and what it takes. */
const untakenOptions: ReadonlyMap<
  string,
  readonly [options: readonly string[], why: string, instead: string]
> = new Map([
  [
    'hits',
    [
      ['type', 'ttl', 'size', 'idle', 'elements', 'match'],
      'it observes commands and events, which have the name of a key, and reads no keys',
      'select keys by name: with a pattern, --namespace, --exclude or --regex',
    ],
  ],
]);

/** What commander says, with where to look it up. */
function inWords(
  { code, message }: CommanderError,
  path: readonly string[] | null,
  program: CommandUnknownOpts,
): InputError {
  const foreign =
    code === 'commander.unknownCommand' ? /^error: unknown command '([\w-]+)'/.exec(message)?.[1] : undefined;
  const meant = foreignCommands.get(foreign?.toLowerCase() ?? '');
  if (meant !== undefined) return new InputError(`there is no command \`${foreign}\``, meant);
  const [options, why, instead] = untakenOptions.get(path?.join(' ') ?? '') ?? [];
  const option = /^error: unknown option '--([\w-]+)/.exec(message)?.[1] ?? '';
  if (options?.includes(option))
    return new InputError(`\`${path?.join(' ')}\` takes no --${option}: ${why}`, instead);
  const text = withoutValues(message.replace(/^error: /, ''));
  if (passwordOptions.has(option.toLowerCase()))
    return new InputError(
      text,
      'other users of a machine can read a command line: use --ask-password, --password-file FILE or REDISCLI_AUTH',
    );
  return new InputError(
    code === 'commander.help' ? 'a command is missing' : withOptionFor(text, commandAt(program, path ?? [])),
    path === null || code === 'commander.unknownCommand'
      ? '`cachectl help` lists the commands and the topics, `cachectl help NAME` shows one'
      : `\`cachectl help ${path.join(' ')}\` shows its options and examples`,
  );
}

/** Names by which other tools have a password in their command line. */
const passwordOptions: ReadonlySet<string> = new Set(['password', 'pass', 'passwd', 'auth', 'requirepass']);

/** Names that others have for an option: other tools, or commands next to it. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ...['out', 'out-file', 'outfile', 'output-file', 'dest'].map((name) => [name, '--to'] as const),
  ['for', '--duration'],
  ['duration', '--for'],
]);

/** Where the unknown option is what others of the command take, these are what was meant: `--to <file>` for `--file`. */
function withOptionFor(message: string, command: CommandUnknownOpts): string {
  const [unknown, name] = /^unknown option '--([\w-]+)'/.exec(message) ?? [];
  const meant = command.options.flatMap(({ flags, long }) =>
    flags.includes(`<${name}>`) || (long !== undefined && long === synonyms.get(name ?? ''))
      ? (long ?? [])
      : [],
  );
  if (unknown === undefined || meant.length === 0) return message;
  return `${unknown}\n(Did you mean ${meant.length > 1 ? 'one of ' : ''}${meant.join(', ')}?)`;
}

/** A word that is not known may hold a password, as `--password=secret` and `-asecret` do: only its name is quoted. */
function withoutValues(message: string): string {
  return message.replace(
    /^(unknown (?:option|command)) '(.*?)'(?=$|\n)/s,
    (_, what: string, word: string) => `${what} '${nameOf(word)}'`,
  );
}

function nameOf(word: string): string {
  const [name = ''] = /^(?:-\w|--[\w-]*|[\w-]*)/.exec(word) ?? [];
  return name === word ? word : `${name}…`;
}

const noExecution: AnyExecution = {
  blank: {},
  run: () => Promise.reject(new Error('nothing to run')),
  view: () => [],
};

interface Scan {
  readonly options: GlobalOptions;
  readonly operands: readonly string[];
  readonly isFormatKnown: boolean;
}

function scanOf(program: Command, argv: readonly string[]): Scan {
  const { operands, options } = readWords(program, argv);
  const { output, quiet, color } = options;
  const known = outputFormats.find((format) => format === output);
  const report = typeof output === 'string' && isReportFormat(output) ? output : undefined;
  const format = known ?? report;
  return {
    options: {
      color: color !== false,
      ...(quiet === true && { quiet }),
      ...(format !== undefined && { output: format }),
    },
    operands,
    isFormatKnown: output === undefined || format !== undefined,
  };
}

/** The command that the words begin with, as `['config', 'show']`; null where they name none. */
function commandPath(program: CommandUnknownOpts, operands: readonly string[]): string[] | null {
  const path: string[] = [];
  let command = program;
  for (const word of operands) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    path.push(word);
    command = next;
  }
  return path.length === 0 ? null : path;
}

const commandAt = (program: CommandUnknownOpts, path: readonly string[]): CommandUnknownOpts =>
  path.reduce((parent, name) => parent.commands.find((each) => each.name() === name) ?? parent, program);

/** An argument that is required, and that no one gave. */
const absent = '\0';

/** The command as it would run without any option; null where it is one of several commands, or cannot be had so. */
async function executionOf(
  path: readonly string[],
  build: (run: Runner) => Command,
): Promise<AnyExecution | null> {
  const captured: AnyExecution[] = [];
  const program: CommandUnknownOpts = build(async (_self, load) => {
    captured.push((await load()) as unknown as AnyExecution);
  });
  const command = commandAt(program, path);
  if (command.commands.length > 0 && command.registeredArguments.length === 0) return null;
  const words = command.registeredArguments.flatMap(({ required, argChoices }) =>
    required ? [argChoices?.[0] ?? absent] : [],
  );
  try {
    await program.parseAsync([...path, ...words], { from: 'user' });
  } catch {
    return null;
  }
  const [execution] = captured;
  if (execution === undefined) return null;
  const fields = Object.entries(execution.blank).map(([name, value]) => [
    name,
    value === absent ? null : value,
  ]);
  return { ...execution, blank: Object.fromEntries(fields) as AnyExecution['blank'] };
}
