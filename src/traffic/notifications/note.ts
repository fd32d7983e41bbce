import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileFailureText, InputError } from '../../support/failure.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import { sealed, unsealed } from '../../support/sealed.ts';
import { replaceDurably, stateFolder } from '../../support/files.ts';
import { type Holder, isRunning, parseHolder, type ProcessFacts } from '../../support/processes.ts';
import { type ServerFlags, sameFlags } from './notification-flags.ts';

/**
 * What must be known to put `notify-keyspace-events` of one server back, whatever ends the process that changed it. On disk
 * before the server is changed, and removed after it is put back.
 */
export interface Note {
  /** `host:port` or the path of the socket. */
  readonly address: string;
  /** Distinguishes the process of the server from any other; null where INFO is refused. */
  readonly runId: string | null;
  /** The value before the first of those who observe the server changed it. */
  readonly original: string;
  /** The values that they may have changed it to. */
  readonly values: readonly string[];
  /** Null where its process has given up on it. */
  readonly holder: Holder | null;
  /** When it was made, in ISO 8601. */
  readonly at: string;
}

export interface NoteFile {
  readonly path: string;
  readonly note: Note;
}

/** A file in the place of a note that is none. */
export interface DamagedNote {
  readonly path: string;
  readonly reason: string;
}

/** Where notes are kept, and what they are judged by. */
export interface NoteTerms {
  /** See notificationFolder; null where there is none. */
  readonly folder: string | null;
  readonly processes: ProcessFacts;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Where notes lie; null where the environment names no home. */
export const notificationFolder = (variables: Readonly<Record<string, string | undefined>>) =>
  stateFolder(variables, 'notifications');

const suffix = '.json';

/** A path of its own for each note: one process may hold several for one server. */
export function newNotePath(folder: string, address: string, pid: number): string {
  const server = createHash('sha256').update(address).digest('hex').slice(0, 12);
  return join(folder, `${server}-${pid}-${crypto.randomUUID().slice(0, 8)}${suffix}`);
}

/** Puts the note on the disk, readable for its owner alone. @throws Error as the system gives it */
export const writeNote = ({ path, note }: NoteFile, processes: ProcessFacts) =>
  replaceDurably(path, `${JSON.stringify(sealed(note), null, 2)}\n`, processes);

/** Their notes have done their service. @throws Error as the system gives it */
export function removeNotes(...notes: readonly NoteFile[]): void {
  for (const { path } of notes) rmSync(path, { force: true });
}

export interface FoundNotes {
  /** The oldest first. */
  readonly notes: readonly NoteFile[];
  readonly damaged: readonly DamagedNote[];
}

/** All notes of the folder; none where there is no folder. @throws Error as the system gives it */
export function readNotes(folder: string): FoundNotes {
  const [notes, damaged]: [NoteFile[], DamagedNote[]] = [[], []];
  for (const name of ifThere(() => readdirSync(folder)) ?? []) {
    if (!name.endsWith(suffix)) continue;
    const path = join(folder, name);
    const read = readNote(path);
    if (typeof read === 'string') damaged.push({ path, reason: read });
    else if (read !== null) notes.push({ path, note: read });
  }
  return {
    notes: notes.sort((left, right) => Date.parse(left.note.at) - Date.parse(right.note.at)),
    damaged,
  };
}

/** Null where the file or folder is not there. */
function ifThere<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The note, null where it is gone, or the reason why it cannot be used. */
function readNote(path: string): Note | string | null {
  let text: string | null;
  try {
    text = ifThere(() => readFileSync(path, 'utf8'));
  } catch (error) {
    return fileFailureText(error);
  }
  if (text === null) return null;
  try {
    const fields = unsealed(JSON.parse(text));
    return fields === null
      ? 'it is not as it was written'
      : (parseNote(fields) ?? 'it does not say what to put back');
  } catch {
    return 'it is no JSON';
  }
}

/** The note as it is on the disk, where others may have added to it; what is known of it where it cannot be read. */
export function latestNote({ path, note }: NoteFile): Note {
  const read = readNote(path);
  return read === null || typeof read === 'string' ? note : read;
}

/** The folder of the notes cannot be used, and the server is as it was. */
export const folderFailure = (cause: string, hint: string) =>
  new InputError(`${cause}; the server was not changed`, hint);

/** Longest wait for another process that works in the folder. */
const lockPatienceMillis = 10_000;

/**
 * Works while no other process does in the folder of the notes.
 * @param unusable what to do where there can be no such folder @throws InputError where another process does not end
 */
export async function withNotes<T>(
  folder: string,
  processes: ProcessFacts,
  work: () => Promise<T>,
  unusable: (cause: string) => T | Promise<T>,
): Promise<T> {
  try {
    return await withFolderLock(folder, processes, lockPatienceMillis, work);
  } catch (error) {
    if (!(error instanceof FolderError)) throw error;
    if (error.reason === 'unusable') return unusable(error.message);
    throw folderFailure(error.message, 'wait for it to end, then run it again');
  }
}

const isFlags = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z$]*$/.test(value);

function parseNote(fields: Readonly<Record<string, unknown>>): Note | null {
  const { address, runId, original, values, at } = fields as Partial<Record<keyof Note, unknown>>;
  const holder = parseHolder(fields['holder']);
  return typeof address === 'string' &&
    (runId === null || typeof runId === 'string') &&
    isFlags(original) &&
    Array.isArray(values) &&
    values.every(isFlags) &&
    (holder !== null || fields['holder'] === null) &&
    typeof at === 'string' &&
    !Number.isNaN(Date.parse(at))
    ? { address, runId, original, values, holder, at }
    : null;
}

/** By what one server differs from another. */
type ServerIdentity = Pick<ServerFlags, 'address' | 'runId' | 'startedAt'>;

/** True where the note is about this process of the server. Where INFO is refused the address alone must tell. */
export function isAbout(note: Note, server: ServerIdentity): boolean {
  return note.runId === null || server.runId === null
    ? note.address === server.address
    : note.runId === server.runId;
}

/** The server reports its age in whole seconds. */
const ageSlackMillis = 2000;

/**
 * True where the server of the note was started again. What listens at its address and is older than the note is another
 * server: behind a balancer, or a forwarded port.
 */
export function isOutlived(note: Note, server: ServerIdentity): boolean {
  return (
    note.address === server.address &&
    !isAbout(note, server) &&
    (server.startedAt === null || server.startedAt + ageSlackMillis >= Date.parse(note.at))
  );
}

export const isHeld = ({ note }: NoteFile, processes: ProcessFacts) =>
  note.holder !== null && isRunning(note.holder, processes);

/** Sorts the notes that concern the server, the oldest first; `except` is left out. */
export function notesOn(
  notes: readonly NoteFile[],
  server: ServerIdentity,
  processes: ProcessFacts,
  except?: string,
) {
  const others = notes.filter(({ path }) => path !== except);
  const about = others.filter(({ note }) => isAbout(note, server));
  return {
    held: about.filter((each) => isHeld(each, processes)),
    /** Their processes are gone. */
    abandoned: about.filter((each) => !isHeld(each, processes)),
    /** Abandoned as well, and the server was started again since. */
    outlived: others.filter((each) => isOutlived(each.note, server) && !isHeld(each, processes)),
  };
}

/** True where the value on the server is the doing of those who made the note. */
export function isDoingOf(note: Note, flags: string): boolean {
  return note.values.some((value) => sameFlags(value, flags));
}
