import type { ByteString } from '../support/bytes.ts';
import type { Range } from '../support/quantity.ts';
import type { ColumnName, WalkAccount } from './account.ts';
import {
  askColumns,
  joinColumns,
  type KeyColumns,
  pickColumns,
  receiveColumns,
  type WalkColumns,
} from './columns.ts';
import type { Connection } from './connection.ts';
import { isAboutOneKey, isAboutPolicy, isRedirection, RedisError } from './errors.ts';
import { noOwnIdleTime } from './idle-times.ts';
import { whenReady } from './readiness.ts';
import { ReplyError } from './reply.ts';

/** What keys have to be like, by what the server reports of them: in one of the ranges, or of one of the types. */
export interface KeyConditions {
  /** Bytes. */
  readonly size?: readonly Range[];
  /** Without regard to case, as SCAN takes them. */
  readonly type?: readonly string[];
  /** Seconds. */
  readonly idle?: readonly Range[];
  /** Seconds; below 0 without TTL. */
  readonly ttl?: readonly Range[];
  /** Of a list, set, sorted set, hash or stream; a string has none. */
  readonly elements?: readonly Range[];
}

type ConditionName = keyof KeyConditions;

interface Judgement {
  readonly name: ConditionName;
  readonly column: ColumnName | 'elements';
  readonly field: keyof KeyColumns;
  /** What it takes. */
  readonly command: string;
}

/**
 * In the order in which they are judged, each by what is read of the keys that are left: what costs no lookup first, and last what
 * some servers count as a use of the key.
 */
const judgements: readonly Judgement[] = [
  { name: 'size', column: 'memory', field: 'memoryBytes', command: '`MEMORY USAGE`' },
  { name: 'type', column: 'type', field: 'types', command: '`TYPE`' },
  { name: 'idle', column: 'idle', field: 'idleSeconds', command: '`OBJECT IDLETIME`' },
  { name: 'ttl', column: 'ttl', field: 'ttlMillis', command: '`PTTL`' },
  { name: 'elements', column: 'elements', field: 'elements', command: 'the length of a value' },
];

/** Whether a key fits; null: what was read does not say. */
function fits({ name }: Judgement, conditions: KeyConditions, value: string | number | null): boolean | null {
  if (value === null || value === noOwnIdleTime) return null;
  if (name === 'type')
    return conditions.type?.some((type) => type.toLowerCase() === String(value).toLowerCase()) ?? true;
  const amount = name === 'ttl' ? Number(value) / 1000 : Number(value);
  return conditions[name]?.some((range) => range.has(amount)) ?? true;
}

/** Some keys with what was read of them. */
export interface KeyPage extends KeyColumns {
  readonly keys: readonly ByteString[];
}

/**
 * Those keys of a page that fit, with what was read of them for it. A key of which the server does not say what is asked for does not
 * fit: it is counted in the account.
 * @param knownType the one that all have, where the server has tested it
 * @throws RedisError when the connection is lost, or what a condition needs is refused for all keys
 */
export async function keepFitting<Page extends KeyPage>(
  connection: Connection,
  page: Page,
  conditions: KeyConditions,
  account: WalkAccount,
  {
    signal,
    knownType,
  }: { readonly signal?: AbortSignal | undefined; readonly knownType?: string | undefined } = {},
): Promise<Page> {
  let left = page;
  for (const judgement of judgements) {
    const { name, column, field } = judgement;
    if (conditions[name] === undefined || left.keys.length === 0) continue;
    if (name === 'elements') left = await withElements(connection, left, account, knownType, signal);
    else if (left[field].length === 0)
      left = await withColumns(connection, left, { [column]: true }, [...left.keys.keys()], account, signal);
    const refused = account.refusedColumns.find((each) => each.column === column);
    if (refused !== undefined) throw refusedCondition(judgement, refused.reason, connection.address);
    let unjudged = 0;
    left = pickKeys(left, (index) => {
      const value = left[field][index] ?? null;
      const verdict = fits(judgement, conditions, value);
      if (value === noOwnIdleTime) unjudged++;
      return verdict === true;
    });
    if (unjudged > 0) account.unjudgedKeys = (account.unjudgedKeys ?? 0) + unjudged;
  }
  return left;
}

/**
 * The page with columns of some of its keys, and null in them for the others.
 * @param knownType the one that all have
 */
export async function withColumns<Page extends KeyPage>(
  connection: Connection,
  page: Page,
  { elements, ...columns }: WalkColumns,
  indexes: readonly number[],
  account: WalkAccount,
  signal: AbortSignal | undefined,
  knownType?: string,
): Promise<Page> {
  const keys = indexes.map((index) => page.keys[index] as ByteString);
  const request = askColumns(connection, keys, columns, account);
  const known = pickColumns(page, indexes);
  let read = await receiveColumns(request, account, { signal, known });
  if (elements === true) {
    const types = read.types.length > 0 ? read.types : known.types;
    const counted = await withElements(connection, { ...read, types, keys }, account, knownType, signal);
    read = { ...read, elements: counted.elements };
  }
  return { ...page, ...joinColumns(page, read, indexes, page.keys.length) };
}

/** What counts the elements of a collection of each type. */
export const lengthCommands: Readonly<Record<string, 'LLEN' | 'HLEN' | 'SCARD' | 'ZCARD' | 'XLEN'>> = {
  list: 'LLEN',
  hash: 'HLEN',
  set: 'SCARD',
  zset: 'ZCARD',
  stream: 'XLEN',
};

/** The page with the numbers of elements: null of a string, and counted in the account where the type is not known. */
async function withElements<Page extends KeyPage>(
  connection: Connection,
  page: Page,
  account: WalkAccount,
  knownType: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const typed =
    knownType !== undefined || page.types.length > 0
      ? page
      : await withColumns(connection, page, { type: true }, [...page.keys.keys()], account, signal);
  const elements: (number | null)[] = typed.keys.map(() => null);
  const asked = typed.keys.flatMap((key, index) => {
    const type = (knownType ?? typed.types[index])?.toLowerCase();
    const command = type === undefined ? undefined : lengthCommands[type];
    if (type !== undefined && type !== 'string' && command === undefined)
      account.unjudgedKeys = (account.unjudgedKeys ?? 0) + 1;
    return command === undefined ? [] : [{ index, command: [command, key] as const }];
  });
  const commands = asked.map(({ command }) => command);
  const replies = await whenReady(connection, () => connection.exchange(commands), signal);
  asked.forEach(({ index, command: [name] }, at) => {
    const reply = replies[at];
    if (typeof reply === 'number') elements[index] = reply;
    if (!(reply instanceof ReplyError) || isRedirection(reply) || reply.code === 'WRONGTYPE') return;
    if (!isAboutOneKey(reply))
      throw refusedCondition({ name: 'elements', command: `\`${name}\`` }, reply.message, connection.address);
    account.unreadableKeys++;
  });
  return { ...typed, elements };
}

/** What a condition asks for is refused for all keys. */
export class ConditionRefused extends RedisError {}

/** No list is better than one that leaves out what should be on it. */
function refusedCondition(
  { name, command }: Pick<Judgement, 'name' | 'command'>,
  reason: string,
  address: string,
): RedisError {
  if (name === 'idle' && isAboutPolicy(reason)) return noIdleTimes(address, 'its eviction policy is LFU');
  return new ConditionRefused(
    'refused',
    'NOPERM',
    `--${name} needs ${command}, and the server answered \`${reason}\``,
    'the user needs that right: `cachectl acl` prints the rights of a command with its options',
  );
}

/** @param why as it reads after "keeps no idle times:" */
export function noIdleTimes(address: string, why: string, hint?: string): RedisError {
  return new RedisError(
    'refused',
    'ENOIDLE',
    `${address} keeps no idle times: ${why}, and counts how often a key is used in place of when`,
    hint ?? 'leave out --idle; `cachectl inspect` shows how often keys are used',
  );
}

/** The page with the keys that are picked. */
export function pickKeys<Page extends KeyPage>(
  page: Page,
  picks: (index: number, key: ByteString) => boolean,
): Page {
  const indexes = page.keys.flatMap((key, index) => (picks(index, key) ? [index] : []));
  if (indexes.length === page.keys.length) return page;
  const keys = indexes.map((index) => page.keys[index] as ByteString);
  return { ...page, keys, ...pickColumns(page, indexes) };
}

/** What is read of all keys at once, before they are judged: sizes cost no lookup, and save some where idle times are asked for. */
export const readAhead = (wanted: WalkColumns, { size, idle }: KeyConditions): WalkColumns => ({
  memory: wanted.memory === true || size !== undefined || idle !== undefined,
});

/** What judging has read and the caller does not want is left out: the columns as if they had been asked for alone. */
export function wantedOf<Page extends KeyPage>(page: Page, wanted: WalkColumns): Page {
  const fields = judgements
    .filter(({ column }) => wanted[column] !== true)
    .map(({ field }) => [field, []] as const);
  return { ...page, ...Object.fromEntries(fields) };
}

/** The wanted columns that a page does not have yet. */
export function missingOf(page: KeyPage, wanted: WalkColumns): WalkColumns {
  const known = new Set<string>(
    judgements.filter(({ field }) => page[field].length > 0).map(({ column }) => column),
  );
  const names = Object.keys(wanted) as (ColumnName | 'elements')[];
  return Object.fromEntries(names.map((name) => [name, wanted[name] === true && !known.has(name)]));
}
