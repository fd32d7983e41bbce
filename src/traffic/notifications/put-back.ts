import { ReplyError } from '../../redis/reply.ts';
import { sameFlags } from './notification-flags.ts';
import type { Note, NoteFile } from './note.ts';
import { type RestoreOutcome, shown } from './outcome.ts';
import type { ProcessFacts } from '../../support/processes.ts';
import { type FlagsNode, type ServerFlags, setServerFlags } from './server-flags.ts';
import { isDoingOf } from './server-notes.ts';

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
