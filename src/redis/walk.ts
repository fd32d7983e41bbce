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
  /** Of the keys that the server gives, only these are read and yielded: what MATCH cannot say costs nothing. */
  readonly accepts?: (key: ByteString) => boolean;
  /** COUNT of each SCAN (default 500): from 250 to 1000 a walk takes the same time, and a shorter page lets others in sooner. */
  readonly pageSize?: number;
  /** Once aborted, the walk ends after the page in hand. */
  readonly signal?: AbortSignal;
  /** Called after each SCAN with their number so far: with MATCH a walk may go a long way without a page. */
  readonly onScan?: (scans: number) => void;
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
  /** The command in RESP, up to the key. */
  readonly start: string;
  readonly countsAsLookup: boolean;
}

const allColumns: readonly Column[] = [
  // Without SAMPLES 0 the nested values of collections are estimated from five of them.
  { name: 'memory', start: '*3\r\n$6\r\nMEMORY\r\n$5\r\nUSAGE\r\n', countsAsLookup: false },
  { name: 'type', start: '*2\r\n$4\r\nTYPE\r\n', countsAsLookup: true },
  { name: 'ttl', start: '*2\r\n$4\r\nPTTL\r\n', countsAsLookup: true },
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
 * Walks the keys of one node with SCAN. What is asked of a page goes out together with the SCAN for the page after the
 * next, while the server still answers for the page before: it never waits for us. SCAN may give a key twice while its
 * table is resized.
 *
 * `account` is filled in as the walk goes. When the caller leaves the loop early, what is on its way by then is still
 * awaited and counted, for the server counts it too.
 * @throws RedisError when SCAN is refused or the connection is lost.
 */
export async function* walkKeys(
  node: RedisNode,
  options: WalkOptions,
  account: WalkAccount,
): AsyncGenerator<WalkPage> {
  const lane = await node.openLane();
  const scan = (cursor: string) => handled(lane.exchange([scanCommand(cursor, options)]));
  const receive = async (request: Request): Promise<WalkPage> => {
    const replies = await request.replies;
    noteRefusals(request, replies, account);
    account.commands = lane.commandsSent;
    account.bytesReceived = lane.bytesReceived;
    return pageOf(request, replies, account);
  };
  const asked: Request[] = [];
  let scanning: Promise<Reply[]> | undefined = scan('0');
  let stopped = false;
  let scans = 0;
  try {
    for (;;) {
      if (scanning) {
        const { cursor, keys }: ScannedPage = scanPage((await scanning)[0], lane);
        options.onScan?.(++scans);
        stopped = options.signal?.aborted === true;
        scanning = stopped || cursor === '0' ? undefined : scan(cursor);
        const wanted = options.accepts === undefined ? keys : keys.filter(options.accepts);
        if (!stopped) asked.push(ask(lane, wanted, options, account));
        if (scanning && asked.length < 2) continue;
      }
      const request = asked.shift();
      if (!request) break;
      const page = await receive(request);
      if (page.keys.length > 0) yield page;
    }
    account.complete = !stopped;
  } finally {
    for (const request of asked) await receive(request).catch(() => undefined);
    lane.close();
  }
}

interface ScannedPage {
  readonly cursor: string;
  readonly keys: ByteString[];
}

/** What was asked of the keys of one page. */
interface Request {
  readonly keys: readonly ByteString[];
  readonly columns: readonly Column[];
  readonly replies: Promise<Reply[]>;
}

/** Sends the commands of every column that was not refused so far, key by key. */
function ask(lane: Lane, keys: readonly ByteString[], options: WalkOptions, account: WalkAccount): Request {
  const refused = (name: keyof WalkColumns) => account.refusedColumns.some(({ column }) => column === name);
  const columns = allColumns.filter(({ name }) => options.columns[name] && !refused(name));
  let payload = '';
  for (const key of keys) {
    const argument = `$${key.length}\r\n${key}\r\n`;
    for (const column of columns) payload += column.start + argument;
  }
  const count = keys.length * columns.length;
  return { keys, columns, replies: handled(count === 0 ? Promise.resolve([]) : lane.send(payload, count)) };
}

/** Nobody waits for a reply when the walk has failed or ended before it: that is no unhandled rejection. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function scanCommand(cursor: string, options: WalkOptions): RedisCommand {
  return [
    'SCAN',
    asBytes(cursor),
    'COUNT',
    options.pageSize ?? 500,
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
function noteRefusals({ columns }: Request, replies: readonly Reply[], account: WalkAccount): void {
  columns.forEach(({ name }, index) => {
    const reply = replies[index];
    if (!(reply instanceof ReplyError) || isAboutOneKey(reply)) return;
    if (account.refusedColumns.some(({ column }) => column === name)) return;
    account.refusedColumns.push({ column: name, reason: reply.message });
  });
}

/**
 * True where the user lacks the key, not the command: `NOPERM … access one of the keys`, and its wording in 7.0 and
 * later: `No permissions to access a key`.
 */
export function isAboutOneKey(reply: ReplyError): boolean {
  return reply.code === 'NOPERM' && /\bkeys?\b/.test(reply.message) && !/\bcommand\b/.test(reply.message);
}

function pageOf({ keys, columns }: Request, replies: readonly Reply[], account: WalkAccount): WalkPage {
  const values: Record<keyof WalkColumns, (number | string | null)[]> = { memory: [], type: [], ttl: [] };
  let position = 0;
  for (let key = 0; key < keys.length; key++) {
    let unreadable = false;
    for (const column of columns) {
      const reply = replies[position++];
      if (reply instanceof ReplyError) {
        unreadable ||= isAboutOneKey(reply);
        values[column.name].push(null);
        continue;
      }
      const value = Array.isArray(reply) || reply === undefined ? null : reply;
      const gone = value === 'none' || (column.name === 'ttl' && value === -2);
      if (column.countsAsLookup) account[gone ? 'ownMisses' : 'ownHits']++;
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
