import { InputError } from '../../support/failure.ts';
import { meantText } from '../../support/similar.ts';
import { channelsOf, keyAccess, type Right, rightsOf } from './rights.ts';

/** A command of ours with the options of it that were named. */
export interface Asked {
  readonly command: string;
  readonly options: readonly string[];
}

/** What a command is granted for. */
export interface Granted extends Right {
  /** With its options: `check --no-write`. */
  readonly by: string;
}

/** What the tools of `mcp` run. */
const sets: Readonly<Record<string, readonly string[]>> = {
  mcp: ['stats', 'inspect', 'hits', 'whatif', 'keys', 'get', 'ttl', 'check', '--no-write', 'doctor'],
  // Of `mcp`.
  '--allow-writes': ['invalidate', 'apply', 'undo', 'warm'],
};

/**
 * Reads `check --no-write hits --mode counters`: each command with options behind it that change what it needs.
 * @throws InputError
 */
export function readAsked(given: readonly string[]): Asked[] {
  const words = given.flatMap((word) => (Object.hasOwn(sets, word) ? (sets[word] ?? []) : [word]));
  const asked: { command: string; options: string[] }[] = [];
  for (const [index, word] of words.entries()) {
    const last = asked.at(-1);
    const before = last?.options.at(-1);
    if (Object.hasOwn(rightsOf, word)) asked.push({ command: word, options: [] });
    else if (last?.command === 'config' && word === 'init') continue;
    else if (last !== undefined && (word.startsWith('-') || optionsFor(last.command).includes(word)))
      last.options.push(word.replace('=', ' '));
    else if (last !== undefined && before !== undefined && words[index - 1] === before)
      last.options[last.options.length - 1] = `${before} ${word}`;
    else throw unknownCommand(word);
  }
  for (const { command, options } of asked) requireOptions(command, options);
  return asked;
}

function unknownCommand(word: string): InputError {
  const known = [...Object.keys(rightsOf), 'mcp'];
  const hint = `${meantText(word, known)}the commands that need rights are ${known.join(', ')}`;
  return new InputError(`there is no command \`${word}\` that needs rights`, hint);
}

/** Of `keys`: `--long`, `--type`, … */
export function optionsFor(command: string): string[] {
  return [...new Set((rightsOf[command] ?? []).flatMap(({ only = [], never = [] }) => [...only, ...never]))];
}

/** @throws InputError where an option would change nothing, for it may be misspelled */
function requireOptions(command: string, options: readonly string[]): void {
  const known = optionsFor(command);
  const odd = options.find((option) => !known.includes(option));
  if (odd === undefined) return;
  throw new InputError(
    `\`${odd}\` does not change what \`${command}\` needs`,
    known.length === 0 ? `leave it out` : `options that do: ${known.join(', ')}`,
  );
}

/** The rights of a command with its options: what it needs once, whatever else it would be used for. */
export function grantedTo({ command, options }: Asked): Granted[] {
  const isGiven = (option: string) => options.includes(option);
  const asked = (rightsOf[command] ?? []).filter(
    ({ only, never }) => (only?.some(isGiven) ?? true) && never?.some(isGiven) !== true,
  );
  const isNeededToo = ({ command: name, on }: Right) =>
    asked.some((each) => each.loses === null && each.command === name && each.on === on);
  return asked
    .filter((right) => right.loses === null || !isNeededToo(right))
    .map((right) => ({ ...right, by: [command, ...options].join(' ') }));
}

/**
 * The rules behind the name of the user. Who pastes them changes the rights of a user that is there already to these, and leaves
 * its passwords alone.
 * @param patterns keys that the user may touch
 */
export function rulesFor(rights: readonly Right[], patterns: readonly string[]): string[] {
  const commands = [...new Set(rights.map(({ command }) => command))];
  const channels = new Set(commands.flatMap((command) => channelsOf[command] ?? []));
  return [
    ...['on', 'resetkeys', ...keyRules(rights, patterns)],
    ...['resetchannels', ...[...channels].map((channel) => `&${channel}`)],
    ...['-@all', ...commands.map((command) => `+${command}`)],
  ];
}

function keyRules(rights: readonly Right[], patterns: readonly string[]): string[] {
  const letters = new Map<string, string>();
  for (const { command, on } of rights) {
    const access = keyAccess.get(command);
    if (access === undefined) continue;
    for (const pattern of on === undefined ? patterns : [on])
      letters.set(pattern, (letters.get(pattern) ?? '') + access);
  }
  const access = [...letters].map(([pattern, found]) => {
    const [reads, writes] = [found.includes('R'), found.includes('W')];
    return { pattern, rule: reads && writes ? '~' : writes ? '%W~' : '%R~' };
  });
  // What holds for every key holds for our own.
  const everything = access.find(({ pattern }) => pattern === '*')?.rule;
  return access
    .filter(({ pattern, rule }) => pattern === '*' || (everything !== '~' && everything !== rule))
    .map(({ pattern, rule }) => rule + pattern);
}

/** A line as redis-cli and users.acl read it. */
export function aclLine(user: string, rules: readonly string[]): string {
  return ['ACL', 'SETUSER', user, ...rules]
    .map((word) => (/["'\\]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word))
    .join(' ');
}

/** A name or pattern that an ACL can hold. @throws InputError */
export function requireAclWord(option: string, word: string): string {
  if (word !== '' && !/[\s\0]/.test(word)) return word;
  throw new InputError(
    `${option}: \`${word}\` is empty or has a blank in it, which no ACL can hold`,
    option === '--keys'
      ? 'write ? for a blank: it stands for any one character'
      : 'name the user in one word',
  );
}
