import { otherName } from '../../keyspace/segment-tree.ts';
import { sumOrNull } from '../../support/collections.ts';
import type { TableBlock } from '../../render/blocks.ts';
import { type Field, fieldsOf, gridOf, secondary, tableOf } from '../../render/table.ts';
import { counted, formatRange, formatSeconds } from '../../render/units.ts';
import { chosenFields, type LayoutInput, sortedRows } from '../namespace-columns.ts';
import {
  errorText,
  type IntervalOrNull,
  keysText,
  type NamespaceSummary,
  rowName,
} from '../namespace-summary.ts';

/** What the lines of a tree show of the rows below them. */
interface Sums extends Pick<
  NamespaceSummary,
  ('keys' | 'keysInterval') | ('memoryBytes' | 'memoryBytesInterval') | ('withoutTtl' | 'withoutTtlInterval')
> {
  /** The most frequent first. */
  readonly types: readonly string[];
  readonly ttl: { readonly minSeconds: number; readonly maxSeconds: number } | null;
}

interface OutlineLine extends Sums {
  readonly label: string;
  readonly depth: number;
}

export interface Level {
  readonly children: Map<string, Level>;
  row?: NamespaceSummary;
  /** True for a namespace of the map; the levels below it are patterns of their own. */
  readonly mapped: boolean;
}

interface Totals {
  readonly keys: number;
  readonly memoryBytes: number | null;
}

interface Reading extends Totals {
  readonly keysInterval: IntervalOrNull;
  readonly namespaces: readonly NamespaceSummary[];
}

const { text, seconds, count, bytes, ratio } = fieldsOf<NamespaceSummary>();
const [keyBounds, byteBounds, ttlBounds] = [
  [
    count('keysLow', 'KEYS LOW', ({ keysInterval }) => keysInterval?.[0] ?? null),
    count('keysHigh', 'KEYS HIGH', ({ keysInterval }) => keysInterval?.[1] ?? null),
  ],
  [
    bytes('memoryBytesLow', 'MEMORY LOW', ({ memoryBytesInterval }) => memoryBytesInterval?.[0] ?? null),
    bytes('memoryBytesHigh', 'MEMORY HIGH', ({ memoryBytesInterval }) => memoryBytesInterval?.[1] ?? null),
  ],
  [
    count('withoutTtlLow', 'NO TTL LOW', ({ withoutTtlInterval }) => withoutTtlInterval?.[0] ?? null),
    count('withoutTtlHigh', 'NO TTL HIGH', ({ withoutTtlInterval }) => withoutTtlInterval?.[1] ?? null),
  ],
];
const withoutTtl = count('withoutTtl', 'NO TTL');
const types = secondary(text('types', 'TYPES', (row) => typesOf(row).join(' ')));
const ttls = [
  seconds('ttlMinSeconds', 'TTL MIN', ({ ttl }) => ttl?.minSeconds ?? null),
  seconds('ttlMaxSeconds', 'TTL MAX', ({ ttl }) => ttl?.maxSeconds ?? null),
];
/** Of memory, or of keys where no bytes are known. */
const share = ratio('memoryShare', 'SHARE', ({ memoryShare, keyShare }) => memoryShare ?? keyShare);
const sizes = [
  text('namespace', 'NAMESPACE', rowName),
  count('keys', 'KEYS'),
  bytes('memoryBytes', 'MEMORY'),
  share,
];

/** Of the keys that were read: see SizeSummary. */
const spreads = [
  bytes('p50Bytes', 'HALF UP TO', (row) => row.sizes?.p50Bytes ?? null),
  bytes('p90Bytes', '90 % UP TO', (row) => row.sizes?.p90Bytes ?? null),
  bytes('p99Bytes', '99 % UP TO', (row) => row.sizes?.p99Bytes ?? null),
  bytes('largestBytes', 'LARGEST', (row) => row.sizes?.largestBytes ?? null),
  bytes('nameP50Bytes', 'HALF OF NAMES UP TO', (row) => row.nameLengths?.p50Bytes ?? null),
  bytes('nameP99Bytes', '99 % OF NAMES UP TO', (row) => row.nameLengths?.p99Bytes ?? null),
  bytes('nameLargestBytes', 'LONGEST NAME', (row) => row.nameLengths?.largestBytes ?? null),
];

/** For programs. */
export const namespaceFields = [
  ...[...sizes, types, ...ttls, withoutTtl],
  ...[...keyBounds, ...byteBounds, ...ttlBounds],
  ...spreads,
];

/** For people, where the rows are no tree: a narrow terminal loses the last columns. */
const flatFields = [...sizes, withoutTtl, ...ttls, types];

export const defaultLimit = 50;

/** The namespaces of `inspect`: disjoint rows for programs, a tree with the sums of each branch for people. */
export function namespaceTable(
  result: Reading,
  input: LayoutInput & { readonly limit?: number },
): TableBlock {
  const chosen = chosenFields(namespaceFields, input);
  const isFlat = chosen !== null || input.sort !== undefined;
  const rows = sortedRows(result.namespaces, namespaceFields, input.sort);
  const table = tableOf('namespaces', rows, chosen ?? namespaceFields, {
    title: titleOf(result),
    bar: 'memoryShare',
    ...(input.limit === undefined && { moreWith: `--limit ${defaultLimit}, or --browse` }),
    ...(isFlat && { shown: { fields: chosen ?? flatFields } }),
  });
  return isFlat ? table : { ...table, display: treeGrid(result) };
}

function treeGrid(result: Reading): NonNullable<TableBlock['display']> {
  const lines = outlineOf(result.namespaces);
  const isEstimate = lines.some(({ keysInterval }) => keysInterval !== null);
  const line = fieldsOf<OutlineLine>();
  // A narrow terminal loses the last columns.
  const grid = gridOf(lines, [
    line.text('namespace', 'NAMESPACE', ({ label }) => label),
    line.count('keys', 'KEYS'),
    line.bytes('memoryBytes', 'MEMORY'),
    line.ratio('memoryShare', 'SHARE', (each) => shareOf(each, result)),
    line.count('withoutTtl', 'NO TTL'),
    line.text('ttl', 'TTL LEFT', ({ ttl }) => ttlText(ttl)),
    secondary(line.text('types', 'TYPES', ({ types }) => types.join(' '))),
    ...(isEstimate ? [errorOf('keys', '± KEYS', 'count'), errorOf('memoryBytes', '± MEM', 'bytes')] : []),
    ...(lines.some(({ withoutTtlInterval }) => withoutTtlInterval !== null)
      ? [errorOf('withoutTtl', '± NO TTL', 'count')]
      : []),
  ]);
  return { ...grid, depths: lines.map(({ depth }) => depth) };
}

function errorOf(
  name: 'keys' | 'memoryBytes' | 'withoutTtl',
  header: string,
  unit: 'count' | 'bytes',
): Field<OutlineLine> {
  return fieldsOf<OutlineLine>().text(`${name}Error`, header, (line) =>
    errorText(line[name], line[`${name}Interval`], unit),
  );
}

const typesOf = ({ types }: NamespaceSummary): string[] =>
  Object.entries(types ?? {})
    .sort(([, left], [, right]) => right - left)
    .map(([type]) => type);

function titleOf({ keys, keysInterval, namespaces }: Reading): string {
  const names = new Set(namespaces.map(({ namespace }) => namespace));
  const other = names.delete(otherName) ? ` and ${otherName}` : '';
  return `${keysText(keys, keysInterval)} in ${counted(names.size, 'namespace')}${other}`;
}

/** The rows as a tree, each level largest first and `(other)` last; a chain without branches is one line. */
export function outlineOf(rows: readonly NamespaceSummary[]): OutlineLine[] {
  const lines: OutlineLine[] = [];
  const visit = (start: Level, startLabel: string, depth: number): void => {
    const { level, label } = start.mapped
      ? { level: start, label: startLabel }
      : endOfChain(start, startLabel);
    lines.push({ label, depth, ...sumOf(level) });
    if (!level.mapped) visitBranches(level, '', depth + 1);
    else if (level.children.size > 0) visitPatterns(level, depth + 1);
  };
  /** The patterns of a namespace, with what they have in common in each of them rather than on a line of its own. */
  const visitPatterns = (namespace: Level, depth: number): void => {
    const { level, label } = endOfChain(namespace, '');
    if (level.row === undefined) visitBranches(level, label, depth);
    else visit({ ...level, mapped: false }, label, depth);
  };
  const visitBranches = (parent: Level, prefix: string, depth: number): void => {
    const branches = [...parent.children].map(([segment, child]) => ({ segment, child, sum: sumOf(child) }));
    branches.sort(
      (left, right) =>
        Number(left.segment === otherName) - Number(right.segment === otherName) ||
        (right.sum.memoryBytes ?? 0) - (left.sum.memoryBytes ?? 0) ||
        right.sum.keys - left.sum.keys,
    );
    for (const { segment, child } of branches) visit(child, prefix + segment, depth);
  };
  visitBranches(treeOf(rows), '', 0);
  return lines;
}

export function treeOf(rows: readonly NamespaceSummary[]): Level {
  const root: Level = { children: new Map(), mapped: false };
  for (const row of rows) {
    let level = root;
    for (const segment of row.path) {
      const mapped = level === root && row.pattern !== row.namespace;
      const next: Level = level.children.get(segment) ?? { children: new Map(), mapped };
      level.children.set(segment, next);
      level = next;
    }
    level.row = row;
  }
  return root;
}

export function endOfChain(start: Level, startLabel: string): { level: Level; label: string } {
  let [level, label] = [start, startLabel];
  while (level.row === undefined && level.children.size === 1) {
    const [[segment, only]] = [...level.children] as [[string, Level]];
    [level, label] = [only, label + segment];
  }
  return { level, label };
}

/** Branch by branch, and of each what is below it first. */
export const rowsIn = ({ children, row }: Level): readonly NamespaceSummary[] => [
  ...[...children.values()].flatMap(rowsIn),
  ...(row ? [row] : []),
];

export function sumOf(level: Level): Sums {
  const rows = rowsIn(level);
  const ttls = rows.flatMap(({ ttl }) => ttl ?? []);
  return {
    keys: rows.reduce((sum, { keys }) => sum + keys, 0),
    keysInterval: sumOfIntervals(rows, 'keys'),
    memoryBytes: sumOrNull(rows.map(({ memoryBytes }) => memoryBytes)),
    memoryBytesInterval: sumOfIntervals(rows, 'memoryBytes'),
    types: [...new Set(rows.flatMap(typesOf))],
    ttl:
      ttls.length === 0
        ? null
        : {
            minSeconds: Math.min(...ttls.map(({ minSeconds }) => minSeconds)),
            maxSeconds: Math.max(...ttls.map(({ maxSeconds }) => maxSeconds)),
          },
    withoutTtl: sumOrNull(rows.map(({ withoutTtl }) => withoutTtl)),
    withoutTtlInterval: sumOfIntervals(rows, 'withoutTtl'),
  };
}

/** Holds the sum whenever each interval holds its part; an exact part is an interval of itself. Null where all are exact. */
function sumOfIntervals(
  parts: readonly NamespaceSummary[],
  name: 'keys' | 'memoryBytes' | 'withoutTtl',
): IntervalOrNull {
  if (parts.every((part) => part[`${name}Interval`] === null)) return null;
  return parts.reduce<[number, number]>(
    ([low, high], part) => {
      const exact = part[name] ?? 0;
      const [partLow, partHigh] = part[`${name}Interval`] ?? [exact, exact];
      return [low + partLow, high + partHigh];
    },
    [0, 0],
  );
}

export function shareOf(line: Totals, total: Totals): number | null {
  if (line.memoryBytes !== null && total.memoryBytes) return line.memoryBytes / total.memoryBytes;
  return total.keys > 0 ? line.keys / total.keys : null;
}

function ttlText(ttl: OutlineLine['ttl']): string | null {
  if (ttl === null) return null;
  return formatRange([Math.round(ttl.minSeconds), Math.round(ttl.maxSeconds)], formatSeconds, ' … ');
}
