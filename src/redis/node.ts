import { Redis } from 'ioredis';
import { asBytes } from '../support/bytes.ts';
import { onAbort } from '../support/failure.ts';
import { connectionFailure, mayPass, RedisError, refusal, ReplyFault, seenPlainly } from './errors.ts';
import { elementBytes, interrupted, Connection, mostMetadataBytes } from './connection.ts';
import { logIn, unasked } from './login.ts';
import { LookupTally } from './lookups.ts';
import { type Reply, ReplyError, ReplyParser } from './reply.ts';
import { commandName, isRepeatable, requireShapes } from './commands.ts';
import { isReady, mayReturn, Patience } from './readiness.ts';
import type { Argument, RedisCommand, RedisNode } from './server.ts';
import { addressOf, type ConnectTarget, type Place, retryMillisOf, tlsOptionsOf } from './target.ts';
import { traced } from './trace.ts';

/** A node with the connection for its single commands. */
export interface OpenNode extends RedisNode {
  close(): void;
}

/**
 * Connects, logs in and selects the database; gives up once `signal` is aborted.
 *
 * The client library would report a refused login or SELECT only as an event, and go on in database 0: it connects alone.
 * @throws RedisError
 */
export async function openNode(
  target: ConnectTarget,
  signal?: AbortSignal,
  lookups = new LookupTally(),
): Promise<OpenNode> {
  const client = openClient(target);
  const guard = new ReplyGuard(client, target);
  const stopListening = onAbort(signal, () => client.disconnect());
  try {
    await client.connect();
    const node = nodeOf(client, guard, target, lookups, signal);
    await logIn((commands) => node.batch(commands), target);
    guard.state = 'lost';
    return node;
  } catch (error) {
    endConnection(client);
    if (signal?.aborted === true) throw interrupted(addressOf(target));
    const failure = connectionFailure(error instanceof RedisError ? error : (guard.fault ?? error), target);
    throw await seenPlainly(failure, target);
  } finally {
    stopListening();
  }
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
  const stopListening = onAbort(signal, () => node.close());
  try {
    return await ask(node);
  } catch (error) {
    throw signal?.aborted === true ? interrupted(node.address) : error;
  } finally {
    stopListening();
    node.close();
  }
}

/**
 * Asks one place after another until one answers. What another would refuse for the same reason is thrown at once; a place
 * that is not there is no evidence about the others.
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
  const first = failures.find(mayPass) ?? failures[0];
  if (first === undefined) throw new Error('there is no place to ask');
  if (failures.length === 1) throw first;
  const reasons = [...new Set(failures.map(({ message }) => message))].join('; ');
  throw new RedisError(
    'connect',
    first.code,
    `none of the ${failures.length} ${noneOf}: ${reasons}`,
    first.hint,
  );
}

const isAboutOnePlace = ({ failure, code }: RedisError) =>
  (failure === 'connect' && code !== 'EINTR' && code !== 'ENOCLUSTER') ||
  failure === 'lost' ||
  mayPass({ code });

/** How a node is connected to. */
interface NodeWay {
  /** Where it is, which may change. */
  readonly place: () => ConnectTarget;
  readonly lookups: LookupTally;
  readonly open: () => Promise<OpenNode>;
  readonly openConnection: () => Promise<Connection>;
  /** Ends the waiting for what was lost. */
  readonly signal: AbortSignal | undefined;
  /** Asks who has the keys now: another node, or none. */
  readonly findSuccessor?: () => Promise<RedisNode | undefined>;
}

/**
 * A node that is connected to when it is first used, and again after its connection was lost. What may be asked again is, for as
 * long as --retry-for says, and of its successor where it has one.
 */
export function nodeOnDemand(
  { place, lookups, open, openConnection, signal, findSuccessor }: NodeWay,
  opened?: OpenNode,
): OpenNode & { forget(): void } {
  const retryMillis = retryMillisOf(place());
  const patience = new Patience(retryMillis, signal);
  let isAway = false;
  let latest = opened;
  let opening = opened && Promise.resolve(opened);
  let closed = false;
  const openAgain = () =>
    (opening ??= open().then(
      (node) => {
        if (closed) node.close();
        return (latest = node);
      },
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    ));
  const forget = () => {
    // What fails to open has nothing to close.
    opening?.then((node) => node.close()).catch(() => undefined);
    opening = undefined;
  };
  const send = async (commands: readonly RedisCommand[]): Promise<Reply[]> => {
    const current = openAgain();
    const node = await current;
    try {
      return await node.batch(commands);
    } catch (error) {
      if (error instanceof RedisError && error.failure === 'lost' && opening === current && !closed) forget();
      throw error;
    }
  };
  /** Waits a moment: once in vain for as long as may be, and then no more until there is an answer. */
  const mayAskAgain = async () => {
    if (!isAway) patience.renew();
    isAway = true;
    return !closed && (await patience.pause()) && !closed;
  };
  const batch = async (commands: readonly RedisCommand[]): Promise<Reply[]> => {
    if (!commands.every(isRepeatable)) return send(commands);
    for (;;) {
      try {
        const replies = await send(commands);
        isAway &&= !isReady(replies);
        if (isReady(replies) || !(await mayAskAgain())) return replies;
      } catch (error) {
        if (!mayReturn(error) || !(await mayAskAgain())) throw error;
        const successor = await findSuccessor?.().catch(() => undefined);
        if (successor !== undefined) return successor.batch(commands);
      }
    }
  };
  return {
    get address() {
      return addressOf(place());
    },
    database: place().database,
    retryMillis,
    get peerAddress() {
      return latest?.peerAddress;
    },
    lookups,
    call: async (...command) => answerTo(command, await batch([command]), addressOf(place())),
    batch,
    openConnection,
    handOver: () => ({ target: place(), lookups }),
    forget,
    close: () => {
      closed = true;
      forget();
    },
  };
}

function openClient(target: ConnectTarget): Redis {
  const { tls } = target;
  return new Redis({
    ...(target.socketPath === undefined
      ? { host: target.host, port: target.port }
      : { path: target.socketPath }),
    ...(tls && { tls: tlsOptionsOf(tls) }),
    lazyConnect: true,
    // One reply shape, the same as on our own connections.
    protocol: 2,
    connectTimeout: target.timeoutMillis,
    commandTimeout: target.timeoutMillis,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    // The ready check needs INFO, which a restricted user may not have.
    enableReadyCheck: false,
    disableClientInfo: true,
  });
}

/** The library would wait 2 s for the end of a connection that has ended, and hold the process for so long. */
function endConnection(client: Redis): void {
  if (client.status !== 'end') client.disconnect();
}

/**
 * Reads what the library reads, with the limits of our own parser: the library has none for the length of a reply, its depth
 * and its elements. What is beyond them, or no RESP2, ends the connection.
 */
class ReplyGuard {
  fault: unknown;
  /** Until the login is through, a failure is one of connecting. */
  state: 'connect' | 'lost' = 'connect';
  /** It may be why the server closes the connection. */
  lastReply: Reply = null;
  private received = 0;
  private awaited = 0;
  /** The library makes room for all elements that an array announces. */
  private readonly parser = new ReplyParser((reply) => this.receive(reply), mostMetadataBytes / elementBytes);

  constructor(
    client: Redis,
    private readonly target: ConnectTarget,
  ) {
    const read = (chunk: Buffer) => {
      try {
        const before = this.parser.elementsRead;
        this.parser.push(chunk);
        this.received += chunk.length + elementBytes * (this.parser.elementsRead - before);
        if (this.received > mostMetadataBytes)
          throw new ReplyFault(`more than ${mostMetadataBytes / 1024 ** 2} MB where less was to be expected`);
      } catch (error) {
        this.fault ??= error;
        // Ending it in good order would wait for the server to stop sending.
        client.disconnect();
        client.stream.destroy();
      }
    };
    // What the library throws is "Connection is closed."; the cause comes before it, as an event.
    client.on('error', (error: unknown) => (this.fault ??= error));
    client.once('connect', () => client.stream.prependListener('data', read));
  }

  /** Before commands are sent: what arrives from now on is their reply. */
  begin(commandCount: number): void {
    this.received = 0;
    this.awaited += commandCount;
  }

  /** @throws RedisError */
  private receive(reply: Reply): void {
    if (this.awaited === 0) throw unasked(reply, this.target, this.state);
    this.awaited--;
    this.lastReply = reply;
  }
}

function nodeOf(
  client: Redis,
  guard: ReplyGuard,
  target: ConnectTarget,
  lookups: LookupTally,
  signal: AbortSignal | undefined,
): OpenNode {
  const address = addressOf(target);
  const send = async (command: RedisCommand): Promise<Reply> => {
    const [name, ...rest] = command.map(toBuffer);
    try {
      const reply: unknown = await client.callBuffer(String(name), ...rest);
      if (guard.fault === undefined) return fromLibrary(reply);
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return new ReplyError(error.message);
      guard.fault ??= error;
    }
    const last = guard.lastReply instanceof ReplyError ? guard.lastReply : null;
    throw connectionFailure(guard.fault, target, guard.state, last);
  };
  const batch = async (commands: readonly RedisCommand[]): Promise<Reply[]> => {
    guard.begin(commands.length);
    lookups.commands += commands.length;
    try {
      // In one write: a second one to a connection that the server has closed would lose what it said before.
      client.stream.cork();
      const sent = commands.map(send);
      client.stream.uncork();
      const replies = await traced(
        target,
        () => commands,
        () => Promise.all(sent),
      );
      lookups.note(commands, replies);
      requireShapes(commands, replies, address);
      return replies;
    } catch (error) {
      lookups.lose(commands);
      throw error;
    }
  };
  return {
    address,
    database: target.database,
    retryMillis: retryMillisOf(target),
    // The library drops its stream with the connection.
    peerAddress: peerOf(client),
    lookups,
    call: async (...command) => answerTo(command, await batch([command]), address),
    batch,
    openConnection: () => Connection.open(target, lookups, signal),
    handOver: () => ({ target, lookups }),
    close: () => endConnection(client),
  };
}

/** @throws RedisError where it is a refusal */
function answerTo(command: RedisCommand, [reply = null]: readonly Reply[], address: string): Reply {
  if (reply instanceof ReplyError) throw refusal(reply, `\`${commandName(command)}\``, address);
  return reply;
}

function peerOf({ stream }: Redis): string | undefined {
  return 'remoteAddress' in stream && typeof stream.remoteAddress === 'string'
    ? stream.remoteAddress
    : undefined;
}

function toBuffer(argument: Argument): Buffer {
  return Buffer.from(String(argument), 'latin1');
}

/** Buffers of the client library become byte strings; error values inside arrays become ReplyError. */
function fromLibrary(value: unknown): Reply {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return asBytes(value);
  if (Buffer.isBuffer(value)) return asBytes(value.toString('latin1'));
  if (Array.isArray(value)) return value.map(fromLibrary);
  if (value instanceof Error) return new ReplyError(value.message);
  throw new TypeError(`a reply of type ${typeof value} was not expected`);
}
