import { InputError } from '../../support/failure.ts';
import type { ReplyError } from '../../redis/reply.ts';
import { missingFlags, type WantedFlags, withFlags } from './notification-flags.ts';

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
