import { RedisError } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { fileFailureText } from '../../support/failure.ts';
import { holderOf, type ProcessFacts } from '../../support/processes.ts';
import * as notes from './note.ts';
import type { FoundNotes, NoteFile, NoteTerms } from './note.ts';
import {
  hearHiddenFlags,
  hidesNew,
  hitFlags,
  missingFlags,
  readServerFlags,
  sameFlags,
  type ServerFlags,
  setServerFlags,
  shown,
  type WantedFlags,
  withFlags,
} from './notification-flags.ts';
import { giveUp, leaseOf, type NotificationLease, restartedOutcome, restoreCommand } from './put-back.ts';

export interface LeaseTerms extends NoteTerms {
  /** What an observation of hits needs, unless said. */
  readonly wanted?: WantedFlags;
}

/** The server does not let us switch events on. */
export class NotificationRefusal extends RedisError {
  /** Letters that are needed and off; null where that is not known. */
  readonly missing: string | null;

  /**
   * @param step `CONFIG GET`: whether they are on is not known. `CONFIG SET`: they are not all on. `ignored`: the change was
   * answered with OK, and not made. `read-only`: the profile forbids the change
   * @param found the letters that are on; null where that is not known
   */
  constructor(
    readonly address: string,
    step: 'CONFIG GET' | 'CONFIG SET' | 'ignored' | 'read-only',
    { code, message }: Pick<ReplyError, 'code' | 'message'>,
    found: string | null,
    wanted: WantedFlags,
  ) {
    const isUnknown = found === null;
    // Servers that know no `n` refuse the whole line with it.
    const required = step === 'read-only' || (step === 'CONFIG SET' && code !== 'NOPERM');
    const letters = required ? wanted.required : wanted.required + wanted.optional;
    const setting = `CONFIG SET notify-keyspace-events ${withFlags(found ?? '', letters)}`;
    const what = isUnknown
      ? `whether ${address} reports misses is unknown`
      : `${address} does not report misses and their causes`;
    const why =
      step === 'ignored'
        ? ': it answered `CONFIG SET` with OK, and changed nothing'
        : step === 'read-only'
          ? ', and the profile is read-only'
          : `: it answered \`${step}\` with \`${message}\``;
    super(
      'refused',
      code,
      `${what}${why}`,
      `an administrator can switch it on with \`${setting}\`${isUnknown ? ', if it is not on' : ''}`,
      { subject: isUnknown ? '`CONFIG GET`' : '`CONFIG SET`', answer: message },
    );
    this.missing = isUnknown ? null : missingFlags(found, wanted.required);
  }
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
  /** Where nothing has to be changed nothing has to be noted. */
  const withoutNote = async (cause: string) => {
    const { flags } = await readServerFlags(node, now());
    if (flags instanceof ReplyError)
      return new NotificationRefusal(node.address, 'CONFIG GET', flags, null, wanted);
    if (missingFlags(flags, wanted.required) !== '') throw notes.folderFailure(cause, folderHint);
    return unchangedLease(node.address, flags, []);
  };
  return folder === null
    ? withoutNote('there is no folder for the note that `notify-keyspace-events` is put back from')
    : notes.withNotes(
        folder,
        processes,
        () => switchOn(node, { folder, processes, now }, wanted),
        withoutNote,
      );
}

/** Whether keys that come into being are reported; null where the server does not show it. */
const newKeysIn = (flags: string) =>
  missingFlags(flags, 'n') === '' ? true : hidesNew(flags) ? null : false;

/** A lease on a server where all is on, and not by the doing of anyone who would undo it. */
const unchangedLease = (
  address: string,
  flags: string,
  remarks: readonly string[],
  newKeys = newKeysIn(flags),
) => leaseOf(null, { address, original: flags, value: flags, newKeys, remarks });

/** Under the lock of the folder. @throws RedisError when the connection is lost, InputError where the note cannot be written */
async function switchOn(
  node: RedisNode,
  terms: NoteTerms & { readonly folder: string },
  wanted: WantedFlags,
): Promise<NotificationLease | NotificationRefusal> {
  const { address } = node;
  const { folder, processes, now } = terms;
  const server = await readServerFlags(node, now());
  const { runId, flags: found } = server;
  if (found instanceof ReplyError) return new NotificationRefusal(address, 'CONFIG GET', found, null, wanted);
  const before = settleEarlierLeases(notes.readNotes(folder), { ...server, flags: found }, processes);
  const { held, abandoned, remarks } = before;
  const isFirst = before.original === null;
  const isMissing = missingFlags(found, wanted.required) !== '';
  const isChange = isMissing || missingFlags(found, wanted.optional) !== '';
  // Where `n` cannot be seen, to set it might be to take it away at the end.
  if (isFirst && !isMissing && (hidesNew(found) || !isChange)) return unchangedLease(address, found, remarks);

  const isHidden = isFirst && hidesNew(found);
  const heard = isHidden ? await hearHiddenFlags(node, found) : '';
  const original = before.original ?? withFlags(found, heard);
  const base = withFlags(original, found);
  // Servers before 7.0 refuse a line with `n`.
  const targets = [wanted.required + wanted.optional, wanted.required].map((each) => withFlags(base, each));
  const values = [...new Set([...before.values, ...targets])];
  const note = {
    address,
    runId,
    original,
    values,
    holder: holderOf(processes),
    at: new Date(now()).toISOString(),
  };
  const file: NoteFile = { path: notes.newNotePath(folder, address, processes.pid), note };
  const change = { ...terms, node, file };
  try {
    notes.writeNote(file, processes);
    // What else may be set now, those who observe the server already must know.
    for (const { path, note } of held)
      notes.writeNote({ path, note: { ...note, original, values } }, processes);
  } catch (error) {
    notes.removeNotes(file);
    throw notes.folderFailure(`\`${file.path}\` cannot be written: ${fileFailureText(error)}`, folderHint);
  }
  let [value, newKeys] = [found, newKeysIn(found)];
  if (isChange) {
    const { target, answer } = await setOrGiveUp(node, targets, change);
    if (answer instanceof ReplyError) {
      if (isMissing || isFirst) notes.removeNotes(file);
      if (isMissing) return new NotificationRefusal(address, 'CONFIG SET', answer, found, wanted);
      if (isFirst) return unchangedLease(address, found, remarks, false);
      newKeys = false;
    } else if (missingFlags(answer, wanted.required) !== '') {
      // What was taken in part goes back, unless others observe the server: they keep what they have.
      const isKept = held.length > 0 || sameFlags(answer, found);
      const back = isKept ? found : await setServerFlags(node, found);
      if (back instanceof ReplyError || !sameFlags(back, found)) giveUp(change);
      else notes.removeNotes(file);
      return new NotificationRefusal(address, 'ignored', { code: 'ERR', message: 'OK' }, found, wanted);
    } else {
      value = answer;
      // What was asked for and taken is on, what was refused is off.
      const isRefused = wanted.optional.includes('n') && missingFlags(target, 'n') !== '';
      newKeys = isRefused ? false : newKeysIn(target);
    }
  }
  notes.removeNotes(...abandoned);
  const guess = `${address} does not show whether \`n\` was on together with \`A\`; no \`new\` event came, so it is taken to have been off`;
  const isGuess = isHidden && newKeys === true && !heard.includes('n');
  return leaseOf(change, {
    ...{ address, original, value, newKeys },
    remarks: isGuess ? [...remarks, guess] : remarks,
  });
}

/**
 * Sets the second target where the server refuses the first. @returns what was asked for last, and what the server has then
 * @throws RedisError that says how to go on, when the connection was lost between the question and its answer
 */
async function setOrGiveUp(
  node: RedisNode,
  [first = '', second = '']: readonly string[],
  change: Parameters<typeof giveUp>[0],
): Promise<{ target: string; answer: string | ReplyError }> {
  try {
    const answer = await setServerFlags(node, first);
    return !(answer instanceof ReplyError) || answer.code === 'NOPERM'
      ? { target: first, answer }
      : { target: second, answer: await setServerFlags(node, second) };
  } catch (error) {
    giveUp(change);
    if (!(error instanceof RedisError)) throw error;
    throw new RedisError(
      error.failure,
      error.code,
      `${error.message}; whether \`notify-keyspace-events\` was changed is not known`,
      `run ${restoreCommand} once ${node.address} can be reached`,
    );
  }
}

/**
 * Leases that changed the server before, and have not put it back: what the first of them found (null where none of them set
 * what the server has), what they may have set, the notes of those who still observe, and of those who are gone, to be removed
 * once another note has taken their place. Notes that hold no longer are removed.
 */
function settleEarlierLeases(
  { notes: all, damaged }: FoundNotes,
  server: ServerFlags & { readonly flags: string },
  processes: ProcessFacts,
) {
  const { address, flags } = server;
  const { held, abandoned, outlived } = notes.notesOn(all, server, processes);
  const isDoing = ({ note }: NoteFile) => notes.isDoingOf(note, flags);
  const inherited = abandoned.filter(isDoing);
  const changed = abandoned.filter((each) => !isDoing(each));
  const joined = held.filter(isDoing);
  notes.removeNotes(...outlived, ...changed);
  const doers = all.filter((each) => inherited.includes(each) || joined.includes(each));
  const original = doers[0]?.note.original ?? null;
  const setting = `\`notify-keyspace-events\` of ${address}`;
  const remarks = [
    ...damaged.map(
      ({ path, reason }) =>
        `\`${path}\` cannot be used: ${reason}; remove it once \`CONFIG GET notify-keyspace-events\` is as you want it`,
    ),
    ...outlived.flatMap(({ note }) => restartedOutcome(note, server).message ?? []),
    ...changed.flatMap(({ note }) =>
      sameFlags(note.original, flags)
        ? []
        : `${setting} was changed since an earlier observation ended without putting it back: ${shown(flags)} is what it goes back to`,
    ),
    ...(inherited.length > 0 && original !== null
      ? [
          `an earlier observation ended without putting ${setting} back: it goes back to ${shown(original)} now`,
        ]
      : []),
    ...joined.map(
      ({ note }) =>
        `process ${note.holder?.pid ?? 0} observes ${address} too: the last one to end puts \`notify-keyspace-events\` back`,
    ),
  ];
  return { original, values: doers.flatMap(({ note }) => note.values), held, abandoned: inherited, remarks };
}
