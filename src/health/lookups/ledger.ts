import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileFailureText } from '../../support/failure.ts';
import {
  type Info,
  infoNumber,
  infoWithCommands,
  readInfoIfPermitted,
  withCommands,
} from '../../redis/info.ts';
import type { Connection } from '../../redis/connection.ts';
import { RedisError } from '../../redis/errors.ts';
import { isWorthARecord, noLookups, type OwnLookups, sumLookups } from '../../redis/lookups.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { sealed, unsealed } from '../../support/sealed.ts';
import { replaceFile, stateFolder } from '../../support/files.ts';
import { withFolderLock } from '../../support/folder-lock.ts';
import type { ProcessFacts } from '../../support/processes.ts';

/** What this program's runs have looked up on one process of a server since its counters began. */
interface Entry {
  readonly recordVersion: 1;
  readonly runId: string;
  readonly lookups: OwnLookups;
  /** Commands that were sent; absent where an earlier version wrote the record. */
  readonly commands?: number | undefined;
  /** False where a damaged file was replaced: earlier runs are missing. */
  readonly complete: boolean;
  /** The line of INFO commandstats about CONFIG RESETSTAT, which is another after each reset. */
  readonly resets: string | null;
  /** The last run whose reading of values the server counted as uses of the keys; none: no run yet. */
  readonly touch?: Touch | undefined;
  /** Counters that only a reset makes smaller, as they were when this was written. */
  readonly counters: Readonly<Record<(typeof growing)[number], number | null>>;
}

export interface Touch {
  /** `export`, `diff`, … */
  readonly command: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** How often it read a value, or a part of one. */
  readonly reads: number;
}

const growing = [
  'keyspace_hits',
  'keyspace_misses',
  'total_commands_processed',
  'total_connections_received',
] as const;

/** What earlier runs looked up, and how many commands they sent. */
export interface Remembered {
  readonly lookups: OwnLookups;
  readonly commands: number;
  /** What is wrong with the record, for the end of a sentence; null: nothing. */
  readonly damage: string | null;
}

export const ledgerFolder = (variables: Readonly<Record<string, string | undefined>>) =>
  stateFolder(variables, 'lookups');

export const nothingRemembered: Remembered = { lookups: noLookups, commands: 0, damage: null };

/** What earlier runs looked up on the process that gave this INFO, as far as its counters still contain it. */
export function rememberedLookups(folder: string | null, info: Info): Remembered {
  const path = pathOf(folder, info);
  if (path === null) return nothingRemembered;
  const entry = readEntry(path);
  if (entry === null) return nothingRemembered;
  if (typeof entry === 'string') return { ...nothingRemembered, damage: `\`${path}\` ${entry}` };
  if (!isOfNow(entry, info)) return nothingRemembered;
  return {
    lookups: entry.lookups,
    commands: entry.commands ?? 0,
    damage: entry.complete ? null : `\`${path}\` was damaged, and begun again`,
  };
}

/** The runs that were the last to touch keys of these nodes, see Touch. @throws RedisError where the connection is lost */
export async function touchesOf(nodes: readonly RedisNode[], folder: string | null): Promise<Touch[]> {
  if (folder === null || !existsSync(folder)) return [];
  const infos = await Promise.all(nodes.map((node) => readInfoIfPermitted(node, 'SERVER')));
  const runs = new Map<string, Touch>();
  for (const info of infos) {
    const path = info === null ? null : pathOf(folder, info);
    const entry = path === null ? null : readEntry(path);
    if (entry === null || typeof entry === 'string' || entry.touch === undefined) continue;
    const { command, at, reads } = entry.touch;
    const run = `${command} ${at}`;
    runs.set(run, { command, at, reads: reads + (runs.get(run)?.reads ?? 0) });
  }
  return [...runs.values()];
}

interface LedgerTerms {
  /** The name of the command that looked up. */
  readonly command: string;
  /** See ledgerFolder; null: nothing is remembered. */
  readonly folder: string | null;
  readonly processes: ProcessFacts;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Runs that end at the same time wait for each other, each for as long as its INFO takes. */
const lockPatienceMillis = 10_000;
const inquiryMillis = 5000;

/**
 * Adds what was looked up on these nodes to what is remembered of them. A server that is gone has taken its counters with it,
 * and one that does not report its `run_id` cannot be distinguished from others: nothing is remembered of either.
 * @throws FolderError, or an Error as the system gives it, where the folder cannot be written; Error where a server is late
 */
export async function rememberLookups(nodes: readonly RedisNode[], terms: LedgerTerms): Promise<void> {
  const { folder, processes, now, command } = terms;
  const due = nodes.filter(({ lookups }) => isWorthARecord(lookups));
  if (folder === null || due.length === 0) return;
  // Connections of its own, for those of the run may be broken.
  const openings = due.map((node) => node.openConnection());
  try {
    const connections = await Promise.all(openings.map((opening, index) => inTime(due[index], opening)));
    await withFolderLock(folder, processes, lockPatienceMillis, async () => {
      const run = { command, at: now() };
      removeOld(folder, run.at);
      // Under the lock, for the counters of another run's reading must not be larger than those of a later one.
      const infos = await Promise.all(connections.map(ask));
      for (const [index, { lookups }] of due.entries()) {
        const info = infos[index] ?? null;
        const path = info === null ? null : pathOf(folder, info);
        if (info !== null && path !== null) add(path, info, lookups, run, processes);
      }
    });
  } finally {
    for (const opening of openings)
      void opening.then((connection) => connection.close()).catch(() => undefined);
  }
}

function add(
  path: string,
  info: Info,
  { touched = 0, commands = 0, ...lookups }: RedisNode['lookups'],
  run: Omit<Touch, 'reads'>,
  processes: ProcessFacts,
): void {
  const found = readEntry(path);
  const before = found !== null && typeof found !== 'string' && isOfNow(found, info) ? found : null;
  const [hits, misses] = [infoNumber(info, 'keyspace_hits'), infoNumber(info, 'keyspace_misses')];
  const sum = sumLookups([...(before === null ? [] : [before.lookups]), lookups]);
  const entry: Entry = {
    recordVersion: 1,
    runId: info['run_id'] ?? '',
    // Counters that were reset while the run looked up contain a part alone.
    lookups: {
      ...sum,
      hits: Math.min(sum.hits, hits ?? sum.hits),
      misses: Math.min(sum.misses, misses ?? sum.misses),
    },
    commands: Math.min(
      (before?.commands ?? 0) + commands,
      infoNumber(info, 'total_commands_processed') ?? Number.POSITIVE_INFINITY,
    ),
    complete: typeof found !== 'string' && (before?.complete ?? true),
    resets: resetsOf(info),
    // A reset of the counters changes nothing of the keys.
    touch: touched > 0 ? { ...run, reads: touched } : typeof found === 'string' ? undefined : found?.touch,
    counters: countersOf(info),
  };
  replaceFile(path, `${JSON.stringify(sealed(entry))}\n`, processes);
}

/** Null where the server is gone or refuses. @throws Error when late */
async function ask(connection: Connection | null): Promise<Info | null> {
  if (connection === null) return null;
  const [info = null, commands] = (await inTime(connection, connection.exchange(infoWithCommands))) ?? [];
  return info === null || info instanceof ReplyError ? null : withCommands(info, commands);
}

/** Null in place of a failure, unless it came of waiting: a server that is late still has its counters. @throws Error when late */
async function inTime<T>(
  server: { readonly address: string } | undefined,
  answer: Promise<T>,
): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((_resolve, reject) => {
    const error = new Error(`${server?.address} did not answer \`INFO\` within ${inquiryMillis / 1000} s`);
    timer = setTimeout(() => reject(error), inquiryMillis);
  });
  const orGone = answer.catch((error: unknown) => {
    if (error instanceof RedisError && !['ETIMEDOUT', 'EINTR'].includes(error.code)) return null;
    throw error;
  });
  return Promise.race([orGone, late]).finally(() => clearTimeout(timer));
}

function pathOf(folder: string | null, info: Info): string | null {
  const runId = info['run_id'] ?? '';
  return folder !== null && /^[\w-]{8,64}$/.test(runId) ? join(folder, `${runId}.json`) : null;
}

const resetsOf = (info: Info) => info['cmdstat_config|resetstat'] ?? null;

const countersOf = (info: Info) =>
  Object.fromEntries(growing.map((name) => [name, infoNumber(info, name)])) as Entry['counters'];

/** False where the server's statistics were reset since. */
function isOfNow({ resets, counters }: Entry, info: Info): boolean {
  const now = countersOf(info);
  return resets === resetsOf(info) && growing.every((name) => (now[name] ?? 0) >= (counters[name] ?? 0));
}

/** Null where there is none, or what is wrong with it. */
function readEntry(path: string): Entry | string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? null
      : `cannot be read: ${fileFailureText(error)}`;
  }
  try {
    return parseEntry(unsealed(JSON.parse(text))) ?? 'is damaged';
  } catch {
    return 'is damaged';
  }
}

function parseEntry(value: unknown): Entry | null {
  const entry = value as Partial<Entry> | null;
  const lookups = entry?.lookups as Partial<OwnLookups> | undefined;
  const isCount = (each: unknown) => typeof each === 'number' && Number.isFinite(each) && each >= 0;
  return entry?.recordVersion === 1 &&
    [lookups?.hits, lookups?.misses, lookups?.lost].every(isCount) &&
    typeof lookups?.metadata === 'object' &&
    Object.values(lookups.metadata as object).every(isCount) &&
    isCount(entry.commands ?? 0) &&
    typeof entry.complete === 'boolean' &&
    (entry.resets === null || typeof entry.resets === 'string') &&
    (entry.touch === undefined ||
      (typeof entry.touch.command === 'string' && [entry.touch.at, entry.touch.reads].every(isCount))) &&
    typeof entry.counters === 'object' &&
    growing.every((name) => entry.counters?.[name] === null || isCount(entry.counters?.[name]))
    ? (entry as Entry)
    : null;
}

/** A server that runs for so long without a visit is seldom the same process. */
const keptMillis = 400 * 86_400_000;

function removeOld(folder: string, now: number): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.json')) continue;
    const path = join(folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && now - found.mtimeMs > keptMillis) rmSync(path, { force: true });
  }
}
