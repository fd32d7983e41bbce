import { refusal } from '../redis/errors.ts';
import type { Lane } from '../redis/lane.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCommand } from '../redis/server.ts';
import type { SandboxRecord } from './family.ts';
import type { TrafficOperation } from './operations.ts';
import { setCommand } from './seed.ts';
import type { TrafficAccount } from './traffic-account.ts';

/** One command, and the operations that it does: a list of reads is one MGET. */
interface Request {
  readonly command: RedisCommand;
  readonly operations: TrafficOperation[];
}

/**
 * Sends the operations in one batch, then in a second one what follows from the answers: values missed, TTLs of new counters.
 * @throws RedisError when the server refuses a command or the connection is lost.
 */
export async function perform(
  lane: Lane,
  operations: readonly TrafficOperation[],
  account: TrafficAccount,
  now: () => number,
): Promise<void> {
  const requests = requestsFor(operations);
  // A TTL is counted from before it was sent, so that no key is gone before its time.
  const sentAt = now();
  const replies = await lane.exchange(requests.map(({ command }) => command));
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
    if (reply instanceof ReplyError) throw refusal(reply, `\`${String(request.command[0])}\``, lane.address);
    request.operations.forEach((operation, place) =>
      follow(operation, Array.isArray(reply) ? reply[place] : reply),
    );
  });
  for (const record of refilled) {
    account.stored(record.key, repliedAt, record.ttlMillis);
    followUps.push(setCommand(record));
  }
  for (const reply of await lane.exchange(followUps)) {
    if (reply instanceof ReplyError) throw refusal(reply, '`SET`', lane.address);
  }
}

/** Reads of one kind that stand together are one list. */
function requestsFor(operations: readonly TrafficOperation[]): Request[] {
  const requests: Request[] = [];
  let before: TrafficOperation | undefined;
  for (const operation of operations) {
    const last = requests.at(-1);
    if (last !== undefined && before !== undefined && belongTogether(before, operation)) {
      last.operations.push(operation);
      requests[requests.length - 1] = {
        command: [
          'MGET',
          ...last.operations.flatMap((read) => (read.kind === 'read' ? [read.record.key] : [])),
        ],
        operations: last.operations,
      };
    } else {
      requests.push({ command: commandOf(operation), operations: [operation] });
    }
    before = operation;
  }
  return requests;
}

function belongTogether(left: TrafficOperation, right: TrafficOperation): boolean {
  return (
    left.kind === 'read' && right.kind === 'read' && prefixOf(left.record.key) === prefixOf(right.record.key)
  );
}

function prefixOf(key: string): string {
  const colon = key.indexOf(':');
  return colon < 0 ? key : key.slice(0, colon);
}

function commandOf(operation: TrafficOperation): RedisCommand {
  switch (operation.kind) {
    case 'read':
      return ['GET', operation.record.key];
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
