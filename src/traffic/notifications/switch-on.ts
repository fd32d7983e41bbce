import { fileFailureText } from '../../support/file-failure.ts';
import { RedisError } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { type Application, applyFlags, targetsOf } from './apply-flags.ts';
import { hearHiddenFlags } from './hidden-flags.ts';
import { giveUp, leaseOf, type NotificationLease } from './lease.ts';
import { newNotePath, type NoteFile, readNotes, removeDrafts, removeNote, writeNote } from './note.ts';
import { hidesNew, missingFlags, sameFlags, type WantedFlags, withFlags } from './notification-flags.ts';
import {
  type NotificationRefusal,
  type NotificationRemark,
  refusalOf,
  restoreCommand,
  unusableFolder,
} from './outcome.ts';
import { type Predecessors, settlePredecessors } from './predecessors.ts';
import { holderOf, type ProcessFacts } from '../../support/processes.ts';
import { putBack } from './put-back.ts';
import { readServerFlags } from './server-flags.ts';

export interface SwitchTerms {
  readonly folder: string;
  readonly processes: ProcessFacts;
  readonly now: () => number;
  readonly wanted: WantedFlags;
}

/** A lease on a server where all is on, and not by the doing of anyone who would undo it. */
export function unchangedLease(
  address: string,
  flags: string,
  remarks: readonly NotificationRemark[],
): NotificationLease {
  return {
    kind: 'lease',
    address,
    original: flags,
    value: flags,
    changed: false,
    newKeys: newKeysIn(flags),
    remarks,
    restore: () =>
      Promise.resolve({ address, outcome: 'nothing', from: flags, to: flags, pid: null, message: null }),
  };
}

/** Under the lock of the folder. @throws RedisError when the connection is lost, InputError where the note cannot be written */
export async function switchOn(
  node: RedisNode,
  terms: SwitchTerms,
): Promise<NotificationLease | NotificationRefusal> {
  const { folder, processes, wanted } = terms;
  const { address } = node;
  const server = await readServerFlags(node, terms.now());
  const { runId, flags: found } = server;
  if (found instanceof ReplyError) return refusalOf(address, 'CONFIG GET', found, null, wanted);
  removeDrafts(folder);
  const before = settlePredecessors(readNotes(folder), { ...server, flags: found }, processes);
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
      address,
      runId,
      original,
      values: [...new Set([...before.values, ...targets])],
      holder: holderOf(processes),
      at: new Date(terms.now()).toISOString(),
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
    if (before.original === null)
      return { ...unchangedLease(address, found, before.remarks), newKeys: false };
  }
  for (const { path } of before.abandoned) removeNote(path);
  const on = applied.kind === 'on' ? applied : { value: found, newKeys: false };
  const isGuess = before.original === null && hidesNew(found) && on.newKeys === true && !heard.includes('n');
  return leaseOf(
    { node, file, folder, processes, now: terms.now },
    { ...on, original, remarks: isGuess ? [...before.remarks, hiddenRemark(address)] : before.remarks },
  );
}

/** Null where the server does not show it. */
const newKeysIn = (flags: string) => (hidesNew(flags) ? null : missingFlags(flags, 'n') === '');

/** Writes the note, and tells those who observe the server already what else may be set now. @throws InputError */
function noteAll(file: NoteFile, before: Predecessors): void {
  const { original, values } = file.note;
  try {
    writeNote(file);
    for (const { path, note } of before.held) writeNote({ path, note: { ...note, original, values } });
  } catch (error) {
    removeNote(file.path);
    throw unusableFolder(`\`${file.path}\` cannot be written: ${fileFailureText(error)}`);
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
  before: Predecessors,
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
