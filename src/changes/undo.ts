import { type ChangeProblem, Problems } from './change-keys.ts';
import { concernsSomeKeys, RedisError, refusal } from '../redis/errors.ts';
import type { ArchiveFrame, ArchiveHeader } from '../records/archive/format.ts';
import { readExistence } from './existing-keys.ts';
import { EvictionWatch } from '../records/fixtures/evictions.ts';
import type { Progress } from '../support/progress.ts';
import { asBytes, type ByteString } from '../support/bytes.ts';
import type { Connection } from '../redis/connection.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';
import { readServerTime, timeOf } from '../redis/server-time.ts';

/** What became of the keys of a journal: `restored + rewritten + expired + withoutValue + failed + notAttempted` are all. */
export interface Undoing {
  restored: number;
  /** Of these, keys that were there all the time, and have the TTL again that `invalidate --mode soft` or `prune` had changed. */
  ttlsRestored: number;
  /** Are there again, and were left alone. */
  rewritten: number;
  /** Would have expired by now, or did so within the shorter TTL that it was given. */
  expired: number;
  /** Only their names were kept. */
  withoutValue: number;
  failed: number;
  /** Read from the journal and not sent, for the work ended early. */
  notAttempted: number;
  /** Keys that the server evicted meanwhile, by whomever; null where it was not asked, or INFO is not permitted. */
  evictedKeys: number | null;
  /** True where the work ended early because keys were evicted. */
  stoppedByEvictions: boolean;
  readonly problems: readonly ChangeProblem[];
  stoppedBy: Error | null;
}

interface UndoOptions {
  /** Keys that the journal names and that were not removed after all. */
  readonly staying: ReadonlySet<ByteString>;
  /** Put the old value in the place of a new one. */
  readonly replace: boolean;
  /** Go on although the server evicts keys: then the keys that are put back take the place of others, or of each other. */
  readonly allowsEvictions: boolean;
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
const batchesBetweenLooks = 5;

/** Of a record whose name is damaged as well. */
const unknownKey = asBytes('(not readable)');

/** How far a key's expiry may be from what the journal says, for the time that the command took to arrive. */
const mostEarlyMillis = 1000;
const mostLateMillis = 5000;

type Undone = Extract<ArchiveFrame, { kind: 'value' | 'ttl' }>;

/**
 * Puts back what a journal has kept: values with the TTL that would be left by now, TTLs as they were. A key that was
 * written again since keeps what it has. Doing it twice is harmless.
 */
export async function undoJournal(
  server: RedisServer,
  header: ArchiveHeader,
  frames: AsyncIterable<ArchiveFrame>,
  options: UndoOptions,
): Promise<Undoing> {
  const watch = options.dryRun ? null : await EvictionWatch.start(server);
  const lead = ((await readServerTime(server)) ?? options.now()) - options.now();
  const run = new UndoRun(server, header, { ...options, now: () => options.now() + lead }, watch);
  options.progress.start('restoring', 'keys', null);
  try {
    for await (const frame of frames) {
      if (run.ended) run.leave(frame);
      else await run.take(frame);
    }
    await run.flush();
  } finally {
    options.progress.stop();
    run.close();
    await watch?.end();
  }
  return run.result();
}

class UndoRun {
  private readonly undoing: Undoing = {
    restored: 0,
    ttlsRestored: 0,
    rewritten: 0,
    expired: 0,
    withoutValue: 0,
    failed: 0,
    notAttempted: 0,
    evictedKeys: null,
    stoppedByEvictions: false,
    problems: [],
    stoppedBy: null,
  };
  private readonly problems = new Problems();
  private batchesSent = 0;
  private readonly connections = new Map<RedisNode, Connection>();
  private readonly batches = new Map<RedisNode, { frames: Undone[]; bytes: number }>();

  constructor(
    private readonly server: RedisServer,
    private readonly header: ArchiveHeader,
    private readonly options: UndoOptions,
    private readonly watch: EvictionWatch | null,
  ) {}

  get ended(): boolean {
    const { stoppedBy, stoppedByEvictions } = this.undoing;
    return stoppedBy !== null || stoppedByEvictions || this.options.signal.aborted;
  }

  leave(frame: ArchiveFrame): void {
    if ((frame.kind === 'value' || frame.kind === 'ttl') && !this.options.staying.has(frame.key))
      this.undoing.notAttempted++;
  }

  async take(frame: ArchiveFrame): Promise<void> {
    if (frame.kind === 'end') return;
    if (frame.kind === 'damaged') {
      this.fail([{ key: frame.key ?? unknownKey }], 'its record in the journal is damaged');
      return;
    }
    if (frame.kind === 'removed' || frame.kind === 'stays') {
      if (!this.header.withValues) this.undoing.withoutValue += frame.kind === 'removed' ? 1 : -1;
      return;
    }
    if (this.options.staying.has(frame.key)) return;
    if (frame.expiresAtMillis !== null && frame.expiresAtMillis <= this.options.now()) {
      this.undoing.expired++;
      return;
    }
    const node = this.server.nodeFor(frame.key);
    const batch = this.batches.get(node) ?? { frames: [], bytes: 0 };
    this.batches.set(node, batch);
    batch.frames.push(frame);
    batch.bytes += frame.kind === 'value' ? frame.payload.length : 0;
    if (batch.frames.length >= mostFramesInBatch || batch.bytes >= mostBytesInBatch) await this.send(node);
  }

  async flush(): Promise<void> {
    for (const node of this.batches.keys()) await this.send(node);
  }

  result(): Undoing {
    this.undoing.evictedKeys = this.watch?.evictedKeys ?? null;
    return { ...this.undoing, problems: this.problems.list() };
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close();
  }

  private async send(node: RedisNode): Promise<void> {
    const frames = this.batches.get(node)?.frames ?? [];
    this.batches.delete(node);
    if (frames.length === 0) return;
    if (this.ended) {
      this.undoing.notAttempted += frames.length;
      return;
    }
    if (this.options.dryRun) {
      await this.count(node, frames);
      return;
    }
    try {
      await this.restore(await this.connectionTo(node), frames);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      this.undoing.stoppedBy = error;
      this.fail(frames, `no answer (${error.message}): whether it was restored is unknown`);
    }
    const { restored, rewritten, failed } = this.undoing;
    this.options.progress.update(restored + rewritten + failed);
    if (++this.batchesSent % batchesBetweenLooks === 0) await this.lookForEvictions();
  }

  /** Thousands of keys are put back in a second: too many to wait for the watch's own interval. */
  private async lookForEvictions(): Promise<void> {
    await this.watch?.look();
    this.undoing.stoppedByEvictions = !this.options.allowsEvictions && (this.watch?.evictedKeys ?? 0) > 0;
  }

  private async connectionTo(node: RedisNode): Promise<Connection> {
    const connection = this.connections.get(node) ?? (await node.openConnection());
    this.connections.set(node, connection);
    return connection;
  }

  /** What would be restored. */
  private async count(node: RedisNode, frames: readonly Undone[]): Promise<void> {
    const due = await this.stillShortened((commands) => node.batch(commands), frames);
    const values = due.filter(({ kind }) => kind === 'value');
    // Keys of others count as absent.
    const exists = this.options.replace
      ? []
      : await readExistence(
          node,
          values.map(({ key }) => key),
        );
    const there = exists.filter((each) => each === true).length;
    this.undoing.restored += due.length - there;
    this.undoing.ttlsRestored += due.length - values.length;
    this.undoing.rewritten += there;
  }

  private async restore(connection: Connection, frames: readonly Undone[]): Promise<void> {
    const due = await this.stillShortened((commands) => connection.exchange(commands), frames);
    if (due.length === 0) return;
    const replies = await connection.exchange(due.map((frame) => this.commandFor(frame)));
    due.forEach((frame, index) => this.settle(frame, replies[index]));
  }

  /** The frames without those of keys whose TTL is no longer the one that they were given; these are counted. */
  private async stillShortened(
    ask: (commands: readonly RedisCommand[]) => Promise<Reply[]>,
    frames: readonly Undone[],
  ): Promise<readonly Undone[]> {
    const ttls = frames.filter((frame) => frame.kind === 'ttl');
    if (ttls.length === 0) return frames;
    const [time, ...replies] = await ask([['TIME'], ...ttls.map(({ key }) => ['PTTL', key] as const)]);
    const now = timeOf(time) ?? this.options.now();
    const settled = new Set<Undone>();
    ttls.forEach((frame, index) => {
      const left = replies[index];
      if (typeof left !== 'number') return;
      const late = now + left - (frame.shortenedToMillis ?? now + left);
      if (left === -2) this.undoing.expired++;
      else if (!this.options.replace && (left < 0 || late < -mostEarlyMillis || late > mostLateMillis))
        this.undoing.rewritten++;
      else return;
      settled.add(frame);
    });
    return frames.filter((frame) => !settled.has(frame));
  }

  /** The journal has moments by the server's clock, so that it does not matter how long a command is on its way. */
  private commandFor(frame: Undone): RedisCommand {
    const { key } = frame;
    const expiresAt = frame.expiresAtMillis === null ? null : Math.round(frame.expiresAtMillis);
    if (frame.kind === 'ttl') return expiresAt === null ? ['PERSIST', key] : ['PEXPIREAT', key, expiresAt];
    const replace = this.options.replace ? (['REPLACE'] as const) : [];
    const absolute = expiresAt === null ? [] : (['ABSTTL'] as const);
    return [
      'RESTORE',
      key,
      expiresAt ?? 0,
      frame.payload.toString('latin1') as ByteString,
      ...replace,
      ...absolute,
    ];
  }

  private settle({ key, kind }: Undone, reply: Reply | undefined): void {
    if (!(reply instanceof ReplyError)) {
      if (kind === 'ttl' && reply === 0) this.undoing.expired++;
      else {
        this.undoing.restored++;
        if (kind === 'ttl') this.undoing.ttlsRestored++;
      }
    } else if (reply.code === 'BUSYKEY') this.undoing.rewritten++;
    else {
      // The next key would be refused for the same reason.
      if (!concernsSomeKeys(reply) && !/payload|bad data/i.test(reply.message))
        this.undoing.stoppedBy ??= refusal(
          reply,
          kind === 'ttl' ? '`PEXPIREAT`' : '`RESTORE`',
          this.server.address,
        );
      this.fail([{ key }], reply.message);
    }
  }

  private fail(frames: readonly { readonly key: ByteString }[], reason: string): void {
    this.undoing.failed += frames.length;
    this.problems.add(
      frames.map(({ key }) => key),
      reason,
    );
  }
}
