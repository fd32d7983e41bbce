import type { ByteString } from './bytes.ts';
import { asBytes } from './bytes.ts';
import { RedisError, refusal } from './errors.ts';
import type { Lane } from './lane.ts';
import { type Reply, ReplyError, replyText } from './reply.ts';
import type { RedisCommand, RedisNode } from './server.ts';

/** What is read of each key. `memory` leaves no trace; `type` and `ttl` each cost one lookup that the server counts as a hit. */
export interface WalkColumns {
  readonly memory?: boolean;
  readonly type?: boolean;
  readonly ttl?: boolean;
}

export interface WalkOptions {
  /** Server-side MATCH: a glob in bytes. */
  readonly match?: ByteString;
  /** Server-side TYPE: `string`, `hash`, … */
  readonly type?: string;
  readonly columns: WalkColumns;
  /** COUNT of each SCAN: 1000 keeps other clients' p99 below 2 ms on a server that answers PING in 0.2 ms. */
  readonly pageSize?: number;
  /** Once aborted, the walk ends after the page in hand. */
  readonly signal?: AbortSignal;
}

/** The keys of one page with what was read of them, in parallel arrays. */
export interface WalkPage {
  readonly keys: readonly ByteString[];
  /** Bytes with the allocator's overhead, as MEMORY USAGE gives them; null: gone meanwhile, or not permitted. */
  readonly memoryBytes: readonly (number | null)[];
  readonly types: readonly (string | null)[];
  /** Milliseconds until expiry; -1 without TTL; null: gone meanwhile, or not permitted. */
  readonly ttlMillis: readonly (number | null)[];
}

/** What a walk cost the server, and what it could not see. */
export interface WalkAccount {
  /** True when the cursor came back to zero. */
  complete: boolean;
  commands: number;
  bytesReceived: number;
  /** Lookups of our own that the server counted as hits, and as misses (keys that vanished in between). */
  ownHits: number;
  ownMisses: number;
  /** Keys that the user may see in SCAN but not read. */
  unreadableKeys: number;
  /** Columns that the server refused, with its own words. */
  refusedColumns: { column: keyof WalkColumns; reason: string }[];
}

interface Column {
  readonly name: keyof WalkColumns;
  readonly command: (key: ByteString) => RedisCommand;
  readonly countsAsLookup: boolean;
}

const allColumns: readonly Column[] = [
  // Without SAMPLES 0 the nested values of collections are estimated from five of them.
  { name: 'memory', command: (key) => ['MEMORY', 'USAGE', key], countsAsLookup: false },
  { name: 'type', command: (key) => ['TYPE', key], countsAsLookup: true },
  { name: 'ttl', command: (key) => ['PTTL', key], countsAsLookup: true },
];

export function emptyAccount(): WalkAccount {
  return {
    complete: false,
    commands: 0,
    bytesReceived: 0,
    ownHits: 0,
    ownMisses: 0,
    unreadableKeys: 0,
    refusedColumns: [],
  };
}

/**
 * Walks the keys of one node with SCAN. The next SCAN goes out together with the commands for the page in hand, so the
 * server never waits for us and one round trip per page is all the latency there is. SCAN may give a key twice while
 * its table is resized.
 *
 * `account` is filled in as the walk goes, so that it is true also when the walk ends early.
 * @throws RedisError when SCAN is refused or the connection is lost.
 */
export async function* walkKeys(
  node: RedisNode,
  options: WalkOptions,
  account: WalkAccount,
): AsyncGenerator<WalkPage> {
  const lane = await node.openLane();
  let columns = allColumns.filter((column) => options.columns[column.name]);
  const ask = (cursor: string | undefined, keys: readonly ByteString[]): Request => {
    const replies = lane.exchange([
      ...(cursor === undefined ? [] : [scanCommand(cursor, options)]),
      ...keys.flatMap((key) => columns.map((column) => column.command(key))),
    ]);
    // Nobody waits for it when the caller leaves the loop early.
    replies.catch(() => undefined);
    return { keys, columns, scans: cursor !== undefined, replies };
  };
  try {
    let request: Request | undefined = ask('0', []);
    let stopped = false;
    while (request !== undefined) {
      const { keys, columns: asked, scans }: Request = request;
      const replies: Reply[] = await request.replies;
      const details: Reply[] = scans ? replies.slice(1) : replies;
      columns = dropRefused(details, asked, account);
      const next: ScannedPage | undefined = scans ? scanPage(replies[0], lane) : undefined;
      stopped = next !== undefined && options.signal?.aborted === true;
      request =
        next === undefined || stopped
          ? undefined
          : ask(next.cursor === '0' ? undefined : next.cursor, next.keys);
      account.commands = lane.commandsSent;
      account.bytesReceived = lane.bytesReceived;
      if (keys.length > 0) yield pageOf(keys, details, asked, account);
    }
    account.complete = !stopped;
  } finally {
    lane.close();
  }
}

interface ScannedPage {
  readonly cursor: string;
  readonly keys: ByteString[];
}

/** A page's commands on their way, with the SCAN for the page after it. */
interface Request {
  readonly keys: readonly ByteString[];
  readonly columns: readonly Column[];
  readonly scans: boolean;
  readonly replies: Promise<Reply[]>;
}

function scanCommand(cursor: string, options: WalkOptions): RedisCommand {
  return [
    'SCAN',
    asBytes(cursor),
    'COUNT',
    options.pageSize ?? 1000,
    ...(options.match === undefined ? [] : (['MATCH', options.match] as const)),
    ...(options.type === undefined ? [] : (['TYPE', asBytes(options.type)] as const)),
  ];
}

function scanPage(reply: Reply | undefined, lane: Lane): ScannedPage {
  if (reply instanceof ReplyError) throw refusal(reply, '`SCAN`', lane.address);
  if (!Array.isArray(reply) || !Array.isArray(reply[1])) {
    throw new RedisError(
      'lost',
      'EPROTO',
      `${lane.address} gave an answer to \`SCAN\` that is no page of keys`,
    );
  }
  return { cursor: replyText(reply[0]), keys: reply[1] as ByteString[] };
}

/** A column whose command is refused as such (not for one key) is not asked for again. */
function dropRefused(replies: readonly Reply[], columns: readonly Column[], account: WalkAccount): Column[] {
  return columns.filter((column, index) => {
    const reply = replies[index];
    if (!(reply instanceof ReplyError) || isAboutOneKey(reply)) return true;
    account.refusedColumns.push({ column: column.name, reason: reply.message });
    return false;
  });
}

/** `NOPERM … access one of the keys`, and its wording in 7.0 and later: `No permissions to access a key`. */
function isAboutOneKey(reply: ReplyError): boolean {
  return reply.code === 'NOPERM' && /\bkeys?\b/.test(reply.message) && !/\bcommand\b/.test(reply.message);
}

function pageOf(
  keys: readonly ByteString[],
  replies: readonly Reply[],
  columns: readonly Column[],
  account: WalkAccount,
): WalkPage {
  const width = columns.length;
  const values: Record<keyof WalkColumns, (number | string | null)[]> = { memory: [], type: [], ttl: [] };
  for (let key = 0; key < keys.length; key++) {
    let unreadable = false;
    for (let index = 0; index < width; index++) {
      const column = columns[index] as Column;
      const reply = replies[key * width + index];
      const failed = reply instanceof ReplyError;
      if (failed) unreadable = true;
      const value = failed || Array.isArray(reply) || reply === undefined ? null : reply;
      const gone = value === 'none' || (column.name === 'ttl' && value === -2);
      if (column.countsAsLookup && !failed) account[gone ? 'ownMisses' : 'ownHits']++;
      values[column.name].push(gone ? null : value);
    }
    if (unreadable) account.unreadableKeys++;
  }
  return {
    keys,
    memoryBytes: values.memory as (number | null)[],
    types: values.type as (string | null)[],
    ttlMillis: values.ttl as (number | null)[],
  };
}
