import { setTimeout as pause } from 'node:timers/promises';
import { RedisError } from '../../redis/errors.ts';
import { fileFailureText } from '../../support/failure.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import {
  isAbout,
  isOutlived,
  latestNote,
  type Note,
  type NoteFile,
  type NoteTerms,
  readNotes,
  removeNote,
  writeNote,
} from './note.ts';
import { type FlagsNode, readServerFlags, shown } from './notification-flags.ts';
import {
  outcomeOf,
  restartedOutcome,
  restoreCommand,
  type RestoreOutcome,
  restoreServer,
} from './put-back.ts';

/** Events are on, until `restore`. */
export interface NotificationLease {
  readonly address: string;
  /** The value before the first of those who observe the server changed it. */
  readonly original: string;
  /** The value now, as the server writes it. */
  readonly value: string;
  /** False where all were on, and nothing is to be put back. */
  readonly changed: boolean;
  /** Whether keys that come into being are reported; null where the server does not show it. */
  readonly newKeys: boolean | null;
  /** What was met on the way to it. */
  readonly remarks: readonly string[];
  /**
   * Puts the value back, within 3 s: over the connection of the lease, and where that is lost over those that `reconnect`
   * opens to the same server. Never throws; after `failed` the note is there for a later run, or for another call.
   */
  restore(reconnect?: () => Promise<FlagsNode>): Promise<RestoreOutcome>;
}

/** What a lease puts back, and where its note is. */
interface Change extends NoteTerms {
  readonly node: FlagsNode;
  readonly folder: string;
  readonly file: NoteFile;
}

/** @param change null: nothing was changed @param on what the server has now, and what was met on the way */
export function leaseOf(
  change: Change | null,
  on: Omit<NotificationLease, 'changed' | 'restore'>,
): NotificationLease {
  let ended: Promise<RestoreOutcome> | undefined;
  return {
    ...on,
    changed: change !== null,
    async restore(reconnect) {
      if (change === null)
        return { ...outcomeOf('nothing', { address: on.address, flags: on.value }, null), to: on.original };
      ended ??= restoreLease(change, reconnect);
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
  change: Change,
  reconnect: (() => Promise<FlagsNode>) | undefined,
): Promise<RestoreOutcome> {
  const { node, folder, processes, now } = change;
  const end = performance.now() + patienceMillis;
  /** The outcome, or why there is none yet. */
  const attempt = async (millis: number, open: () => Promise<FlagsNode>) => {
    try {
      return await withinMillis(node.address, millis, open, async (opened) => {
        // A server that hangs must not keep others from the lock.
        await readServerFlags(opened, now());
        return withFolderLock(folder, processes, millis, () => restoreOnce(change, opened));
      });
    } catch (error) {
      const isNamed = error instanceof RedisError || error instanceof FolderError;
      return isNamed ? error.message : fileFailureText(error);
    }
  };
  let result = await attempt(reconnect ? oldConnectionMillis : patienceMillis, () => Promise.resolve(node));
  while (typeof result === 'string' && reconnect !== undefined && performance.now() + pauseMillis < end) {
    result = await attempt(end - performance.now(), reconnect);
    if (typeof result === 'string') await pause(pauseMillis);
  }
  return typeof result === 'string' ? failedOutcome(change, result) : result;
}

/** @throws RedisError when the connection is lost, or leads elsewhere */
async function restoreOnce(change: Change, node: FlagsNode): Promise<RestoreOutcome> {
  const { file, folder, processes, now } = change;
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
  return outcome.outcome === 'failed' ? failedOutcome(change, outcome.message ?? '') : outcome;
}

/** Says how to go on, and leaves the note to whoever comes next, this process included. */
function failedOutcome({ file, node }: Change, reason: string): RestoreOutcome {
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
    return note;
  } catch {
    return file.note;
  }
}

/**
 * Opens a node and works with it for no longer than so many milliseconds, however long its own connection would wait.
 * @throws RedisError where the time is over, or the connection is lost
 */
async function withinMillis<T>(
  address: string,
  millis: number,
  open: () => Promise<FlagsNode>,
  work: (node: FlagsNode) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const over = pause(millis, undefined, { signal: ended.signal }).then(() => {
    throw new RedisError('lost', 'ETIMEDOUT', `lost the connection to ${address}: no answer in time`);
  });
  over.catch(() => undefined);
  try {
    const node = await Promise.race([open(), over]);
    return await work({
      address: node.address,
      batch: (commands) => Promise.race([node.batch(commands), over]),
    });
  } finally {
    ended.abort();
  }
}
