import { ReplyError } from '../../redis/reply.ts';
import {
  missingFlags,
  readServerFlags,
  sameFlags,
  withFlags,
  type WantedFlags,
  type FlagsNode,
  type ServerFlags,
  setServerFlags,
} from './notification-flags.ts';
import {
  type DamagedNote,
  type Note,
  type NoteFile,
  type NoteTerms,
  isAbout,
  isDoingOf,
  isHeld,
  isOutlived,
  notesOn,
  readNotes,
  removeDrafts,
  removeNote,
} from './note.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import { fileFailureText, InputError } from '../../support/failure.ts';
import { RedisError } from '../../redis/errors.ts';
import type { RedisNode } from '../../redis/server.ts';
import { withFolderLock, FolderError } from '../../support/folder-lock.ts';

/**
 * Gives the server its value back, if what it has now is what the note says, and looks whether it took it.
 * @throws RedisError when the connection is lost
 */
export async function putBack(
  node: FlagsNode,
  note: Note,
  server: Pick<ServerFlags, 'address' | 'flags'>,
): Promise<RestoreOutcome> {
  const { address } = server;
  const from = server.flags instanceof ReplyError ? null : server.flags;
  const to = note.original;
  const outcome = (kind: RestoreOutcome['outcome'], message: string | null = null): RestoreOutcome => ({
    address,
    outcome: kind,
    from,
    to,
    pid: note.holder?.pid ?? null,
    message,
  });
  if (server.flags instanceof ReplyError)
    return outcome('failed', `${address} answered \`CONFIG GET\` with \`${server.flags.message}\``);
  if (sameFlags(server.flags, to)) return outcome('nothing');
  if (!isDoingOf(note, server.flags))
    return outcome(
      'changedMeanwhile',
      `\`notify-keyspace-events\` of ${address} was changed meanwhile to ${shown(server.flags)}: left as it is (it was ${shown(to)})`,
    );
  const after = await setServerFlags(node, to);
  if (after instanceof ReplyError)
    return outcome('failed', `${address} answered \`CONFIG SET\` with \`${after.message}\``);
  return sameFlags(after, to)
    ? outcome('restored')
    : outcome('failed', `${address} took ${shown(to)} with OK, and has ${shown(after)}`);
}

/** How it is told that a server was started again since the note was made. */
export function restartedOutcome(note: Note, server: ServerFlags): RestoreOutcome {
  const { address } = server;
  const from = server.flags instanceof ReplyError ? null : server.flags;
  const now = from === null ? '' : `: its configuration gave it ${shown(from)}`;
  return {
    address,
    outcome: 'restarted',
    from,
    to: note.original,
    pid: note.holder?.pid ?? null,
    message: `${address} was started again since \`notify-keyspace-events\` was changed${now} (it was ${shown(note.original)})`,
  };
}

/** How it is told that another process still needs what was set. */
export function heldOutcome(
  { path, note }: NoteFile,
  server: ServerFlags,
  { hostname }: ProcessFacts,
): RestoreOutcome {
  const { address } = server;
  const { holder, original } = note;
  const pid = holder?.pid ?? null;
  return {
    address,
    outcome: 'held',
    from: server.flags instanceof ReplyError ? null : server.flags,
    to: original,
    pid,
    message:
      holder === null || holder.hostname === hostname
        ? `process ${pid ?? 0} observes ${address} too, and puts ${shown(original)} back at its end`
        : `process ${holder.pid} on ${holder.hostname} observes ${address} too; if it is gone, set ${shown(original)} yourself and remove \`${path}\``,
  };
}
export type RestoreKind =
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

/** What was met on the way to a lease. */
export interface NotificationRemark {
  readonly kind: 'inherited' | 'joined' | 'restarted' | 'changedMeanwhile' | 'damagedNote' | 'hiddenClasses';
  readonly message: string;
}

/** The server does not let us switch events on. */
export interface NotificationRefusal {
  readonly kind: 'refusal';
  readonly address: string;
  /**
   * `CONFIG GET`: whether they are on is not known. `CONFIG SET`: they are not all on. `ignored`: the change was answered
   * with OK, and not made.
   */
  readonly step: 'CONFIG GET' | 'CONFIG SET' | 'ignored';
  readonly code: string;
  /** In the server's own words. */
  readonly answer: string;
  /** The letters that are on; null where that is not known. */
  readonly found: string | null;
  /** Letters that are needed and off; null where that is not known. */
  readonly missing: string | null;
  /** The one line that an administrator has to send: what is on, and what is wanted. */
  readonly setting: string;
  readonly message: string;
  readonly hint: string;
}

export const restoreCommand = '`cachectl hits --restore`';

/** Letters with quotation marks where there are none to see. */
export const shown = (flags: string) => (flags === '' ? '`""`' : `\`${flags}\``);

export function refusalOf(
  address: string,
  step: NotificationRefusal['step'],
  reply: Pick<ReplyError, 'code' | 'message'>,
  found: string | null,
  wanted: WantedFlags,
): NotificationRefusal {
  // Servers that know no `n` refuse the whole line with it.
  const letters =
    step === 'CONFIG SET' && reply.code !== 'NOPERM' ? wanted.required : wanted.required + wanted.optional;
  const setting = `CONFIG SET notify-keyspace-events ${withFlags(found ?? '', letters)}`;
  const what = {
    'CONFIG GET': `whether ${address} reports misses is unknown`,
    'CONFIG SET': `${address} does not report misses and their causes`,
    ignored: `${address} does not report misses and their causes`,
  }[step];
  const why =
    step === 'ignored'
      ? 'it answered `CONFIG SET` with OK, and changed nothing'
      : `it answered \`${step}\` with \`${reply.message}\``;
  return {
    kind: 'refusal',
    address,
    step,
    code: reply.code,
    answer: reply.message,
    found,
    missing: found === null ? null : missingFlags(found, wanted.required),
    setting,
    message: `${what}: ${why}`,
    hint: `an administrator can switch it on with \`${setting}\`${found === null ? ', if it is not on' : ''}`,
  };
}

/** The note is what brings the old value back after a crash: without it nothing is changed. */
export function unusableFolder(what: string): InputError {
  return new InputError(
    `${what}; without a note of the old value the server is not changed`,
    'set XDG_STATE_HOME to a folder of yours',
  );
}

export interface Leftovers {
  /** One for each node, then one for each abandoned note about another server. */
  readonly outcomes: readonly RestoreOutcome[];
  /** Files that cannot be read as notes; left where they are. */
  readonly damaged: readonly DamagedNote[];
}
const lockPatienceMillis = 10000;

/**
 * Puts back what processes that are gone have changed on these nodes. A node that cannot be reached is an outcome.
 * @throws InputError where the folder cannot be used
 */
export async function restoreLeftovers(nodes: readonly RedisNode[], terms: NoteTerms): Promise<Leftovers> {
  const { folder, processes } = terms;
  const isEmpty = folder === null || isEmptyFolder(readFolder(folder));
  if (folder === null || isEmpty)
    return { outcomes: nodes.map(({ address }) => nothing(address)), damaged: [] };
  try {
    return await withFolderLock(folder, processes, lockPatienceMillis, () =>
      restoreAll(nodes, folder, terms),
    );
  } catch (error) {
    throw error instanceof FolderError ? folderFailure(folder, error) : error;
  }
}

async function restoreAll(
  nodes: readonly RedisNode[],
  folder: string,
  { processes, now }: NoteTerms,
): Promise<Leftovers> {
  removeDrafts(folder);
  const { notes, damaged } = readFolder(folder);
  const outcomes: RestoreOutcome[] = [];
  const concerned = new Set<NoteFile>();
  for (const node of nodes) {
    let server: ServerFlags;
    try {
      server = await readServerFlags(node, now());
      outcomes.push(await restoreNode(node, notes, server, processes));
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      outcomes.push(failed(node.address, notes, error));
      server = { address: node.address, runId: null, startedAt: null, flags: '' };
    }
    for (const each of notes)
      if (isAbout(each.note, server) || isOutlived(each.note, server)) concerned.add(each);
  }
  for (const each of notes) {
    if (concerned.has(each) || isHeld(each, processes)) continue;
    const { address, original, holder } = each.note;
    outcomes.push({
      address,
      outcome: 'elsewhere',
      from: null,
      to: original,
      pid: holder?.pid ?? null,
      message: `\`notify-keyspace-events\` of ${address} is to go back to ${shown(original)}: run ${restoreCommand} with the URL of that server`,
    });
  }
  return { outcomes, damaged };
}

/** @throws RedisError when the connection is lost */
async function restoreNode(
  node: FlagsNode,
  notes: readonly NoteFile[],
  server: ServerFlags,
  processes: ProcessFacts,
): Promise<RestoreOutcome> {
  const { address } = node;
  const { held, abandoned, outlived } = notesOn(notes, server, processes);
  for (const { path } of outlived) removeNote(path);
  const [live] = held;
  if (live !== undefined) return heldOutcome(live, server, processes);
  const { flags } = server;
  const doer =
    abandoned.find(({ note }) => flags instanceof ReplyError || isDoingOf(note, flags)) ?? abandoned[0];
  if (doer === undefined) return outlived[0] ? restartedOutcome(outlived[0].note, server) : nothing(address);
  const outcome = await putBack(node, doer.note, server);
  if (outcome.outcome !== 'failed') for (const { path } of abandoned) removeNote(path);
  return outcome;
}

function failed(address: string, notes: readonly NoteFile[], error: RedisError): RestoreOutcome {
  const about = notes.find(({ note }) => note.address === address);
  return {
    address,
    outcome: 'failed',
    from: null,
    to: about?.note.original ?? null,
    pid: about?.note.holder?.pid ?? null,
    message: error.message,
  };
}
const nothing = (address: string): RestoreOutcome => ({
  address,
  outcome: 'nothing',
  from: null,
  to: null,
  pid: null,
  message: null,
});
type Folder = ReturnType<typeof readNotes>;
const isEmptyFolder = ({ notes, damaged }: Folder) => notes.length === 0 && damaged.length === 0;

/** @throws InputError */
function readFolder(folder: string): Folder {
  try {
    return readNotes(folder);
  } catch (error) {
    throw folderFailure(folder, error);
  }
}

function folderFailure(folder: string, error: unknown): InputError {
  if (error instanceof FolderError && error.reason === 'locked')
    return new InputError(`${error.message}; nothing was changed`, 'wait for it to end, then run it again');
  const message =
    error instanceof FolderError ? error.message : `\`${folder}\` cannot be read: ${fileFailureText(error)}`;
  return new InputError(
    `${message}; nothing was changed`,
    'set XDG_STATE_HOME to the folder that it was for the observation',
  );
}
