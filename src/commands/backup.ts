import { resolve } from 'node:path';
import type { ArchiveHeader } from '../records/archive/format.ts';
import type { ArchiveWriter } from '../records/archive/writer.ts';
import { given } from '../support/collections.ts';
import { type Journal, journalsIn, readJournals } from '../changes/earlier-runs.ts';
import { InputError } from '../support/failure.ts';
import type { RemovalMode } from '../changes/apply.ts';
import {
  journalFolder,
  makeJournalFolder,
  nextFreePath,
  openJournal,
  mayReadValues,
} from '../changes/journal.ts';
import type { ByteString } from '../support/bytes.ts';
import type { RedisServer } from '../redis/server.ts';
import { counted, formatBytes } from '../render/units.ts';
import type { Context } from './context.ts';
import type { ConsentInput, ReplicaInput } from './planned-change.ts';
import type { PaceInput } from './reading-options.ts';

/** The options that commands which change keys have in common. */
export interface ChangeInput extends PaceInput, ConsentInput, ReplicaInput {
  /** A file; false: none is kept. */
  readonly journal?: string | false;
  /** None: the profile and the size of the plan decide. */
  readonly backup?: boolean;
  readonly dryRun?: true;
}

/** Whether the values of a plan are kept, so that `cachectl undo` can put them back. */
export interface Backup {
  readonly isKept: boolean;
  /** Why there is no way back, as it reads after "this cannot be undone: "; null where there is one. */
  readonly noUndoBecause: string | null;
}

/** Values of a plan that is no larger are kept unless they are declined: a few seconds, and a file that any disk has room for. */
export const mostKeysKept = 10_000;
export const mostBytesKept = 100_000_000;

/** @throws InputError where values are to be kept and there is no place or no use for them */
export function requireBackupPlace(
  { environment }: Context,
  { backup, journal }: ChangeInput,
  mode: RemovalMode = 'unlink',
): void {
  if (backup !== true) return;
  if (mode !== 'unlink') {
    throw new InputError(
      `--backup keeps what is removed, and --mode ${mode} removes nothing`,
      mode === 'soft' ? 'the TTLs as they were are in the journal in any case' : 'leave --backup out',
    );
  }
  if (journal === false)
    throw new InputError('--backup keeps values in the journal, and --no-journal keeps none');
  if (journal === undefined && journalFolder(environment.variables) === null) {
    throw new InputError(
      'there is no place for the backup: neither XDG_STATE_HOME nor HOME is set',
      'name a file with --journal FILE',
    );
  }
}

/** Decides by option, profile and size, in this order. @throws RedisError where the connection is lost */
export async function decideBackup(
  context: Context,
  server: RedisServer,
  { backup, journal }: ChangeInput,
  mode: RemovalMode,
  plan: { readonly keys: readonly ByteString[]; readonly memoryBytes: number | null },
): Promise<Backup> {
  const hasJournal = journal !== false && (journal !== undefined || hasFolder(context));
  if (mode === 'generation') return withoutUndo('a generation that was raised is not set back');
  if (mode === 'soft')
    return hasJournal ? { isKept: false, noUndoBecause: null } : withoutUndo('no journal keeps the TTLs');
  const policy = context.backupPolicy;
  if (backup === false) return withoutUndo('--no-backup keeps no values');
  if (journal === false) return withoutUndo('--no-journal keeps no values');
  if (backup === undefined && policy === 'never')
    return withoutUndo(`profile \`${context.profile?.name ?? ''}\` keeps no values; --backup keeps them`);
  if (!hasJournal)
    return withoutUndo(
      'there is no folder for a journal (neither XDG_STATE_HOME nor HOME is set); --journal FILE names one',
    );
  if (backup === true || policy === 'always') return kept;
  const excess = excessOf(plan.keys.length, plan.memoryBytes);
  if (excess !== null) return withoutUndo(`${excess}; --backup keeps them`);
  const [first] = plan.keys;
  return first === undefined || (await mayReadValues(server, first))
    ? kept
    : withoutUndo('this user may not read the values (`DUMP`, `PTTL`)');
}

/** What a journal is of. */
export interface JournalSubject {
  /** For the name of the file. */
  readonly command: string;
  readonly action: string;
  readonly patterns: readonly string[];
  /** A saved plan that is carried out, with the journals of earlier runs of it. */
  readonly plan?: { readonly id: string; readonly journals: readonly string[] };
}

/** When and where a journal or a plan was made. */
export const originOf = ({ now, profile }: Context, { address, nodes, watched }: RedisServer) => ({
  createdAt: new Date(now()).toISOString(),
  server: address,
  database: nodes[0].database,
  profile: profile?.name ?? null,
  ...given({ watched }),
});

/** A primary and the one that the same Sentinels put in its place are one. */
export function isSamePlace(
  { address, nodes, watched }: RedisServer,
  { server, database, watched: before }: Place,
): boolean {
  const isWatchedAlike =
    before !== undefined &&
    watched?.name === before.name &&
    watched.sentinels.some((sentinel) => before.sentinels.includes(sentinel));
  return (server === address || isWatchedAlike) && database === nodes[0].database;
}

type Place = Pick<ArchiveHeader, 'server' | 'database' | 'watched'>;

/** @throws InputError where a journal or a plan is of another server or database */
export function requireSamePlace(connected: RedisServer, place: Place, subject: string, hint: string): void {
  if (isSamePlace(connected, place)) return;
  throw new InputError(`${subject} ${place.server}, and this is ${connected.address}`, hint);
}

/** The journals that were not given a file of their own, oldest first. */
export async function keptJournals({ environment }: Context): Promise<Journal[]> {
  const folder = journalFolder(environment.variables);
  return folder === null ? [] : readJournals(journalsIn(folder));
}

/** Opens the journal of a change; null where none is to be kept, or there is no place. @throws InputError */
export async function startJournal(
  context: Context,
  server: RedisServer,
  { journal }: ChangeInput,
  { command, action, patterns, withValues, plan }: JournalSubject & { readonly withValues: boolean },
): Promise<ArchiveWriter | null> {
  const { environment } = context;
  const folder = journalFolder(environment.variables);
  if (journal === false || (journal === undefined && folder === null)) return null;
  const origin = originOf(context, server);
  // Sorts by time, and is a name on every file system.
  const path = resolve(
    ...(journal === undefined
      ? [folder ?? '', `${origin.createdAt.replaceAll(/[:.]/g, '-')}-${command}.journal`]
      : [environment.workingDirectory, journal]),
  );
  if (journal === undefined && folder !== null) makeJournalFolder(folder);
  // The journal of an earlier run of the plan stays as it is.
  return openJournal(plan?.journals.includes(path) === true ? nextFreePath(path) : path, {
    ...{ kind: 'journal', ...origin },
    action: shortened(action),
    patterns: patterns.slice(0, mostPatternsInHeader).map(shortened),
    withValues,
    ...(plan !== undefined && { plan: plan.id }),
  });
}

const kept: Backup = { isKept: true, noUndoBecause: null };
const withoutUndo = (because: string): Backup => ({ isKept: false, noUndoBecause: because });

const hasFolder = ({ environment }: Context) => journalFolder(environment.variables) !== null;

/** Why the plan is too large for its values to be kept unasked; null where it is not. */
function excessOf(keys: number, memoryBytes: number | null): string | null {
  if (keys > mostKeysKept)
    return `${counted(keys, 'key')} are more than the ${mostKeysKept.toLocaleString('en-US')} whose values are kept by default`;
  if (memoryBytes === null) return 'the sizes of the values are not reported';
  return memoryBytes > mostBytesKept
    ? `${formatBytes(memoryBytes)} are more than the ${formatBytes(mostBytesKept)} that are kept by default`
    : null;
}

/** A header is one line that is read at one go: thousands of ids, or one of a megabyte, have no place in it. */
const mostPatternsInHeader = 20;
const mostCharacters = 500;

function shortened(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}
