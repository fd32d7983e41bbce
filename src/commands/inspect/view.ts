import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, type Cell, type Column, note, type TableBlock } from '../../render/blocks.ts';
import { counted, formatBytes, formatSeconds } from '../../render/units.ts';
import { costNotes, readingNotes } from '../keyspace-report.ts';
import {
  guessedRulesText,
  errorText,
  howToConfirm,
  type NamespaceSummary,
  type SpanSeconds,
} from '../namespace-summary.ts';
import { namespaceTable } from './namespace-table.ts';
import type { InspectResult } from './result.ts';
import type { Growth } from './snapshot.ts';

/** The result of `inspect` for people, and as rows. */
export function viewInspect(result: InspectResult, own: OwnLookups, top: number): Block[] {
  const { total, growth, ttlRules } = result;
  const blocks: Block[] = [namespaceTable(result)];
  if (growth) blocks.push(growthTable(growth));
  if (total.ttlHistogram && result.keys > 0) blocks.push(ttlTable(total, total.ttlHistogram));
  if (total.idleHistogram && result.keys > 0)
    blocks.push(spanTable('idle', 'Time since the last access', 'IDLE', total, total.idleHistogram));
  if (total.frequencyHistogram && result.keys > 0) blocks.push(frequencyTable(total));
  blocks.push(...ruleBlocks(ttlRules));
  // Also where it is empty: lines in a pipe begin with the name of their table wherever there are two.
  if (top > 0) blocks.push(largestTable(result));
  if (result.overheadBytes !== null && result.memoryBytes)
    blocks.push(
      note(
        'plain',
        `${formatBytes(result.overheadBytes)} of the memory are names and entries of keys, the rest are values`,
      ),
    );
  return [...blocks, ...readingNotes(result.reading), ...costNotes(result.serverCost, own)];
}

/** The histogram of one kind of time over all keys, with a bar for each span. */
function spanTable(
  name: string,
  title: string,
  header: string,
  total: NamespaceSummary,
  spans: readonly SpanSeconds[],
): TableBlock {
  const lines = spans.map((span, index): readonly [string, SpanSeconds] => [spanText(spans, index), span]);
  return histogramTable(name, title, header, total, lines);
}

function ttlTable(total: NamespaceSummary, spans: readonly SpanSeconds[]): TableBlock {
  const table = spanTable('ttl', 'Time to live', 'TTL LEFT', total, spans);
  const { withoutTtl, withoutTtlInterval, withoutTtlMemoryBytes, keys } = total;
  const row: Cell[] = ['none', withoutTtl, share(withoutTtl, keys), withoutTtlMemoryBytes];
  if (table.columns.length > 4) row.push(errorText(withoutTtl, withoutTtlInterval, 'count'));
  return withDisplay({ ...table, rows: [...table.rows, row] });
}

function frequencyTable(total: NamespaceSummary): TableBlock {
  const spans = total.frequencyHistogram ?? [];
  const lines = spans.map((span, index): readonly [string, Omit<SpanSeconds, 'upToSeconds'>] => {
    const from = index === 0 ? 0 : (spans[index - 1]?.upToCounter ?? 0) + 1;
    return [from === span.upToCounter ? String(from) : `${from} … ${span.upToCounter ?? ''}`, span];
  });
  return histogramTable('frequency', 'Access counter of the LFU policy (0 to 255)', 'COUNTER', total, lines);
}

function histogramTable(
  name: string,
  title: string,
  header: string,
  { keys }: NamespaceSummary,
  lines: readonly (readonly [label: string, span: Omit<SpanSeconds, 'upToSeconds'>])[],
): TableBlock {
  const sampled = lines.some(([, { keysInterval }]) => keysInterval !== null);
  return withDisplay({
    kind: 'table',
    name,
    title,
    columns: [
      { name: 'span', header, unit: 'text' },
      { name: 'keys', header: 'KEYS', unit: 'count' },
      { name: 'keyShare', header: 'SHARE', unit: 'ratio' },
      { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
      ...(sampled ? [{ name: 'keysError', header: '± KEYS', unit: 'text' as const }] : []),
    ],
    rows: lines.map(([label, span]) => [
      label,
      span.keys,
      share(span.keys, keys),
      span.memoryBytes,
      ...(sampled ? [errorText(span.keys, span.keysInterval, 'count')] : []),
    ]),
    barColumn: 2,
  });
}

/** People see the spans from the first with keys to the last, programs see all. */
function withDisplay(table: TableBlock): TableBlock {
  const { columns, rows } = table;
  const filled = rows.flatMap(([, keys], index) => (keys === 0 ? [] : [index]));
  const shown = rows.slice(filled[0] ?? 0, (filled.at(-1) ?? rows.length) + 1);
  return { ...table, display: { columns, rows: shown } };
}

/** `up to 1m`, `1m … 5m`, `over 7d`. */
function spanText(spans: readonly SpanSeconds[], index: number): string {
  const from = index === 0 ? null : (spans[index - 1]?.upToSeconds ?? null);
  const upTo = spans[index]?.upToSeconds ?? null;
  if (upTo === null) return `over ${formatSeconds(from ?? 0)}`;
  return from === null ? `up to ${formatSeconds(upTo)}` : `${formatSeconds(from)} … ${formatSeconds(upTo)}`;
}

/** The verdict on TTLs under a rule that is a guess: there is none. */
const guess = 'guess';

/** What the rules of the map say of the TTLs; people see the namespaces that break theirs. */
function ruleBlocks(ttlRules: InspectResult['ttlRules']): Block[] {
  const rows = ttlRules.map((row): Cell[] => {
    const { rule, guessed, kept, missing, tooLong, unexpected, drifting, fallsShort } = row;
    const broken = missing + tooLong + unexpected + drifting;
    const verdict = guessed ? guess : fallsShort ? 'shorter than the rule' : broken > 0 ? 'warn' : 'ok';
    return [row.namespace, rule, kept, missing, tooLong, unexpected, drifting, verdict];
  });
  if (rows.length === 0) return [];
  const columns: readonly Column[] = [
    { name: 'namespace', header: 'NAMESPACE', unit: 'text' },
    { name: 'rule', header: 'RULE', unit: 'text' },
    { name: 'kept', header: 'KEPT', unit: 'count' },
    { name: 'missing', header: 'NO TTL', unit: 'count' },
    { name: 'tooLong', header: 'TOO LONG', unit: 'count' },
    { name: 'unexpected', header: 'UNEXPECTED', unit: 'count' },
    { name: 'drifting', header: 'DRIFTING', unit: 'count' },
    { name: 'verdict', header: 'VERDICT', unit: 'status' },
  ];
  const broken = rows.filter((row) => row.at(-1) !== 'ok');
  // A narrow terminal loses the last columns, and the verdict is the one to keep.
  const verdictSecond = <Each>(each: readonly Each[]) => [
    ...each.slice(0, 1),
    ...each.slice(-1),
    ...each.slice(1, -1),
  ];
  const table: TableBlock = {
    kind: 'table',
    name: 'ttlRules',
    title: 'TTLs against the rules of the map',
    columns,
    rows,
    display: { columns: verdictSecond(columns), rows: broken.map(verdictSecond) },
  };
  const kept = rows.length - broken.length;
  const guesses = rows.filter((row) => row.at(-1) === guess).length;
  return [
    table,
    ...(kept === 0
      ? []
      : [
          note(
            'good',
            `${counted(kept, 'namespace')} kept to ${kept === 1 ? 'its' : 'their'} TTL rule${kept === 1 ? '' : 's'}`,
          ),
        ]),
    ...(guesses === 0 ? [] : [note('plain', `${guessedRulesText(guesses)}: ${howToConfirm}`)]),
  ];
}

function largestTable({ largest, exact }: InspectResult): TableBlock {
  return {
    kind: 'table',
    name: 'largest',
    title: exact ? 'Largest keys' : 'Largest of the keys that were read',
    columns: [
      { name: 'key', header: 'KEY', unit: 'text' },
      { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
      { name: 'type', header: 'TYPE', unit: 'text' },
    ],
    rows: largest.map((row) => [row.key, row.memoryBytes, row.type]),
  };
}

const mostGrowthRows = 20;

function growthTable(growth: Growth): TableBlock {
  const { namespaces, keys, savedAt, server } = growth;
  const listed = namespaces.slice(0, mostGrowthRows);
  return {
    kind: 'table',
    name: 'growth',
    title: `Since ${savedAt} (${server.address}): ${signed(keys, (count) => counted(count, 'key'))}${
      growth.memoryBytes === null ? '' : `, ${signed(growth.memoryBytes, formatBytes)}`
    }`,
    columns: [
      { name: 'namespace', header: 'NAMESPACE', unit: 'text' },
      { name: 'keysGrowth', header: '+ KEYS', unit: 'count' },
      { name: 'memoryBytesGrowth', header: '+ MEMORY', unit: 'bytes' },
      { name: 'keysBefore', header: 'KEYS THEN', unit: 'count' },
      { name: 'memoryBytesBefore', header: 'MEMORY THEN', unit: 'bytes' },
      { name: 'certain', header: 'CERTAIN', unit: 'text' },
    ],
    rows: listed.map((row) => [
      row.namespace,
      row.keysGrowth,
      row.memoryBytesGrowth,
      row.keysBefore,
      row.memoryBytesBefore,
      row.certain,
    ]),
  };
}

function signed(value: number, format: (value: number) => string): string {
  return value < 0 ? `-${format(-value)}` : `+${format(value)}`;
}

function share(part: number | null, whole: number): number | null {
  return part === null || whole === 0 ? null : part / whole;
}
