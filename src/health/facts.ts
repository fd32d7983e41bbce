import type { RedisError } from '../redis/errors.ts';
import type { Info } from '../redis/info.ts';
import type { LookupCounters } from './lookups/counters.ts';

/** What a check of a server rests on: gathered once, by `gatherFacts`, and then only read. */
export interface Facts {
  /** The URL without user and password. */
  readonly address: string;
  /** The ACL user asked for; null: the default user. */
  readonly username: string | null;
  /** The database asked for. */
  readonly database: number;
  /** Where the way ended before everything was known; null: nothing failed. */
  readonly stop: Stop | null;
  /** True when interrupted before everything was known. */
  readonly interrupted: boolean;
  readonly connectMillis: number;
  /** From the first command to its answer. */
  readonly loginMillis: number;
  /** How long the traffic was measured; null: it was not asked for, or could not be. */
  readonly windowSeconds: number | null;
  /** Null: none was measured, or the server does not report them. */
  readonly evictionWindow: EvictionWindow | null;
  /** How long the server was waited for before it was ready, or before patience ended. */
  readonly waitedMillis: number;
  /** The server's nodes; empty where there is no connection. */
  readonly nodes: readonly NodeFacts[];
  /** Null: not tried, because something before it failed. */
  readonly canary: Canary | null;
}

/** Keys that were evicted in a stretch of time that was measured. */
export interface EvictionWindow {
  readonly evictedKeys: number;
  readonly windowSeconds: number;
}

/** `connect`, `login`, `database`: steps of the way in; `work`: the connection broke afterwards. */
export interface Stop {
  readonly at: 'connect' | 'login' | 'database' | 'work';
  readonly error: RedisError;
}

/** The facts of a server that is known by its INFO alone. */
export function factsOfInfos(
  nodes: readonly Pick<NodeFacts, 'address' | 'info'>[],
  evictionWindow: EvictionWindow | null = null,
): Facts {
  return {
    evictionWindow,
    ...{ address: '', username: null, database: 0, stop: null, interrupted: false, canary: null },
    ...{ connectMillis: 0, loginMillis: 0, waitedMillis: 0, windowSeconds: null },
    nodes: nodes.map((node) => ({
      ...{ infoMillis: 0, lookups: null, windowLookups: null, pingMillis: [], refusals: [] },
      ...node,
    })),
  };
}

export interface NodeFacts {
  readonly address: string;
  /** Null where the server refused INFO, or was not asked. */
  readonly info: Info | null;
  readonly infoMillis: number;
  /** Lookups since the counters began; null where the server does not report its hits. */
  readonly lookups: LookupCounters | null;
  /** Lookups of the window that was measured; null without one. */
  readonly windowLookups: LookupCounters | null;
  /** Round trips of PING in milliseconds, in the order they were made. */
  readonly pingMillis: readonly number[];
  /** What the node answered with an error, by the name of the command. */
  readonly refusals: readonly Refusal[];
}

export interface Refusal {
  readonly command: string;
  readonly error: RedisError;
}

/** The key that is written, read and removed to see that the server does its work. */
export type Canary =
  | { readonly outcome: 'left-out'; readonly reason: 'no-write' | 'read-only-profile' }
  | {
      readonly outcome: 'returned';
      readonly sameBytes: boolean;
      readonly valueBytes: number;
      /** The refusal of UNLINK, if it was refused; the key then expires by itself. */
      readonly notRemoved: RedisError | null;
      readonly durationMillis: number;
    }
  | {
      readonly outcome: 'refused';
      readonly command: 'SET' | 'GET';
      readonly error: RedisError;
      readonly durationMillis: number;
    };

/** Seconds after which a canary that could not be removed is gone. */
export const canaryTtlSeconds = 60;

/** True while the server reads its dataset from disk and answers little else but INFO. */
export function isLoading(facts: Pick<Facts, 'nodes'>): boolean {
  return facts.nodes.some(
    ({ info, refusals }) =>
      info?.['loading'] === '1' || refusals.some(({ error }) => error.code === 'LOADING'),
  );
}

/** What the round trip needs. The server names only the first rule that is missing. */
const roundTripRules = ['+set', '+get', '+unlink', '~cachectl:check:*'];

/** How an administrator grants all that the refused commands need, in one command. */
export function grantRemedy(username: string | null, refusals: readonly Refusal[]): string {
  const rules = new Set(refusals.flatMap(rulesFor));
  return `an administrator grants it with \`ACL SETUSER ${username ?? 'default'} ${[...rules].join(' ')}\``;
}

function rulesFor({ command, error }: Refusal): readonly string[] {
  switch (command) {
    case 'SELECT':
      // Refused at the door, before anything else could be asked.
      return ['+select', '+ping', '+info', ...roundTripRules];
    case 'SET':
    case 'GET':
      return roundTripRules;
    default:
      return [
        /permissions to access/.test(error.message) ? '~cachectl:check:*' : `+${command.toLowerCase()}`,
      ];
  }
}

/** Milliseconds, from any start, never backwards. */
export type Clock = () => number;

/** To the microsecond: what follows is the noise of subtracting two large numbers. */
export function millisSince(startedAt: number, clock: Clock): number {
  return Math.round((clock() - startedAt) * 1000) / 1000;
}
