import type { WalkAccount } from './account.ts';
import { type ByteString, asBytes } from '../support/bytes.ts';
import {
  askColumns,
  handled,
  keysOfType,
  type KeyColumns,
  receiveColumns,
  type Request,
  type WalkColumns,
} from './columns.ts';
import {
  keepFitting,
  type KeyConditions,
  missingOf,
  pickKeys,
  readAhead,
  wantedOf,
  withColumns,
} from './key-conditions.ts';
import { RedisError, refusal } from './errors.ts';
import { countsScanType } from './info.ts';
import type { Connection } from './connection.ts';
import { longerPage, type Pace, type PaceLimits, pageSizeOver, startPacing } from './pace.ts';
import { Patience, whenReady } from './readiness.ts';
import { type Reply, ReplyError } from './reply.ts';
import { ScanBounds } from './scan-bounds.ts';
import type { RedisCommand, RedisNode } from './server.ts';

export interface WalkOptions {
  /** Server-side MATCH: a glob in bytes. */
  readonly match?: ByteString;
  /** `string`, `hash`, …: tested by the server where that is free, else by a lookup of each key. */
  readonly type?: string;
  /** What is read of each key, two pages ahead. */
  readonly columns: WalkColumns;
  /** Only keys like this are yielded, and `columns` read of these alone. */
  readonly conditions?: KeyConditions;
  /** What is read next, one after the other and not ahead: a lookup only where what was read before asks for it. */
  readonly further?: readonly FurtherColumns[];
  /** Of the keys that the server gives, only these are read and yielded: what MATCH cannot say costs nothing. */
  readonly accepts?: (key: ByteString) => boolean;
  /** COUNT of each SCAN, or the most where `limits` slow the walk down (default: 500, and more over a long link). */
  readonly pageSize?: number;
  /** The least of that default. */
  readonly leastPageSize?: number;
  /** Where to begin: the cursor of an earlier account (default: at the start). */
  readonly from?: string;
  readonly limits?: PaceLimits;
  /** Once aborted, the walk ends after the page in hand. */
  readonly signal?: AbortSignal;
  /** Asked while a broken connection cannot be had again: true where another node has taken over, and this one is waited for no longer. */
  readonly isReplaced?: () => Promise<boolean>;
  /** Called after each SCAN with its COUNT: with MATCH a walk may go a long way without a page. */
  readonly onScan?: (count: number) => void;
}

/** Columns of some keys of a page. */
export interface FurtherColumns {
  readonly columns: WalkColumns;
  /** Indexes of these keys, in order. Called once for each page before it is yielded, and again where the connection breaks. */
  readonly of: (page: WalkPage) => readonly number[];
}

/** The keys of one page with what was read of them. */
export interface WalkPage extends KeyColumns {
  readonly keys: readonly ByteString[];
  /** Number of the page, from 0; those without a wanted key are counted and not yielded. */
  readonly number: number;
  /** The cursor behind it: `0` behind the last. */
  readonly cursor: string;
}

/**
 * Walks the keys of one node with SCAN. What is asked of a page goes out together with the SCAN for the page after the
 * next, while the server still answers for the page before: it never waits for us. SCAN may give a key twice while its
 * table is resized.
 *
 * A connection that breaks is opened again, and the walk continues after the last page that was yielded, if the server
 * is still the same process (`run_id`): a cursor means nothing to another one.
 *
 * `account` is filled in as the walk goes. When the caller leaves the loop early, what is on its way by then is still
 * awaited and counted, for the server counts it too.
 * @throws RedisError when SCAN is refused or the connection is lost for good.
 */
export async function* walkKeys(
  node: RedisNode,
  options: WalkOptions,
  account: WalkAccount,
): AsyncGenerator<WalkPage> {
  const { limits = {}, signal } = options;
  const first = await unlessAborted(node.openConnection(), signal);
  if (first === undefined) return;
  let connection = first;
  const pageSize = pageSizeOn(connection, options);
  const { pace, end } = await startPacing(node, limits, signal, pageSize).catch((error: unknown) => {
    connection.close();
    throw error;
  });
  try {
    const info = connection.serverInfo;
    const runId = info['run_id'] ?? null;
    // A lookup of our own for each key that MATCH lets through costs the same there, and can be counted.
    const typeByLookup = options.type !== undefined && countsScanType(info);
    const position = { cursor: options.from ?? '0', page: 0 };
    const patience = new Patience(node.retryMillis, signal);
    let brokenAt = -1;
    for (;;) {
      const spent = { commands: account.commands, bytes: account.receivedBytes };
      try {
        yield* walkOn(connection, { ...options, pace, typeByLookup }, position, account, () => {
          account.commands = spent.commands + connection.commandsSent;
          account.receivedBytes = spent.bytes + connection.bytesReceived;
        });
        return;
      } catch (error) {
        // What is no Redis reply would be none the next time.
        if (!(error instanceof RedisError) || error.failure !== 'lost' || error.code === 'EPROTO')
          throw error;
        if (runId === null) throw error;
        // One that breaks at the same page each time is not to be tried for ever.
        if (position.page > brokenAt) patience.renew();
        brokenAt = position.page;
        const opened = await unlessAborted(
          openAgain(node, error, runId, patience, options.isReplaced),
          signal,
        );
        if (opened === undefined) return;
        connection = opened;
        account.reconnects++;
      }
    }
  } finally {
    end();
  }
}

/** Undefined where what fails was given up: a walk then ends where it is. */
const unlessAborted = <T>(opening: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> =>
  opening.catch((failure: unknown) => {
    if (signal?.aborted !== true) throw failure;
    return undefined;
  });

async function* walkOn(
  connection: Connection,
  options: WalkOptions & {
    readonly pace: Pace | undefined;
    readonly typeByLookup: boolean;
  },
  /** Behind the last page that was yielded. */
  position: { cursor: string; page: number },
  account: WalkAccount,
  note: () => void,
): AsyncGenerator<WalkPage> {
  const { pace, signal, accepts, columns, further = [] } = options;
  const typeToTest = options.typeByLookup ? options.type : undefined;
  // Numbers of elements are read behind the types.
  const selected = options.conditions ?? (columns.elements === true ? {} : undefined);
  const conditions = selected && {
    ...selected,
    ...(typeToTest !== undefined && { type: [typeToTest] }),
  };
  const type = conditions === undefined ? typeToTest : undefined;
  const ahead = conditions === undefined ? columns : readAhead(columns, conditions);
  let count = 0;
  let sparseCount = 0;
  const scan = (cursor: string) => {
    count = pace?.pageSize ?? Math.max(pageSizeOn(connection, options), sparseCount);
    const command = scanCommand(
      cursor,
      count,
      options.match,
      typeToTest === undefined ? options.type : undefined,
    );
    return handled(whenReady(connection, () => connection.exchange([command]), signal));
  };
  const receive = async ({ request, number, cursor }: AskedPage): Promise<WalkPage> => {
    const moved = new Set<number>();
    const onMoved = (index: number) => void moved.add(index);
    const read = await receiveColumns(request, account, { signal, onMoved });
    let page: WalkPage = { keys: request.keys, number, cursor, ...read };
    if (moved.size > 0) page = pickKeys(page, (index) => !moved.has(index));
    if (conditions !== undefined) {
      const knownType = typeToTest === undefined ? options.type : undefined;
      page = await keepFitting(connection, page, conditions, account, { signal, knownType });
      const missing = { columns: missingOf(page, columns), of: allRows };
      page = wantedOf(await readFurther(connection, page, missing, account, options), columns);
    }
    for (const each of further) page = await readFurther(connection, page, each, account, options);
    position.page = number + 1;
    position.cursor = account.cursor = cursor;
    return page;
  };
  const asked: AskedPage[] = [];
  let scanning: Promise<Reply[]> | undefined = scan(position.cursor);
  let stopped = false;
  let next = position.page;
  const bounds = new ScanBounds(connection);
  try {
    for (;;) {
      if (scanning) {
        const { cursor, keys }: ScannedPage = scanPage((await scanning)[0], connection);
        await bounds.count(cursor, keys.length);
        options.onScan?.(count);
        sparseCount = isSparse(keys.length, count, options) ? longerPage(count) : 0;
        stopped = signal?.aborted === true;
        scanning = stopped || cursor === '0' ? undefined : scan(cursor);
        const accepted = accepts === undefined ? keys : keys.filter(accepts);
        if (!stopped) {
          const wanted =
            type !== undefined ? await keysOfType(connection, accepted, type, account, signal) : accepted;
          if (pace) await pace.turn(keys.length);
          asked.push({ request: askColumns(connection, wanted, ahead, account), number: next++, cursor });
        }
        if (scanning && asked.length < (pace ? 1 : 2)) continue;
      }
      const first = asked.shift();
      if (!first) break;
      const page = await receive(first).finally(note);
      if (page.keys.length > 0) yield page;
    }
    note();
    account.complete = !stopped;
  } finally {
    // Counted, but not handed over: a resumed walk starts before these pages.
    for (const { request } of asked) await receiveColumns(request, account).catch(() => undefined);
    note();
    connection.close();
  }
}

/** The shortest round trip counts, so a page that is longer because the server was busy at first does not stay so. */
const pageSizeOn = ({ roundTripMillis }: Connection, { pageSize, leastPageSize }: WalkOptions) =>
  pageSize ?? pageSizeOver(roundTripMillis, leastPageSize);

/** True where MATCH passes most keys over, so that the reply is short whatever the page is. */
const isSparse = (keys: number, count: number, { match, pageSize }: WalkOptions) =>
  match !== undefined && pageSize === undefined && keys < count / 10;

const allRows = ({ keys }: WalkPage) => [...keys.keys()];

/** The page with further columns of some of its keys, and null in them for the others. */
function readFurther(
  connection: Connection,
  page: WalkPage,
  { columns, of }: FurtherColumns,
  account: WalkAccount,
  { signal, type }: Pick<WalkOptions, 'signal' | 'type'>,
): Promise<WalkPage> | WalkPage {
  if (page.keys.length === 0 || !Object.values(columns).includes(true)) return page;
  return withColumns(connection, page, columns, of(page), account, signal, type);
}

/** A page on its way. */
interface AskedPage {
  readonly request: Request;
  readonly number: number;
  /** The cursor behind it. */
  readonly cursor: string;
}

interface ScannedPage {
  readonly cursor: string;
  readonly keys: ByteString[];
}

/** SCAN from a cursor on, as far as the server itself is to say which keys are wanted. */
export function scanCommand(
  cursor: string,
  count: number,
  match: ByteString | undefined,
  type: string | undefined,
): RedisCommand {
  return [
    ...(['SCAN', asBytes(cursor), 'COUNT', count] as const),
    ...(match === undefined ? [] : (['MATCH', match] as const)),
    ...(type === undefined ? [] : (['TYPE', asBytes(type)] as const)),
  ];
}

/** A page, whose shape was tested when it came. @throws RedisError when SCAN was refused */
export function scanPage(reply: Reply | undefined, connection: Connection): ScannedPage {
  if (reply instanceof ReplyError) throw refusal(reply, '`SCAN`', connection.address);
  const [cursor, keys] = reply as [ByteString, ByteString[]];
  return { cursor, keys };
}

/** @throws RedisError `lost` when the server stays away, or when another process answers in its place */
async function openAgain(
  node: RedisNode,
  lost: RedisError,
  runId: string,
  patience: Patience,
  isReplaced: WalkOptions['isReplaced'],
): Promise<Connection> {
  while (await patience.pause()) {
    let connection: Connection;
    try {
      connection = await node.openConnection();
      if (connection.serverInfo['run_id'] === runId) return connection;
      connection.close();
    } catch (error) {
      if (!(error instanceof RedisError) || error.failure === 'login') throw error;
      if ((await isReplaced?.()) === true) break;
      continue;
    }
    throw new RedisError(
      'lost',
      'ERESTART',
      `the server at ${node.address} was started anew while its keys were read, and its cursors with it`,
      'run the command again: a walk cannot continue in another process of the server',
    );
  }
  throw lost;
}
