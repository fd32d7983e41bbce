import { notRedisHint, RedisError } from './errors.ts';
import { type Reply, ReplyError } from './reply.ts';
import type { RedisCommand } from './server.ts';

/** What a command answers where it does not answer with an error. */
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

const shapes: Readonly<Partial<Record<string, Shape>>> = {
  SELECT: ok,
  MULTI: ok,
  DISCARD: ok,
  'CONFIG SET': ok,
  PING: text,
  INFO: text,
  TYPE: text,
  PTTL: millis,
  TTL: millis,
  DBSIZE: count,
  'MEMORY USAGE': { noun: 'number of bytes', fits: countOrNil.fits },
  'OBJECT ENCODING': textOrNil,
  'OBJECT IDLETIME': { noun: 'number of seconds', fits: countOrNil.fits },
  'OBJECT FREQ': countOrNil,
  'CONFIG GET': pairs,
  'CLUSTER COUNTKEYSINSLOT': count,
  SCAN: page,
  SSCAN: page,
  HSCAN: pageOfPairs,
  ZSCAN: pageOfPairs,
  GET: textOrNil,
  GETRANGE: text,
  DUMP: textOrNil,
  STRLEN: count,
  LLEN: count,
  HLEN: count,
  SCARD: count,
  ZCARD: count,
  XLEN: count,
  EXISTS: count,
  UNLINK: count,
  SREM: count,
  ZREM: count,
  PEXPIRE: count,
  PERSIST: count,
  INCR: wholeNumber,
  HGETALL: pairs,
  LRANGE: texts,
  SMEMBERS: texts,
  XRANGE: entries,
};

/** Commands whose replies are as long as the values of the cache. */
const valueCommands: ReadonlySet<string> = new Set([
  ...['GET', 'MGET', 'GETRANGE', 'DUMP', 'EXEC', 'ECHO'],
  ...[
    'HGETALL',
    'HGET',
    'HMGET',
    'HSCAN',
    'SMEMBERS',
    'SSCAN',
    'LRANGE',
    'ZRANGE',
    'ZSCAN',
    'XRANGE',
    'XINFO',
  ],
]);

export const mayCarryValues = (command: RedisCommand): boolean => valueCommands.has(String(command[0]));

const containers: ReadonlySet<string> = new Set([
  ...['CONFIG', 'MEMORY', 'CLIENT', 'ACL', 'OBJECT', 'SCRIPT', 'CLUSTER', 'SENTINEL'],
]);

/** The words of a command that may be shown: its name and subcommand, never its arguments. */
export function commandName([name = '', subcommand]: RedisCommand): string {
  return containers.has(String(name)) && subcommand !== undefined ? `${name} ${subcommand}` : String(name);
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
  const shape = shapes[name];
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
