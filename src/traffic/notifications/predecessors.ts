import { sameFlags } from './notification-flags.ts';
import { type DamagedNote, type NoteFile, removeNote } from './note.ts';
import { type NotificationRemark, shown } from './outcome.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import { restartedOutcome } from './put-back.ts';
import type { ServerFlags } from './server-flags.ts';
import { isDoingOf, notesOn } from './server-notes.ts';

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
