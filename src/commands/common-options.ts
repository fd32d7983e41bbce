import { type Command, Option, type OptionValues } from '@commander-js/extra-typings';
import type { ReadingInput } from './reading-options.ts';
import type { Range } from '../support/quantity.ts';
import {
  aboveZero,
  costArgument,
  countArgument,
  durationArgument,
  eachArgument,
  eachParsed,
  globArgument,
  listArgument,
  parseRangeOf,
  parseType,
  ratioArgument,
  sizeArgument,
} from './arguments.ts';

/*
 * Options that several commands have in common: an idea has one name, one value and one text. The inputs of the commands
 * have a field for each, under the name that commander gives it.
 */

/** How keys are read. */
const exact = new Option(
  '--exact',
  'read every key, and all that is read of keys (default: names and sizes of up to 250,000 keys)',
);
const precision = new Option(
  '--precision <share>',
  'how close a sample has to be for large namespaces, 95 % of the time (default: 2%)',
).argParser(ratioArgument);
const seed = new Option(
  '--seed <number>',
  'number that the sample is drawn with, to draw the same one again',
).argParser(countArgument(0));
export const count = new Option('--count <keys>', 'keys per SCAN').argParser(countArgument(1));

/** How fast. */
export const maxRate = (text: string) => new Option('--max-rate <keys>', text).argParser(countArgument(1));
export const readRate = maxRate('read at most so many keys per second');
export const latencyBudget = new Option(
  '--latency-budget <duration>',
  'slow down when a round trip takes longer, such as 2ms',
).argParser(durationArgument);

/** Which keys. */
export const namespace = (text: string) => new Option('--namespace <name>', text).argParser(eachArgument);
export const anyNamespace = namespace(
  'only keys of this namespace of the map, or of several given so; (unmapped) for keys outside it',
);
export const match = new Option(
  '--match <glob>',
  "only keys that match this glob of the server's own: *, ?, [a-z]",
).argParser(globArgument);
export const pattern = new Option(
  '--pattern <pattern>',
  'only keys that match, also of several: * is anything, <name> one whole segment',
).argParser(eachArgument);
export const exclude = new Option(
  '--exclude <patterns>',
  'no keys that match, or that are in a namespace of this name; several with commas, or given so',
).argParser(listArgument);
export const regex = new Option(
  '--regex <expression>',
  'only keys whose name matches a regular expression of JavaScript (flag u)',
).argParser(eachArgument);
export const type = new Option(
  '--type <type>',
  'only keys of this Redis type, or of several given so',
).argParser(eachParsed(parseType));
export const ttl = new Option(
  '--ttl <range>',
  'only keys with this time to live: none, "<5m", ">1h", 1h..2h',
).argParser(eachParsed(parseRangeOf.ttl));
export const size = new Option(
  '--size <range>',
  'only keys that take so much memory: "<1KB", ">1MB", 1KB..1MB',
).argParser(eachParsed(parseRangeOf.size));
export const idle = new Option(
  '--idle <range>',
  'only keys that were not used for so long: ">7d", "<1m", 1d..7d',
).argParser(eachParsed(parseRangeOf.idle));
export const elements = new Option(
  '--elements <range>',
  'only lists, sets, hashes, sorted sets and streams of so many elements: ">10000", 1..10',
).argParser(eachParsed(parseRangeOf.elements));
export const mostKeys = new Option('--limit <number>', 'stop after so many keys').argParser(countArgument(1));

/** How a table of namespaces is laid out. */
export const sort = new Option(
  '--sort <column>',
  'order namespaces by this column of csv, the largest first; with - in front of its name, the smallest first',
);
export const columns = new Option(
  '--columns <names>',
  'show only these columns of csv, with commas between the names (table, tsv and csv; JSON has all)',
).argParser((text) => text.split(','));

/** What a change keeps. */
export const backup = new Option(
  '--backup',
  'keep the values however many, so that `cachectl undo` can put them back (default: up to 10,000 keys and 100 MB)',
);
export const noBackup = new Option('--no-backup', 'keep no values: the removal cannot be undone');
export const journal = new Option('--journal <file>', 'file of the journal (default: in the state folder)');
export const noJournal = new Option('--no-journal', 'keep no journal');

/** What an observation of traffic may cost. */
export const maxCost = new Option(
  '--max-cost <limit>',
  'end where the server uses more CPU (80% of a core) or does more operations per second (50000)',
).argParser(costArgument);
export const maxBytes = new Option('--max-bytes <size>', 'end when so much has come over the network')
  .argParser(aboveZero(sizeArgument))
  .default(2e9, '2GB');

/** Who has a change at the end. */
export const waitReplicas = new Option(
  '--wait-replicas <count>',
  'exit with 1 unless so many replicas of each primary acknowledge the changes; they are waited for as long as --retry-for says',
).argParser(countArgument(1));

/** Whether a change is made. */
export const yes = new Option('-y, --yes', 'do not ask');
export const confirm = new Option(
  '--confirm <profile>',
  'name of the protected profile, in place of the question',
);

/** What a selection by name and by what is read of a key has in every command that takes it: see docs/selection.md. */
export interface SelectingOptions {
  exclude?: string[];
  regex?: string[];
  type?: string[];
  ttl?: Range[];
  size?: Range[];
  elements?: Range[];
}

/** The bundle of options that say which keys, behind the patterns and namespaces. */
export function selecting<Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
): Command<Args, Options & SelectingOptions, Globals> {
  for (const option of [exclude, regex, type, ttl, size, elements]) command.addOption(option);
  return command;
}

// A type, for commander takes nothing else as the options of an action.
type ReadingOptions = { -readonly [Name in keyof ReadingInput]: ReadingInput[Name] };

/** The bundle of options that say how many keys are read for figures, and how fast. */
export function reading<Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
): Command<Args, Options & ReadingOptions, Globals> {
  for (const option of [exact, precision, readRate, latencyBudget, count, seed]) command.addOption(option);
  return command;
}
