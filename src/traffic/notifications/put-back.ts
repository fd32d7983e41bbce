import { RedisError } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { fileFailureText } from '../../support/failure.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import {
  type DamagedNote,
  folderFailure,
  isAbout,
  isDoingOf,
  isHeld,
  isOutlived,
  lockPatienceMillis,
  type Note,
  type NoteFile,
  notesOn,
  type NoteTerms,
  readNotes,
  removeDrafts,
  removeNote,
} from './note.ts';
import {
  type FlagsNode,
  readServerFlags,
  sameFlags,
  type ServerFlags,
  setServerFlags,
  shown,
} from './notification-flags.ts';

type RestoreKind =
  /** The server has the value again that it had before the observation. */
  | 'restored'
  /** There was nothing to put back. */
  | 'nothing'
  /** Process `pid` still observes the server, and puts the value back at its end. */
  | 'held'
  /** The server was started again since; its configuration has decided. */
  | 'restarted'
  /** Somebody gave it another value since; it was left alone. */
  | 'changedMeanwhile'
  /** The note is about a server that this connection does not lead to. */
  | 'elsewhere'
  /** The value could not be put back; the note is kept. */
  | 'failed';

/** What became of `notify-keyspace-events` of one server. */
export interface RestoreOutcome {
  readonly address: string;
  readonly outcome: RestoreKind;
  /** The value that the server had at the restore; null where it is not known. */
  readonly from: string | null;
  /** The value before the observation; null where nothing was noted. */
  readonly to: string | null;
  /** The process that made the note; null where there is none. */
  readonly pid: number | null;
  /** What a person should know of it; null where the outcome says it all. */
  readonly message: string | null;
}

export const restoreCommand = '`cachectl hits --restore`';

/** @param note what is put back, or would be; null: there is nothing */
export function outcomeOf(
  outcome: RestoreKind,
  { address, flags }: Pick<RestoreOutcome, 'address'> & { readonly flags?: ServerFlags['flags'] },
  note: Pick<Note, 'original' | 'holder'> | null,
  message: string | null = null,
): RestoreOutcome {
  const from = typeof flags === 'string' ? flags : null;
  return { address, outcome, from, to: note?.original ?? null, pid: note?.holder?.pid ?? null, message };
}

/** The server was started again since the note was made. */
export function restartedOutcome(note: Note, server: ServerFlags): RestoreOutcome {
  const { address, flags } = server;
  const now = flags instanceof ReplyError ? '' : `: its configuration gave it ${shown(flags)}`;
  const message = `${address} was started again since \`notify-keyspace-events\` was changed${now} (it was ${shown(note.original)})`;
  return outcomeOf('restarted', server, note, message);
}

/** Another process still needs what was set. */
function heldOutcome({ path, note }: NoteFile, server: ServerFlags, { hostname }: ProcessFacts) {
  const { holder, original } = note;
  const isHere = holder === null || holder.hostname === hostname;
  const message = isHere
    ? `process ${holder?.pid ?? 0} observes ${server.address} too, and puts ${shown(original)} back at its end`
    : `process ${holder.pid} on ${holder.hostname} observes ${server.address} too; if it is gone, set ${shown(original)} yourself and remove \`${path}\``;
  return outcomeOf('held', server, note, message);
}

/**
 * Gives the server its value back, if what it has now is what the note says, and looks whether it took it.
 * @throws RedisError when the connection is lost
 */
async function putBack(node: FlagsNode, note: Note, server: ServerFlags): Promise<RestoreOutcome> {
  const { address, flags } = server;
  const to = note.original;
  const outcome = (kind: RestoreKind, message?: string) => outcomeOf(kind, server, note, message);
  if (flags instanceof ReplyError)
    return outcome('failed', `${address} answered \`CONFIG GET\` with \`${flags.message}\``);
  if (sameFlags(flags, to)) return outcome('nothing');
  if (!isDoingOf(note, flags))
    return outcome(
      'changedMeanwhile',
      `\`notify-keyspace-events\` of ${address} was changed meanwhile to ${shown(flags)}: left as it is (it was ${shown(to)})`,
    );
  const after = await setServerFlags(node, to);
  if (after instanceof ReplyError)
    return outcome('failed', `${address} answered \`CONFIG SET\` with \`${after.message}\``);
  return sameFlags(after, to)
    ? outcome('restored')
    : outcome('failed', `${address} took ${shown(to)} with OK, and has ${shown(after)}`);
}

/**
 * Puts the value of one server back, unless another process needs it. Notes that have done their service are removed.
 * @param own of the lease that ends; null: what leases of processes that are gone have left
 * @throws RedisError when the connection is lost
 */
export async function restoreServer(
  node: FlagsNode,
  server: ServerFlags,
  notes: readonly NoteFile[],
  processes: ProcessFacts,
  own: NoteFile | null = null,
): Promise<RestoreOutcome> {
  const { held, abandoned, outlived } = notesOn(notes, server, processes, own?.path);
  if (own === null) for (const { path } of outlived) removeNote(path);
  const [live] = held;
  if (live !== undefined) {
    if (own !== null) removeNote(own.path);
    return heldOutcome(live, server, processes);
  }
  const { flags } = server;
  const isDoer = ({ note }: NoteFile) => flags instanceof ReplyError || isDoingOf(note, flags);
  const doer = own ?? abandoned.find(isDoer) ?? abandoned[0];
  if (doer === undefined)
    return outlived[0] ? restartedOutcome(outlived[0].note, server) : outcomeOf('nothing', node, null);
  const outcome = await putBack(node, doer.note, server);
  if (outcome.outcome !== 'failed') for (const { path } of [...abandoned, doer]) removeNote(path);
  return outcome;
}

export interface Leftovers {
  /** One for each node, then one for each abandoned note about another server. */
  readonly outcomes: readonly RestoreOutcome[];
  /** Files that cannot be read as notes; left where they are. */
  readonly damaged: readonly DamagedNote[];
}

/**
 * Puts back what processes that are gone have changed on these nodes. A node that cannot be reached is an outcome.
 * @throws InputError where the folder cannot be used
 */
export async function restoreLeftovers(nodes: readonly RedisNode[], terms: NoteTerms): Promise<Leftovers> {
  const { folder, processes } = terms;
  const none = { outcomes: nodes.map((node) => outcomeOf('nothing', node, null)), damaged: [] };
  if (folder === null) return none;
  const read = () => {
    try {
      return readNotes(folder);
    } catch (error) {
      throw folderFailure(`\`${folder}\` cannot be read: ${fileFailureText(error)}`, folderHint);
    }
  };
  const { notes, damaged } = read();
  if (notes.length + damaged.length === 0) return none;
  try {
    return await withFolderLock(folder, processes, lockPatienceMillis, () => {
      removeDrafts(folder);
      return restoreAll(nodes, read(), terms);
    });
  } catch (error) {
    throw error instanceof FolderError ? folderFailure(error, folderHint) : error;
  }
}

const folderHint = 'set XDG_STATE_HOME to the folder that it was for the observation';

async function restoreAll(
  nodes: readonly RedisNode[],
  { notes, damaged }: ReturnType<typeof readNotes>,
  { processes, now }: NoteTerms,
): Promise<Leftovers> {
  const outcomes: RestoreOutcome[] = [];
  const concerned = new Set<NoteFile>();
  for (const node of nodes) {
    const { address } = node;
    let server: ServerFlags = { address, runId: null, startedAt: null, flags: '' };
    try {
      server = await readServerFlags(node, now());
      outcomes.push(await restoreServer(node, server, notes, processes));
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      const about = notes.find(({ note }) => note.address === address)?.note ?? null;
      outcomes.push(outcomeOf('failed', { address }, about, error.message));
    }
    for (const each of notes)
      if (isAbout(each.note, server) || isOutlived(each.note, server)) concerned.add(each);
  }
  const elsewhere = notes.filter((each) => !concerned.has(each) && !isHeld(each, processes));
  for (const { note } of elsewhere) {
    const message = `\`notify-keyspace-events\` of ${note.address} is to go back to ${shown(note.original)}: run ${restoreCommand} with the URL of that server`;
    outcomes.push(outcomeOf('elsewhere', { address: note.address }, note, message));
  }
  return { outcomes, damaged };
}
