import { RedisError } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { fileFailureText } from '../../support/failure.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import { holderOf } from '../../support/processes.ts';
import { type EarlierLeases, giveUp, leaseOf, type NotificationLease, settleEarlierLeases } from './lease.ts';
import {
  folderFailure,
  lockPatienceMillis,
  newNotePath,
  type NoteFile,
  type NoteTerms,
  readNotes,
  removeDrafts,
  removeNote,
  writeNote,
} from './note.ts';
import {
  type Application,
  applyFlags,
  hearHiddenFlags,
  hidesNew,
  hitFlags,
  missingFlags,
  readServerFlags,
  sameFlags,
  targetsOf,
  type WantedFlags,
  withFlags,
} from './notification-flags.ts';
import {
  type NotificationRefusal,
  type NotificationRemark,
  putBack,
  refusalOf,
  restoreCommand,
} from './put-back.ts';

export interface LeaseTerms extends NoteTerms {
  /** What an observation of hits needs, unless said. */
  readonly wanted?: WantedFlags;
}

const folderHint = 'set XDG_STATE_HOME to a folder of yours';

/**
 * Switches the events on that are wanted and off, after a note of what was found is on the disk. Several processes may
 * hold leases on one server: the last one to end puts the value back, and what a killed one left is inherited.
 * @throws RedisError when the connection is lost; InputError where no note can be written, and the server is unchanged then
 */
export async function acquireNotifications(
  node: RedisNode,
  terms: LeaseTerms,
): Promise<NotificationLease | NotificationRefusal> {
  const { folder, processes, now, wanted = hitFlags } = terms;
  let failure = folderFailure(
    'there is no folder for the note that `notify-keyspace-events` is put back from',
    folderHint,
  );
  try {
    if (folder !== null)
      return await withFolderLock(folder, processes, lockPatienceMillis, () =>
        switchOn(node, folder, terms, wanted),
      );
  } catch (error) {
    if (!(error instanceof FolderError)) throw error;
    failure = folderFailure(error, folderHint);
    if (error.reason === 'locked') throw failure;
  }
  // Where nothing has to be changed nothing has to be noted.
  const { flags } = await readServerFlags(node, now());
  if (flags instanceof ReplyError) return refusalOf(node.address, 'CONFIG GET', flags, null, wanted);
  if (missingFlags(flags, wanted.required) !== '') throw failure;
  return unchangedLease(node.address, flags, []);
}

/** A lease on a server where all is on, and not by the doing of anyone who would undo it. */
const unchangedLease = (
  address: string,
  flags: string,
  remarks: readonly NotificationRemark[],
  newKeys = newKeysIn(flags),
) => leaseOf(null, { address, original: flags, value: flags, newKeys, remarks });

/** Under the lock of the folder. @throws RedisError when the connection is lost, InputError where the note cannot be written */
async function switchOn(
  node: RedisNode,
  folder: string,
  { processes, now }: LeaseTerms,
  wanted: WantedFlags,
): Promise<NotificationLease | NotificationRefusal> {
  const { address } = node;
  const server = await readServerFlags(node, now());
  const { runId, flags: found } = server;
  if (found instanceof ReplyError) return refusalOf(address, 'CONFIG GET', found, null, wanted);
  removeDrafts(folder);
  const before = settleEarlierLeases(readNotes(folder), { ...server, flags: found }, processes);
  const isMissing = missingFlags(found, wanted.required) !== '';
  const lacksOptional = missingFlags(found, wanted.optional) !== '';
  // Where `n` cannot be seen, to set it might be to take it away at the end.
  if (before.original === null && !isMissing && (hidesNew(found) || !lacksOptional))
    return unchangedLease(address, found, before.remarks);

  const heard = before.original === null && hidesNew(found) ? await hearHiddenFlags(node, found) : '';
  const original = before.original ?? withFlags(found, heard);
  const targets = targetsOf(withFlags(original, found), wanted);
  const file: NoteFile = {
    path: newNotePath(folder, address, processes.pid),
    note: {
      ...{ address, runId, original },
      values: [...new Set([...before.values, ...targets])],
      holder: holderOf(processes),
      at: new Date(now()).toISOString(),
    },
  };
  noteAll(file, before);
  const applied: Application =
    isMissing || lacksOptional
      ? await applyOrGiveUp(node, targets, wanted, file)
      : { kind: 'on', value: found, newKeys: newKeysIn(found) };

  if (applied.kind === 'ignored') {
    await undo(node, file, before, found, applied.value);
    return refusalOf(address, 'ignored', { code: 'ERR', message: 'OK' }, found, wanted);
  }
  if (applied.kind === 'refused') {
    if (isMissing || before.original === null) removeNote(file.path);
    if (isMissing) return refusalOf(address, 'CONFIG SET', applied.reply, found, wanted);
    if (before.original === null) return unchangedLease(address, found, before.remarks, false);
  }
  for (const { path } of before.abandoned) removeNote(path);
  const { value, newKeys } = applied.kind === 'on' ? applied : { value: found, newKeys: false };
  const isGuess = before.original === null && hidesNew(found) && newKeys === true && !heard.includes('n');
  const remarks = isGuess ? [...before.remarks, hiddenRemark(address)] : before.remarks;
  return leaseOf({ node, file, folder, processes, now }, { address, original, value, newKeys, remarks });
}

/** Null where the server does not show it. */
const newKeysIn = (flags: string) => (hidesNew(flags) ? null : missingFlags(flags, 'n') === '');

/** Writes the note, and adds what else may be set now to the notes of those who observe the server already. @throws InputError */
function noteAll(file: NoteFile, before: EarlierLeases): void {
  const { original, values } = file.note;
  try {
    writeNote(file);
    for (const { path, note } of before.held) writeNote({ path, note: { ...note, original, values } });
  } catch (error) {
    removeNote(file.path);
    throw folderFailure(`\`${file.path}\` cannot be written: ${fileFailureText(error)}`, folderHint);
  }
}

/** @throws RedisError that says how to go on, when the connection was lost between the question and its answer */
async function applyOrGiveUp(
  node: RedisNode,
  targets: readonly string[],
  wanted: WantedFlags,
  file: NoteFile,
): Promise<Application> {
  try {
    return await applyFlags(node, targets, wanted);
  } catch (error) {
    giveUp(file);
    if (!(error instanceof RedisError)) throw error;
    throw new RedisError(
      error.failure,
      error.code,
      `${error.message}; whether \`notify-keyspace-events\` was changed is not known`,
      `run ${restoreCommand} once ${node.address} can be reached`,
    );
  }
}

/** What was taken in part goes back, unless others observe the server: they keep what they have. */
async function undo(
  node: RedisNode,
  file: NoteFile,
  before: EarlierLeases,
  found: string,
  now: string,
): Promise<void> {
  if (before.held.length === 0 && !sameFlags(now, found)) {
    const back = await putBack(
      node,
      { ...file.note, original: found, values: [now] },
      { address: node.address, flags: now },
    );
    if (back.outcome === 'failed') {
      giveUp(file);
      return;
    }
  }
  removeNote(file.path);
}

function hiddenRemark(address: string): NotificationRemark {
  return {
    kind: 'hiddenClasses',
    message: `${address} does not show whether \`n\` was on together with \`A\`; no \`new\` event came, so it is taken to have been off`,
  };
}
