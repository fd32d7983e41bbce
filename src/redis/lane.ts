import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { connectionFailure, RedisError, refusal } from './errors.ts';
import { LookupTally } from './lookups.ts';
import { type Reply, ReplyError, ReplyParser } from './reply.ts';
import type { RedisCommand } from './server.ts';
import { addressOf, type ConnectTarget } from './target.ts';

interface Batch {
  readonly replies: Reply[];
  remaining: number;
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: RedisError) => void;
}

/**
 * A connection of our own for work in bulk: commands go out in one write per batch, replies come back in order, and
 * nothing is allocated per command but its reply. A general client spends about three times the server's own time on a
 * million small replies; this spends less than the server does.
 */
export class Lane {
  /** What has been sent so far, for the account of what a walk cost. */
  commandsSent = 0;
  /** True where reading a value leaves the key's idle time and frequency as they are: CLIENT NO-TOUCH, from 7.2 on. */
  leavesNoTouch = false;
  private readonly batches: Batch[] = [];
  private failure: RedisError | undefined;
  /** Who gets what arrives, once the server sends by itself. */
  private listener: StreamListener | undefined;
  /** Until the login is through, a failure is one of connecting. */
  private state: 'connect' | 'lost' = 'connect';

  private constructor(
    private readonly socket: Socket,
    readonly address: string,
    private readonly overTls: boolean,
    /** Of the node, over all of its connections. Who sends encoded commands enters there what they looked up. */
    readonly lookups: LookupTally,
  ) {
    const parser = new ReplyParser((reply) => this.receive(reply));
    const read = (chunk: Buffer) => {
      try {
        if (this.listener) this.listener.bytes(chunk);
        else parser.push(chunk);
      } catch (error) {
        this.fail(error);
      }
    };
    socket.setNoDelay(true);
    if (this.overTls) socket.on('data', read);
    else readers.set(socket, read);
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(systemError('ECONNRESET')));
    socket.on('timeout', () => {
      if (this.batches.length > 0) this.fail(systemError('ETIMEDOUT'));
    });
  }

  get bytesReceived(): number {
    return this.socket.bytesRead;
  }

  /** Connects, logs in and selects the database, each step awaited. @throws RedisError */
  static async open(target: ConnectTarget, lookups = new LookupTally()): Promise<Lane> {
    const address = addressOf(target);
    const socket = await openSocket(target, address);
    const lane = new Lane(socket, address, target.tls !== undefined, lookups);
    socket.setTimeout(target.timeoutMillis);
    try {
      await lane.logIn(target);
    } catch (error) {
      lane.close();
      throw error;
    }
    return lane;
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
      const replies = await this.send(payload, commands.length);
      this.lookups.note(commands, replies);
      return replies;
    } catch (error) {
      this.lookups.lose(commands);
      throw error;
    }
  }

  /** Sends commands that are already encoded: for measurements, which repeat the same bytes. */
  send(payload: string, commandCount: number): Promise<Reply[]> {
    if (this.failure) return Promise.reject(this.failure);
    this.commandsSent += commandCount;
    return new Promise((resolve, reject) => {
      this.batches.push({ replies: [], remaining: commandCount, resolve, reject });
      this.socket.write(payload, 'latin1');
    });
  }

  /**
   * Sends a command after which the server sends by itself (MONITOR, SUBSCRIBE), and hands on what arrives from then on, as
   * it arrives. The connection answers nothing else any more. To be called when every exchange has been answered.
   * @throws RedisError when the connection is lost already
   */
  stream(command: RedisCommand, listener: StreamListener): void {
    if (this.failure) throw this.failure;
    this.listener = listener;
    this.socket.write(encodeCommand(command), 'latin1');
  }

  close(): void {
    this.listener = undefined;
    this.failure ??= new RedisError('lost', 'ECLOSED', `the connection to ${this.address} was closed here`);
    this.socket.destroy();
  }

  private async logIn(target: ConnectTarget): Promise<void> {
    const bytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1') as RedisCommand[number];
    const required: [string, RedisCommand][] = [];
    if (target.password !== undefined) {
      const who = target.username === undefined ? [] : [bytes(target.username)];
      required.push(['logging in', ['AUTH', ...who, bytes(target.password)]]);
    }
    if (target.database !== 0)
      required.push([`selecting database ${target.database}`, ['SELECT', target.database]]);
    for (const [subject, command] of required) {
      const [reply] = await this.exchange([command]);
      if (reply instanceof ReplyError) throw refusal(reply, subject, this.address);
    }
    // Courtesies: a refusal (older server, restricted user) changes nothing.
    const [, untouching] = await this.exchange([
      ['CLIENT', 'SETNAME', bytes('cachectl')],
      ['CLIENT', 'NO-TOUCH', 'ON'],
    ]);
    this.leavesNoTouch = untouching === 'OK';
    this.commandsSent = 0;
    this.state = 'lost';
  }

  private receive(reply: Reply): void {
    const batch = this.batches[0];
    if (batch === undefined) {
      this.fail(new RedisError('lost', 'EPROTO', `${this.address} sent an answer that nobody asked for`));
      return;
    }
    batch.replies.push(reply);
    if (--batch.remaining > 0) return;
    this.batches.shift();
    batch.resolve(batch.replies);
  }

  private fail(cause: unknown): void {
    const failure = (this.failure ??= connectionFailure(cause, this.address, this.state, this.overTls));
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
  for (const argument of command) {
    const text = typeof argument === 'number' ? String(argument) : argument;
    encoded += `$${text.length}\r\n${text}\r\n`;
  }
  return encoded;
}

/** Who reads what arrives on a plain socket; its bytes stand in a buffer that is used again for the next. */
const readers = new WeakMap<Socket, (chunk: Buffer) => void>();
const readBufferBytes = 64 * 1024;

/** A buffer for each read would be more garbage than the replies themselves: 40 MB for a walk over a million keys. */
function connectReusing(place: { host: string; port: number } | { path: string }): Socket {
  const socket: Socket = connectPlain({
    ...place,
    onread: {
      buffer: Buffer.allocUnsafe(readBufferBytes),
      callback: (length, buffer) => {
        readers.get(socket)?.(buffer.subarray(0, length) as Buffer);
        return true;
      },
    },
  });
  return socket;
}

function openSocket(target: ConnectTarget, address: string): Promise<Socket> {
  const { host, port, socketPath, tls } = target;
  const place = socketPath === undefined ? { host, port } : { path: socketPath };
  const socket = tls
    ? connectTls({
        ...place,
        rejectUnauthorized: tls.verify,
        ...(tls.ca !== undefined && { ca: tls.ca }),
        ...(tls.certificate !== undefined && { cert: tls.certificate }),
        ...(tls.key !== undefined && { key: tls.key }),
        ...(tls.serverName !== undefined && { servername: tls.serverName }),
      })
    : connectReusing(place);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(systemError('ETIMEDOUT'));
    }, target.timeoutMillis);
    const onError = (error: Error) => {
      clearTimeout(timer);
      reject(connectionFailure(error, address, 'connect', tls !== undefined));
    };
    socket.once('error', onError);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

/** What the system would say of itself: for failures that are found here. */
function systemError(code: 'ECONNRESET' | 'ETIMEDOUT'): Error {
  return Object.assign(new Error(code), { code });
}
