import { createServer, type Socket } from 'node:net';
import { encodeCommand, Connection } from '../../src/redis/connection.ts';
import { type Reply, ReplyError, ReplyParser } from '../../src/redis/reply.ts';
import type { RedisCommand } from '../../src/redis/server.ts';
import { targetOf } from './redis.ts';

/** What a hostile server sends in place of a reply: the bytes, then `again` without end. */
export interface HostileReply {
  readonly bytes: string;
  readonly again?: string;
  /** Between two of the bytes that are sent again; without it they come as fast as they are taken. */
  readonly pauseMillis?: number;
}

export interface HostileServer {
  readonly url: string;
  /** Commands that were asked so far, with their subcommands where they have some. */
  readonly asked: Set<string>;
  /** What is answered from now on; null: what the real server answers. */
  answer(reply: (command: string) => HostileReply | null): void;
  stop(): Promise<void>;
}

const containers = new Set(['CONFIG', 'MEMORY', 'CLIENT', 'ACL', 'OBJECT', 'CLUSTER', 'SCRIPT', 'XINFO']);

/** After which the server sends by itself. */
const streams = new Set(['MONITOR', 'SUBSCRIBE', 'PSUBSCRIBE']);

/** The RESP2 form of a reply. Strings go as bulk strings, which hold any byte. */
export function encodeReply(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`;
  if (reply instanceof ReplyError) return `-${reply.message}\r\n`;
  return `*${reply.length}\r\n${reply.map(encodeReply).join('')}`;
}

/** A relay to a real server that answers some commands itself. The caller stops it. */
export async function startHostileServer(realUrl: string): Promise<HostileServer> {
  let reply: (command: string) => HostileReply | null = () => null;
  const asked = new Set<string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const real = Connection.open(targetOf(realUrl));
    socket.on('close', () => void real.then((connection) => connection.close()));
    let turn: Promise<unknown> = real;
    const answer = async (command: RedisCommand) => {
      const words = command.map((word) => String(word).toUpperCase());
      const name = containers.has(words[0] ?? '') ? words.slice(0, 2).join(' ') : (words[0] ?? '');
      asked.add(name);
      const hostile = reply(name);
      if (hostile !== null) {
        await sendWithoutEnd(socket, hostile);
        return;
      }
      if (streams.has(name)) {
        (await real).stream(command, {
          bytes: (chunk) => void socket.write(Buffer.from(chunk)),
          ended: () => socket.destroy(),
        });
        return;
      }
      // The replies of the real server are encoded as they were read, whatever their command.
      const [answered = null] = await replyOf(await real, command);
      socket.write(encodeReply(answered), 'latin1');
    };
    const parser = new ReplyParser((command) => {
      turn = turn.then(() => answer(command as RedisCommand)).catch(() => socket.destroy());
    });
    socket.on('data', (chunk) => parser.push(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `redis://127.0.0.1:${address.port}${new URL(realUrl).pathname}`,
    asked,
    answer: (next) => (reply = next),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** As it comes: within a transaction each command is answered with QUEUED, whatever its kind. */
const replyOf = (connection: Connection, command: RedisCommand): Promise<Reply[]> =>
  connection.send(encodeCommand(command), 1);

async function sendWithoutEnd(socket: Socket, { bytes, again, pauseMillis }: HostileReply): Promise<void> {
  socket.write(bytes, 'latin1');
  if (again === undefined) return;
  const chunk = Buffer.from(
    pauseMillis === undefined ? again.repeat(Math.ceil(65_536 / again.length)) : again,
  );
  while (!socket.destroyed) {
    const taken = socket.write(chunk);
    if (pauseMillis !== undefined) await new Promise((resolve) => setTimeout(resolve, pauseMillis));
    else if (!taken)
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', () => resolve());
      });
  }
}
