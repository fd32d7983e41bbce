import { setTimeout as pause } from 'node:timers/promises';
import { RedisError } from '../../redis/errors.ts';
import { fileFailureText } from '../../support/failure.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import {
  type FlagsNode,
  readServerFlags,
  sameFlags,
  type ServerFlags,
  withinMillis,
} from './notification-flags.ts';
import {
  isAbout,
  isDoingOf,
  isOutlived,
  latestNote,
  type Note,
  type NoteFile,
  notesOn,
  readNotes,
  removeNote,
  writeNote,
} from './note.ts';
import {
  type NotificationRemark,
  outcomeOf,
  restartedOutcome,
  restoreCommand,
  type RestoreOutcome,
  restoreServer,
  shown,
} from './put-back.ts';

/** Events are on, until `restore`. */
export interface NotificationLease {
  readonly kind: 'lease';
  readonly address: string;
  /** The value before the first of those who observe the server changed it. */
  readonly original: string;
  /** The value now, as the server writes it. */
  readonly value: string;
  /** False where all were on, and nothing is to be put back. */
  readonly changed: boolean;
  /** Whether keys that come into being are told of; null where the server does not say. */
  readonly newKeys: boolean | null;
  readonly remarks: readonly NotificationRemark[];
  /**
   * Puts the value back, within 3 s: over the connection of the lease, and where that is lost over those that `reconnect`
   * opens to the same server. Never throws; after `failed` the note is there for a later run, or for another call.
   */
  restore(reconnect?: () => Promise<FlagsNode>): Promise<RestoreOutcome>;
}

/** What a lease puts back, and where its note is. */
interface LeaseTerms {
  readonly node: FlagsNode;
  readonly folder: string;
  readonly file: NoteFile;
  readonly processes: ProcessFacts;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** @param terms null: nothing was changed @param on what the server has now, and what was met on the way */
export function leaseOf(
  terms: LeaseTerms | null,
  on: Pick<NotificationLease, 'address' | 'original' | 'value' | 'newKeys' | 'remarks'>,
): NotificationLease {
  let ended: Promise<RestoreOutcome> | undefined;
  return {
    kind: 'lease',
    ...on,
    changed: terms !== null,
    async restore(reconnect) {
      if (terms === null)
        return { ...outcomeOf('nothing', { address: on.address, flags: on.value }, null), to: on.original };
      ended ??= restoreLease(terms, reconnect);
      const outcome = await ended;
      if (outcome.outcome === 'failed') ended = undefined;
      return outcome;
    },
  };
}

const patienceMillis = 3000;

/** A connection that was idle for long may be dead without a sign of it; the rest of the time is for a new one. */
const oldConnectionMillis = 1000;
const pauseMillis = 500;

async function restoreLease(
  terms: LeaseTerms,
  reconnect: (() => Promise<FlagsNode>) | undefined,
): Promise<RestoreOutcome> {
  const { node, folder, processes, now } = terms;
  const end = performance.now() + patienceMillis;
  /** The outcome, or why there is none yet. */
  const attempt = async (millis: number, open: () => Promise<FlagsNode>) => {
    try {
      return await withinMillis(node.address, millis, open, async (opened) => {
        // A server that hangs must not keep others from the lock.
        await readServerFlags(opened, now());
        return withFolderLock(folder, processes, millis, () => restoreOnce(terms, opened));
      });
    } catch (error) {
      return error instanceof RedisError || error instanceof FolderError
        ? error.message
        : fileFailureText(error);
    }
  };
  let result = await attempt(reconnect ? oldConnectionMillis : patienceMillis, () => Promise.resolve(node));
  while (typeof result === 'string' && reconnect !== undefined && performance.now() + pauseMillis < end) {
    result = await attempt(end - performance.now(), reconnect);
    if (typeof result === 'string') await pause(pauseMillis);
  }
  return typeof result === 'string' ? failedOutcome(terms, result) : result;
}

/** @throws RedisError when the connection is lost, or leads elsewhere */
async function restoreOnce(terms: LeaseTerms, node: FlagsNode): Promise<RestoreOutcome> {
  const { file, folder, processes, now } = terms;
  const note = latestNote(file);
  const server = await readServerFlags(node, now());
  if (isOutlived(note, server)) {
    removeNote(file.path);
    return restartedOutcome(note, server);
  }
  if (!isAbout(note, server))
    throw new RedisError('lost', 'EMOVED', `another server answers at ${node.address}`);
  const own = { path: file.path, note };
  const outcome = await restoreServer(node, server, readNotes(folder).notes, processes, own);
  return outcome.outcome === 'failed' ? failedOutcome(terms, outcome.message ?? '') : outcome;
}

/** Says how to go on, and leaves the note to whoever comes next, this process included. */
function failedOutcome({ file, node }: LeaseTerms, reason: string): RestoreOutcome {
  const { original, holder } = giveUp(file);
  return outcomeOf(
    'failed',
    { address: node.address },
    { original, holder: holder ?? file.note.holder },
    `\`notify-keyspace-events\` of ${node.address} is not back at ${shown(original)}: ${reason}; run ${restoreCommand} once the server can be reached`,
  );
}

/** Marks the note as held by no process; where the disk does not take it, the end of this process says the same. */
export function giveUp(file: NoteFile): Note {
  const note = { ...latestNote(file), holder: null };
  try {
    writeNote({ path: file.path, note });
  } catch {
    return file.note;
  }
  return note;
}

/** Leases that changed the server before, and have not put it back. */
export interface EarlierLeases {
  /** What the first of them found; null where none of them set what the server has. */
  readonly original: string | null;
  /** What they may have set. */
  readonly values: readonly string[];
  /** Notes of those who still observe. */
  readonly held: readonly NoteFile[];
  /** Notes of those who are gone; to be removed once another note has taken their place. */
  readonly abandoned: readonly NoteFile[];
  readonly remarks: readonly NotificationRemark[];
}

/** Reads the notes on a server that is about to be changed, and removes those that hold no longer. */
export function settleEarlierLeases(
  { notes, damaged }: ReturnType<typeof readNotes>,
  server: ServerFlags & { readonly flags: string },
  processes: ProcessFacts,
): EarlierLeases {
  const { held, abandoned, outlived } = notesOn(notes, server, processes);
  const { address } = server;
  const remarks = damaged.map(({ path, reason }): NotificationRemark => ({
    kind: 'damagedNote',
    message: `\`${path}\` cannot be used: ${reason}; remove it once \`CONFIG GET notify-keyspace-events\` is as you want it`,
  }));
  for (const { path, note } of outlived) {
    removeNote(path);
    remarks.push({ kind: 'restarted', message: restartedOutcome(note, server).message ?? '' });
  }
  const isDoing = ({ note }: NoteFile) => isDoingOf(note, server.flags);
  const inherited = abandoned.filter(isDoing);
  for (const { path, note } of abandoned.filter((each) => !isDoing(each))) {
    removeNote(path);
    if (!sameFlags(note.original, server.flags))
      remarks.push({
        kind: 'changedMeanwhile',
        message: `\`notify-keyspace-events\` of ${address} was changed since an earlier observation ended without putting it back: ${shown(server.flags)} is what it goes back to`,
      });
  }
  const joined = held.filter(isDoing);
  const doers = notes.filter((each) => inherited.includes(each) || joined.includes(each));
  const original = doers[0]?.note.original ?? null;
  if (inherited.length > 0 && original !== null)
    remarks.push({
      kind: 'inherited',
      message: `an earlier observation ended without putting \`notify-keyspace-events\` of ${address} back: it goes back to ${shown(original)} now`,
    });
  for (const { note } of joined)
    remarks.push({
      kind: 'joined',
      message: `process ${note.holder?.pid ?? 0} observes ${address} too: the last one to end puts \`notify-keyspace-events\` back`,
    });
  return { original, values: doers.flatMap(({ note }) => note.values), held, abandoned: inherited, remarks };
}
