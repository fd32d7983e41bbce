import { sameFlags } from './notification-flags.ts';
import type { Note, NoteFile } from './note.ts';
import { isRunning, type ProcessFacts } from '../../support/processes.ts';
import type { ServerFlags } from './server-flags.ts';

/** The notes about one server, the oldest first. */
export interface ServerNotes {
  /** Their processes run. */
  readonly held: readonly NoteFile[];
  /** Their processes are gone. */
  readonly abandoned: readonly NoteFile[];
  /** Abandoned as well, and the server was started again since. */
  readonly outlived: readonly NoteFile[];
}

/** What tells one server from another. */
export type ServerIdentity = Pick<ServerFlags, 'address' | 'runId' | 'startedAt'>;

/** True where the note is about this process of the server. Where INFO is refused the address alone must tell. */
export function isAbout(note: Note, server: ServerIdentity): boolean {
  return note.runId === null || server.runId === null
    ? note.address === server.address
    : note.runId === server.runId;
}

/** The server tells its age in whole seconds. */
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

/** Sorts the notes that concern the server; `except` is left out. */
export function notesOn(
  notes: readonly NoteFile[],
  server: ServerIdentity,
  processes: ProcessFacts,
  except?: string,
): ServerNotes {
  const others = notes.filter(({ path }) => path !== except);
  const about = others.filter(({ note }) => isAbout(note, server));
  return {
    held: about.filter((each) => isHeld(each, processes)),
    abandoned: about.filter((each) => !isHeld(each, processes)),
    outlived: others.filter((each) => isOutlived(each.note, server) && !isHeld(each, processes)),
  };
}

/** True where the value on the server is the doing of those who made the note. */
export function isDoingOf(note: Note, flags: string): boolean {
  return note.values.some((value) => sameFlags(value, flags));
}
