import { groupBy } from '../../support/collections.ts';
import { keyFields, keyText } from '../../keyspace/key-text.ts';
import { type KeyFilter, keyFilter } from '../../keyspace/key-selection.ts';
import { TopKeys } from '../../keyspace/top-keys.ts';
import { KeySet } from '../../support/key-set.ts';
import { sumAccounts, type WalkAccount } from '../../redis/account.ts';
import type { WalkColumns } from '../../redis/columns.ts';
import { ConditionRefused } from '../../redis/key-conditions.ts';
import { noOwnIdleTime } from '../../redis/idle-times.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { Range } from '../../support/quantity.ts';
import { walkNodes } from '../../redis/walk-nodes.ts';
import type { WalkOptions, WalkPage } from '../../redis/walk.ts';
import { type Block, caveats, type Column, command, note } from '../../render/blocks.ts';
import { counted, formatCell } from '../../render/units.ts';
import { InputError } from '../../support/failure.ts';
import type { Context, Execution, Outcome, RowSink } from '../context.ts';
import { ownLookupsText, unreadableText } from '../keyspace-report.ts';
import { warnOfNothing } from '../nothing-matched.ts';
import { type SelectionInput, selectionOf, selectionText, warnOfUnjudged } from '../key-selection.ts';
import { type PaceInput, paceLimitsOf } from '../reading-options.ts';
import { blankOf } from '../blank.ts';

interface KeysResult {
  /** Streamed: empty here. */
  readonly items: readonly object[];
  /** Keys that are listed, or counted with --count-only. */
  readonly matched: number;
  /** Keys that were found to match: with --sort more than are listed. */
  readonly foundKeys: number;
  readonly listed: number;
  /** False where --limit, an interruption or a failure ended the walk early, or keys that cannot be read may belong to it. */
  readonly complete: boolean;
  /** Keys that the user may list but not read. */
  readonly unreadableKeys: number;
}

export interface KeysInput extends PaceInput, SelectionInput {
  readonly patterns: readonly string[];
  readonly limit?: number;
  /** Of the sizes. */
  readonly largerThan?: readonly Range[];
  readonly long?: true;
  readonly sort?: SortName;
  /** The number alone. */
  readonly countOnly?: true;
  readonly count?: number;
}

const mostKeysInPage = 1000;

/** Of a sorted list without --limit. */
const mostSorted = 20;

/** One column of the list. */
interface ListColumn extends Column {
  readonly from: 'type' | 'ttl' | 'memory' | 'idle' | 'elements';
}

const nameColumn: Column = { name: 'key', header: 'KEY', unit: 'text' };
const typeColumn: ListColumn = { name: 'type', header: 'TYPE', unit: 'text', from: 'type' };
const ttlColumn: ListColumn = { name: 'ttlSeconds', header: 'TTL', unit: 'seconds', from: 'ttl' };
const memoryColumn: ListColumn = { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes', from: 'memory' };
const idleColumn: ListColumn = { name: 'idleSeconds', header: 'IDLE', unit: 'seconds', from: 'idle' };
const elementsColumn: ListColumn = { name: 'elements', header: 'ELEMENTS', unit: 'count', from: 'elements' };

/** What a list is sorted by: the highest first, but what expires next. */
const orders = {
  size: memoryColumn,
  ttl: ttlColumn,
  idle: idleColumn,
  elements: elementsColumn,
} as const;
type SortName = keyof typeof orders;

type Row = Readonly<Record<string, string | number | null>>;

/** `keys` from its input to its result. */
export function keysExecution(input: KeysInput): Execution<KeysResult> {
  return {
    blank: blankOf<KeysResult>()('items[] matched foundKeys listed complete unreadableKeys'),
    run: (context) => listKeys(context, input),
    view: (result) => viewKeys(result, input),
  };
}

/** The rows are printed already: what they leave out. */
function viewKeys(result: KeysResult, { sort, countOnly }: KeysInput): Block[] {
  const { unreadableKeys, complete, foundKeys, listed } = result;
  const isPart = sort !== undefined && listed < foundKeys;
  return [
    ...caveats('warning', unreadableText(unreadableKeys)),
    ...caveats(
      'plain',
      isPart && `${formatCell(listed, 'count')} of ${counted(foundKeys, 'key')}, by ${sort}`,
      !complete &&
        `${counted(foundKeys, 'key')} ${countOnly || isPart ? 'counted' : 'listed'}, and there may be more`,
    ),
  ];
}

async function listKeys(context: Context, input: KeysInput): Promise<Outcome<KeysResult>> {
  const { sort, limit, countOnly = false, largerThan = [], size = [] } = input;
  if (countOnly && (sort !== undefined || input.long))
    throw new InputError('--count-only prints no keys, and so takes neither --sort nor --long');
  const sizes = [...size, ...largerThan];
  const selection = selectionOf(context.map, input.patterns, {
    ...input,
    ...(sizes.length > 0 && { size: sizes }),
  });
  const filter = keyFilter(context.map, selection);
  const columns = columnsOf(input);
  const server = await context.connect();
  let opened: Promise<RowSink> | undefined;
  // Not before the server has answered: what fails at once prints no heading.
  const openRows = () => (opened ??= context.openRows('items', [nameColumn, ...columns]));
  const print = async (key: ByteString, row: Row) =>
    (await openRows()).row([keyText(key), ...Object.values(row)], { ...keyFields(key), ...row });
  const top = new TopKeys<Listed>(limit ?? mostSorted, ({ rank }) => rank);
  const mostKeys = sort === undefined ? (limit ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  const accounts: WalkAccount[] = [];
  let foundKeys = 0;
  const seen = new KeySet();
  const wanted = (page: WalkPage) =>
    sort === undefined
      ? [...page.keys.keys()].slice(0, mostKeys - foundKeys)
      : [...page.keys.keys()].filter((index) => top.admits(rankOf(page, index, sort)));
  const options = {
    ...walkOptionsOf(input, filter, columns, wanted),
    ...pagesOf(input),
    ...{ limits: paceLimitsOf(input), signal: context.signal },
  };
  const nodesAtOnce = Number.isFinite(mostKeys) ? 1 : undefined;
  const list = async (): Promise<boolean> => {
    for await (const page of walkNodes(server, () => options, accounts, nodesAtOnce)) {
      if (!countOnly && sort === undefined) await openRows();
      for (const [index, key] of page.keys.entries()) {
        if (!seen.add(key)) continue;
        foundKeys++;
        if (sort !== undefined) {
          const rank = rankOf(page, index, sort);
          if (top.admits(rank)) top.offer({ key, rank, row: rowOf(page, index, columns, filter) });
        } else if (!countOnly) await print(key, rowOf(page, index, columns, filter));
        if (foundKeys >= mostKeys) return false;
      }
    }
    return sumAccounts(accounts, accounts.length).complete;
  };
  const refused: ConditionRefused[] = [];
  const complete = await list().catch((error: unknown) => {
    if (!(error instanceof ConditionRefused)) throw error;
    refused.push(error);
    return false;
  });
  const account = sumAccounts(accounts, accounts.length);
  if (!countOnly) await openRows();
  for (const { key, row } of top.list()) await print(key, row);
  const { unreadableKeys } = account;
  const listed = countOnly ? 0 : sort === undefined ? foundKeys : top.list().length;
  const isFiltered = filter.type !== undefined || filter.conditions !== undefined;
  const isWhole = complete && !(isFiltered && unreadableKeys > 0);
  const matched = countOnly ? foundKeys : listed;
  const figures = { matched, foundKeys, listed, complete: isWhole, unreadableKeys };
  const result: KeysResult = { items: [], ...figures };
  const [error] = refused;
  if (error !== undefined) return { result, error };
  for (const [reason, columns] of groupBy(account.refusedColumns, ({ reason }) => reason))
    context.warnOfResult(
      `no ${columns.map(({ column }) => column).join(', ')}: the server answered \`${reason}\``,
    );
  warnOfUnjudged(context, account.unjudgedKeys);
  if (foundKeys === 0 && complete) await warnOfNothing(context, server, input.patterns, selectionText(input));
  await context.show([
    note('dim', `${counted(foundKeys, 'key')}; cost to the server: ${ownLookupsText(context.ownLookups())}`),
    ...(input.ttl?.some(({ text }) => text === 'none') && foundKeys > 0 ? [ttlHint(context)] : []),
  ]);
  if (countOnly && context.output !== 'json' && context.output !== 'ndjson') {
    await context.write(`${foundKeys}\n`);
    return { result, printed: true };
  }
  return { result };
}

/** `prune` takes its TTLs from the map. */
const ttlHint = ({ map }: Context): Block =>
  map.isEmpty
    ? command('to give keys a TTL by namespace, write a map first', 'cachectl', 'config', 'init')
    : command('to set the TTLs of the map, after a look at the plan', 'cachectl', 'prune', '--set-ttl');

/** A page is read ahead: for a few keys large ones would list names that were not asked for. */
function pagesOf({
  count,
  sort,
  limit = mostKeysInPage,
}: KeysInput): Pick<WalkOptions, 'pageSize' | 'leastPageSize'> {
  const isShort = limit < mostKeysInPage && sort === undefined;
  const pageSize = count ?? (isShort ? Math.max(100, limit) : undefined);
  return pageSize === undefined ? { leastPageSize: mostKeysInPage } : { pageSize };
}

/** A key that may be on a sorted list, with its place there. */
interface Listed {
  readonly key: ByteString;
  readonly rank: number;
  readonly row: Row;
}

/** The columns of the list, behind the name. */
function columnsOf({ long, sort }: KeysInput): readonly ListColumn[] {
  const columns = long ? [typeColumn, ttlColumn, memoryColumn] : [];
  return sort === undefined || columns.includes(orders[sort]) ? columns : [...columns, orders[sort]];
}

/** What a list is sorted by is read of all its keys, and what is only shown of those that are listed. */
function walkOptionsOf(
  { sort, limit }: KeysInput,
  filter: KeyFilter,
  columns: readonly ListColumn[],
  wanted: (page: WalkPage) => readonly number[],
): WalkOptions {
  const names = columns
    .map(({ from }) => from)
    .filter((name) => name !== 'type' || filter.type === undefined);
  if (sort === undefined && limit === undefined) return { ...filter, columns: columnsNamed(names) };
  const { conditions = {} } = filter;
  const isRead = (name: ListColumn['from']) =>
    (sort !== undefined && orders[sort].from === name) ||
    conditions[name === 'memory' ? 'size' : name] !== undefined;
  return {
    ...filter,
    columns: columnsNamed(names.filter(isRead)),
    further: [{ columns: columnsNamed(names.filter((name) => !isRead(name))), of: wanted }],
  };
}

const columnsNamed = (names: readonly ListColumn['from'][]): WalkColumns =>
  Object.fromEntries(names.map((name) => [name, true]));

/** What has no value comes last. */
function rankOf(page: WalkPage, index: number, sort: SortName): number {
  const value = valueOf(page, index, orders[sort].from, {});
  if (typeof value !== 'number') return Number.NEGATIVE_INFINITY;
  return sort === 'ttl' ? -value : value;
}

function valueOf(
  page: WalkPage,
  index: number,
  name: ListColumn['from'],
  { type }: KeyFilter,
): string | number | null {
  const ttlMillis = page.ttlMillis[index] ?? null;
  const idle = page.idleSeconds[index] ?? null;
  switch (name) {
    case 'type':
      return type ?? page.types[index] ?? null;
    case 'ttl':
      return ttlMillis === null || ttlMillis < 0 ? null : ttlMillis / 1000;
    case 'memory':
      return page.memoryBytes[index] ?? null;
    case 'idle':
      return idle === noOwnIdleTime ? null : idle;
    case 'elements':
      return page.elements[index] ?? null;
  }
}

const rowOf = (page: WalkPage, index: number, columns: readonly ListColumn[], filter: KeyFilter): Row =>
  Object.fromEntries(columns.map(({ name, from }) => [name, valueOf(page, index, from, filter)]));
