import { noteRefusal, type ColumnName, type WalkAccount } from './account.ts';
import type { ByteString } from '../support/bytes.ts';
import { isAboutOneKey, isAboutPolicy, isRedirection, mayPass, refusal } from './errors.ts';
import { whenReady } from './readiness.ts';
import { believedSeconds, findSharedValues, IdleLimit, type IdleTime, noOwnIdleTime } from './idle-times.ts';
import { type Connection, mostMetadataBytes } from './connection.ts';
import { type LookupTally, noLookups } from './lookups.ts';
import { type Reply, ReplyError } from './reply.ts';
import { requireShape } from './commands.ts';

/** `elements` takes a command that depends on the type, which is read before: see key-conditions.ts. */
export type WalkColumns = Readonly<Partial<Record<ColumnName | 'elements', boolean>>>;

/** What was read of some keys, in arrays parallel to them; empty where the column was not asked for. */
export interface KeyColumns {
  /** Bytes with the allocator's overhead, as MEMORY USAGE gives them; null: gone meanwhile, or not permitted. */
  readonly memoryBytes: readonly (number | null)[];
  readonly types: readonly (string | null)[];
  /** Milliseconds until expiry; -1 without TTL; null: gone meanwhile, or not permitted. */
  readonly ttlMillis: readonly (number | null)[];
  /** OBJECT ENCODING: `listpack`, `embstr`, … */
  readonly encodings: readonly (string | null)[];
  readonly idleSeconds: readonly (IdleTime | null)[];
  /** The logarithmic access counter of an LFU policy, from 0 to 255. */
  readonly frequencies: readonly (number | null)[];
  /** Null: of a string, gone meanwhile, or not permitted. */
  readonly elements: readonly (number | null)[];
}

interface Column {
  readonly name: ColumnName;
  readonly field: keyof KeyColumns;
  /** With its subcommand. */
  readonly commandName: string;
  /** The command that the server counts as a lookup; null: it counts none. */
  readonly lookup: string | null;
  /** The command in RESP, up to the key. */
  readonly start: string;
}

const column = (name: ColumnName, field: keyof KeyColumns, ...words: readonly string[]): Column => ({
  name,
  field,
  commandName: words.join(' '),
  lookup: name === 'memory' ? null : (words[0] ?? null),
  start: `*${words.length + 1}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`,
});

const allColumns: readonly Column[] = [
  // Without SAMPLES 0 the nested values of collections are estimated from five of them.
  column('memory', 'memoryBytes', 'MEMORY', 'USAGE'),
  column('type', 'types', 'TYPE'),
  column('ttl', 'ttlMillis', 'PTTL'),
  column('encoding', 'encodings', 'OBJECT', 'ENCODING'),
  column('idle', 'idleSeconds', 'OBJECT', 'IDLETIME'),
  column('frequency', 'frequencies', 'OBJECT', 'FREQ'),
];

/** What was asked of some keys, and is on its way. */
export interface Request {
  readonly keys: readonly ByteString[];
  readonly columns: readonly Column[];
  readonly connection: Connection;
  readonly replies: Promise<Reply[]>;
  /** Sends the commands again. */
  readonly repeat: () => Promise<Reply[]>;
}

/** Sends the commands of every column that was not refused so far, key by key. */
export function askColumns(
  connection: Connection,
  keys: readonly ByteString[],
  wanted: WalkColumns,
  account: WalkAccount,
): Request {
  const refused = (name: ColumnName) => account.refusedColumns.some(({ column }) => column === name);
  const columns = allColumns.filter(({ name }) => wanted[name] === true && !refused(name));
  let payload = '';
  for (const key of keys) {
    const argument = `$${key.length}\r\n${key}\r\n`;
    for (const column of columns) payload += column.start + argument;
  }
  const count = keys.length * columns.length;
  const repeat = () =>
    count === 0 ? Promise.resolve([]) : connection.send(payload, count, mostMetadataBytes);
  return { keys, columns, connection, replies: handled(repeat()), repeat };
}

/**
 * Awaits what was asked, and enters into the account what it cost and what was refused. A key that has moved to another node
 * has null in its columns, as one that is gone.
 * @param onMoved called with the index of each key that has moved
 * @throws RedisError when the connection is lost, a reply is none of its command, or the server is not ready for too long
 */
export async function receiveColumns(
  request: Request,
  account: WalkAccount,
  {
    signal,
    onMoved,
    known = {},
  }: {
    signal?: AbortSignal | undefined;
    onMoved?: (index: number) => void;
    /** What was read of the keys before. */
    known?: Partial<KeyColumns>;
  } = {},
): Promise<KeyColumns> {
  const { keys, columns, connection } = request;
  let replies: Reply[];
  let roundsLost = 0;
  try {
    replies = await whenReady(
      connection,
      () => (roundsLost++ === 0 ? request.replies : request.repeat()),
      signal,
    );
    roundsLost--;
  } finally {
    const lookups = keys.length * columns.filter(({ lookup }) => lookup !== null).length;
    connection.lookups.lost += roundsLost * lookups;
  }
  for (let index = 0; index < replies.length; index++) {
    const reply = replies[index] as Reply;
    const { name, commandName } = columns[index % columns.length] as Column;
    if (!(reply instanceof ReplyError)) requireShape(commandName, reply, connection.address);
    else if (mayPass(reply)) throw refusal(reply, `\`${commandName}\``, connection.address);
    else if (isRedirection(reply)) onMoved?.(Math.floor(index / columns.length));
    else if (index < columns.length && !isAboutOneKey(reply)) noteRefusal(account, name, reply.message);
  }
  const read = columnsOf(keys.length, columns, replies, account, connection.lookups);
  const memoryBytes = read.memoryBytes.length > 0 ? read.memoryBytes : (known.memoryBytes ?? []);
  const types = read.types.length > 0 ? read.types : (known.types ?? []);
  return {
    ...read,
    idleSeconds: await ownIdleTimes(connection, keys, { ...read, memoryBytes, types }, account),
  };
}

/** A small integer takes no more than its key and a few headers: larger values need no lookup to say that they are not shared. */
const mostSharedBytes = (key: ByteString) => 2 * key.length + 128;

/** Of each connection. */
const idleLimits = new WeakMap<Connection, IdleLimit>();

function idleLimitOf(connection: Connection): IdleLimit {
  const limit = idleLimits.get(connection) ?? new IdleLimit((commands) => connection.exchange(commands));
  idleLimits.set(connection, limit);
  return limit;
}

/** The idle times with `noOwnIdleTime` in place of those that are not the keys' own. */
async function ownIdleTimes(
  connection: Connection,
  keys: readonly ByteString[],
  { idleSeconds, memoryBytes, types, encodings }: KeyColumns,
  account: WalkAccount,
): Promise<KeyColumns['idleSeconds']> {
  const mayShare = (key: ByteString, index: number) =>
    typeof idleSeconds[index] === 'number' &&
    (types[index] ?? 'string') === 'string' &&
    (encodings[index] ?? 'int') === 'int' &&
    (memoryBytes[index] ?? 0) <= mostSharedBytes(key);
  const asked = idleSeconds.flatMap((_, index) =>
    mayShare(keys[index] as ByteString, index) ? [index] : [],
  );
  const own = [...idleSeconds];
  for (const [index, time] of idleSeconds.entries())
    if (
      typeof time === 'number' &&
      time >= believedSeconds &&
      !(await idleLimitOf(connection).isPossible(time))
    )
      own[index] = noOwnIdleTime;
  if (asked.length === 0) return own;
  const shared = await findSharedValues(
    (commands) => connection.exchange(commands),
    asked.map((index) => keys[index] as ByteString),
  );
  asked.forEach((index, at) => {
    const verdict = shared[at];
    if (verdict === false) return;
    own[index] = verdict === true ? noOwnIdleTime : null;
    if (verdict instanceof ReplyError && !isAboutOneKey(verdict))
      noteRefusal(account, 'idle', verdict.message);
  });
  return own;
}

/**
 * Those of the keys that have the type, by a lookup of each, which the server counts.
 * @param onMoved called with the index of each key that has moved: it is none of them
 * @throws RedisError when the connection is lost, or TYPE is refused altogether
 */
export async function keysOfType(
  connection: Connection,
  keys: readonly ByteString[],
  type: string,
  account: WalkAccount,
  signal: AbortSignal | undefined,
  onMoved?: (index: number) => void,
): Promise<ByteString[]> {
  if (keys.length === 0) return [];
  const commands = keys.map((key) => ['TYPE', key] as const);
  const replies = await whenReady(connection, () => connection.exchange(commands), signal);
  return keys.filter((_, index) => {
    const reply = replies[index];
    if (reply instanceof ReplyError) {
      if (isRedirection(reply)) {
        onMoved?.(index);
        return false;
      }
      if (!isAboutOneKey(reply)) throw refusal(reply, '`TYPE`', connection.address);
      account.unreadableKeys++;
      return false;
    }
    return isType(reply, type);
  });
}

/** Module types are named in their own case, and SCAN takes any. */
export const isType = (reply: unknown, type: string): boolean =>
  typeof reply === 'string' && reply.toLowerCase() === type.toLowerCase();

type Values = readonly (number | string | null)[];

const fields: readonly (keyof KeyColumns)[] = [...allColumns.map(({ field }) => field), 'elements'];

function eachColumn(valuesOf: (field: keyof KeyColumns) => Values): KeyColumns {
  const entries = fields.map((field) => [field, valuesOf(field)] as const);
  return Object.fromEntries(entries) as unknown as KeyColumns;
}

/** Of keys of which nothing was read. */
export const noColumns: KeyColumns = eachColumn(() => []);

/** What was read of the keys at these indexes. */
export function pickColumns(columns: KeyColumns, indexes: readonly number[]): KeyColumns {
  return eachColumn((name) =>
    columns[name].length === 0 ? [] : indexes.map((index) => columns[name][index] ?? null),
  );
}

/** The columns of `count` keys with what was read since of those at `indexes`; null where a column was not read of a key. */
export function joinColumns(
  columns: KeyColumns,
  read: KeyColumns,
  indexes: readonly number[],
  count: number,
): KeyColumns {
  return eachColumn((name) => {
    if (read[name].length === 0) return columns[name];
    const values: (number | string | null)[] =
      columns[name].length === 0 ? Array.from({ length: count }, () => null) : [...columns[name]];
    indexes.forEach((index, at) => (values[index] = read[name][at] ?? null));
    return values;
  });
}

/** A reply is not awaited once the walk has failed or ended: its rejection must not count as unhandled. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function columnsOf(
  keyCount: number,
  columns: readonly Column[],
  replies: readonly Reply[],
  account: WalkAccount,
  lookups: LookupTally,
): KeyColumns {
  const read = columns.map(() => ({ values: [] as (number | string | null)[], hits: 0, misses: 0 }));
  let position = 0;
  for (let key = 0; key < keyCount; key++) {
    let unreadable = false;
    for (const [at, column] of columns.entries()) {
      const reply = replies[position++];
      const of = read[at] as (typeof read)[number];
      if (reply instanceof ReplyError) {
        unreadable ||= isAboutOneKey(reply);
        if (isAboutPolicy(reply.message)) of.hits++;
        of.values.push(null);
        continue;
      }
      const value = Array.isArray(reply) || reply === undefined ? null : reply;
      const gone = value === null || value === 'none' || (column.name === 'ttl' && value === -2);
      if (gone) of.misses++;
      else of.hits++;
      of.values.push(gone ? null : value);
    }
    if (unreadable) account.unreadableKeys++;
  }
  columns.forEach(({ lookup }, at) => {
    const { hits, misses } = read[at] ?? noLookups;
    if (lookup !== null) lookups.count({ hits, misses, metadata: { [lookup]: hits + misses }, lost: 0 });
  });
  return eachColumn((field) => read[columns.findIndex((each) => each.field === field)]?.values ?? []);
}
