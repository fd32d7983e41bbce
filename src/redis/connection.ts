import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onAbort } from '../support/failure.ts';
import { connectionFailure, RedisError, ReplyFault, seenPlainly } from './errors.ts';
import { type Info, infoOf, productOf, survivesNoTouch } from './info.ts';
import { logIn, unasked } from './login.ts';
import { LookupTally } from './lookups.ts';
import { type Reply, ReplyError, ReplyParser } from './reply.ts';
import { mayCarryValues, requireShapes } from './commands.ts';
import type { RedisCommand } from './server.ts';
import { addressOf, type ConnectTarget, retryMillisOf, tlsOptionsOf } from './target.ts';
import { decodeCommands, traced } from './trace.ts';

interface Batch {
  readonly replies: Reply[];
  remaining: number;
  /** What its replies have taken so far, and may take: bytes, and 32 more for each element. */
  bytes: number;
  readonly mostBytes: number;
  /** Null where it was sent behind others: it waits for them as well. */
  readonly sentAt: number | null;
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: RedisError) => void;
}

/** Replies of one batch: of commands that give values, and of those that give keys, sizes and settings. */
const mostValueBytes = 1024 ** 3;
export const mostMetadataBytes = 64 * 1024 ** 2;

/** What an element takes in memory, in addition to its bytes. */
export const elementBytes = 32;

/** A reply has the time limit, and as much longer as its bytes take at this pace. */
const leastBytesPerMilli = 16;

/**
 * A connection of our own for work in bulk: commands go out in one write per batch, replies come back in order, and
 * nothing is allocated per command but its reply. A general client spends about three times the server's own time on a
 * million small replies; this spends less than the server does.
 */
export class Connection {
  /** What has been sent so far, for the account of what a walk cost. */
  commandsSent = 0;
  /** The shortest so far, the server's own time included. */
  roundTripMillis = Number.POSITIVE_INFINITY;
  /** INFO's section about the server process, of when it was connected to; empty where INFO is not permitted. */
  serverInfo: Info = {};
  /** True where reading a value leaves the key's idle time and frequency as they are: see survivesNoTouch. */
  leavesNoTouch = false;
  private readonly batches: Batch[] = [];
  private failure: RedisError | undefined;
  /** Who gets what arrives, once the server sends by itself. */
  private listener: StreamListener | undefined;
  /** Until the login is through, a failure is one of connecting. */
  private state: 'connect' | 'lost' = 'connect';
  /** How long the reply in hand has been waited for, and what has come of it. */
  private waitedMillis = 0;
  private arrivedBytes = 0;
  private lastArrival = 0;
  private readonly parser = new ReplyParser((reply) => this.receive(reply));

  /** It may be why the server closes the connection. */
  private lastReply: Reply = null;
  readonly address: string;

  private constructor(
    private readonly socket: Socket,
    private readonly target: ConnectTarget,
    /** Of the node, over all of its connections. Who sends encoded commands enters there what they looked up. */
    readonly lookups: LookupTally,
  ) {
    this.address = addressOf(target);
    const { parser } = this;
    const read = (chunk: Buffer, length = chunk.length) => {
      if (this.failure) return;
      try {
        if (this.listener) this.listener.bytes(chunk.subarray(0, length));
        else {
          const batch = this.batches[0];
          const before = parser.elementsRead;
          this.requirePace(length);
          parser.push(chunk, length);
          if (batch) requireFit(batch, length + elementBytes * (parser.elementsRead - before));
        }
      } catch (error) {
        this.fail(error);
      }
    };
    socket.setNoDelay(true);
    if (target.tls) socket.on('data', read);
    else readers.set(socket, read);
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(systemError('ECONNRESET')));
    socket.on('timeout', () => {
      if (this.batches.length > 0) this.fail(systemError('ETIMEDOUT'));
    });
  }

  /** How long an answer that may pass is asked for again. */
  get retryMillis(): number {
    return retryMillisOf(this.target);
  }

  get bytesReceived(): number {
    return this.socket.bytesRead;
  }

  /** The network address at the other end; none for a socket file. */
  get peerAddress(): string | undefined {
    return this.socket.remoteAddress;
  }

  /**
   * Connects, logs in and selects the database, each step awaited; gives up once `signal` is aborted.
   * @throws RedisError
   */
  static async open(
    target: ConnectTarget,
    lookups = new LookupTally(),
    signal?: AbortSignal,
  ): Promise<Connection> {
    const address = addressOf(target);
    const socket = beginSocket(target);
    const stopListening = onAbort(signal, () => socket.destroy(interrupted(address)));
    let connection: Connection | undefined;
    try {
      await connected(socket, target);
      connection = new Connection(socket, target, lookups);
      socket.setTimeout(target.timeoutMillis);
      await connection.logIn();
      return connection;
    } catch (error) {
      connection?.close();
      throw await seenPlainly(error, target);
    } finally {
      stopListening();
    }
  }

  /**
   * Sends the commands in one write and resolves with their replies in order; an error reply is a value in its place.
   * A second batch may be sent before the first is answered.
   * @throws RedisError when the connection is or gets lost; nothing is known then of the commands not yet answered.
   */
  async exchange(commands: readonly RedisCommand[]): Promise<Reply[]> {
    if (this.failure) throw this.failure;
    if (commands.length === 0) return [];
    let payload = '';
    for (const command of commands) payload += encodeCommand(command);
    try {
      const mostBytes = commands.some(mayCarryValues) ? mostValueBytes : mostMetadataBytes;
      const replies = await this.send(payload, commands.length, mostBytes);
      requireShapes(commands, replies, this.address);
      this.lookups.note(commands, replies, !this.leavesNoTouch);
      return replies;
    } catch (error) {
      this.lookups.lose(commands);
      throw error;
    }
  }

  /** Sends commands that are already encoded. */
  send(payload: string, commandCount: number, mostBytes = mostValueBytes): Promise<Reply[]> {
    const send = () =>
      new Promise<Reply[]>((resolve, reject) =>
        this.sendNow(payload, commandCount, mostBytes, resolve, reject),
      );
    return this.target.trace ? traced(this.target, () => decodeCommands(payload), send) : send();
  }

  /**
   * The same for measurements: the replies are handed on in the turn in which the last of them arrives, and texts in them are read past.
   * Nothing else may be on its way.
   */
  sendThen(
    payload: string,
    commandCount: number,
    onReplies: Batch['resolve'],
    onFailure: Batch['reject'],
  ): void {
    this.parser.keepsTexts = false;
    if (this.target.trace) this.send(payload, commandCount).then(onReplies, onFailure);
    else this.sendNow(payload, commandCount, mostValueBytes, onReplies, onFailure);
  }

  private sendNow(
    payload: string,
    commandCount: number,
    mostBytes: number,
    resolve: Batch['resolve'],
    reject: Batch['reject'],
  ): void {
    if (this.failure) {
      reject(this.failure);
      return;
    }
    this.commandsSent += commandCount;
    this.lookups.commands += commandCount;
    const isAlone = this.batches.length === 0;
    if (isAlone) this.restartClock(performance.now());
    const sentAt = isAlone ? this.lastArrival : null;
    const replies: Reply[] = [];
    this.batches.push({ replies, remaining: commandCount, bytes: 0, mostBytes, sentAt, resolve, reject });
    this.socket.write(payload, 'latin1');
  }

  /**
   * Sends a command after which the server sends by itself (MONITOR, SUBSCRIBE), and hands on what arrives from then on, as
   * it arrives. The connection answers nothing else any more. To be called when every exchange has been answered.
   * @throws RedisError when the connection is lost already
   */
  stream(command: RedisCommand, listener: StreamListener): void {
    if (this.failure) throw this.failure;
    this.listener = listener;
    this.lookups.commands++;
    this.socket.write(encodeCommand(command), 'latin1');
  }

  close(): void {
    this.listener = undefined;
    this.failure ??= new RedisError('lost', 'ECLOSED', `the connection to ${this.address} was closed here`);
    this.socket.destroy();
  }

  private async logIn(): Promise<void> {
    const send = (commands: readonly RedisCommand[]) => this.exchange(commands);
    const [info] = await logIn(send, this.target, [['INFO', 'SERVER']]);
    this.serverInfo = infoOf(info) ?? {};
    if (survivesNoTouch(productOf(this.serverInfo))) {
      const [untouching] = await send([['CLIENT', 'NO-TOUCH', 'ON']]);
      this.leavesNoTouch = untouching === 'OK';
    }
    this.commandsSent = 0;
    this.state = 'lost';
  }

  private receive(reply: Reply): void {
    const batch = this.batches[0];
    this.restartClock(this.lastArrival);
    if (batch === undefined) {
      this.fail(unasked(reply, this.target, this.state));
      return;
    }
    this.lastReply = reply;
    batch.replies.push(reply);
    if (--batch.remaining > 0) return;
    this.batches.shift();
    if (batch.sentAt !== null)
      this.roundTripMillis = Math.min(this.roundTripMillis, this.lastArrival - batch.sentAt);
    batch.resolve(batch.replies);
  }

  private restartClock(now: number): void {
    this.waitedMillis = this.arrivedBytes = 0;
    this.lastArrival = now;
  }

  /** Against a reply that comes byte by byte: each byte would keep the connection from being idle. @throws Error */
  private requirePace(bytes: number): void {
    const now = performance.now();
    // This process may have been busy or stopped meanwhile: one long pause alone is no evidence about the server.
    const { timeoutMillis } = this.target;
    this.waitedMillis += Math.min(now - this.lastArrival, timeoutMillis / 2);
    this.lastArrival = now;
    this.arrivedBytes += bytes;
    if (this.waitedMillis > timeoutMillis + this.arrivedBytes / leastBytesPerMilli)
      throw systemError('ETIMEDOUT');
  }

  private fail(cause: unknown): void {
    const last = this.lastReply instanceof ReplyError ? this.lastReply : null;
    const failure = (this.failure ??= connectionFailure(cause, this.target, this.state, last));
    this.socket.destroy();
    for (const batch of this.batches.splice(0)) batch.reject(failure);
    const { listener } = this;
    this.listener = undefined;
    listener?.ended(failure);
  }
}

/** Who reads a connection on which the server sends by itself. */
export interface StreamListener {
  /** The chunk's memory is used again for the next: what is kept of it must be copied. */
  bytes(chunk: Buffer): void;
  /** Called once, when the connection is lost; never after `close`. */
  ended(failure: RedisError): void;
}

/** The RESP form of one command, as a byte string. */
export function encodeCommand(command: RedisCommand): string {
  let encoded = `*${command.length}\r\n`;
  for (const argument of command)
    encoded += encodeArgument(typeof argument === 'number' ? String(argument) : argument);
  return encoded;
}

/** One argument of a command. @param text A byte string. */
export const encodeArgument = (text: string): string => `$${text.length}\r\n${text}\r\n`;

/** Who reads what arrives on a plain socket; its bytes stand in a buffer that is used again for the next. */
const readers = new WeakMap<Socket, (chunk: Buffer, length: number) => void>();
const readBufferBytes = 64 * 1024;

/** A buffer for each read would be more garbage than the replies themselves: 40 MB for a walk over a million keys. */
function connectReusing(place: { host: string; port: number } | { path: string }): Socket {
  const socket: Socket = connectPlain({
    ...place,
    onread: {
      buffer: Buffer.allocUnsafe(readBufferBytes),
      callback: (length, buffer) => {
        readers.get(socket)?.(buffer as Buffer, length);
        return true;
      },
    },
  });
  return socket;
}

function beginSocket({ host, port, socketPath, tls }: ConnectTarget): Socket {
  const place = socketPath === undefined ? { host, port } : { path: socketPath };
  if (!tls) return connectReusing(place);
  return connectTls({ ...place, ...tlsOptionsOf(tls) });
}

/** @throws RedisError */
function connected(socket: Socket, target: ConnectTarget): Promise<void> {
  const { tls, timeoutMillis } = target;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(systemError('ETIMEDOUT'));
    }, timeoutMillis);
    const onError = (error: Error) => {
      clearTimeout(timer);
      reject(connectionFailure(error, target));
    };
    socket.once('error', onError);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve();
    });
  });
}

export const interrupted = (address: string): RedisError =>
  new RedisError('connect', 'EINTR', `interrupted while connecting to ${address}`);

/** @throws ReplyFault */
function requireFit(batch: Batch, bytes: number): void {
  batch.bytes += bytes;
  if (batch.bytes > batch.mostBytes)
    throw new ReplyFault(`more than ${batch.mostBytes / 1024 ** 2} MB where less was to be expected`);
}

/** What the system would say of itself: for failures that are found here. */
function systemError(code: 'ECONNRESET' | 'ETIMEDOUT'): Error {
  return Object.assign(new Error(code), { code });
}
