import { setTimeout as pause } from 'node:timers/promises';
import { RedisError } from '../../redis/errors.ts';
import type { RedisNode } from '../../redis/server.ts';
import { fileFailureText } from '../../support/failure.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import {
  type DamagedNote,
  isDoingOf,
  type NoteFile,
  readNote,
  readNotes,
  removeNote,
  writeNote,
  isAbout,
  isOutlived,
  notesOn,
} from './note.ts';
import {
  type NotificationRemark,
  restoreCommand,
  type RestoreOutcome,
  shown,
  heldOutcome,
  putBack,
  restartedOutcome,
} from './put-back.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import {
  boundedNode,
  type FlagsNode,
  readServerFlags,
  sameFlags,
  type ServerFlags,
  startBound,
} from './notification-flags.ts';

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

/** A lease that has a note on the disk. */
export interface HeldLease {
  readonly node: RedisNode;
  readonly file: NoteFile;
  readonly folder: string;
  readonly processes: ProcessFacts;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** @param on What the server has now, and what was met on the way. */
export function leaseOf(
  held: HeldLease,
  on: Pick<NotificationLease, 'original' | 'value' | 'newKeys' | 'remarks'>,
): NotificationLease {
  let ended: Promise<RestoreOutcome> | undefined;
  const restore: NotificationLease['restore'] = async (reconnect) => {
    ended ??= restoreLease(held, reconnect);
    const outcome = await ended;
    if (outcome.outcome === 'failed') ended = undefined;
    return outcome;
  };
  const { original, value, newKeys, remarks } = on;
  return {
    kind: 'lease',
    address: held.node.address,
    original,
    value,
    changed: true,
    newKeys,
    remarks,
    restore,
  };
}

const patienceMillis = 3000;

/** A connection that nobody used for long may be dead without a sign of it; the rest of the time is for a new one. */
const oldConnectionMillis = 1000;
const pauseMillis = 500;

async function restoreLease(
  lease: HeldLease,
  reconnect: (() => Promise<FlagsNode>) | undefined,
): Promise<RestoreOutcome> {
  const end = performance.now() + patienceMillis;
  let reason = await attemptIn(reconnect ? oldConnectionMillis : patienceMillis, () =>
    Promise.resolve(lease.node),
  );
  while (typeof reason === 'string' && reconnect !== undefined && performance.now() + pauseMillis < end) {
    reason = await attemptIn(end - performance.now(), reconnect);
    if (typeof reason === 'string') await pause(pauseMillis);
  }
  return typeof reason === 'string' ? failedOutcome(lease, reason) : reason;

  /** The outcome, or why there is none yet. */
  async function attemptIn(millis: number, open: () => Promise<FlagsNode>): Promise<RestoreOutcome | string> {
    const bound = startBound(lease.node.address, millis);
    try {
      const node = boundedNode(await Promise.race([open(), bound.over]), bound.over);
      // A server that hangs must not keep others from the lock.
      await readServerFlags(node, lease.now());
      return await withFolderLock(lease.folder, lease.processes, millis, () => restoreOnce(lease, node));
    } catch (error) {
      return error instanceof RedisError || error instanceof FolderError
        ? error.message
        : fileFailureText(error);
    } finally {
      bound.stop();
    }
  }
}

/** @throws RedisError when the connection is lost, or leads elsewhere */
async function restoreOnce(lease: HeldLease, node: FlagsNode): Promise<RestoreOutcome> {
  const { file, folder, processes, now } = lease;
  // Those who joined since may have added to it.
  const read = readNote(file.path);
  const note = read === null || typeof read === 'string' ? file.note : read;
  const server = await readServerFlags(node, now());
  if (isOutlived(note, server)) {
    removeNote(file.path);
    return restartedOutcome(note, server);
  }
  if (!isAbout(note, server))
    throw new RedisError('lost', 'EMOVED', `another server answers at ${node.address}`);
  const { held, abandoned } = notesOn(readNotes(folder).notes, server, processes, file.path);
  const [other] = held;
  if (other !== undefined) {
    removeNote(file.path);
    return heldOutcome(other, server, processes);
  }
  const outcome = await putBack(node, note, server);
  if (outcome.outcome === 'failed') return failedOutcome(lease, outcome.message ?? '');
  for (const { path } of [...abandoned, file]) removeNote(path);
  return outcome;
}

/** Says how to go on, and leaves the note to whoever comes next, this process included. */
function failedOutcome({ file, node }: HeldLease, reason: string): RestoreOutcome {
  const kept = giveUp(file);
  const { original, holder } = kept.note;
  return {
    address: node.address,
    outcome: 'failed',
    from: null,
    to: original,
    pid: holder?.pid ?? file.note.holder?.pid ?? null,
    message: `\`notify-keyspace-events\` of ${node.address} is not back at ${shown(original)}: ${reason}; run ${restoreCommand} once the server can be reached`,
  };
}

/** Marks the note as held by nobody; where the disk does not take it, the end of this process says the same. */
export function giveUp(file: NoteFile): NoteFile {
  const read = readNote(file.path);
  const note = { ...(read === null || typeof read === 'string' ? file.note : read), holder: null };
  const abandoned = { path: file.path, note };
  try {
    writeNote(abandoned);
  } catch {
    return file;
  }
  return abandoned;
}

/** Those who changed the server before, and have not put it back. */
export interface Predecessors {
  /** What the first of them found; null where what the server has is nobody's doing. */
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
export function settlePredecessors(
  { notes, damaged }: { readonly notes: readonly NoteFile[]; readonly damaged: readonly DamagedNote[] },
  server: ServerFlags & { readonly flags: string },
  processes: ProcessFacts,
): Predecessors {
  const { held, abandoned, outlived } = notesOn(notes, server, processes);
  const { address } = server;
  const remarks = damaged.map(damageRemark);
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

function damageRemark({ path, reason }: DamagedNote): NotificationRemark {
  return {
    kind: 'damagedNote',
    message: `\`${path}\` cannot be used: ${reason}; remove it once \`CONFIG GET notify-keyspace-events\` is as you want it`,
  };
}
