import { isAboutPolicy, RedisError } from './errors.ts';
import { type Reply, ReplyError } from './reply.ts';
import type { RedisCommand } from './server.ts';
import { notRedisHint } from './strangers.ts';

/** What is known of a command that this program sends, or that the server counts in its own name. */
interface CommandFacts {
  /** What it answers where it does not answer with an error; left out: not tested. */
  readonly answers?: Shape;
  /** Left out: it looks nothing up. */
  readonly looksUp?: LookupRule;
  /** True where its replies are as long as the values of the cache. */
  readonly givesValues?: true;
  /** True where it looks a key up and gives no data of it. */
  readonly metadata?: true;
  /** True where it leaves idle time and frequency as they are on every server. */
  readonly untouching?: true;
}

/** The kind of a reply. */
interface Shape {
  /** As it reads in `which is no …`. */
  readonly noun: string;
  readonly fits: (reply: Reply) => boolean;
}

const isText = (reply: Reply | undefined): boolean => typeof reply === 'string';
const isCount = (reply: Reply): boolean => typeof reply === 'number' && reply >= 0;
const areTexts = (reply: Reply | undefined): boolean => Array.isArray(reply) && reply.every(isText);
const arePairs = (reply: Reply | undefined): boolean =>
  Array.isArray(reply) && reply.length % 2 === 0 && areTexts(reply);
const isEntry = (reply: Reply): boolean =>
  Array.isArray(reply) && typeof reply[0] === 'string' && arePairs(reply[1]);

/** A cursor is an unsigned number of 64 bits. */
const isCursor = (reply: Reply | undefined): boolean => typeof reply === 'string' && /^\d{1,20}$/.test(reply);

const text: Shape = { noun: 'text', fits: isText };
const textOrNil: Shape = { noun: 'text', fits: (reply) => reply === null || isText(reply) };
const count: Shape = { noun: 'count', fits: isCount };
const wholeNumber: Shape = { noun: 'whole number', fits: (reply) => typeof reply === 'number' };
const countOrNil: Shape = { noun: 'count', fits: (reply) => reply === null || isCount(reply) };
const millis: Shape = {
  noun: 'time to live',
  fits: (reply) => typeof reply === 'number' && reply >= -2,
};
const listOrNil: Shape = { noun: 'list', fits: (reply) => reply === null || Array.isArray(reply) };
const texts: Shape = { noun: 'list of texts', fits: areTexts };
const pairs: Shape = { noun: 'list of pairs', fits: arePairs };
const entries: Shape = {
  noun: 'list of entries',
  fits: (reply) => Array.isArray(reply) && reply.every(isEntry),
};
const page: Shape = {
  noun: 'page: a cursor and a list of texts',
  fits: (reply) => Array.isArray(reply) && reply.length === 2 && isCursor(reply[0]) && areTexts(reply[1]),
};
const pageOfPairs: Shape = { ...page, fits: (reply) => page.fits(reply) && arePairs((reply as Reply[])[1]) };

const ok: Shape = { noun: 'OK', fits: (reply) => reply === 'OK' };

/** Hits and misses of one command, for one with several keys both. */
export type Verdict = 'hit' | 'miss' | readonly [hits: number, misses: number];

/** What the server has counted for a reply; `unclear`: it gives the same one for what is empty and for what is not there. */
type LookupRule = (reply: Reply, command: RedisCommand) => Verdict | 'unclear';

const missIf =
  (isMiss: (reply: Reply) => boolean): LookupRule =>
  (reply) =>
    isMiss(reply) ? 'miss' : 'hit';
const unclearIf =
  (isUnclear: (reply: Reply) => boolean): LookupRule =>
  (reply) =>
    isUnclear(reply) ? 'unclear' : 'hit';
const isNull = (reply: Reply) => reply === null;
const isZero = (reply: Reply) => reply === 0;
const isEmpty = (reply: Reply) => Array.isArray(reply) && reply.length === 0;

/** No collection but a stream is ever empty: from its start it has something to give. */
const range: LookupRule = (reply, command) =>
  !isEmpty(reply) ? 'hit' : Number(command[2]) === 0 ? 'miss' : 'unclear';
const scan: LookupRule = (reply, command) => {
  const [cursor, page] = Array.isArray(reply) ? reply : [];
  if (!isEmpty(page ?? null)) return 'hit';
  return String(command[2]) === '0' && cursor === '0' ? 'miss' : 'unclear';
};
const eachKey: LookupRule = (reply, command) => {
  const keys = command.length - 1;
  const hits = Array.isArray(reply) ? reply.filter((each) => each !== null).length : Number(reply);
  return [hits, keys - hits];
};
const member = unclearIf((reply) => reply === null || reply === 0);

const timeLeft: CommandFacts = { looksUp: missIf((reply) => reply === -2), metadata: true, untouching: true };
const ofObject: CommandFacts = { looksUp: missIf(isNull), metadata: true, untouching: true };
const each = (facts: CommandFacts, ...names: readonly string[]): Record<string, CommandFacts> =>
  Object.fromEntries(names.map((name) => [name, facts]));

/**
 * By name, with the subcommand where it has one. EXISTS and TOUCH are no metadata: applications ask with them what they would
 * ask with GET. The rules of the lookups are those of docs/counting-rules.md.
 */
const commands: Readonly<Partial<Record<string, CommandFacts>>> = {
  ...each({ answers: ok }, 'SELECT', 'MULTI', 'DISCARD', 'CONFIG SET'),
  ...each({ answers: text }, 'PING', 'INFO'),
  ...each({ answers: count }, 'DBSIZE', 'CLUSTER COUNTKEYSINSLOT', 'WAIT'),
  ...each({ answers: count }, 'UNLINK', 'SREM', 'ZREM', 'PEXPIRE', 'PERSIST'),
  ...each({ givesValues: true }, 'EXEC', 'ECHO'),
  ...each({ metadata: true }, 'HTTL', 'HPTTL', 'HEXPIRETIME', 'HPEXPIRETIME'),
  INCR: { answers: wholeNumber },
  'CONFIG GET': { answers: pairs },
  SCAN: { answers: page },
  'MEMORY USAGE': { answers: { noun: 'number of bytes', fits: countOrNil.fits } },
  TYPE: { answers: text, looksUp: missIf((reply) => reply === 'none'), metadata: true, untouching: true },
  ...each({ ...timeLeft, answers: millis }, 'TTL', 'PTTL'),
  ...each(timeLeft, 'EXPIRETIME', 'PEXPIRETIME'),
  OBJECT: ofObject,
  'OBJECT ENCODING': { ...ofObject, answers: textOrNil },
  'OBJECT IDLETIME': { ...ofObject, answers: { noun: 'number of seconds', fits: countOrNil.fits } },
  'OBJECT FREQ': { ...ofObject, answers: countOrNil },
  'OBJECT REFCOUNT': { ...ofObject, answers: countOrNil },
  ...each({ answers: count, looksUp: missIf(isZero), metadata: true }, 'LLEN', 'HLEN', 'SCARD', 'ZCARD'),
  // A string or a stream may be there and empty.
  ...each({ answers: count, looksUp: unclearIf(isZero), metadata: true }, 'STRLEN', 'XLEN'),
  EXISTS: { answers: count, looksUp: eachKey },
  ...each({ looksUp: member }, 'SISMEMBER', 'ZSCORE'),
  XINFO: { looksUp: () => 'hit', metadata: true, givesValues: true },
  DUMP: { answers: textOrNil, looksUp: missIf(isNull), metadata: true, givesValues: true },
  GET: { answers: textOrNil, looksUp: missIf(isNull), givesValues: true },
  MGET: { looksUp: eachKey, givesValues: true },
  // Of vector sets.
  VINFO: { answers: listOrNil, looksUp: missIf(isNull), metadata: true },
  VRANDMEMBER: { answers: texts, looksUp: missIf(isEmpty), givesValues: true },
  GETRANGE: { answers: text, looksUp: unclearIf((reply) => reply === ''), givesValues: true },
  HGET: { looksUp: member, givesValues: true },
  HMGET: { looksUp: unclearIf((reply) => Array.isArray(reply) && reply.every(isNull)), givesValues: true },
  HGETALL: { answers: pairs, looksUp: missIf(isEmpty), givesValues: true },
  LRANGE: { answers: texts, looksUp: range, givesValues: true },
  ZRANGE: { looksUp: range, givesValues: true },
  ZREVRANGE: { looksUp: range, givesValues: true },
  XRANGE: { answers: entries, looksUp: unclearIf(isEmpty), givesValues: true },
  SMEMBERS: { answers: texts, looksUp: missIf(isEmpty), givesValues: true },
  SSCAN: { answers: page, looksUp: scan, givesValues: true },
  ...each({ answers: pageOfPairs, looksUp: scan, givesValues: true }, 'HSCAN', 'ZSCAN'),
};

/** Names without subcommands, as the server counts calls. */
const namesWith = (fact: 'metadata' | 'untouching'): ReadonlySet<string> =>
  new Set(Object.keys(commands).filter((name) => commands[name]?.[fact] === true && !name.includes(' ')));

/** Commands that look a key up and give no data of it. */
export const metadataCommands = namesWith('metadata');

/** Of these, the ones that leave idle time and frequency as they are on every server. */
export const untouchingCommands = namesWith('untouching');

export const mayCarryValues = ([name]: RedisCommand): boolean => commands[String(name)]?.givesValues === true;

/** Of those that look nothing up. Without PING, which asks whether the connection is still there. */
const repeatable: ReadonlySet<string> = new Set([
  ...['INFO', 'DBSIZE', 'ROLE', 'TIME', 'COMMAND', 'CONFIG GET', 'MEMORY USAGE', 'ACL DRYRUN', 'ACL WHOAMI'],
  ...['SLOWLOG GET', 'LATENCY LATEST', 'LATENCY HISTOGRAM', 'CLIENT LIST', 'ACL GETUSER'],
  ...['CLUSTER INFO', 'CLUSTER NODES', 'CLUSTER SLOTS', 'CLUSTER COUNTKEYSINSLOT'],
]);

/** True for reads that any server in the place of another answers as well as it does: a cursor means something to one alone. */
export function isRepeatable(command: RedisCommand): boolean {
  const rule = commands[commandName(command)]?.looksUp;
  return repeatable.has(commandName(command)) || (rule !== undefined && rule !== scan);
}

const containers: ReadonlySet<string> = new Set([
  ...['CONFIG', 'MEMORY', 'CLIENT', 'ACL', 'OBJECT', 'SCRIPT', 'CLUSTER', 'SENTINEL', 'SLOWLOG', 'LATENCY'],
]);

/** The words of a command that may be shown: its name and subcommand, never its arguments. */
export function commandName([name = '', subcommand]: RedisCommand): string {
  return containers.has(String(name)) && subcommand !== undefined ? `${name} ${subcommand}` : String(name);
}

/** What the server counts for the command with its reply; null: no lookup. */
export function lookupOf(command: RedisCommand, reply: Reply | undefined): Verdict | 'unclear' | null {
  const rule = commands[String(command[0])]?.looksUp;
  if (rule === undefined || reply === undefined) return null;
  if (!(reply instanceof ReplyError)) return rule(reply, command);
  // Found out behind the lookup.
  if (reply.code === 'WRONGTYPE' || isAboutPolicy(reply.message)) return 'hit';
  return /no such key/i.test(reply.message) ? 'miss' : null;
}

/** How many lookups the command makes. */
export function lookupsOf(command: RedisCommand): number {
  const rule = commands[String(command[0])]?.looksUp;
  return rule === undefined ? 0 : rule === eachKey ? command.length - 1 : 1;
}

/** @throws RedisError `lost` with the code EPROTO for the first reply that its command cannot have */
export function requireShapes(
  commands: readonly RedisCommand[],
  replies: readonly Reply[],
  address: string,
): void {
  let queued: RedisCommand[] | null = null;
  for (const [index, command] of commands.entries()) {
    const reply = replies[index] ?? null;
    if (command[0] === 'MULTI') {
      requireShape('MULTI', reply, address);
      queued = reply === 'OK' ? [] : null;
    } else if (command[0] === 'EXEC') {
      if (queued !== null && !(reply instanceof ReplyError)) {
        if (!Array.isArray(reply) || reply.length !== queued.length)
          throw unfitting('EXEC', reply, `list of ${queued.length} replies`, address);
        requireShapes(queued, reply, address);
      }
      queued = null;
    } else if (queued !== null && reply === 'QUEUED') queued.push(command);
    else if (!isDiscarded(commands, replies, index)) requireShape(commandName(command), reply, address);
  }
}

/** True for a command of a transaction that was opened before these and is given up behind it: it did not run. */
export function isDiscarded(
  commands: readonly RedisCommand[],
  replies: readonly Reply[],
  index: number,
): boolean {
  return replies[index] === 'QUEUED' && commands.slice(index).some(([name]) => name === 'DISCARD');
}

/** @param name the command with its subcommand. @throws RedisError as `requireShapes` does */
export function requireShape(name: string, reply: Reply, address: string): void {
  const shape = commands[name]?.answers;
  if (shape === undefined || reply instanceof ReplyError || shape.fits(reply)) return;
  throw unfitting(name, reply, shape.noun, address);
}

/** A reply that its command cannot have: what answers there is broken, or no Redis. */
function unfitting(name: string, reply: Reply, noun: string, address: string): RedisError {
  return new RedisError(
    'lost',
    'EPROTO',
    `\`${name}\` on ${address}: the server answered ${shownReply(reply)}, which is no ${noun}`,
    notRedisHint,
  );
}

const mostShown = 60;

function shownReply(reply: Reply | undefined): string {
  if (reply === null || reply === undefined) return 'nil';
  if (Array.isArray(reply)) {
    const shown = reply.slice(0, 3).map(shownReply).join(', ').slice(0, mostShown);
    return `a list (${shown}${reply.length > 3 ? ', …' : ''})`;
  }
  if (reply instanceof ReplyError) return `\`${reply.message.slice(0, mostShown)}\``;
  return `\`${String(reply).slice(0, mostShown)}\``;
}
