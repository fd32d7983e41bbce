import { asBytes, type ByteString } from '../../support/bytes.ts';
import { RedisError, refusal } from '../../redis/errors.ts';
import { type Info, infoWithCommands, withCommands } from '../../redis/info.ts';
import type { Lane } from '../../redis/lane.ts';
import { type Reply, ReplyError } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import type { WindowKeys } from '../keys/namespace-rows.ts';
import { type CommandTable, commandTable } from '../rules/command-table.ts';
import { countingRules } from '../rules/counting-rules.ts';
import { EventReader, eventChannels } from './event-reader.ts';
import type { Mark, MarkKind, StreamCut, TrafficSink } from './mark.ts';
import { MonitorReader } from './monitor-reader.ts';

/** An observation cannot go on: what it would report from here on is not known to be right. */
export class ObservationLost extends RedisError {
  constructor(
    readonly stream: 'lag' | 'monitor' | 'events',
    message: string,
  ) {
    super(
      'lost',
      'ELOST',
      message,
      '`cachectl hits --mode sampled`, or `misses-only`, asks less of the server',
    );
  }
}

interface PendingMark {
  readonly key: string;
  readonly kind: MarkKind;
  readonly keys: WindowKeys[];
  commands: Float64Array | null | undefined;
  events: Float64Array | null | undefined;
  monitoredCommands: number;
  eventCount: number;
  seen: () => void;
  failed: (error: Error) => void;
}

/** Commands that look up one key and change nothing; the first that the user may call marks the streams. */
const probes = ['TTL', 'EXISTS', 'TYPE', 'GET'] as const;

/** How far a stream may be behind the server. Longer would let the server hold too much for us. */
const lagLimitMillis = 5000;

/** Made once, when an observation begins. */
let table: CommandTable | undefined;

interface NodeObserverOptions {
  readonly sink: TrafficSink;
  /** A key for the mark of this number; one that lies on the node. */
  readonly markKey: (mark: number) => ByteString;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * Observes one node. A mark is a lookup of a key that is not there, sent together with INFO: MONITOR shows the lookup,
 * an event tells of the miss, and INFO gives the counters of the same instant, for a transaction is never interrupted.
 */
export class NodeObserver {
  private monitorLane: Lane | undefined;
  private monitor: MonitorReader | undefined;
  private closedMonitors = { commands: 0, bytes: 0, cutLines: 0 };
  private eventLane: Lane | undefined;
  private events: EventReader | undefined;
  private pending: PendingMark | undefined;
  private marks = 0;
  private ownMisses = 0;
  private maxLagSeconds = 0;
  /** Marks go one after the other. */
  private lastMark: Promise<void> = Promise.resolve();
  private lost: Error | undefined;
  private transactions = true;

  private constructor(
    readonly node: RedisNode,
    private readonly control: Lane,
    private readonly options: NodeObserverOptions,
    /** Null: the user may call none. */
    private readonly probe: (typeof probes)[number] | null,
    /** Why no key may be looked up: marks have the counters alone then. */
    readonly lookupRefusal: RedisError | null,
  ) {
    options.sink.nowMillis = options.clock();
  }

  /** @throws RedisError when the connection is lost */
  static async open(node: RedisNode, options: NodeObserverOptions): Promise<NodeObserver> {
    const control = await node.openLane();
    try {
      const replies = await control.exchange(probes.map((name) => [name, options.markKey(0)]));
      const probe = probes.find((_, index) => !(replies[index] instanceof ReplyError)) ?? null;
      const [first] = replies;
      const refused =
        probe === null && first instanceof ReplyError ? refusal(first, '`TTL`', node.address) : null;
      const observer = new NodeObserver(node, control, options, probe, refused);
      observer.ownMisses = replies.filter((reply) => !(reply instanceof ReplyError)).length;
      return observer;
    } catch (error) {
      control.close();
      throw error;
    }
  }

  /** Subscribes to the events of these databases, and resolves when all channels are confirmed. @throws RedisError */
  async openEvents(databases: number): Promise<void> {
    const lane = await this.node.openLane();
    const channels = eventChannels(databases);
    const reader = new EventReader({
      event: (kind, database, bytes, start, end) => {
        if (kind === 'keymiss' && this.isMark(bytes, start, end)) this.eventMark();
        else this.options.sink.event(kind, database, bytes, start, end);
      },
    });
    this.eventLane = lane;
    this.events = reader;
    await this.started(
      lane,
      ['SUBSCRIBE', ...channels.map(asBytes)],
      (chunk) => reader.push(chunk),
      () => (reader.refused === null ? reader.confirmed === channels.length : reader.refused),
      'events',
    );
  }

  /** Starts MONITOR, and resolves when the server has begun. @throws RedisError */
  async openMonitor(): Promise<void> {
    const lane = await this.node.openLane();
    const { sink } = this.options;
    const reader = new MonitorReader((table ??= commandTable(countingRules)), {
      read: (database, bytes, start, end, lookups, uncertain) => {
        if (this.isMark(bytes, start, end)) this.monitorMark();
        else sink.read(database, bytes, start, end, lookups, uncertain);
      },
      write: (database, bytes, start, end, ttlMillis) => sink.write(database, bytes, start, end, ttlMillis),
      lives: (database, bytes, start, end, ttlMillis) => sink.lives(database, bytes, start, end, ttlMillis),
      scanByType: (mostLookups) => sink.scanByType(mostLookups),
      flush: (database) => sink.flush(database),
    });
    this.monitorLane = lane;
    this.monitor = reader;
    await this.started(
      lane,
      ['MONITOR'],
      (chunk) => reader.push(chunk),
      () => reader.refused ?? reader.bytes > 0,
      'monitor',
    );
  }

  closeEvents(): void {
    this.eventLane?.close();
    this.eventLane = undefined;
    this.events = undefined;
  }

  closeMonitor(): void {
    this.monitorLane?.close();
    this.monitorLane = undefined;
    if (this.monitor) {
      this.closedMonitors.commands += this.monitor.commands;
      this.closedMonitors.bytes += this.monitor.bytes;
      this.closedMonitors.cutLines += this.monitor.cutLines;
    }
    this.monitor = undefined;
  }

  /**
   * @param limitMillis how long a stream may take to show the mark
   * @throws ObservationLost when a stream is gone or lags, RedisError when the node itself is
   */
  mark(kind: MarkKind, limitMillis = lagLimitMillis): Promise<Mark> {
    const mark = this.lastMark.then(() => this.markNow(kind, limitMillis));
    this.lastMark = mark.then(
      () => undefined,
      () => undefined,
    );
    return mark;
  }

  private async markNow(kind: MarkKind, limitMillis: number): Promise<Mark> {
    if (this.lost) throw this.lost;
    const key = this.options.markKey(++this.marks);
    if (this.probe !== null) this.ownMisses++;
    const sentAt = performance.now();
    const pending: PendingMark = {
      key,
      kind,
      keys: [],
      commands: this.monitor ? undefined : null,
      events: this.events ? undefined : null,
      monitoredCommands: 0,
      eventCount: 0,
      seen: () => undefined,
      failed: () => undefined,
    };
    this.pending = pending;
    // Of a stream that is not open nothing is under way.
    if (pending.commands === null) keepKeys(pending, this.options.sink.commandsAt(kind));
    if (pending.events === null) keepKeys(pending, this.options.sink.eventsAt(kind));
    try {
      const seen = this.waitFor(pending, limitMillis);
      // Told where it is awaited.
      seen.catch(() => undefined);
      const info = await this.probeAndInfo(key, kind);
      const atMillis = this.options.clock();
      await seen;
      this.maxLagSeconds = Math.max(this.maxLagSeconds, (performance.now() - sentAt) / 1000);
      return {
        atMillis,
        info,
        commands: pending.commands ?? null,
        events: pending.events ?? null,
        keys: pending.keys,
        monitoredCommands: pending.monitoredCommands,
        monitorBytes: this.closedMonitors.bytes + (this.monitor?.bytes ?? 0),
        cutLines: this.closedMonitors.cutLines + (this.monitor?.cutLines ?? 0),
        eventCount: pending.eventCount,
        eventBytes: this.events?.bytes ?? 0,
        maxLagSeconds: this.maxLagSeconds,
        ownMisses: this.ownMisses,
      };
    } finally {
      this.pending = undefined;
    }
  }

  close(): void {
    this.closeMonitor();
    this.closeEvents();
    this.control.close();
  }

  private async probeAndInfo(key: ByteString, kind: MarkKind): Promise<Info> {
    // Which calls failed is a matter of a whole window.
    const asked = kind === 'burst' ? infoWithCommands.slice(0, 1) : infoWithCommands;
    const { address } = this.node;
    if (this.probe === null) return infoOf(await this.control.exchange(asked), address);
    const question: RedisCommand[] = [[this.probe, key], ...asked];
    if (this.transactions) {
      const replies = await this.control.exchange([['MULTI'], ...question, ['EXEC']]);
      const answers = replies.at(-1);
      if (Array.isArray(answers)) return infoOf(answers.slice(1), address);
      // Not permitted to this user: sent together they are next to each other, if not in a transaction. A lookup that
      // was made all the same is one of ours.
      this.transactions = false;
      if (!(replies[1] instanceof ReplyError) && replies[1] !== 'QUEUED')
        return infoOf(replies.slice(2, -1), address);
    }
    return infoOf((await this.control.exchange(question)).slice(1), address);
  }

  private waitFor(pending: PendingMark, limitMillis: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const stream = pending.commands === undefined ? 'MONITOR' : 'the subscription to events';
        const silent = new ObservationLost(
          'lag',
          `${stream} of ${this.node.address} was more than ${limitMillis / 1000} s behind the server`,
        );
        pending.failed(silent);
      }, limitMillis);
      pending.failed = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      pending.seen = () => {
        if (pending.commands === undefined || pending.events === undefined) return;
        clearTimeout(timer);
        resolve();
      };
      pending.seen();
    });
  }

  private isMark(bytes: Buffer, start: number, end: number): boolean {
    const key = this.pending?.key;
    if (key === undefined || end - start !== key.length) return false;
    for (let at = 0; at < key.length; at++) if (bytes[start + at] !== key.charCodeAt(at)) return false;
    return true;
  }

  private monitorMark(): void {
    const { pending } = this;
    if (pending === undefined || pending.commands !== undefined) return;
    pending.commands = keepKeys(pending, this.options.sink.commandsAt(pending.kind));
    pending.monitoredCommands = this.closedMonitors.commands + (this.monitor?.commands ?? 0);
    pending.seen();
  }

  private eventMark(): void {
    const { pending } = this;
    if (pending === undefined || pending.events !== undefined) return;
    pending.events = keepKeys(pending, this.options.sink.eventsAt(pending.kind));
    pending.eventCount = this.events?.events ?? 0;
    pending.seen();
  }

  /** Sends the command that a stream begins with. @param state true when it has begun, a text when it is refused */
  private started(
    lane: Lane,
    command: RedisCommand,
    push: (chunk: Buffer) => void,
    state: () => boolean | string,
    stream: 'monitor' | 'events',
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let begun = false;
      lane.stream(command, {
        bytes: (chunk) => {
          this.options.sink.nowMillis = this.options.clock();
          push(chunk);
          if (begun) return;
          const now = state();
          if (now === false) return;
          begun = true;
          if (now === true) resolve();
          else reject(refusal(new ReplyError(now), `\`${String(command[0])}\``, this.node.address));
        },
        ended: (failure) => {
          if (begun) this.lose(stream, failure);
          else reject(failure);
        },
      });
    });
  }

  private lose(stream: 'monitor' | 'events', failure: RedisError): void {
    const what = stream === 'monitor' ? 'MONITOR' : 'the subscription to events';
    this.lost ??= new ObservationLost(
      stream,
      `the server cut off ${what} of ${this.node.address}: ${failure.message}`,
    );
    this.pending?.failed(this.lost);
  }
}

/** @returns the counts */
function keepKeys(pending: PendingMark, { counts, keys }: StreamCut): Float64Array {
  if (keys !== null) pending.keys.push(keys);
  return counts;
}

/** @throws RedisError where INFO was refused */
function infoOf([info = null, commands]: readonly Reply[], address: string): Info {
  if (info instanceof ReplyError) throw refusal(info, '`INFO`', address);
  return withCommands(info, commands);
}
