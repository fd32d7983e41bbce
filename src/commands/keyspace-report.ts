import { pick } from '../support/collections.ts';
import { type ColumnName, sumAccounts, type WalkAccount } from '../redis/account.ts';
import type { Analysis, Method, UncheckedReason } from '../keyspace/reading.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import { ledgerFolder, touchesOf } from '../health/lookups/ledger.ts';
import type { RedisServer } from '../redis/server.ts';
import type { Context } from './context.ts';
import { asides, type Block, caveats, costNote, type NoteBlock } from '../render/blocks.ts';
import { counted, formatBytes, formatCell, formatRatio, formatSeconds } from '../render/units.ts';
import type { KeyStatistics } from '../keyspace/key-statistics.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import type { NamespaceRow } from '../keyspace/namespace-tree.ts';
import { type NamespaceSummary, Summaries } from './namespace-summary.ts';

/** What reading the keyspace cost the server. */
export interface ServerCost {
  readonly commands: number;
  readonly receivedBytes: number;
  readonly durationSeconds: number;
  /** CPU of the server meanwhile, other clients' work included; null where INFO is not permitted. */
  readonly serverCpuSeconds: number | null;
  readonly unreadableKeys: number;
  readonly refusedColumns: readonly { readonly column: string; readonly reason: string }[];
}

/** How the figures came about, in JSON. */
export interface ReadingReport extends Omit<Method, 'kind' | 'population' | 'populationAtEnd' | 'unchecked'> {
  readonly method: Method['kind'];
  /** Keys that the database holds, those that were not asked for included. */
  readonly keyspaceKeys: number | null;
  /** The same at the end of the reading; null where it is not known. */
  readonly keyspaceKeysAtEnd: number | null;
  /** Keys that the database counted and that were not there to be read: expired, or removed; null: not all were to be read. */
  readonly goneKeys: number | null;
  /** A namespace of which not one key was seen has at most so many keys, with 95 % certainty; null: every key was read. */
  readonly mostUnseenKeys: number | null;
  /**
   * The most bytes that keys hold which a sample did not meet, as the server's own accounts (`used_memory_dataset`, `INFO keysizes`) have it;
   * 0: they speak of none; null: every key was read, or `memoryUnchecked` says why they were not asked.
   */
  readonly mostUnmetBytes: number | null;
  readonly memoryUnchecked: UncheckedReason | null;
  /** See Analysis. */
  readonly keysWithFieldTtls: number | null;
  /** Connections that broke and were picked up at the cursor. */
  readonly reconnects: number;
}

/** Of all keys together, as a result has them first. */
const ofAllKeys = [
  ...(['keys', 'keysInterval', 'memoryBytes', 'memoryBytesInterval'] as const),
  ...(['overheadBytes', 'withoutTtl', 'withoutTtlInterval'] as const),
] as const;

/** The figures of a keyspace that `inspect` and `stats` have in common. */
export interface KeyspaceFigures extends Pick<NamespaceSummary, (typeof ofAllKeys)[number]> {
  /** Keys and bytes are those of every key: no sample, and the walk came to its end. */
  readonly exact: boolean;
  readonly reading: ReadingReport;
  /** `info`: INFO's exact count for the whole database. `keys`: what was read of keys. Null: not known. */
  readonly withoutTtlSource: 'info' | 'keys' | null;
  readonly namespaces: readonly NamespaceSummary[];
  /** All keys together, with their histograms. */
  readonly total: NamespaceSummary;
  readonly serverCost: ServerCost;
}

/** The figures of an analysis without its rows, and the rows: those beyond a limit are summed up in `(other)`. */
export function keyspaceFiguresOf(analysis: Analysis, map: NamespaceMap) {
  const { tree, figures, account } = analysis;
  const unread = new Set<ColumnName>(allColumns.filter((name) => !analysis.columns.has(name)));
  for (const { column } of account.refusedColumns) unread.add(column);
  const statistics = tree.total();
  const summaries = new Summaries(figures, map, statistics.total, unread);
  const read = summaries.of({ namespace: '(total)', pattern: null, path: [], statistics });
  const counted = countedByServer(analysis, read);
  const total = { ...read, ...counted };
  const made = new Map<KeyStatistics, NamespaceSummary>();
  const summaryOf = (row: NamespaceRow) => {
    const summary = made.get(row.statistics) ?? summaries.of(row);
    made.set(row.statistics, summary);
    return summary;
  };
  return {
    figures: {
      exact: analysis.method.kind === 'exact',
      reading: readingReportOf(analysis),
      ...pick(total, ofAllKeys),
      withoutTtlSource: counted !== null ? 'info' : total.withoutTtl === null ? null : 'keys',
      total,
      serverCost: serverCostOf(analysis),
    } satisfies Omit<KeyspaceFigures, 'namespaces'>,
    names: () => tree.rows().map(({ namespace }) => namespace),
    /** @param compare decides which rows are within the limit; none: their size */
    namespaces: (
      limit: number,
      compare?: (left: NamespaceSummary, right: NamespaceSummary) => number,
    ): NamespaceSummary[] => {
      if (compare === undefined) return tree.rows(limit).map(summaryOf);
      for (const row of tree.rows()) summaryOf(row);
      const known = (statistics: KeyStatistics) => made.get(statistics) as NamespaceSummary;
      return tree.rows(limit, (left, right) => compare(known(left), known(right))).map(summaryOf);
    },
  };
}

/** INFO counts keys without TTL for the whole database: exactly, and without a lookup. Null where all TTLs were read. */
function countedByServer(
  { persistentKeys, method }: Analysis,
  { withoutTtl, withoutTtlInterval }: NamespaceSummary,
): Pick<NamespaceSummary, 'withoutTtl' | 'withoutTtlInterval'> | null {
  if (persistentKeys === null || !method.coversAll) return null;
  if (withoutTtl !== null && withoutTtlInterval === null) return null;
  return { withoutTtl: persistentKeys, withoutTtlInterval: null };
}

const allColumns: readonly ColumnName[] = ['memory', 'type', 'ttl', 'encoding', 'idle', 'frequency'];

function readingReportOf(analysis: Analysis): ReadingReport {
  const { method, figures, tree, narrowed, keysWithFieldTtls } = analysis;
  const { mostUnseenKeys, mostUnmetBytes } = figures;
  const { kind, population, populationAtEnd, unchecked = null } = method;
  return {
    method: kind,
    keyspaceKeys: population,
    keyspaceKeysAtEnd: populationAtEnd,
    goneKeys:
      kind === 'exact' && !narrowed && population !== null ? Math.max(0, population - tree.keys) : null,
    ...pick(method, ['scannedKeys', 'coverage', 'coversAll', 'precision']),
    mostUnmetBytes: unchecked === null && mostUnmetBytes !== null ? Math.round(mostUnmetBytes) : null,
    memoryUnchecked: unchecked,
    mostUnseenKeys: mostUnseenKeys === null ? null : Math.ceil(mostUnseenKeys),
    ...pick(method, ['lookedUpKeys', 'repeatedKeys', 'mostRecountedKeys', 'uncountedBytes']),
    keysWithFieldTtls,
    reconnects: analysis.account.reconnects,
  };
}

/** What reading keys cost the server, or making a plan of changes. */
export function serverCostOf({
  account,
  durationSeconds,
  serverCpuSeconds = null,
}: Pick<Analysis, 'account' | 'durationSeconds'> & Partial<Pick<Analysis, 'serverCpuSeconds'>>): ServerCost {
  const { commands, receivedBytes, unreadableKeys, refusedColumns } = account;
  return { commands, receivedBytes, durationSeconds, serverCpuSeconds, unreadableKeys, refusedColumns };
}

/** The same of several walks and of connections for values; their fields are in another order. */
export const costOfWalks = (
  accounts: readonly WalkAccount[],
  durationSeconds: number,
  serverCpuSeconds: number | null,
): ServerCost => ({
  ...pick(sumAccounts(accounts, 0), ['commands', 'receivedBytes', 'unreadableKeys', 'refusedColumns']),
  ...{ durationSeconds, serverCpuSeconds },
});

const howErrorsRead = '± is half of the 95 % interval, or the interval itself where it is wide';

/** Warns where idle times may be since a read of our own. @param oldestSeconds the longest that was seen, at most */
export async function warnOfTouches(
  context: Context,
  server: RedisServer,
  oldestSeconds: number,
): Promise<void> {
  const touches = await touchesOf(server.nodes, ledgerFolder(context.environment.variables));
  const ago = ({ at }: (typeof touches)[number]) => (context.now() - at) / 1000;
  const recent = touches
    .filter((each) => ago(each) <= oldestSeconds)
    .sort((left, right) => right.at - left.at);
  const [last, ...earlier] = recent;
  if (last === undefined) return;
  const others =
    earlier.length === 0
      ? ''
      : ` (and ${counted(earlier.length, 'earlier run')} ${earlier.reduce((sum, { reads }) => sum + reads, 0).toLocaleString('en-US')} more)`;
  context.warnOfResult(
    `\`${last.command}\` made ${counted(last.reads, 'read')} of values ${formatSeconds(Math.round(ago(last)))} ago${others}, which this server counts as a use: idle times of these keys count from then`,
  );
}

/** What holds: a note, and a caveat where it says so. */
type ConditionalNote = readonly [holds: boolean, tone: NoteBlock['tone'], text: string, isCaveat?: 'caveat'];

const notesThatHold = (notes: readonly ConditionalNote[]): Block[] =>
  notes.flatMap(([holds, tone, text, caveat]) =>
    !holds ? [] : caveat === undefined ? asides(tone, text) : caveats(tone, text),
  );

/** How the figures are to be read, where they are not those of every key. */
export function readingNotes(reading: ReadingReport): Block[] {
  const { method, keyspaceKeys, keyspaceKeysAtEnd, precision, lookedUpKeys, reconnects } = reading;
  const { target = 0, reached = null } = precision ?? {};
  const [unseen, hashes] = [Math.ceil(reading.mostUnseenKeys ?? 0), reading.keysWithFieldTtls ?? 0];
  const outOf = keyspaceKeys === null ? '' : ` out of ${counted(keyspaceKeys, 'key')}`;
  const read = reading.coverage === null ? 'a part' : formatRatio(reading.coverage);
  const gone = reading.goneKeys ?? 0;
  const course = `the number of keys went from ${formatCell(keyspaceKeys, 'count')} to ${formatCell(keyspaceKeysAtEnd, 'count')}`;
  const isChanged = keyspaceKeys !== null && keyspaceKeysAtEnd !== null && keyspaceKeys !== keyspaceKeysAtEnd;
  const again = 'again while the table was resized';
  const lost = 'had expired or been removed before being reached';
  const [repeated, recounted] = [reading.repeatedKeys ?? 0, reading.mostRecountedKeys ?? 0];
  return notesThatHold([
    [
      method === 'sample',
      'plain',
      `a sample of ${counted(reading.scannedKeys ?? 0, 'key')}${outOf}: ${howErrorsRead}; --exact reads every key`,
      'caveat',
    ],
    [
      gone > 0 && !isChanged,
      'plain',
      `${formatCell(gone, 'count')} of ${counted(keyspaceKeys ?? 0, 'key')} ${lost}`,
    ],
    [
      isChanged,
      'plain',
      method === 'sample'
        ? `${course} while the sample was drawn: the intervals hold what any namespace may have lost or gained`
        : `${course} during the read${gone > 0 ? `; ${counted(gone, 'key')} ${lost}` : ''}`,
    ],
    // SCAN gives keys again while a table shrinks.
    [repeated > 0, 'plain', `SCAN gave ${counted(repeated, 'key')} ${again}: each is counted once`],
    [
      recounted > 0,
      'warning',
      `SCAN gave keys ${again}: figures may be up to ${counted(recounted, 'key')} too high`,
      'caveat',
    ],
    unmetNote(reading),
    [
      method === 'partial',
      'warning',
      reading.coversAll
        ? `the walk ended early, after ${read} of the keys: the figures are estimates of the whole from these`
        : `the walk ended early: these figures cover ${read} of the keys`,
      'caveat',
    ],
    [
      lookedUpKeys !== null,
      'plain',
      `types, TTLs, encodings and idle times of ${counted(lookedUpKeys ?? 0, 'key')}, chosen at random: ${howErrorsRead}; --exact looks up every key`,
      'caveat',
    ],
    [
      reached !== null && reached > target,
      'warning',
      `the figures of large namespaces are within ${formatRatio(reached ?? 0)}, not ${formatRatio(target)}: --precision reads on`,
      'caveat',
    ],
    [unseen >= 1, 'dim', `a namespace that is not listed has at most ${counted(unseen, 'key')} (95 %)`],
    [
      hashes > 0,
      'plain',
      `${counted(hashes, 'hash of the database has', 'hashes of the database have')} fields with TTLs of their own`,
    ],
    [
      reconnects > 0,
      'plain',
      `the connection broke ${reconnects === 1 ? 'once' : `${reconnects} times`}, and the ${method === 'sample' ? 'sample went on with other pages' : 'walk went on at its cursor'}`,
    ],
  ]);
}

/** A sample meets few of the keys that are few, however many bytes they hold. */
function unmetNote({ mostUnmetBytes, memoryUnchecked, uncountedBytes }: ReadingReport): ConditionalNote {
  const [unmet, uncounted] = [mostUnmetBytes ?? 0, uncountedBytes ?? 0];
  if (uncounted > 0)
    return [
      true,
      'warning',
      `\`used_memory_dataset\` is ${formatBytes(uncounted)} more than all keys: \`MEMORY USAGE\` judges a collection by five of its elements, and one whose elements differ in length may be far larger; \`MEMORY USAGE KEY SAMPLES 0\` measures it whole`,
      'caveat',
    ];
  if (unmet === 0 && memoryUnchecked !== null)
    return [
      true,
      'dim',
      `bytes are not checked against the server's \`used_memory_dataset\`: ${uncheckedTexts[memoryUnchecked]}; a few very large keys may be missing from them`,
    ];
  return [
    unmet > 0,
    'warning',
    `up to ${formatBytes(unmet)} are in keys that the sample did not meet, by the server's \`used_memory_dataset\` or \`INFO keysizes\`: any namespace may hold them; --exact finds them`,
    'caveat',
  ];
}

const uncheckedTexts: Readonly<Record<UncheckedReason, string>> = {
  filtered: 'it is of all keys',
  'not-reported': 'it was not reported',
  'other-databases': 'it includes the keys of other databases',
  unreadable: 'it includes keys whose size may not be read',
};

/** Null where every key could be read. */
export const unreadableText = (keys: number): string | null =>
  keys === 0 ? null : `${counted(keys, 'key')} may be listed but not read by this user`;

/** What could not be read and why, then what the reading cost. */
export function costNotes(cost: ServerCost, own: OwnLookups): Block[] {
  const { refusedColumns, unreadableKeys, serverCpuSeconds } = cost;
  const cpu = serverCpuSeconds === null ? '' : `, ${formatSeconds(serverCpuSeconds)} of its CPU`;
  return [
    ...caveats(
      'warning',
      ...refusedColumns.map(({ column, reason }) => `no ${column} column: the server answered \`${reason}\``),
      unreadableText(unreadableKeys),
    ),
    costNote(
      `${counted(cost.commands, 'command')}, ${formatBytes(cost.receivedBytes)} sent${cpu}, in ${formatSeconds(cost.durationSeconds)}; ${ownLookupsText(own)}`,
    ),
  ];
}

/** What lookups of ours have added to the counters that a hit rate is made from. */
export function ownLookupsText({ hits, misses, lost }: OwnLookups): string {
  const added = [
    { count: hits, counter: 'keyspace_hits' },
    { count: misses, counter: 'keyspace_misses' },
  ].filter(({ count }) => count > 0);
  if (added.length === 0 && lost === 0) return 'its hit counters were left alone';
  const sums = added.map(({ count, counter }) => `${formatCell(count, 'count')} to ${counter}`);
  return (
    (sums.length === 0
      ? 'this run may have added to keyspace_hits'
      : `this run added ${sums.join(' and ')}`) +
    (lost === 0 ? '' : `; up to ${counted(lost, 'more lookup')} had no answer when the connection broke`)
  );
}
