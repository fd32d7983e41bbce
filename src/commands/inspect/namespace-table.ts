import { otherName } from '../../keyspace/namespace-tree.ts';
import type { Cell, Column, TableBlock } from '../../render/blocks.ts';
import { counted, formatSeconds } from '../../render/units.ts';
import { errorText, type IntervalOrNull, type NamespaceSummary, rowName } from '../namespace-summary.ts';

interface OutlineLine {
  readonly label: string;
  readonly depth: number;
  readonly keys: number;
  readonly keysInterval: IntervalOrNull;
  readonly memoryBytes: number | null;
  readonly memoryBytesInterval: IntervalOrNull;
  readonly types: readonly string[];
  readonly ttl: { readonly minSeconds: number; readonly maxSeconds: number } | null;
  readonly withoutTtl: number | null;
  readonly withoutTtlInterval: IntervalOrNull;
}

interface Level {
  readonly children: Map<string, Level>;
  row?: NamespaceSummary;
  /** True for a namespace of the map; the levels below it are patterns of their own. */
  readonly mapped: boolean;
}

const namespaceColumn: Column = { name: 'namespace', header: 'NAMESPACE', unit: 'text' };
const sizeColumns: readonly Column[] = [
  { name: 'keys', header: 'KEYS', unit: 'count' },
  { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
  { name: 'memoryShare', header: 'SHARE', unit: 'ratio' },
];
const typesColumn: Column = { name: 'types', header: 'TYPES', unit: 'text' };

interface ErrorColumn {
  readonly column: Column;
  readonly textOf: (line: OutlineLine) => string | null;
}

const sizeErrors: readonly ErrorColumn[] = [
  {
    column: { name: 'keysError', header: '± KEYS', unit: 'text' },
    textOf: ({ keys, keysInterval }) => errorText(keys, keysInterval, 'count'),
  },
  {
    column: { name: 'memoryError', header: '± MEM', unit: 'text' },
    textOf: ({ memoryBytes, memoryBytesInterval }) => errorText(memoryBytes, memoryBytesInterval, 'bytes'),
  },
];
const ttlError: ErrorColumn = {
  column: { name: 'withoutTtlError', header: '± NO TTL', unit: 'text' },
  textOf: ({ withoutTtl, withoutTtlInterval }) => errorText(withoutTtl, withoutTtlInterval, 'count'),
};
const withoutTtlColumn: Column = { name: 'withoutTtl', header: 'NO TTL', unit: 'count' };

interface Totals {
  readonly keys: number;
  readonly memoryBytes: number | null;
}

/** The namespaces of `inspect`: disjoint rows for programs, a tree with the sums of each branch for people. */
export function namespaceTable(
  result: Totals & { readonly namespaces: readonly NamespaceSummary[] },
): TableBlock {
  const sizes = (line: OutlineLine): Cell[] => [line.keys, line.memoryBytes, shareOf(line, result)];
  const typesOf = ({ types }: OutlineLine) => types.join(' ');
  const lines = outlineOf(result.namespaces);
  const errors = [
    ...(lines.some(({ keysInterval }) => keysInterval !== null) ? sizeErrors : []),
    ...(lines.some(({ withoutTtlInterval }) => withoutTtlInterval !== null) ? [ttlError] : []),
  ];
  return {
    kind: 'table',
    name: 'namespaces',
    title: titleOf(result),
    columns: [
      namespaceColumn,
      ...sizeColumns,
      typesColumn,
      { name: 'ttlMinSeconds', header: 'TTL MIN', unit: 'seconds' },
      { name: 'ttlMaxSeconds', header: 'TTL MAX', unit: 'seconds' },
      withoutTtlColumn,
      { name: 'keysLow', header: 'KEYS LOW', unit: 'count' },
      { name: 'keysHigh', header: 'KEYS HIGH', unit: 'count' },
      { name: 'memoryBytesLow', header: 'MEMORY LOW', unit: 'bytes' },
      { name: 'memoryBytesHigh', header: 'MEMORY HIGH', unit: 'bytes' },
      { name: 'withoutTtlLow', header: 'NO TTL LOW', unit: 'count' },
      { name: 'withoutTtlHigh', header: 'NO TTL HIGH', unit: 'count' },
    ],
    rows: result.namespaces.map((row) => {
      const line = lineOf(row, '', 0);
      return [
        rowName(row),
        ...sizes(line),
        typesOf(line),
        row.ttl?.minSeconds ?? null,
        row.ttl?.maxSeconds ?? null,
        row.withoutTtl,
        ...(row.keysInterval ?? [null, null]),
        ...(row.memoryBytesInterval ?? [null, null]),
        ...(row.withoutTtlInterval ?? [null, null]),
      ];
    }),
    // A narrow terminal loses the last columns.
    display: {
      columns: [
        namespaceColumn,
        ...sizeColumns,
        withoutTtlColumn,
        { name: 'ttl', header: 'TTL LEFT', unit: 'text' },
        typesColumn,
        ...errors.map(({ column }) => column),
      ],
      rows: lines.map((line) => [
        line.label,
        ...sizes(line),
        line.withoutTtl,
        ttlText(line.ttl),
        typesOf(line),
        ...errors.map(({ textOf }) => textOf(line)),
      ]),
      depths: lines.map(({ depth }) => depth),
    },
    barColumn: 3,
  };
}

function titleOf({
  keys,
  namespaces,
}: Totals & { readonly namespaces: readonly NamespaceSummary[] }): string {
  const names = new Set(namespaces.map(({ namespace }) => namespace));
  const other = names.delete(otherName) ? ` and ${otherName}` : '';
  return `${counted(keys, 'key')} in ${counted(names.size, 'namespace')}${other}`;
}

/** The rows as a tree, each level largest first and `(other)` last; a chain without branches is one line. */
export function outlineOf(rows: readonly NamespaceSummary[]): OutlineLine[] {
  const lines: OutlineLine[] = [];
  const visit = (start: Level, startLabel: string, depth: number): void => {
    const { level, label } = start.mapped
      ? { level: start, label: startLabel }
      : endOfChain(start, startLabel);
    lines.push(sumOf(level, label, depth));
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
    const branches = [...parent.children].map(([segment, child]) => ({
      segment,
      child,
      sum: sumOf(child, segment, depth),
    }));
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

function treeOf(rows: readonly NamespaceSummary[]): Level {
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

function endOfChain(start: Level, startLabel: string): { level: Level; label: string } {
  let [level, label] = [start, startLabel];
  while (level.row === undefined && level.children.size === 1) {
    const [[segment, only]] = [...level.children] as [[string, Level]];
    [level, label] = [only, label + segment];
  }
  return { level, label };
}

function sumOf(level: Level, label: string, depth: number): OutlineLine {
  const parts = [...level.children.values()].map((child) => sumOf(child, '', depth));
  if (level.row) parts.push(lineOf(level.row, '', depth));
  const ttls = parts.flatMap(({ ttl }) => ttl ?? []);
  return {
    label,
    depth,
    keys: parts.reduce((sum, { keys }) => sum + keys, 0),
    keysInterval: sumOfIntervals(
      parts.map(({ keys, keysInterval: interval }) => ({ value: keys, interval })),
    ),
    memoryBytes: sumOrNull(parts.map(({ memoryBytes }) => memoryBytes)),
    memoryBytesInterval: sumOfIntervals(
      parts.map(({ memoryBytes, memoryBytesInterval: interval }) => ({ value: memoryBytes, interval })),
    ),
    types: [...new Set(parts.flatMap(({ types }) => types))],
    ttl:
      ttls.length === 0
        ? null
        : {
            minSeconds: Math.min(...ttls.map(({ minSeconds }) => minSeconds)),
            maxSeconds: Math.max(...ttls.map(({ maxSeconds }) => maxSeconds)),
          },
    withoutTtl: sumOrNull(parts.map(({ withoutTtl }) => withoutTtl)),
    withoutTtlInterval: sumOfIntervals(
      parts.map(({ withoutTtl, withoutTtlInterval: interval }) => ({ value: withoutTtl, interval })),
    ),
  };
}

function lineOf(row: NamespaceSummary, label: string, depth: number): OutlineLine {
  const types = Object.entries(row.types ?? {}).sort(([, left], [, right]) => right - left);
  return {
    label,
    depth,
    keys: row.keys,
    keysInterval: row.keysInterval,
    memoryBytes: row.memoryBytes,
    memoryBytesInterval: row.memoryBytesInterval,
    types: types.map(([type]) => type),
    ttl: row.ttl,
    withoutTtl: row.withoutTtl,
    withoutTtlInterval: row.withoutTtlInterval,
  };
}

/** Holds the sum whenever each interval holds its part; an exact part is an interval of itself. Null where all are exact. */
function sumOfIntervals(
  parts: readonly { readonly value: number | null; readonly interval: IntervalOrNull }[],
): IntervalOrNull {
  if (parts.every(({ interval }) => interval === null)) return null;
  return parts.reduce<[number, number]>(
    ([low, high], { value, interval }) => {
      const [partLow, partHigh] = interval ?? [value ?? 0, value ?? 0];
      return [low + partLow, high + partHigh];
    },
    [0, 0],
  );
}

function shareOf(line: Totals, total: Totals): number | null {
  if (line.memoryBytes !== null && total.memoryBytes) return line.memoryBytes / total.memoryBytes;
  return total.keys > 0 ? line.keys / total.keys : null;
}

function ttlText(ttl: OutlineLine['ttl']): string | null {
  if (ttl === null) return null;
  const [least, most] = [
    formatSeconds(Math.round(ttl.minSeconds)),
    formatSeconds(Math.round(ttl.maxSeconds)),
  ];
  return least === most ? least : `${least} … ${most}`;
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
