import { RedisError, refusal } from './errors.ts';
import { interrupted, Connection } from './connection.ts';
import { LookupTally } from './lookups.ts';
import { ReplyError } from './reply.ts';
import { commandName } from './commands.ts';
import type { RedisNode } from './server.ts';
import { addressOf, type ConnectTarget, type Place } from './target.ts';

/** A node with the connection for its single commands. */
export interface OpenNode extends RedisNode {
  close(): void;
}

/** Connects, logs in and selects the database; gives up once `signal` is aborted. @throws RedisError */
export async function openNode(
  target: ConnectTarget,
  signal?: AbortSignal,
  lookups = new LookupTally(),
): Promise<OpenNode> {
  const connection = await Connection.open(target, lookups, signal);
  const { address } = connection;
  return {
    address,
    database: target.database,
    // A socket forgets it when it is closed.
    peerAddress: connection.peerAddress,
    lookups,
    async call(...command) {
      const [reply = null] = await connection.exchange([command]);
      if (reply instanceof ReplyError) throw refusal(reply, `\`${commandName(command)}\``, address);
      return reply;
    },
    batch: (commands) => connection.exchange(commands),
    openConnection: () => Connection.open(target, lookups),
    close: () => connection.close(),
  };
}

/**
 * Connects for one question alone: to whoever knows where the servers are. Once `signal` is aborted, the answer is no
 * longer waited for. @throws RedisError
 */
export async function askOnce<T>(
  target: ConnectTarget,
  ask: (node: OpenNode) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const node = await openNode(target, signal);
  const giveUp = () => node.close();
  signal?.addEventListener('abort', giveUp);
  try {
    return await ask(node);
  } catch (error) {
    throw signal?.aborted === true ? interrupted(node.address) : error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
    node.close();
  }
}

/**
 * Asks one place after the other until one answers. What another would refuse for the same reason is thrown at once; a place
 * that is not there says nothing of the others.
 * @param noneOf the beginning of the message where all of several fail
 * @throws RedisError
 */
export async function askInTurn<T>(
  places: readonly Place[],
  ask: (place: Place) => Promise<T>,
  noneOf: string,
): Promise<T> {
  const failures: RedisError[] = [];
  for (const place of places) {
    try {
      return await ask(place);
    } catch (error) {
      if (!(error instanceof RedisError) || !isAboutOnePlace(error)) throw error;
      failures.push(error);
    }
  }
  const [first, ...more] = failures;
  if (first === undefined) throw new Error('there is no place to ask');
  if (more.length === 0) throw first;
  const reasons = [...new Set(failures.map(({ message }) => message))].join('; ');
  throw new RedisError(
    'connect',
    first.code,
    `none of the ${failures.length} ${noneOf}: ${reasons}`,
    first.hint,
  );
}

const isAboutOnePlace = ({ failure, code }: RedisError) =>
  (failure === 'connect' && code !== 'EINTR' && code !== 'ENOCLUSTER') || failure === 'lost';

/**
 * A node that is connected to when it is first used.
 * @param explained What a failure to get there is to be told as.
 */
export function nodeOnDemand(
  target: ConnectTarget,
  explained: (failure: RedisError) => RedisError,
  signal?: AbortSignal,
): OpenNode {
  let opening: Promise<OpenNode> | undefined;
  let closed = false;
  const lookups = new LookupTally();
  const explain = (error: unknown): never => {
    throw error instanceof RedisError && error.failure === 'connect' ? explained(error) : error;
  };
  const open = () =>
    (opening ??= openNode(target, signal, lookups).then(
      (node) => {
        if (closed) node.close();
        return node;
      },
      (error: unknown) => {
        opening = undefined;
        return explain(error);
      },
    ));
  return {
    address: addressOf(target),
    database: target.database,
    lookups,
    call: async (...command) => (await open()).call(...command),
    batch: async (commands) => (await open()).batch(commands),
    openConnection: () => Connection.open(target, lookups).catch(explain),
    close: () => {
      closed = true;
      // What fails to open has nothing to close.
      opening?.then((node) => node.close()).catch(() => undefined);
    },
  };
}
