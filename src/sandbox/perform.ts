import { refusal } from '../redis/errors.ts';
import type { Connection } from '../redis/connection.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCommand } from '../redis/server.ts';
import type { SandboxRecord } from './family.ts';
import type { TrafficOperation } from './operations.ts';
import type { TrafficAccount } from './traffic-account.ts';

export function setCommand({ key, value, ttlMillis }: SandboxRecord): RedisCommand {
  return ttlMillis === null ? ['SET', key, value] : ['SET', key, value, 'PX', ttlMillis];
}

/** @throws RedisError when the server refuses a command (it names the command, never a value) or the connection is lost */
export async function exchange(connection: Connection, commands: readonly RedisCommand[]): Promise<Reply[]> {
  const replies = await connection.exchange(commands);
  const refused = replies.findIndex((reply) => reply instanceof ReplyError);
  const reply = replies[refused];
  if (reply instanceof ReplyError)
    throw refusal(reply, `\`${String(commands[refused]?.[0])}\``, connection.address);
  return replies;
}

/**
 * Sends the operations in one batch, then in a second one what follows from the answers: values missed, TTLs of new counters.
 * @throws RedisError as `exchange` does
 */
export async function perform(
  connection: Connection,
  operations: readonly TrafficOperation[],
  account: TrafficAccount,
  now: () => number,
): Promise<void> {
  const requests = requestsFor(operations);
  // A TTL is counted from before it was sent, so that no key is gone before its time.
  const sentAt = now();
  const replies = await exchange(connection, requests.map(commandOf));
  const repliedAt = now();
  const followUps: RedisCommand[] = [];
  const refilled: SandboxRecord[] = [];
  const follow = (operation: TrafficOperation, reply: Reply | undefined) => {
    account.totals.operations++;
    if (operation.kind === 'read') {
      const { record, refill, isNew = false } = operation;
      if (reply !== null) {
        account.hit(record.key);
      } else {
        account.missed(record.key, repliedAt, isNew);
        if (refill) refilled.push(record);
      }
    } else if (operation.kind === 'write') {
      account.stored(operation.record.key, sentAt, operation.record.ttlMillis);
    } else if (operation.kind === 'increment') {
      if (reply === 1 && operation.ttlMillis !== null)
        followUps.push(['PEXPIRE', operation.key, operation.ttlMillis]);
    } else if (reply === 1) {
      account.gone(operation.key, operation.kind === 'remove' ? 'invalidated' : 'expired');
    }
  };
  requests.forEach((request, index) => {
    const reply = replies[index];
    request.forEach((operation, place) => follow(operation, Array.isArray(reply) ? reply[place] : reply));
  });
  for (const record of refilled) {
    account.stored(record.key, repliedAt, record.ttlMillis);
    followUps.push(setCommand(record));
  }
  await exchange(connection, followUps);
}

/** What one command does: an operation, or a list of reads. */
type Request = readonly [TrafficOperation, ...TrafficOperation[]];

/** Reads of one kind that follow each other are one list. */
function requestsFor(operations: readonly TrafficOperation[]): Request[] {
  const requests: [TrafficOperation, ...TrafficOperation[]][] = [];
  for (const operation of operations) {
    const last = requests.at(-1);
    if (last !== undefined && areAlike(last[0], operation)) last.push(operation);
    else requests.push([operation]);
  }
  return requests;
}

function areAlike(left: TrafficOperation, right: TrafficOperation): boolean {
  const prefixOf = (key: string) => key.split(':', 1)[0];
  return (
    left.kind === 'read' && right.kind === 'read' && prefixOf(left.record.key) === prefixOf(right.record.key)
  );
}

function commandOf([operation, ...others]: Request): RedisCommand {
  switch (operation.kind) {
    case 'read': {
      const keys = [operation, ...others].flatMap((read) => (read.kind === 'read' ? [read.record.key] : []));
      return [others.length > 0 ? 'MGET' : 'GET', ...keys];
    }
    case 'write':
      return setCommand(operation.record);
    case 'increment':
      return ['INCR', operation.key];
    case 'remove':
      return ['UNLINK', operation.key];
    case 'expire':
      return ['PEXPIRE', operation.key, 1];
  }
}
