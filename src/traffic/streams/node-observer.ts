import { asBytes, type ByteString } from '../../support/bytes.ts';
import { isAboutOneKey, mayPass, RedisError, refusal } from '../../redis/errors.ts';
import {
  type Info,
  infoNumber,
  infoOf,
  infoWithCommands,
  productOf,
  withCommands,
} from '../../redis/info.ts';
import type { Connection } from '../../redis/connection.ts';
import { permittedName } from '../../redis/permitted-keys.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import { clientName } from '../../redis/target.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import type { NodeTraffic } from '../node-traffic.ts';
import { type CommandTable, commandTable } from '../rules/command-table.ts';
import { rulesOf } from '../rules/counting-rules.ts';
import { EventReader, eventChannels } from './event-reader.ts';
import type { Mark, MarkKind, PendingMark, StreamName } from './mark.ts';
import { MonitorReader } from './monitor-reader.ts';

/** An observation cannot go on: what it would report from here on is not known to be right. */
export class ObservationLost extends RedisError {
  constructor(
    readonly stream: 'lag' | StreamName,
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

/** Commands that look up one key and change nothing; the first that the user may call marks the streams. */
const probes = ['TTL', 'EXISTS', 'TYPE', 'GET'] as const;

/** How far a stream may be behind the server. Longer would let the server hold too much for us. */
const lagLimitMillis = 5000;

interface NodeObserverOptions {
  readonly traffic: NodeTraffic;
  /** A key for the mark of this number; it must be on the node. */
  readonly markKey: (mark: number) => ByteString;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * Observes one node. A mark is a lookup of a key that is not there, sent together with INFO: MONITOR shows the lookup,
 * an event reports the miss, and INFO gives the counters of the same instant, for a transaction is never interrupted.
 */
export class NodeObserver {
  private readonly monitor: MonitorReader;
  private readonly events: EventReader;
  /** Of the streams that are open. */
  private readonly connections: Record<StreamName, Connection | null> = { commands: null, events: null };
  private marks = 0;
  private ownMisses = 0;
  private maxLagSeconds = 0;
  /** Marks go one after the other. */
  private lastMark: Promise<unknown> = Promise.resolve();
  /** Ends the wait for the mark that is under way. */
  private fail: (error: Error) => void = () => undefined;
  private lost: Error | undefined;
  private transactions = true;

  private constructor(
    readonly node: RedisNode,
    private readonly control: Connection,
    private readonly options: NodeObserverOptions,
    /** Null: the user may call none. */
    private readonly probe: (typeof probes)[number] | null,
    /** Why no key may be looked up: marks have the counters alone then. */
    readonly lookupRefusal: RedisError | null,
    table: CommandTable,
  ) {
    const { traffic, clock } = options;
    traffic.nowMillis = clock();
    this.monitor = new MonitorReader(table, traffic);
    this.events = new EventReader(traffic);
  }

  /** @throws RedisError when the connection is lost, or the server reads no keys now */
  static async open(node: RedisNode, options: NodeObserverOptions): Promise<NodeObserver> {
    const control = await node.openConnection();
    try {
      let found = await findProbe(control, options.markKey(0));
      if (found instanceof ReplyError && isAboutOneKey(found)) {
        const within = await permittedName((commands) => control.exchange(commands), 'read');
        const { markKey } = options;
        if (within !== null) {
          options = { ...options, markKey: (mark) => within(markKey(mark)) };
          found = await findProbe(control, options.markKey(0));
        }
      }
      const probe = found instanceof ReplyError ? null : found;
      const refused = found instanceof ReplyError ? refusal(found, '`TTL`', node.address) : null;
      if (refused !== null && found instanceof ReplyError && mayPass(found)) throw refused;
      const [info] = await control.exchange([['INFO', 'SERVER']]);
      const table = commandTable(rulesOf(productOf(infoOf(info) ?? {}).product));
      const observer = new NodeObserver(node, control, options, probe, refused, table);
      observer.ownMisses = probe === null ? 0 : 1;
      return observer;
    } catch (error) {
      control.close();
      throw error;
    }
  }

  /** Subscribes to the events of these databases, and resolves when all channels are confirmed. @throws RedisError */
  async openEvents(databases: number): Promise<void> {
    const channels = eventChannels(databases);
    const { events } = this;
    const isBegun = () => events.confirmed === channels.length;
    await this.openStream('events', ['SUBSCRIBE', ...channels.map(asBytes)], events, isBegun);
  }

  /** Starts MONITOR, and resolves when the server has begun. @throws RedisError */
  async openMonitor(): Promise<void> {
    this.monitor.restart();
    await this.openStream('commands', ['MONITOR'], this.monitor, () => true);
    this.monitor.ours.add(await ourAddresses(this.control));
  }

  closeStream(name: StreamName): void {
    this.connections[name]?.close();
    this.connections[name] = null;
  }

  /**
   * @param limitMillis how long a stream may take to show the mark
   * @throws ObservationLost when a stream is gone or lags, RedisError when the node itself is, or reads no keys now
   */
  mark(kind: MarkKind, limitMillis = lagLimitMillis): Promise<Mark> {
    const mark = this.lastMark.then(() => this.markNow(kind, limitMillis));
    this.lastMark = mark.catch(() => undefined);
    return mark;
  }

  private async markNow(kind: MarkKind, limitMillis: number): Promise<Mark> {
    if (this.lost) throw this.lost;
    const { monitor, events } = this;
    const { traffic, markKey, clock } = this.options;
    const key = markKey(++this.marks);
    if (this.probe !== null) this.ownMisses++;
    const sentAt = performance.now();
    const passed = this.passMark(key, kind, limitMillis);
    // Handled where it is awaited.
    passed.catch(() => undefined);
    try {
      const info = await this.probeAndInfo(key, kind);
      const atMillis = clock();
      const cuts = await passed;
      this.maxLagSeconds = Math.max(this.maxLagSeconds, (performance.now() - sentAt) / 1000);
      return {
        ...{ atMillis, info, ...cuts },
        ...{ monitorBytes: monitor.bytes, cutLines: monitor.cutLines, eventBytes: events.bytes },
        ...{ maxLagSeconds: this.maxLagSeconds, ownMisses: this.ownMisses },
      };
    } finally {
      traffic.pending = null;
      // Ends the wait of a mark that was refused.
      this.fail(new Error('refused'));
    }
  }

  close(): void {
    this.closeStream('commands');
    this.closeStream('events');
    this.control.close();
  }

  private async probeAndInfo(key: ByteString, kind: MarkKind): Promise<Info> {
    // Which calls failed is a matter of a whole window.
    const asked = kind === 'burst' ? infoWithCommands.slice(0, 1) : infoWithCommands;
    const { address } = this.node;
    if (this.probe === null) return givenInfo(await this.control.exchange(asked), address);
    const question: RedisCommand[] = [[this.probe, key], ...asked];
    if (this.transactions) {
      const replies = await this.control.exchange([['MULTI'], ...question, ['EXEC']]);
      this.requireReads(replies[1]);
      const answers = replies.at(-1);
      if (Array.isArray(answers)) return givenInfo(answers.slice(1), address);
      // Not permitted to this user: sent together they are next to each other, if not in a transaction. A lookup that
      // was made all the same is one of ours.
      this.transactions = false;
      if (!(replies[1] instanceof ReplyError) && replies[1] !== 'QUEUED')
        return givenInfo(replies.slice(2, -1), address);
    }
    const [looked, ...infos] = await this.control.exchange(question);
    this.requireReads(looked);
    return givenInfo(infos, address);
  }

  /** Without its lookup no stream would ever show the mark. @throws RedisError */
  private requireReads(looked: Reply | undefined): void {
    if (looked instanceof ReplyError && mayPass(looked))
      throw refusal(looked, `\`${this.probe}\``, this.node.address);
  }

  /** Resolves when the lookup of the key went by in each stream that is open. Of one that is not, nothing is under way. */
  private passMark(key: ByteString, kind: MarkKind, limitMillis: number) {
    const { monitor, events, connections } = this;
    const { traffic } = this.options;
    const cuts: PendingMark['cuts'] = {};
    let [monitoredCommands, eventCount] = [monitor.commands, events.events];
    for (const name of ['commands', 'events'] as const)
      if (connections[name] === null) cuts[name] = traffic.cut(name, kind);
    type Passed = Pick<Mark, 'commands' | 'events' | 'keys' | 'monitoredCommands' | 'eventCount'>;
    return new Promise<Passed>((resolve, reject) => {
      const timer = setTimeout(() => {
        const stream = nameOf(cuts.commands === undefined ? 'commands' : 'events');
        const message = `${stream} of ${this.node.address} was more than ${limitMillis / 1000} s behind the server`;
        this.fail(new ObservationLost('lag', message));
      }, limitMillis);
      this.fail = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      const seen = (name?: StreamName) => {
        if (name === 'commands') monitoredCommands = monitor.commands;
        if (name === 'events') eventCount = events.events;
        if (cuts.commands === undefined || cuts.events === undefined) return;
        clearTimeout(timer);
        const [commands, eventCounts] = [cuts.commands.counts, cuts.events.counts];
        const keys = [cuts.commands.keys, cuts.events.keys].filter((each) => each !== null);
        resolve({ commands, events: eventCounts, keys, monitoredCommands, eventCount });
      };
      traffic.pending = { key, kind, cuts, seen };
      seen();
    });
  }

  /** Sends the command that a stream begins with, and resolves when it has begun. @throws RedisError where it is refused */
  private async openStream(
    name: StreamName,
    command: RedisCommand,
    reader: MonitorReader | EventReader,
    isBegun: () => boolean,
  ): Promise<void> {
    const connection = (this.connections[name] = await this.node.openConnection());
    const { traffic, clock } = this.options;
    const subject = `\`${String(command[0])}\``;
    await new Promise<void>((resolve, reject) => {
      let begun = false;
      connection.stream(command, {
        bytes: (chunk) => {
          traffic.nowMillis = clock();
          reader.push(chunk);
          if (begun || (reader.refused === null && !isBegun())) return;
          begun = true;
          if (reader.refused === null) resolve();
          else reject(refusal(new ReplyError(reader.refused), subject, this.node.address));
        },
        ended: (failure) => {
          if (!begun) {
            reject(failure);
            return;
          }
          const message = `the server cut off ${nameOf(name)} of ${this.node.address}: ${failure.message}`;
          this.lost ??= new ObservationLost(name, message);
          this.fail(this.lost);
        },
      });
    });
  }
}

/** The first that this user may call with the key, or why not even one. @throws RedisError when the connection is lost */
async function findProbe(
  control: Connection,
  key: ByteString,
): Promise<(typeof probes)[number] | ReplyError> {
  let refused: ReplyError | undefined;
  for (const name of probes) {
    const [reply] = await control.exchange([[name, key]]);
    if (!(reply instanceof ReplyError)) return name;
    // A key that is refused says more than a command.
    if (refused === undefined || isAboutOneKey(reply)) refused = reply;
  }
  return refused as ReplyError;
}

/** A list of more takes the server a while to write. */
const mostClients = 10_000;

/**
 * From where other commands of this program are connected. Those that come later show their name in MONITOR. Of a server that does not
 * list its clients, or has too many, none are known. @throws RedisError when the connection is lost
 */
async function ourAddresses(control: Connection): Promise<string[]> {
  const [info = null] = await control.exchange([['INFO', 'CLIENTS']]);
  const clients = info instanceof ReplyError ? null : infoNumber(infoOf(info) ?? {}, 'connected_clients');
  if (clients === null || clients > mostClients) return [];
  const [list = null] = await control.exchange([['CLIENT', 'LIST']]);
  if (list instanceof ReplyError) return [];
  return replyText(list)
    .split('\n')
    .flatMap((line) => {
      const isOurs = line.includes(` name=${clientName} `);
      return isOurs ? (/ addr=(\S+)/.exec(line)?.[1] ?? []) : [];
    });
}

const nameOf = (stream: StreamName) => (stream === 'commands' ? 'MONITOR' : 'the subscription to events');

/** @throws RedisError where INFO was refused */
function givenInfo([info = null, commands]: readonly Reply[], address: string): Info {
  if (info instanceof ReplyError) throw refusal(info, '`INFO`', address);
  return withCommands(info, commands);
}
