import { InputError } from '../../support/failure.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import { FolderError, withFolderLock } from '../../support/folder-lock.ts';
import type { NotificationLease } from './lease.ts';
import type { NoteTerms } from './note.ts';
import { hitFlags, missingFlags, type WantedFlags } from './notification-flags.ts';
import { type NotificationRefusal, refusalOf, unusableFolder } from './outcome.ts';
import { readServerFlags } from './server-flags.ts';
import { switchOn, unchangedLease } from './switch-on.ts';

export interface LeaseTerms extends NoteTerms {
  /** What an observation of hits needs, unless said. */
  readonly wanted?: WantedFlags;
}

const lockPatienceMillis = 10_000;

/**
 * Switches the events on that are wanted and off, after a note of what was found is on the disk. Several processes may
 * hold leases on one server: the last one to end puts the value back, and what a killed one left is inherited.
 * @throws RedisError when the connection is lost; InputError where no note can be written, and the server is unchanged then
 */
export async function acquireNotifications(
  node: RedisNode,
  { folder, processes, now, wanted = hitFlags }: LeaseTerms,
): Promise<NotificationLease | NotificationRefusal> {
  if (folder === null) return unchangedOrThrow(node, wanted, now(), noFolder());
  try {
    return await withFolderLock(folder, processes, lockPatienceMillis, () =>
      switchOn(node, { folder, processes, now, wanted }),
    );
  } catch (error) {
    if (!(error instanceof FolderError)) throw error;
    if (error.reason === 'locked')
      throw new InputError(
        `${error.message}; the server was not changed`,
        'wait for it to end, then run it again',
      );
    return unchangedOrThrow(node, wanted, now(), unusableFolder(error.message));
  }
}

/** Where nothing has to be changed nothing has to be noted. */
async function unchangedOrThrow(
  node: RedisNode,
  wanted: WantedFlags,
  now: number,
  failure: InputError,
): Promise<NotificationLease | NotificationRefusal> {
  const { flags } = await readServerFlags(node, now);
  if (flags instanceof ReplyError) return refusalOf(node.address, 'CONFIG GET', flags, null, wanted);
  if (missingFlags(flags, wanted.required) !== '') throw failure;
  return unchangedLease(node.address, flags, []);
}

const noFolder = () =>
  new InputError(
    'there is no folder for the note that `notify-keyspace-events` is put back from; the server was not changed',
    'set XDG_STATE_HOME to a folder of yours',
  );
