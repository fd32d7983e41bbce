import { asBytes, type ByteString } from '../../support/bytes.ts';
import { RedisError } from '../../redis/errors.ts';
import { infoNumber, parseInfo } from '../../redis/info.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';

const setting: ByteString = asBytes('notify-keyspace-events');

const askFlags: RedisCommand = ['CONFIG', 'GET', setting];
const askServer: RedisCommand = ['INFO', 'SERVER'];

/** What of a node is used here. */
export type FlagsNode = Pick<RedisNode, 'address' | 'batch'>;

export interface ServerFlags {
  readonly address: string;
  /** The process of the server; null where INFO is refused. */
  readonly runId: string | null;
  /** By our clock, in milliseconds since the epoch, to the second; null where INFO does not tell. */
  readonly startedAt: number | null;
  /** The letters as the server writes them, or its refusal. */
  readonly flags: string | ReplyError;
}

/** @param now Milliseconds since the epoch. @throws RedisError when the connection is lost */
export async function readServerFlags(node: FlagsNode, now: number): Promise<ServerFlags> {
  const [info, flags] = await node.batch([askServer, askFlags]);
  const facts = info === undefined || info instanceof ReplyError ? {} : parseInfo(replyText(info));
  const uptimeSeconds = infoNumber(facts, 'uptime_in_seconds');
  return {
    address: node.address,
    runId: facts['run_id'] ?? null,
    startedAt: uptimeSeconds === null ? null : now - 1000 * uptimeSeconds,
    flags: flagsOf(flags),
  };
}

/** Changes the flags, and gives what the server answers to CONFIG GET after it, or its refusal. @throws RedisError when the connection is lost */
export async function setServerFlags(node: FlagsNode, flags: string): Promise<string | ReplyError> {
  const [changed, after] = await node.batch([['CONFIG', 'SET', setting, asBytes(flags)], askFlags]);
  return changed instanceof ReplyError ? changed : flagsOf(after);
}

function flagsOf(reply: Reply | undefined): string | ReplyError {
  if (reply instanceof ReplyError) return reply;
  const value = Array.isArray(reply) ? reply[1] : undefined;
  if (typeof value === 'string') return value;
  // A service that hides the setting answers with an empty list.
  return value instanceof ReplyError ? value : new ReplyError(`ERR there is no setting ${setting}`);
}

/** The node, with an end to waiting for it that the connection itself does not know. */
export function boundedNode(node: FlagsNode, until: Promise<never>): FlagsNode {
  return { address: node.address, batch: (commands) => Promise.race([node.batch(commands), until]) };
}

/** Ends a wait after the time given. The caller stops it. */
export function startBound(address: string, millis: number): { readonly over: Promise<never>; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new RedisError('lost', 'ETIMEDOUT', `lost the connection to ${address}: no answer in time`)),
      millis,
    );
  });
  // Nobody may be waiting when the time is over.
  over.catch(() => undefined);
  return { over, stop: () => clearTimeout(timer) };
}
