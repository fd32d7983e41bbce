import { isAboutPolicy } from './errors.ts';
import { isDiscarded } from './reply-shapes.ts';
import { type Reply, ReplyError } from './reply.ts';
import type { RedisCommand } from './server.ts';

/** Lookups of our own that the server counts in `keyspace_hits` and `keyspace_misses`. */
export interface OwnLookups {
  readonly hits: number;
  readonly misses: number;
  /** Of hits and misses together, those of commands that carry no data, by the command: TYPE, PTTL, OBJECT, DUMP, … */
  readonly metadata: Readonly<Record<string, number>>;
  /** On their way when a connection broke: the server may have counted them or not. */
  readonly lost: number;
}

export const noLookups: OwnLookups = { hits: 0, misses: 0, metadata: {}, lost: 0 };

export function sumLookups(all: readonly OwnLookups[]): OwnLookups {
  const sum = new LookupTally();
  for (const each of all) sum.count(each);
  return { hits: sum.hits, misses: sum.misses, metadata: sum.metadata, lost: sum.lost };
}

/**
 * Commands that look a key up and give no data of it. EXISTS and TOUCH are left out: applications ask with them what they
 * would ask with GET.
 */
export const metadataCommands: ReadonlySet<string> = new Set([
  ...['TYPE', 'TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME', 'OBJECT', 'DUMP'],
  ...['STRLEN', 'LLEN', 'HLEN', 'SCARD', 'ZCARD', 'XLEN', 'XINFO'],
  ...['HTTL', 'HPTTL', 'HEXPIRETIME', 'HPEXPIRETIME'],
]);

/** Of these, the ones that leave idle time and frequency as they are on every server. */
const untouchingCommands = ['TYPE', 'TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME', 'OBJECT'] as const;

/**
 * Adds up the lookups of one node, whatever connection they go over: each command that is sent with its reply. The rules are
 * those of docs/counting-rules.md for the commands that this program sends.
 */
export class LookupTally implements OwnLookups {
  /** Keys that were read in a way that the server counts as a use: their idle time began again. */
  touched = 0;
  hits = 0;
  misses = 0;
  readonly metadata: Record<string, number> = {};
  lost = 0;

  /**
   * Replies of commands that were sent at once, in their order.
   * @param touches true where the connection counts as one that uses the keys whose values it reads
   */
  note(commands: readonly RedisCommand[], replies: readonly Reply[], touches = false): void {
    const before = this.hits;
    const untouching = touches ? this.untouchingLookups() : 0;
    this.noteAll(commands, replies);
    if (touches) this.touched += Math.max(0, this.hits - before - (this.untouchingLookups() - untouching));
  }

  private untouchingLookups(): number {
    return untouchingCommands.reduce((sum, name) => sum + (this.metadata[name] ?? 0), 0);
  }

  private noteAll(commands: readonly RedisCommand[], replies: readonly Reply[]): void {
    let queued: RedisCommand[] | null = null;
    let unclear: RedisCommand[] | null = null;
    let found: Map<unknown, Verdict> | null = null;
    for (let index = 0; index < commands.length; index++) {
      const command = commands[index] as RedisCommand;
      const name = String(command[0]);
      if (name === 'MULTI') queued = [];
      else if (name === 'EXEC') {
        const answers = replies[index];
        if (queued !== null && Array.isArray(answers)) this.noteAll(queued, answers);
        queued = null;
      } else if (queued !== null && replies[index] === 'QUEUED') queued.push(command);
      else {
        const rule = rules[name];
        if (rule === undefined || isDiscarded(commands, replies, index)) continue;
        const verdict = verdictOf(rule, command, replies[index]);
        if (verdict === null) continue;
        if (verdict === 'unclear') (unclear ??= []).push(command);
        else {
          this.add(name, verdict);
          (found ??= new Map<unknown, Verdict>()).set(keyOf(command), verdict);
        }
      }
    }
    // Empty, or not there? What else was asked of the key in the same moment says it; else it was seen a moment before.
    for (const command of unclear ?? [])
      this.add(String(command[0]), (found?.get(keyOf(command)) ?? 'hit') === 'miss' ? 'miss' : 'hit');
  }

  /** Lookups that the caller has counted: of commands that were sent encoded. */
  count({ hits, misses, metadata, lost }: OwnLookups): void {
    this.hits += hits;
    this.misses += misses;
    this.lost += lost;
    for (const [name, calls] of Object.entries(metadata))
      this.metadata[name] = (this.metadata[name] ?? 0) + calls;
  }

  /** Commands that had no answer when the connection broke. */
  lose(commands: readonly RedisCommand[]): void {
    for (const command of commands) {
      const name = String(command[0]);
      if (rules[name] !== undefined) this.lost += countsEachKey.has(name) ? command.length - 1 : 1;
    }
  }

  private add(name: string, verdict: Verdict): void {
    const [hits, misses] = verdict === 'hit' ? [1, 0] : verdict === 'miss' ? [0, 1] : verdict;
    this.hits += hits;
    this.misses += misses;
    if (metadataCommands.has(name)) this.metadata[name] = (this.metadata[name] ?? 0) + hits + misses;
  }
}

/** Hits and misses, for a command with several keys. */
type Verdict = 'hit' | 'miss' | readonly [hits: number, misses: number];
type Rule = (reply: Reply, command: RedisCommand) => Verdict | 'unclear';

const missIf =
  (isMiss: (reply: Reply) => boolean): Rule =>
  (reply) =>
    isMiss(reply) ? 'miss' : 'hit';

/** The server gives the same answer for what is empty and for what is not there. */
const unclearIf =
  (isUnclear: (reply: Reply) => boolean): Rule =>
  (reply) =>
    isUnclear(reply) ? 'unclear' : 'hit';
const isNull = (reply: Reply) => reply === null;
const isZero = (reply: Reply) => reply === 0;
const isEmpty = (reply: Reply) => Array.isArray(reply) && reply.length === 0;

/** No collection but a stream is ever empty: from its start it has something to give. */
const range: Rule = (reply, command) =>
  !isEmpty(reply) ? 'hit' : Number(command[2]) === 0 ? 'miss' : 'unclear';
const scan: Rule = (reply, command) => {
  const [cursor, page] = Array.isArray(reply) ? reply : [];
  if (!isEmpty(page ?? null)) return 'hit';
  return String(command[2]) === '0' && cursor === '0' ? 'miss' : 'unclear';
};
const eachKey: Rule = (reply, command) => {
  const keys = command.length - 1;
  const hits = Array.isArray(reply) ? reply.filter((each) => each !== null).length : Number(reply);
  return [hits, keys - hits];
};
const timeLeft = missIf((reply) => reply === -2);
const member = unclearIf((reply) => reply === null || reply === 0);

const rules: Readonly<Partial<Record<string, Rule>>> = {
  TYPE: missIf((reply) => reply === 'none'),
  TTL: timeLeft,
  PTTL: timeLeft,
  EXPIRETIME: timeLeft,
  PEXPIRETIME: timeLeft,
  OBJECT: missIf(isNull),
  DUMP: missIf(isNull),
  GET: missIf(isNull),
  EXISTS: eachKey,
  MGET: eachKey,
  LLEN: missIf(isZero),
  HLEN: missIf(isZero),
  SCARD: missIf(isZero),
  ZCARD: missIf(isZero),
  STRLEN: unclearIf(isZero),
  XLEN: unclearIf(isZero),
  XINFO: () => 'hit',
  GETRANGE: unclearIf((reply) => reply === ''),
  HGETALL: missIf(isEmpty),
  SMEMBERS: missIf(isEmpty),
  LRANGE: range,
  ZRANGE: range,
  XRANGE: unclearIf(isEmpty),
  HSCAN: scan,
  SSCAN: scan,
  ZSCAN: scan,
  HGET: member,
  HMGET: unclearIf((reply) => Array.isArray(reply) && reply.every(isNull)),
  SISMEMBER: member,
  ZSCORE: member,
};

const countsEachKey: ReadonlySet<string> = new Set(['EXISTS', 'MGET']);
const subcommands: ReadonlySet<string> = new Set(['OBJECT', 'XINFO']);

function keyOf(command: RedisCommand): RedisCommand[number] | undefined {
  return command[subcommands.has(String(command[0])) ? 2 : 1];
}

/** Null: nothing was looked up. */
function verdictOf(rule: Rule, command: RedisCommand, reply: Reply | undefined): Verdict | 'unclear' | null {
  if (!(reply instanceof ReplyError)) return reply === undefined ? null : rule(reply, command);
  // Found out behind the lookup.
  if (reply.code === 'WRONGTYPE' || isAboutPolicy(reply.message)) return 'hit';
  return /no such key/i.test(reply.message) ? 'miss' : null;
}
