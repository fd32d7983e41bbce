import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ReplyReader } from './reply-reader.ts';

/** One command, or several that are answered as one, as the bytes that go out and what its answer means. */
export interface Operation {
  /** One byte per character. */
  readonly payload: string;
  /** How many replies come; the last one is the answer. */
  readonly replies: number;
  settle(members: readonly number[]): void;
}

type Settle = (reply: number, members: readonly number[]) => void;

interface Exchange {
  readonly settle: Settle;
  readonly replies: number;
  done: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A connection of the load: batches go out in one write each. */
export class LoadConnection {
  private current: Exchange | undefined;

  private constructor(private readonly socket: Socket) {
    const reader = new ReplyReader((members, error) => this.receive(members, error));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed a connection of the load')));
  }

  static async open(port: number, database = 0): Promise<LoadConnection> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const connection = new LoadConnection(socket);
    await connection.exchange(encode('SELECT', database), 1, () => undefined);
    return connection;
  }

  /**
   * Sends the payload, one byte per character of a text, and resolves when its replies have been settled.
   * @throws Error at an error reply, unless the server refuses a write for lack of memory: that one has not happened
   */
  exchange(payload: string | Buffer, replies: number, settle: Settle): Promise<void> {
    return new Promise((resolve, reject) => {
      this.current = { settle, replies, done: 0, resolve, reject };
      if (typeof payload === 'string') this.socket.write(payload, 'latin1');
      else this.socket.write(payload);
    });
  }

  /** Sends all operations at once. @returns how many commands these were */
  async perform(operations: readonly Operation[]): Promise<number> {
    if (operations.length === 0) return 0;
    let payload = '';
    let replies = 0;
    for (const operation of operations) {
      payload += operation.payload;
      replies += operation.replies;
    }
    let at = 0;
    let left = operations[0]?.replies ?? 0;
    await this.exchange(payload, replies, (_, members) => {
      const operation = operations[at];
      if (--left > 0) return;
      operation?.settle(members);
      left = operations[++at]?.replies ?? 0;
    });
    return replies;
  }

  close(): void {
    this.current = undefined;
    this.socket.destroy();
  }

  private receive(members: readonly number[], error: string | null): void {
    const { current } = this;
    if (current === undefined) throw new Error('the server sent an answer that nobody asked for');
    if (error !== null && !error.startsWith('OOM ')) throw new Error(error);
    current.settle(current.done, error === null ? members : refused);
    if (++current.done < current.replies) return;
    this.current = undefined;
    current.resolve();
  }

  private fail(error: Error): void {
    this.current?.reject(error);
    this.current = undefined;
    this.socket.destroy();
  }
}

/** The members of a reply to a command that the server refused for lack of memory: it is in no counter and in no MONITOR. */
export const refused: readonly number[] = [];

/** A command as the bytes that go out; words are of one byte per character. */
export function encode(...words: readonly (string | number)[]): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) {
    const characters = String(word);
    text += `$${characters.length}\r\n${characters}\r\n`;
  }
  return text;
}
