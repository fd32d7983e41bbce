import { keyFields, keyText } from '../../keyspace/key-text.ts';
import { keyFilter, type KeySelection } from '../../keyspace/map.ts';
import { RedisError } from '../../redis/errors.ts';
import { KeySet } from '../../support/key-set.ts';
import { sumAccounts, type WalkAccount } from '../../redis/account.ts';
import type { ByteString } from '../../support/bytes.ts';
import { walkNodes } from '../../redis/walk-nodes.ts';
import type { WalkOptions, WalkPage } from '../../redis/walk.ts';
import { type Block, caveats, type Column, command, note } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import type { Context, Execution, Outcome, RowSink } from '../context.ts';
import { ownLookupsText, unreadableText } from '../keyspace-report.ts';
import { selectionOf } from '../namespace-filter.ts';
import { type PaceInput, paceLimitsOf } from '../reading-options.ts';
import { type TtlFilter, withoutTtl } from './ttl-filter.ts';
import { blankOf } from '../blank.ts';

interface KeysResult {
  /** Streamed: empty here. */
  readonly items: readonly object[];
  readonly matched: number;
  /** False where --limit, an interruption or a failure ended the walk early, or keys that cannot be read may belong to it. */
  readonly complete: boolean;
  /** Keys that the user may list but not read. */
  readonly unreadableKeys: number;
}

export interface KeysInput extends PaceInput {
  readonly pattern: string;
  readonly type?: string;
  readonly limit?: number;
  readonly ttl?: TtlFilter;
  /** Bytes. */
  readonly largerThan?: number;
  /** None: all. */
  readonly namespace?: readonly string[];
  readonly long?: true;
  readonly match?: ByteString;
  readonly count?: number;
}

const mostKeysInPage = 1000;

const nameColumn: Column = { name: 'key', header: 'KEY', unit: 'text' };
const longColumns: readonly Column[] = [
  { name: 'type', header: 'TYPE', unit: 'text' },
  { name: 'ttlSeconds', header: 'TTL', unit: 'seconds' },
  { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
];

/** `keys` from its input to its result. */
export function keysExecution(input: KeysInput): Execution<KeysResult> {
  return {
    blank: blankOf<KeysResult>()('items[] matched complete unreadableKeys'),
    run: (context) => listKeys(context, input),
    view: viewKeys,
  };
}

/** The rows are printed already: what they leave out. */
function viewKeys(result: KeysResult): Block[] {
  const { unreadableKeys, complete, matched } = result;
  return [
    ...caveats('warning', unreadableText(unreadableKeys)),
    ...caveats('plain', !complete && `${counted(matched, 'key')} listed, and there may be more`),
  ];
}

async function listKeys(context: Context, input: KeysInput): Promise<Outcome<KeysResult>> {
  const selection = selectionOf(context.map, [input.pattern], input.namespace);
  const server = await context.connect();
  let opened: Promise<RowSink> | undefined;
  // Not before the server has answered: what fails at once prints no heading.
  const openRows = () =>
    (opened ??= context.openRows('items', input.long ? [nameColumn, ...longColumns] : [nameColumn]));
  const accounts: WalkAccount[] = [];
  const pages = pagesOf(input);
  const mostKeys = input.limit ?? Number.POSITIVE_INFINITY;
  const nodesAtOnce = input.limit === undefined ? undefined : 1;
  let matched = 0;
  const seen = new KeySet();
  const optionsFor = (account: WalkAccount) => ({
    ...walkOptionsOf(context, input, selection, account, () => mostKeys - matched),
    ...pages,
    limits: paceLimitsOf(input),
  });
  const list = async (): Promise<boolean> => {
    for await (const page of walkNodes(server, optionsFor, accounts, nodesAtOnce)) {
      if (refusedFilter(input, page.account)) return false;
      const sink = await openRows();
      for (const [index, key] of page.keys.entries()) {
        if (!accepts(input, page, index) || !seen.add(key)) continue;
        const row = rowOf(page, index, input);
        await sink.row([keyText(key), ...Object.values(row)], { ...keyFields(key), ...row });
        if (++matched >= mostKeys) return false;
      }
    }
    return sumAccounts(accounts, accounts.length).complete;
  };
  const complete = await list();
  await openRows();
  const account = sumAccounts(accounts, accounts.length);
  const { unreadableKeys } = account;
  const isFiltered = input.type !== undefined || input.ttl !== undefined || input.largerThan !== undefined;
  const isWhole = complete && !(isFiltered && unreadableKeys > 0);
  const result: KeysResult = { items: [], matched, complete: isWhole, unreadableKeys };
  const refused = refusedFilter(input, account);
  if (refused) return { result, error: refused };
  for (const { column, reason } of account.refusedColumns)
    context.warn(`no ${column}: the server answered \`${reason}\``);
  await context.show([
    note('dim', `${counted(matched, 'key')}; cost to the server: ${ownLookupsText(context.ownLookups())}`),
    ...(input.ttl === withoutTtl && matched > 0 ? [ttlHint(context)] : []),
  ]);
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
  limit = mostKeysInPage,
}: KeysInput): Pick<WalkOptions, 'pageSize' | 'leastPageSize'> {
  const pageSize = count ?? (limit < mostKeysInPage ? Math.max(100, limit) : undefined);
  return pageSize === undefined ? { leastPageSize: mostKeysInPage } : { pageSize };
}

/** First what leaves no trace, then what costs a lookup, and what is only shown of the keys that are listed alone. */
function walkOptionsOf(
  { map, signal }: Context,
  input: KeysInput,
  selection: KeySelection,
  account: WalkAccount,
  keysLeft: () => number,
): WalkOptions {
  const { long = false, type, ttl, largerThan, limit } = input;
  // What every key was asked for by its type has.
  const shown = { memory: long, type: long && type === undefined, ttl: long };
  const common = {
    ...keyFilter(map, selection),
    ...(input.match !== undefined && { match: input.match }),
    signal,
    ...(type !== undefined && { type }),
  };
  const listsAll = type === undefined && ttl === undefined && largerThan === undefined && limit === undefined;
  if (listsAll) return { ...common, columns: shown };
  const listed = (page: WalkPage) =>
    page.keys.flatMap((_, index) => (accepts(input, page, index) ? [index] : [])).slice(0, keysLeft());
  return {
    ...common,
    columns: { memory: largerThan !== undefined },
    keeps: (page, index) =>
      largerThan === undefined ||
      (page.memoryBytes[index] ?? 0) > largerThan ||
      // The list ends there, with the reason.
      refusedFilter(input, account) !== null,
    further: [
      ...(ttl === undefined
        ? []
        : [{ columns: { ttl: true }, of: ({ keys }: WalkPage) => [...keys.keys()] }]),
      {
        columns: { ...shown, memory: long && largerThan === undefined, ttl: long && ttl === undefined },
        of: listed,
      },
    ],
  };
}

/** Of a filter that cannot be applied: no list is better than one that leaves out what should be on it. */
function refusedFilter({ ttl, largerThan }: KeysInput, { refusedColumns }: WalkAccount): RedisError | null {
  for (const { column, reason } of refusedColumns) {
    const [option, command] =
      column === 'ttl' && ttl !== undefined
        ? ['--ttl', 'PTTL']
        : column === 'memory' && largerThan !== undefined
          ? ['--larger-than', 'MEMORY USAGE']
          : [];
    if (option === undefined) continue;
    const message = `${option} needs \`${command}\`, and the server answered \`${reason}\``;
    return new RedisError('refused', 'NOPERM', message);
  }
  return null;
}

/** By what the walk does not test itself. */
function accepts({ ttl }: KeysInput, page: WalkPage, index: number): boolean {
  const ttlMillis = page.ttlMillis[index] ?? null;
  return ttl === undefined || (ttlMillis !== null && ttl(ttlMillis));
}

function rowOf(
  page: WalkPage,
  index: number,
  { long, type }: KeysInput,
): Record<string, string | number | null> {
  if (!long) return {};
  const ttlMillis = page.ttlMillis[index] ?? null;
  return {
    type: type ?? page.types[index] ?? null,
    ttlSeconds: ttlMillis === null || ttlMillis < 0 ? null : ttlMillis / 1000,
    memoryBytes: page.memoryBytes[index] ?? null,
  };
}
