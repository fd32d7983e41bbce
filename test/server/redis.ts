import { inject } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import { type Reply, ReplyError, replyText } from '../../src/redis/reply.ts';
import type { Argument, RedisCommand, RedisNode, RedisServer } from '../../src/redis/server.ts';
import { asBytes } from '../../src/support/bytes.ts';
import type { ConnectTarget } from '../../src/redis/target.ts';
import { parseRedisUrl } from '../../src/redis/url.ts';
import { type RedisProcess, type RedisProcessOptions, startRedisProcess } from './redis-process.ts';
import { requireTool } from './tools.ts';
import { until } from './until.ts';

/** Databases 1 to 15 belong to the tests; each file that runs at the same time has one of its own. */
const testDatabases = 15;

/** The URL of this test file's own database. INFO counters are those of the whole server: see startPrivateServer. */
export function testUrl(): string {
  const worker = Number(process.env['VITEST_POOL_ID'] ?? '1');
  const url = new URL(inject('redisUrl'));
  url.pathname = `/${1 + ((worker - 1) % testDatabases)}`;
  return url.href;
}

export function targetOf(url: string, changes: Partial<ConnectTarget> = {}): ConnectTarget {
  return {
    ...parseRedisUrl(url),
    timeoutMillis: 20_000,
    retryMillis: 30_000,
    clientName: 'test',
    ...changes,
  };
}

/** A connection to this test file's own database, which is emptied first. The caller closes it. */
export async function testServer(): Promise<RedisServer> {
  const server = await connect(targetOf(testUrl()));
  await emptyDatabase(server);
  return server;
}

/** Removes every key of the database, in pages. */
export async function emptyDatabase(server: RedisServer): Promise<void> {
  for (const node of server.nodes) {
    let cursor = '0';
    do {
      const page = await node.call('SCAN', asBytes(cursor), 'COUNT', 1000);
      const [next, keys] = page as [string, Argument[]];
      if (keys.length > 0) await node.call('UNLINK', ...keys);
      cursor = next;
    } while (cursor !== '0');
  }
}

/** Sends one command to the server's only node; text arguments are taken as they are, one byte per character. */
export function send(server: RedisServer, ...words: readonly (string | number)[]): Promise<Reply> {
  return server.nodes[0].call(...words.map((word) => (typeof word === 'number' ? word : asBytes(word))));
}

/** From so many commands on it pays to open a connection for them: the client library makes several objects of each. */
const manyCommands = 500;

/** Sends many commands at once. @throws Error at the first error reply */
export async function sendAll(
  server: RedisServer,
  commands: readonly (readonly (string | number)[])[],
): Promise<Reply[]> {
  const [node] = server.nodes;
  const encoded = commands.map((words) =>
    words.map((word) => (typeof word === 'number' ? word : asBytes(word))),
  );
  const replies = commands.length < manyCommands ? await node.batch(encoded) : await exchange(node, encoded);
  const failed = replies.find((reply) => reply instanceof ReplyError);
  if (failed) throw new Error(failed.message);
  return replies;
}

async function exchange(node: RedisNode, commands: readonly RedisCommand[]): Promise<Reply[]> {
  const connection = await node.openConnection();
  try {
    return await connection.exchange(commands);
  } finally {
    connection.close();
  }
}

/** Gives keys an idle time, as if nothing had used them for so long. */
export async function makeIdle(
  server: RedisServer,
  keys: readonly string[],
  idleSeconds: number,
): Promise<void> {
  for (const key of keys) {
    const [value, expiresAt] = (await sendAll(server, [
      ['DUMP', key],
      ['PEXPIRETIME', key],
    ])) as [string, number];
    const ttl = Math.max(0, expiresAt);
    await send(server, 'RESTORE', key, ttl, value, 'REPLACE', 'ABSTTL', 'IDLETIME', idleSeconds);
  }
}

/** How often a command was called, as `INFO commandstats` counts it. */
export async function callsOf(server: RedisServer, command: string): Promise<number> {
  const stats = replyText(await send(server, 'INFO', 'commandstats'));
  return Number(new RegExp(`cmdstat_${command.replace('|', '\\|')}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

/** Waits until the server has answered so many calls of a command, since its start or the last CONFIG RESETSTAT. */
export const untilCalled = (server: RedisServer, command: string, calls = 1): Promise<void> =>
  until(`${calls} calls of ${command}`, async () => (await callsOf(server, command)) >= calls);

/**
 * Starts a server of the test's own: for counters, permissions, limits, replicas, TLS, and for killing. The caller
 * stops it; it also dies with the test run.
 */
export function startPrivateServer(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  return startRedisProcess(requireTool('redis-server'), options);
}
