import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HitsResult } from '../../src/commands/hits/result.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import { type RunningBinary, startBinary } from '../server/binary.ts';
import { callsOf, send, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { temporaryFolder } from '../server/own.ts';

/** A result of `hits` as JSON shows it, of a run that ended well or badly. */
export type HitsJson = HitsResult & {
  readonly ok: boolean;
  readonly error: { readonly kind: string; readonly message: string; readonly hint: string | null } | null;
};

/** What was left in a state folder to put values back from. */
export function notesIn(state: string): string[] {
  try {
    return readdirSync(join(state, 'cachectl', 'notifications'));
  } catch {
    return [];
  }
}

export async function flagsOn(server: RedisServer): Promise<string> {
  const reply = await send(server, 'CONFIG', 'GET', 'notify-keyspace-events');
  return Array.isArray(reply) ? replyText(reply[1] ?? null) : '';
}

export const setFlags = (server: RedisServer, flags: string) =>
  send(server, 'CONFIG', 'SET', 'notify-keyspace-events', flags);

/** An observation looks for the command to mark with, marks its events, and then the beginning of its window. */
const lookupsUntilWindow = 3;

/** To be called before a run: gives a promise that resolves when the window of the run has begun. */
export async function windowOf(
  server: RedisServer,
  lookups = lookupsUntilWindow,
): Promise<() => Promise<void>> {
  const before = await callsOf(server, 'ttl');
  return async () => {
    await until('the window begins', async () => (await callsOf(server, 'ttl')) >= before + lookups);
    await sleep(50);
  };
}

interface HitsRunOptions extends CliOptions {
  /** What is done once the window has begun. */
  readonly during?: () => Promise<unknown>;
  /** Lookups of the observation until its window has begun: fewer in mode `counters`. */
  readonly lookups?: number;
  /** XDG_STATE_HOME; else an empty folder. */
  readonly state?: string;
}

/** Runs `hits` for half a second in this process, with traffic in its window. `server` is an administrator's connection. */
export async function runHits(
  server: RedisServer,
  url: string,
  args: readonly string[] = [],
  { during, lookups, state, ...options }: HitsRunOptions = {},
): Promise<CliResult> {
  const begun = during && (await windowOf(server, lookups));
  const length = args.some((each) => /^--(for|follow|restore)$/.test(each)) ? [] : ['--for', '600ms'];
  const outcome = cli(['hits', ...length, ...args], {
    url,
    ...options,
    env: { XDG_STATE_HOME: state ?? temporaryFolder(), ...options.env },
  });
  if (begun) {
    await Promise.race([begun(), outcome]);
    await during();
  }
  return outcome;
}

/** The same with JSON output. */
export async function hitsJson(
  server: RedisServer,
  url: string,
  args: readonly string[] = [],
  options: HitsRunOptions = {},
): Promise<CliResult & { readonly result: HitsJson }> {
  const outcome = await runHits(server, url, [...args, '--output', 'json'], options);
  return { ...outcome, result: jsonOf(outcome) as unknown as HitsJson };
}

/** The built program, in its window. */
export async function startHitsBinary(
  server: RedisServer,
  url: string,
  args: readonly string[],
  {
    state = temporaryFolder(),
    password,
    env,
  }: {
    readonly state?: string;
    readonly password?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<RunningBinary> {
  const begun = await windowOf(server);
  const running = startBinary(['hits', ...args], {
    env: { REDIS_URL: url, XDG_STATE_HOME: state, ...(password && { REDISCLI_AUTH: password }), ...env },
  });
  running.child.stdin.end();
  running.outcome.catch(() => undefined);
  await begun();
  return running;
}

/** So many reads that find their key, and so many that do not, of keys that begin with the name. */
export const traffic = (server: RedisServer, hits: number, misses: number, name = 'user') =>
  sendAll(server, [
    ['SET', `${name}:1:profile`, 'SECRETVALUE'],
    ...Array.from({ length: hits }, () => ['GET', `${name}:1:profile`]),
    ...Array.from({ length: misses }, (_, index) => ['GET', `${name}:${1000 + index}:absent`]),
  ]);
