import type { Argument, CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import type { MapNames } from '../../config/places.ts';
import { rightsOf } from '../acl/rights.ts';
import { helpTopics } from '../help/topics.ts';
import { isCollector, listArgument } from '../arguments.ts';
import * as common from '../common-options.ts';

/** One thing that can stand at the cursor; `files` and `folders` leave it to the shell to list them. */
export interface Candidate {
  readonly kind: 'word' | 'files' | 'folders';
  /** The whole word, in the place of the one that was begun. */
  readonly value: string;
  readonly description: string;
}

/** Reads the names of a map: of `configFile` where the command line names one with --config. */
export type ReadNames = (configFile: string | undefined) => MapNames;

/** The names that `--sort` and `--columns` take, by command. */
export type ColumnNames = Readonly<Record<string, readonly string[]>>;

type Source = keyof MapNames | 'files' | 'folders' | 'columns' | readonly string[];

/**
 * What options and arguments take, by the option's own name or by the placeholder in its text. What is not here has
 * choices of its own, or takes any text.
 */
const sources: ReadonlyMap<string, Source> = new Map<string, Source>([
  ['profile', 'profile'],
  ['namespace', 'namespace'],
  ['namespaces', 'namespace'],
  ['entity', 'entity'],
  ['file', 'files'],
  ['folder', 'folders'],
  ['directory', 'folders'],
  ['journal', 'files'],
  ['commands', Object.keys(rightsOf)],
  ['column', 'columns'],
  ['names', 'columns'],
  ['type', ['string', 'hash', 'list', 'set', 'zset', 'stream']],
]);

/** Ranges as a shell takes them without quotes, of the options that these are: other commands have such names for something else. */
const ranges: ReadonlyMap<unknown, Source> = new Map<unknown, Source>([
  [common.ttl, ['none', '..5m', '1h..', '1h..24h']],
  [common.size, ['..1KB', '1MB..', '1KB..1MB']],
  [common.idle, ['..1h', '7d..', '1d..7d']],
  [common.elements, ['..10', '10000..', '1..10']],
]);

/** What has been typed before the word at the cursor, as commander would read it. */
interface Typed {
  readonly command: CommandUnknownOpts;
  readonly operands: readonly string[];
  /** The last option, where its value comes next. */
  readonly pending: Option | undefined;
  readonly given: ReadonlySet<Option>;
  readonly configFile: string | undefined;
  /** After `--` nothing is an option. */
  readonly operandsOnly: boolean;
}

/**
 * What can stand in the place of the last of `words`, which may be empty. `words` are those after the program's name.
 * Everything but the names in the map comes from the program's own commands, options and arguments.
 */
export function completionCandidates(
  program: CommandUnknownOpts,
  words: readonly string[],
  readNames: ReadNames,
  columnNames: ColumnNames = {},
): Candidate[] {
  const current = words.at(-1) ?? '';
  const typed = readTyped(program, words.slice(0, -1));
  // A command that runs another one of this program.
  if (typed.operandsOnly && typed.command.registeredArguments.at(-1)?.name() === 'command') {
    return completionCandidates(program, [...typed.operands, current], readNames, columnNames);
  }
  const list = (source: Source) =>
    source === 'columns'
      ? (columnNames[typed.command.name()] ?? []).map((name) => wordOf(name))
      : listSource(source, typed, readNames);
  const isOption = !typed.operandsOnly && current.startsWith('-');
  if (typed.pending?.required === true) return matching(current, valuesOf(typed.pending, current, list));
  if (isOption) {
    const assigned = /^(--[^=]+=)(.*)$/s.exec(current);
    if (assigned === null) return matching(current, optionsOf(typed));
    const [, head = '', value = ''] = assigned;
    const option = findOption(typed.command, head.slice(0, -1));
    return option === undefined ? [] : prefixed(head, matching(value, valuesOf(option, value, list)));
  }
  const operands = operandValues(typed, list);
  const values = typed.pending === undefined ? [] : valuesOf(typed.pending, current, list);
  const found = matching(current, [...values, ...(operands ?? [])]);
  // Where nothing but options can follow, they need not be asked for with a dash.
  return operands === null && found.length === 0 && !typed.operandsOnly && current === ''
    ? optionsOf(typed)
    : found;
}

function readTyped(program: CommandUnknownOpts, words: readonly string[]): Typed {
  let command = program;
  let pending: Option | undefined;
  let operandsOnly = false;
  const operands: string[] = [];
  const values = new Map<Option, string | undefined>();
  for (const word of words) {
    const isOption = !operandsOnly && word.startsWith('-') && word !== '-';
    if (pending && (pending.required || !isOption)) {
      values.set(pending, word);
      if (!pending.variadic) pending = undefined;
      continue;
    }
    pending = undefined;
    if (word === '--' && !operandsOnly) {
      operandsOnly = true;
    } else if (isOption) {
      const [, name = word, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
      // Of short options written together (-qp) only the last can wait for a value.
      const option = findOption(command, name) ?? findOption(command, `-${name.slice(-1)}`);
      if (option === undefined) continue;
      values.set(option, value);
      if (value === undefined && (option.required || option.optional)) pending = option;
    } else {
      const child = operands.length === 0 ? command.commands.find((each) => isNamed(each, word)) : undefined;
      if (child) command = child;
      else operands.push(word);
    }
  }
  const config = [...values].find(([option]) => option.attributeName() === 'config')?.[1];
  return { command, operands, pending, given: new Set(values.keys()), configFile: config, operandsOnly };
}

/** What can stand as the next operand; null where there is no place for one. */
function operandValues(typed: Typed, list: (source: Source) => Candidate[]): Candidate[] | null {
  const { command, operands } = typed;
  const subcommands = commandsOf(command);
  const [first, ...topics] = operands;
  // Behind a word that is none of its commands, such a command has no more to say.
  if (first !== undefined && subcommands.length > 0 && command.registeredArguments.length === 0) {
    const topic = topics.reduce<CommandUnknownOpts | undefined>(
      (parent, word) => parent?.commands.find((each) => isNamed(each, word)),
      first === 'help' ? command : undefined,
    );
    const isAny = topic !== undefined && topic.parent === null;
    return [
      ...(topic === undefined ? [] : commandsOf(topic)),
      ...(isAny ? helpTopics.map(([name, summary]) => wordOf(name, summary)) : []),
    ];
  }
  const declared = command.registeredArguments;
  const last = declared.at(-1);
  const argument = declared[operands.length] ?? (last?.variadic === true ? last : undefined);
  const commands = operands.length === 0 ? subcommands : [];
  if (argument === undefined) return commands.length > 0 ? commands : null;
  return [...commands, ...argumentValues(argument, list)];
}

function argumentValues(argument: Argument, list: (source: Source) => Candidate[]): Candidate[] {
  if (argument.argChoices) return argument.argChoices.map((choice) => wordOf(choice));
  const source = sources.get(argument.name());
  return source === undefined ? [] : list(source);
}

function valuesOf(option: Option, current: string, list: (source: Source) => Candidate[]): Candidate[] {
  if (option.argChoices) return option.argChoices.map((choice) => wordOf(choice));
  const source =
    ranges.get(option) ?? sources.get(option.attributeName()) ?? sources.get(placeholderOf(option));
  const values = source === undefined ? [] : list(source);
  // A list with commas: each of its items can be completed.
  const items = /^.*,/s.exec(current)?.[0];
  const isList = [listArgument, common.columns.parseArg].includes(option.parseArg);
  return isList && items !== undefined ? prefixed(items, values) : values;
}

function placeholderOf(option: Option): string {
  return /[<[]([^\]>.]+)/.exec(option.flags)?.[1] ?? '';
}

function listSource(source: Exclude<Source, 'columns'>, typed: Typed, readNames: ReadNames): Candidate[] {
  if (source === 'files' || source === 'folders') return [{ kind: source, value: '', description: '' }];
  return typeof source === 'string'
    ? readNames(typed.configFile)[source].map(({ name, description }) => wordOf(name, description))
    : source.map((word) => wordOf(word));
}

const commandsOf = (command: CommandUnknownOpts): Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((each) => wordOf(each.name(), each.summary() || each.description()));

/** The options of the command and, behind them, those of the program; what was given once is not offered again. */
function optionsOf(typed: Typed): Candidate[] {
  const candidates: Candidate[] = [];
  for (const command of chainOf(typed.command)) {
    for (const option of command.createHelp().visibleOptions(command)) {
      const repeatable = option.variadic || isCollector(option.parseArg);
      const name = option.long ?? option.short ?? '';
      if (typed.given.has(option) && !repeatable) continue;
      if (!candidates.some(({ value }) => value === name)) candidates.push(wordOf(name, option.description));
    }
  }
  return candidates;
}

function findOption(command: CommandUnknownOpts, name: string): Option | undefined {
  for (const each of chainOf(command)) {
    const found = each.options.find((option) => option.long === name || option.short === name);
    if (found) return found;
  }
  return undefined;
}

function chainOf(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return command.parent === null ? [command] : [command, ...chainOf(command.parent)];
}

function isNamed(command: CommandUnknownOpts, name: string): boolean {
  return command.name() === name || command.aliases().includes(name);
}

function wordOf(value: string, description = ''): Candidate {
  return { kind: 'word', value, description: description.split('\n', 1)[0] ?? '' };
}

function prefixed(head: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.map((each) => (each.kind === 'word' ? { ...each, value: head + each.value } : each));
}

function matching(start: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ kind, value }) => kind !== 'word' || value.startsWith(start));
}
