import { setTimeout as pause } from 'node:timers/promises';
import { RedisError } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { fileFailureText } from '../../support/failure.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import * as notes from './note.ts';
import type { DamagedNote, FoundNotes, Note, NoteFile, NoteTerms } from './note.ts';
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
  const since = `${address} was started again since \`notify-keyspace-events\` was changed`;
  return outcomeOf('restarted', server, note, `${since}${now} (it was ${shown(note.original)})`);
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
  if (!notes.isDoingOf(note, flags))
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
async function restoreServer(
  node: FlagsNode,
  server: ServerFlags,
  all: readonly NoteFile[],
  processes: ProcessFacts,
  own: NoteFile | null = null,
): Promise<RestoreOutcome> {
  const { held, abandoned, outlived } = notes.notesOn(all, server, processes, own?.path);
  if (own === null) notes.removeNotes(...outlived);
  const [live] = held;
  if (live !== undefined) {
    if (own !== null) notes.removeNotes(own);
    return heldOutcome(live, server, processes);
  }
  const { flags } = server;
  const isDoer = ({ note }: NoteFile) => flags instanceof ReplyError || notes.isDoingOf(note, flags);
  const doer = own ?? abandoned.find(isDoer) ?? abandoned[0];
  if (doer === undefined)
    return outlived[0] ? restartedOutcome(outlived[0].note, server) : outcomeOf('nothing', node, null);
  const outcome = await putBack(node, doer.note, server);
  if (outcome.outcome !== 'failed') notes.removeNotes(...abandoned, doer);
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
  const unusable = (cause: string) => {
    throw notes.folderFailure(cause, 'set XDG_STATE_HOME to the folder that it was for the observation');
  };
  const read = () => {
    try {
      return notes.readNotes(folder);
    } catch (error) {
      return unusable(`\`${folder}\` cannot be read: ${fileFailureText(error)}`);
    }
  };
  const found = read();
  return found.notes.length + found.damaged.length === 0
    ? none
    : notes.withNotes(folder, processes, () => restoreAll(nodes, read(), terms), unusable);
}

async function restoreAll(
  nodes: readonly RedisNode[],
  { notes: all, damaged }: FoundNotes,
  { processes, now }: NoteTerms,
): Promise<Leftovers> {
  const outcomes: RestoreOutcome[] = [];
  const concerned = new Set<NoteFile>();
  for (const node of nodes) {
    const { address } = node;
    let server: ServerFlags = { address, runId: null, startedAt: null, flags: '' };
    try {
      server = await readServerFlags(node, now());
      outcomes.push(await restoreServer(node, server, all, processes));
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      const about = all.find(({ note }) => note.address === address)?.note ?? null;
      outcomes.push(outcomeOf('failed', { address }, about, error.message));
    }
    for (const each of all)
      if (notes.isAbout(each.note, server) || notes.isOutlived(each.note, server)) concerned.add(each);
  }
  const elsewhere = all.filter((each) => !concerned.has(each) && !notes.isHeld(each, processes));
  for (const { note } of elsewhere) {
    const message = `\`notify-keyspace-events\` of ${note.address} is to go back to ${shown(note.original)}: run ${restoreCommand} with the URL of that server`;
    outcomes.push(outcomeOf('elsewhere', note, note, message));
  }
  return { outcomes, damaged };
}

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
  if (typeof result !== 'string' && result.outcome !== 'failed') return result;
  // The note is for whoever comes next, this process included.
  const { original, holder } = giveUp(change);
  const left = `\`notify-keyspace-events\` of ${node.address} is not back at ${shown(original)}`;
  const why = typeof result === 'string' ? result : (result.message ?? '');
  return outcomeOf(
    'failed',
    { address: node.address },
    { original, holder: holder ?? change.file.note.holder },
    `${left}: ${why}; run ${restoreCommand} once the server can be reached`,
  );
}

/** @throws RedisError when the connection is lost, or leads elsewhere */
async function restoreOnce(
  { file, folder, processes, now }: Change,
  node: FlagsNode,
): Promise<RestoreOutcome> {
  const note = notes.latestNote(file);
  const server = await readServerFlags(node, now());
  if (notes.isOutlived(note, server)) {
    notes.removeNotes(file);
    return restartedOutcome(note, server);
  }
  if (!notes.isAbout(note, server))
    throw new RedisError('lost', 'EMOVED', `another server answers at ${node.address}`);
  return restoreServer(node, server, notes.readNotes(folder).notes, processes, { path: file.path, note });
}

/** Marks the note as held by no process; where the disk does not take it, the end of this process says the same. */
export function giveUp({ file, processes }: Pick<Change, 'file' | 'processes'>): Note {
  const note = { ...notes.latestNote(file), holder: null };
  try {
    notes.writeNote({ path: file.path, note }, processes);
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
