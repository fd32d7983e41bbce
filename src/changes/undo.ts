import { KeyChanger } from './change-keys.ts';
import type { Problem } from './problem-tally.ts';
import type { BatchLine, Refusal } from './key-change.ts';
import { readExistence } from './existing-keys.ts';
import type { ArchiveFrame, ArchiveHeader } from '../records/archive/format.ts';
import { EvictionWatch } from '../records/fixtures/evictions.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisServer } from '../redis/server.ts';
import { readServerTime, timeOf } from '../redis/server-time.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import { KeySet } from '../support/key-set.ts';
import type { Progress } from '../support/progress.ts';

/** What became of the keys of a journal: `restored + rewritten + expired + withoutValue + failed + notAttempted` are all. */
export interface Undoing {
  readonly restored: number;
  /** Of these, keys that were there all the time, and have the TTL again that `invalidate --mode soft` or `prune` had changed. */
  readonly ttlsRestored: number;
  /** Are there again, and were left alone. */
  readonly rewritten: number;
  /** Would have expired by now, or did so within the shorter TTL that it was given. */
  readonly expired: number;
  /** Only their names were kept. */
  readonly withoutValue: number;
  readonly failed: number;
  /** Read from the journal and not sent, for the work ended early. */
  readonly notAttempted: number;
  /** Keys that the server evicted meanwhile, which may be others than these; null where it was not asked, or does not say. */
  readonly evictedKeys: number | null;
  /** Of each primary at least so many; null where they were not waited for. */
  readonly replicasAcknowledged: number | null;
  readonly problems: readonly Problem[];
}

interface UndoOptions {
  /** See readStaying. */
  readonly staying: ReadonlyMap<ByteString, number>;
  /** Put the old value in the place of a new one. */
  readonly replace: boolean;
  /** Go on although the server evicts keys: then the keys that are put back take the place of others, or of each other. */
  readonly allowsEvictions: boolean;
  /** What was restored before, on a server that has been replaced since: a key that is there again is one of these. */
  readonly restoredBefore?: KeySet;
  readonly waitReplicas?: number;
  /** Only count. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Milliseconds since the epoch, by our clock. */
  readonly now: () => number;
}

/** RESTORE builds the value at one go: a batch is what the server does without looking at anyone else. */
const mostFramesInBatch = 50;
const mostBytesInBatch = 1_048_576;
/** Thousands of keys are put back in a second: too many to wait for the interval of EvictionWatch. */
const batchesBetweenLooks = 5;

/** Of a record whose name is damaged as well. */
const unknownKey = asBytes('(not readable)');

/** How far a key's expiry may be from what the journal says, for the time that the command took to arrive. */
const mostEarlyMillis = 1000;
const mostLateMillis = 5000;

type Undone = Extract<ArchiveFrame, { kind: 'value' | 'ttl' }>;

/**
 * Puts back what a journal has kept: values with the TTL that would be left by now, TTLs as they were. A key that was
 * written again since keeps what it has. Doing it twice is harmless, and is what `unconfirmed` asks for: the keys that were
 * restored on a server which has been restarted or replaced by the end.
 */
export async function undoJournal(
  server: RedisServer,
  header: ArchiveHeader,
  frames: AsyncIterable<ArchiveFrame>,
  options: UndoOptions,
): Promise<Undoing & { readonly stoppedBy: Error | null; readonly unconfirmed: KeySet | null }> {
  const { dryRun, progress } = options;
  const staying = new Map(options.staying);
  const watch = dryRun ? null : await EvictionWatch.start(server);
  const lead = ((await readServerTime(server)) ?? options.now()) - options.now();
  const now = () => options.now() + lead;
  const changer = new KeyChanger(server, options);
  const counts = { ttlsRestored: 0, rewritten: 0, expired: 0, withoutValue: 0 };
  const batch = new Map<ByteString, Undone>();
  let bytes = 0;
  let batchesSent = 0;
  let left = 0;
  let stoppedByEvictions = false;
  const restored = options.restoredBefore ?? new KeySet();
  const change = {
    isOnce: true as const,
    done: 'restored',
    mostKeysInBatch: mostFramesInBatch,
    change: (line: BatchLine, keys: readonly ByteString[]) => {
      const own = keys.flatMap((key) => batch.get(key) ?? []);
      return restore(line, own, { ...options, now, restored }, counts);
    },
  };
  const send = async () => {
    if (stoppedByEvictions) left += batch.size;
    else await changer.take([...batch.keys()], change);
    batch.clear();
    bytes = 0;
    if (watch === null || ++batchesSent % batchesBetweenLooks !== 0) return;
    await watch.look();
    stoppedByEvictions = !options.allowsEvictions && (watch.evictedKeys ?? 0) > 0;
  };
  let isConfirmed: boolean;
  progress.start('restoring', 'keys', null);
  try {
    for await (const frame of frames) {
      const hasEnded = changer.ended || stoppedByEvictions;
      if (frame.kind === 'value' || frame.kind === 'ttl') {
        const { key, expiresAtMillis } = frame;
        const passedOver = staying.get(key) ?? 0;
        if (passedOver > 0) {
          staying.set(key, passedOver - 1);
          continue;
        }
        if (hasEnded) left++;
        else if (expiresAtMillis !== null && expiresAtMillis <= now()) counts.expired++;
        else {
          if (batch.has(key)) await send();
          batch.set(key, frame);
          bytes += frame.kind === 'value' ? frame.payload.length : 0;
          if (batch.size >= mostFramesInBatch * server.nodes.length || bytes >= mostBytesInBatch)
            await send();
        }
      } else if (frame.kind === 'end' || hasEnded) continue;
      else if (frame.kind === 'damaged')
        changer.failUntried(frame.key ?? unknownKey, 'its record in the journal is damaged');
      else if (!header.withValues) counts.withoutValue += frame.kind === 'removed' ? 1 : -1;
    }
    await send();
    isConfirmed = dryRun || changer.ended || (await changer.isConfirmed());
  } finally {
    progress.stop();
    changer.close();
    await watch?.end();
  }
  const { changed, failed, stoppedBy, replicasAcknowledged } = changer;
  const problems = changer.problems.list;
  const notAttempted = changer.notAttempted + left;
  return {
    ...{ restored: changed, ...counts, failed, notAttempted, problems, stoppedBy, replicasAcknowledged },
    unconfirmed: isConfirmed ? null : restored,
    evictedKeys: watch?.evictedKeys ?? null,
  };
}

/** @param counts of the keys that are not restored, and of TTLs */
async function restore(
  { exchange, again }: BatchLine,
  frames: readonly Undone[],
  options: Pick<UndoOptions, 'dryRun' | 'replace' | 'now'> & { readonly restored: KeySet },
  counts: { ttlsRestored: number; rewritten: number; expired: number },
): Promise<{ changed: number; refused: Refusal[] }> {
  const { dryRun, replace, restored } = options;
  const isDone = ({ key }: Undone) => again || restored.has(key);
  const { due, done } = await stillShortened(exchange, frames, { ...options, isDone }, counts);
  const refused: Refusal[] = [];
  let changed = done;
  const settle = (frame: Undone, reply: unknown) => {
    const { kind, key } = frame;
    if (!(reply instanceof ReplyError)) {
      if (kind === 'ttl' && reply === 0) counts.expired++;
      else {
        changed++;
        restored.add(key);
        if (kind === 'ttl') counts.ttlsRestored++;
      }
    } else if (reply.code === 'BUSYKEY') {
      if (isDone(frame)) changed++;
      else counts.rewritten++;
    } else {
      const isDamaged = /payload|bad data/i.test(reply.message);
      const command = kind === 'ttl' ? '`PEXPIREAT`' : '`RESTORE`';
      refused.push({ keys: [key], command, reply, ...(isDamaged && { concernsThese: true }) });
    }
  };
  if (dryRun) {
    const values = due.filter(({ kind }) => kind === 'value').map(({ key }) => key);
    // Keys of others count as absent.
    const exists = replace ? [] : await readExistence(exchange, values);
    const there = exists.filter((each) => each === true).length;
    counts.rewritten += there;
    counts.ttlsRestored += due.length - values.length;
    changed = due.length - there;
  } else if (due.length > 0) {
    const replies = await exchange(due.map((frame) => commandFor(frame, replace)));
    due.forEach((frame, index) => settle(frame, replies[index]));
  }
  return { changed, refused };
}

/** The frames without those of keys whose TTL is no longer the one that they were given; these are counted. */
async function stillShortened(
  exchange: BatchLine['exchange'],
  frames: readonly Undone[],
  {
    replace,
    now,
    isDone,
  }: Pick<UndoOptions, 'replace' | 'now'> & { readonly isDone: (frame: Undone) => boolean },
  counts: { ttlsRestored: number; rewritten: number; expired: number },
): Promise<{ readonly due: readonly Undone[]; readonly done: number }> {
  const ttls = frames.filter((frame) => frame.kind === 'ttl');
  if (ttls.length === 0) return { due: frames, done: 0 };
  const [time, ...replies] = await exchange([['TIME'], ...ttls.map(({ key }) => ['PTTL', key] as const)]);
  const at = timeOf(time) ?? now();
  const settled = new Set<Undone>();
  let done = 0;
  ttls.forEach((frame, index) => {
    const left = replies[index];
    if (typeof left !== 'number') return;
    const late = at + left - (frame.shortenedToMillis ?? at + left);
    if (left === -2) counts.expired++;
    else if (!replace && (left < 0 || late < -mostEarlyMillis || late > mostLateMillis)) {
      // What was given back before does not have the shorter TTL any more.
      if (isDone(frame)) done++;
      else counts.rewritten++;
    } else return;
    settled.add(frame);
  });
  counts.ttlsRestored += done;
  return { due: frames.filter((frame) => !settled.has(frame)), done };
}

/** The journal has moments by the server's clock, so that it does not matter how long a command is on its way. */
function commandFor(frame: Undone, replace: boolean): RedisCommand {
  const { key } = frame;
  const expiresAt = frame.expiresAtMillis === null ? null : Math.round(frame.expiresAtMillis);
  if (frame.kind === 'ttl') return expiresAt === null ? ['PERSIST', key] : ['PEXPIREAT', key, expiresAt];
  return [
    ...(['RESTORE', key, expiresAt ?? 0, asBytes(frame.payload.toString('latin1'))] as const),
    ...(replace ? (['REPLACE'] as const) : []),
    ...(expiresAt === null ? [] : (['ABSTTL'] as const)),
  ];
}
