import type { NamespaceMap } from '../../keyspace/map.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { caveats, note } from '../../render/blocks.ts';
import { counted, formatBytes } from '../../render/units.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { Progress } from '../../support/progress.ts';
import { otherName } from '../../keyspace/segment-tree.ts';
import { openKeys, removalOfRow, type RowOfKeys } from '../browse/keys.ts';
import { figureColumn, type Opening, type Page, type Place } from '../browse/page.ts';
import type { Removal } from '../browse/removal.ts';
import { browse } from '../browse/run.ts';
import { removedText } from '../browse/state.ts';
import type { Context, Outcome } from '../context.ts';
import { costNotes } from '../keyspace-report.ts';
import { keysText, type NamespaceSummary, rowName } from '../namespace-summary.ts';
import type { OpenScreen } from '../screen.ts';
import { endOfChain, type Level, rowsIn, shareOf, sumOf, treeOf } from './namespace-table.ts';
import type { InspectResult } from './result.ts';
import { viewInspect } from './view.ts';

/** What was read, to be looked through. */
export interface Browsed {
  /** As it is without a screen. */
  readonly outcome: Outcome<InspectResult>;
  /** With every namespace, and many of the largest keys. */
  readonly result: InspectResult;
  /** How many of the largest keys of a namespace are shown. */
  readonly top: number;
  readonly own: OwnLookups;
  /** The row that a key is in, as `rowName` has it; null: none that was read. */
  readonly rowOf: (key: ByteString) => string | null;
  /** As its keys were divided among the rows. */
  readonly map: NamespaceMap;
  /** Which keys were read. */
  readonly among: NonNullable<RowOfKeys['among']>;
}

const endedEarly = 'the reading was ended early: these are not all keys';

/**
 * Reads while the screen says how far it is, shows what was read level by level, and says in a line what it came to once the person
 * has left. What an interruption leaves of the reading is printed as without a screen.
 * @param read ends early on its signal, with what it has by then
 * @throws RedisError
 */
export async function lookThrough(
  context: Context,
  openScreen: OpenScreen,
  address: string,
  read: (signal: AbortSignal, progress: Progress) => Promise<Browsed>,
): Promise<Outcome<InspectResult>> {
  let reading: Promise<Browsed> | null = null;
  let [isPart, isInterrupted] = [false, false];
  const open: Opening = async (signal, progress) => {
    reading = read(signal, progress);
    const browsed = await reading;
    [isPart, isInterrupted] = [signal.aborted, context.signal.aborted];
    const page = pageOfKeyspace({ ...browsed, context });
    return { ...page, caveat: browsed.outcome.error?.message ?? (isPart ? endedEarly : null) };
  };
  const { removed } = await browse(context, openScreen, address, { name: everything, open });
  // Who quits while it reads waits for the page in hand.
  const { result, outcome } = await (reading as unknown as Promise<Browsed>);
  if (isInterrupted) return outcome;
  await context.show([
    note(
      'plain',
      `${summaryOf(result)} in ${counted(result.namespaces.length, 'namespace')} at ${address}${removedText(removed)}`,
    ),
    ...caveats('warning', isPart && endedEarly),
    ...costNotes(result.serverCost, context.ownLookups()),
  ]);
  return { ...outcome, printed: true };
}

/** Where a level is: the namespace of the map, if there is one, and the pattern below it. */
interface Path {
  readonly namespace: string | null;
  readonly pattern: string;
}

interface Looking extends Browsed {
  readonly context: Context;
}

function keysOfLevel({ map, among, rowOf }: Browsed, level: Level, path: Path): RowOfKeys {
  const rows = new Set<string | null>(rowsIn(level).map(rowName));
  const has = (key: ByteString) => rows.has(rowOf(key));
  return {
    name: titleOf(path) || everything,
    map,
    ...path,
    pattern: isOther(path) ? '' : path.pattern,
    has,
    among,
  };
}

function removalOf(row: RowOfKeys, name: string): Removal {
  const removal = removalOfRow(row);
  // What continues it is another row.
  return name === itself ? { ...removal, name: `${removal.name} ${itself}` } : removal;
}

const isOther = ({ namespace, pattern }: Path) => namespace === otherName || pattern === otherName;

const titleOf = ({ namespace, pattern }: Path): string =>
  rowName({ namespace: namespace ?? pattern, pattern: pattern || null });

/** The keys that end at a level that others continue. */
const itself = '(itself)';
const everything = 'all keys';

const columns = [
  figureColumn('memoryBytes', 'BYTES', 9, 'bytes'),
  figureColumn('keys', 'KEYS', 12, 'count'),
  figureColumn('memoryShare', 'SHARE', 8, 'ratio'),
  figureColumn('withoutTtl', 'NO TTL', 12, 'count'),
  figureColumn('ttl', 'TTL LEFT UP TO', 14, 'seconds'),
  { ...figureColumn('types', 'TYPES', 12, 'text'), align: 'left' as const },
];
const orders = ['memoryBytes', 'keys', 'withoutTtl', 'name'] as const;

/** The whole keyspace: its namespaces level by level, and at the end of each branch what `inspect` prints of it. */
function pageOfKeyspace(browsed: Looking): Page {
  const [root, path] = [treeOf(browsed.result.namespaces), { namespace: null, pattern: '' }];
  return pageOf(browsed, root, path, placeOf(browsed, root, everything, path));
}

function placeOf(browsed: Looking, level: Level, name: string, path: Path): Place {
  const { keys, keysInterval, memoryBytes, memoryBytesInterval, ...sums } = sumOf(level);
  const place: Place = {
    name,
    figures: {
      memoryBytes: { value: memoryBytes, interval: memoryBytesInterval },
      keys: { value: keys, interval: keysInterval },
      memoryShare: { value: shareOf({ keys, memoryBytes }, browsed.result) },
      withoutTtl: { value: sums.withoutTtl, interval: sums.withoutTtlInterval },
      ttl: { value: sums.ttl && Math.round(sums.ttl.maxSeconds) },
      types: { value: sums.types.join(' ') },
    },
    open: () => pageOf(browsed, level, path, place),
    removal: removalOf(keysOfLevel(browsed, level, path), name),
  };
  return place;
}

function pageOf(browsed: Looking, start: Level, path: Path, place: Place): Page {
  const { level, label } = start.mapped ? endOfChain(start, '') : { level: start, label: '' };
  const here = { ...path, pattern: path.pattern + label };
  const title = titleOf(here);
  if (level.children.size === 0 && level.row !== undefined)
    return figuresPage(browsed, level, level.row, place, here);
  const children = [...level.children].map(([segment, child]) => {
    if (child.mapped) return placeOf(browsed, child, segment, { namespace: segment, pattern: '' });
    const end = endOfChain(child, segment);
    return placeOf(browsed, end.level, end.label, { ...here, pattern: here.pattern + end.label });
  });
  const own = level.row && placeOf(browsed, { ...level, mapped: false, children: new Map() }, itself, here);
  const places = own === undefined ? children : [own, ...children];
  return {
    title: title || everything,
    summary: summaryOf(sumOf(level)),
    content: { kind: 'list', header: 'NAMESPACE', places, columns, orders },
  };
}

const summaryOf = ({
  keys,
  keysInterval,
  memoryBytes,
}: Pick<NamespaceSummary, 'keys' | 'keysInterval' | 'memoryBytes'>): string =>
  [keysText(keys, keysInterval), ...(memoryBytes === null ? [] : [formatBytes(memoryBytes)])].join(', ');

function figuresPage(browsed: Looking, level: Level, row: NamespaceSummary, place: Place, path: Path): Page {
  const { result, top } = browsed;
  const largest = result.largest.filter(({ namespace }) => namespace === rowName(row)).slice(0, top);
  const own: InspectResult = {
    ...{ ...result, ...row, total: row, namespaces: [row], largest, growth: null },
    ttlRules: result.ttlRules.filter(({ namespace }) => namespace === rowName(row)),
  };
  const blocks = viewInspect(own, browsed.own, { top: largest.length, sort: 'namespace' });
  return {
    title: titleOf(path),
    summary: summaryOf(row),
    content: {
      kind: 'text',
      // What the walk cost is no figure of the namespace; it is said at the end.
      blocks: blocks.filter((block) => block.kind !== 'note' || block.isCost !== true),
      about: { ...place, open: openKeys(browsed.context, keysOfLevel(browsed, level, path)) },
      more: 'keys',
    },
  };
}
