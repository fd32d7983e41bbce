import { InputError } from '../../support/failure.ts';
import { fileFailureText } from '../../support/file-failure.ts';
import { RedisError } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import {
  type DamagedNote,
  type NoteFile,
  type NoteTerms,
  readNotes,
  removeDrafts,
  removeNote,
} from './note.ts';
import { restoreCommand, type RestoreOutcome, shown } from './outcome.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import { heldOutcome, putBack, restartedOutcome } from './put-back.ts';
import { type FlagsNode, readServerFlags, type ServerFlags } from './server-flags.ts';
import { isAbout, isDoingOf, isHeld, isOutlived, notesOn } from './server-notes.ts';

export interface Leftovers {
  /** One for each node, then one for each abandoned note about another server. */
  readonly outcomes: readonly RestoreOutcome[];
  /** Files that cannot be read as notes; left where they are. */
  readonly damaged: readonly DamagedNote[];
}

const lockPatienceMillis = 10_000;

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
