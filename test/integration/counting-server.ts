import { connect as connectSocket, type Socket } from 'node:net';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { type Reply, replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { startPrivateServer, targetOf } from '../server/redis.ts';

/** What the server counted while commands ran, and the events of misses. */
export interface Counted {
  readonly hits: number;
  readonly misses: number;
  /** Keys with the number of the database before them: `0 user:1`. */
  readonly keymiss: readonly string[];
}

/** A server of its own, and a listener to its misses. */
export interface CountingServer {
  readonly process: RedisProcess;
  readonly server: RedisServer;
  /** Runs commands in one batch; it does not matter whether they fail. */
  count(...commands: readonly (readonly string[])[]): Promise<Counted>;
  countDuring(work: () => Promise<unknown>): Promise<Counted>;
  /** Lines of MONITOR, as the server wrote them, while `work` ran. */
  monitor(work: () => Promise<unknown>): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startCountingServer(): Promise<CountingServer> {
  const process = await startPrivateServer();
  const server = await connect(targetOf(process.url));
  const node = server.nodes[0];
  const run = (...words: readonly string[]) => node.call(...words.map(asBytes));
  await run('CONFIG', 'SET', 'notify-keyspace-events', 'KEAm');
  const subscriptions = ['SUBSCRIBE fence', 'PSUBSCRIBE __keyevent@*__:keymiss'];
  const events = await openLines(process.port, subscriptions, ':2');
  let fences = 0;
  const countDuring = async (work: () => Promise<unknown>): Promise<Counted> => {
    const begin = `f${++fences}`;
    await run('PUBLISH', 'fence', begin);
    await events.until(begin);
    const before = lookupsIn(await run('INFO', 'stats'));
    await work();
    const after = lookupsIn(await run('INFO', 'stats'));
    const end = `f${++fences}`;
    await run('PUBLISH', 'fence', end);
    const keymiss = missedKeys(await events.until(end));
    return { hits: after.hits - before.hits, misses: after.misses - before.misses, keymiss };
  };
  return {
    process,
    server,
    count: (...commands) => countDuring(() => node.batch(commands.map((words) => words.map(asBytes)))),
    countDuring,
    monitor: async (work) => {
      const lines = await openLines(process.port, ['MONITOR'], '+OK');
      await work();
      await run('ECHO', 'the end');
      const seen = await lines.until('"the end"');
      lines.close();
      return seen.slice(0, -1);
    },
    stop: async () => {
      events.close();
      server.close();
      await process.stop();
    },
  };
}

function lookupsIn(info: Reply): { hits: number; misses: number } {
  const value = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(replyText(info))?.[1]);
  return { hits: value('keyspace_hits'), misses: value('keyspace_misses') };
}

/** `pmessage`, its pattern, its channel and its key stand on lines of their own, each behind its length. */
function missedKeys(lines: readonly string[]): string[] {
  return lines.flatMap((line, at) => {
    const database = /^__keyevent@(\d+)__:keymiss$/.exec(line)?.[1];
    return database === undefined ? [] : [`${database} ${lines[at + 2]}`];
  });
}

interface Lines {
  /** The lines up to the first that ends so, which were not given before. */
  until(ending: string): Promise<string[]>;
  close(): void;
}

/**
 * Sends commands over a bare connection, so that what is tested shares nothing with the product's reading of replies.
 * @param readyAt how the line ends that answers the last of them
 */
export async function openLines(port: number, commands: readonly string[], readyAt: string): Promise<Lines> {
  const socket: Socket = connectSocket(port, '127.0.0.1');
  let text = '';
  let wake: () => void = () => undefined;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    wake();
  });
  socket.on('close', () => wake());
  const until = async (ending: string) => {
    for (;;) {
      const end = text.indexOf(`${ending}\r\n`);
      if (end >= 0) {
        const seen = text.slice(0, end + ending.length).split('\r\n');
        text = text.slice(end + ending.length + 2);
        return seen;
      }
      if (socket.destroyed) throw new Error(`the connection ended before \`${ending}\` came: ${text}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  socket.write(commands.map((command) => `${command}\r\n`).join(''));
  await until(readyAt);
  return { until, close: () => socket.destroy() };
}
