import {
  isDiscarded,
  lookupOf,
  lookupsOf,
  metadataCommands,
  untouchingCommands,
  type Verdict,
} from './commands.ts';
import type { Reply } from './reply.ts';
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

/** Fewer commands change no figure that is shown. */
const fewestCommands = 100;

/** Whether later runs have to know what was sent to a node. */
export const isWorthARecord = ({
  hits,
  misses,
  lost,
  commands = 0,
}: OwnLookups & { readonly commands?: number }) => hits + misses + lost > 0 || commands >= fewestCommands;

export function sumLookups(all: readonly OwnLookups[]): OwnLookups {
  const sum = new LookupTally();
  for (const each of all) sum.count(each);
  return { hits: sum.hits, misses: sum.misses, metadata: sum.metadata, lost: sum.lost };
}

/**
 * Adds up the lookups of one node, whatever connection they go over: each command that is sent with its reply. The rules are
 * those of docs/counting-rules.md for the commands that this program sends.
 */
export class LookupTally implements OwnLookups {
  /** Keys that were read in a way that the server counts as a use: their idle time began again. */
  touched = 0;
  /** Commands that were sent. */
  commands = 0;
  hits = 0;
  misses = 0;
  readonly metadata: Record<string, number> = {};
  lost = 0;

  /**
   * Replies of commands that were sent at once, in their order.
   * @param touches true where the connection counts as one that uses the keys whose values it reads
   */
  note(commands: readonly RedisCommand[], replies: readonly Reply[], touches = false): void {
    let queued: RedisCommand[] | null = null;
    let unclear: RedisCommand[] | null = null;
    let found: Map<unknown, Verdict> | null = null;
    for (let index = 0; index < commands.length; index++) {
      const command = commands[index] as RedisCommand;
      const name = String(command[0]);
      if (name === 'MULTI') queued = [];
      else if (name === 'EXEC') {
        const answers = replies[index];
        if (queued !== null && Array.isArray(answers)) this.note(queued, answers, touches);
        queued = null;
      } else if (queued !== null && replies[index] === 'QUEUED') queued.push(command);
      else {
        const verdict = lookupOf(command, replies[index]);
        if (verdict === null || isDiscarded(commands, replies, index)) continue;
        if (verdict === 'unclear') (unclear ??= []).push(command);
        else {
          this.add(name, verdict, touches);
          (found ??= new Map<unknown, Verdict>()).set(keyOf(command), verdict);
        }
      }
    }
    // Empty, or not there? What else was asked of the key in the same moment says it; else it was seen a moment before.
    for (const command of unclear ?? [])
      this.add(String(command[0]), found?.get(keyOf(command)) === 'miss' ? 'miss' : 'hit', touches);
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
    for (const command of commands) this.lost += lookupsOf(command);
  }

  private add(name: string, verdict: Verdict, touches: boolean): void {
    const [hits, misses] = verdict === 'hit' ? [1, 0] : verdict === 'miss' ? [0, 1] : verdict;
    this.hits += hits;
    this.misses += misses;
    if (touches && !untouchingCommands.has(name)) this.touched += hits;
    if (metadataCommands.has(name)) this.metadata[name] = (this.metadata[name] ?? 0) + hits + misses;
  }
}

const keyOf = (command: RedisCommand) => command[command[0] === 'OBJECT' || command[0] === 'XINFO' ? 2 : 1];
