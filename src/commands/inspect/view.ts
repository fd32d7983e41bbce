import type { OwnLookups } from '../../redis/lookups.ts';
import { asides, type Block, note, type TableBlock } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted, formatBytes, formatSeconds } from '../../render/units.ts';
import { costNotes, readingNotes } from '../keyspace-report.ts';
import {
  guessedRulesText,
  errorText,
  howToConfirm,
  type NamespaceSummary,
  type SizeSummary,
  type SpanSeconds,
  withoutIdleTimeText,
} from '../namespace-summary.ts';
import type { LayoutInput } from '../namespace-columns.ts';
import { namespaceTable } from './namespace-table.ts';
import type { InspectResult } from './result.ts';
import type { Growth, NamespaceGrowth } from './snapshot.ts';

interface ViewInput extends LayoutInput {
  readonly limit?: number;
  readonly top?: number;
}

/** The result of `inspect` for people, and as rows. */
export function viewInspect(result: InspectResult, own: OwnLookups, input: ViewInput): Block[] {
  const { total, growth, ttlRules } = result;
  const blocks: Block[] = [...mostElementsTable(result), namespaceTable(result, input)];
  if (growth) blocks.push(growthTable(growth));
  if (result.keys > 0) blocks.push(...histogramTables(total), sizeTable(result));
  blocks.push(...ruleBlocks(ttlRules));
  // Also where it is empty: lines in a pipe begin with the name of their table wherever there are two.
  if (input.top !== 0) blocks.push(largestTable(result, input.top !== undefined));
  if (result.overheadBytes !== null && result.memoryBytes)
    blocks.push(
      ...asides(
        'plain',
        `${formatBytes(result.overheadBytes)} of the memory holds names and table entries of keys, the rest holds values`,
      ),
    );
  return [...blocks, ...readingNotes(result.reading), ...costNotes(result.serverCost, own)];
}

interface SizeLine extends SizeSummary {
  readonly of: string;
}

/** Percentiles are upper bounds: see SizeSummary. By namespace they are columns of the first table. */
function sizeTable({ total: { sizes, nameLengths }, exact }: InspectResult): TableBlock {
  const { text, bytes } = fieldsOf<SizeLine>();
  const rows = [sizes && { of: 'key', ...sizes }, nameLengths && { of: 'name', ...nameLengths }];
  return tableOf(
    'sizes',
    rows.filter((row) => row !== null),
    [
      ...[text('of', 'OF'), bytes('p50Bytes', 'HALF UP TO'), bytes('p90Bytes', '90 % UP TO')],
      ...[bytes('p99Bytes', '99 % UP TO'), bytes('largestBytes', 'LARGEST')],
    ],
    {
      title: `Memory of a key, and length of its name${exact ? '' : ' (of the keys that were read)'}`,
      isSecondary: true,
    },
  );
}

interface HistogramLine extends Pick<SpanSeconds, 'keysInterval' | 'memoryBytes'> {
  readonly span: string;
  readonly keys: number | null;
}

/** A table of each kind of time that was read, with what has none as the last line. */
function histogramTables(total: NamespaceSummary): Block[] {
  const { ttlHistogram, idleHistogram, frequencyHistogram } = total;
  const { withoutTtl, withoutTtlInterval, withoutTtlMemoryBytes } = total;
  const { keysWithoutIdleTime, keysWithoutIdleTimeInterval } = total;
  const timesOf = (spans: readonly SpanSeconds[]): HistogramLine[] =>
    spans.map((span, index) => ({ ...span, span: spanText(spans, index) }));
  const blocks: Block[] = [];
  if (ttlHistogram) {
    const none = { keys: withoutTtl, keysInterval: withoutTtlInterval, memoryBytes: withoutTtlMemoryBytes };
    const lines = [...timesOf(ttlHistogram), { span: 'none', ...none }];
    blocks.push(histogramTable('ttl', 'Time to live', 'TTL LEFT', total, lines));
  }
  if (idleHistogram) {
    const none = { keys: keysWithoutIdleTime, keysInterval: keysWithoutIdleTimeInterval, memoryBytes: null };
    const lines = [...timesOf(idleHistogram), { span: 'none', ...none }];
    blocks.push(histogramTable('idle', 'Time since the last access', 'IDLE', total, lines));
  }
  if ((keysWithoutIdleTime ?? 0) > 0)
    blocks.push(note('plain', withoutIdleTimeText(keysWithoutIdleTime ?? 0)));
  if (frequencyHistogram) {
    const lines = frequencyHistogram.map((span, index) => {
      const from = index === 0 ? 0 : (frequencyHistogram[index - 1]?.upToCounter ?? 0) + 1;
      return {
        ...span,
        span: from === span.upToCounter ? String(from) : `${from} … ${span.upToCounter ?? ''}`,
      };
    });
    const title = 'Access counter of the LFU policy (0 to 255)';
    blocks.push(histogramTable('frequency', title, 'COUNTER', total, lines));
  }
  return blocks;
}

/** People see the spans from the first with keys to the last, programs see all. */
function histogramTable(
  name: string,
  title: string,
  header: string,
  { keys }: NamespaceSummary,
  lines: readonly HistogramLine[],
): TableBlock {
  const { text, count, ratio, bytes } = fieldsOf<HistogramLine>();
  const sampled = lines.some(({ keysInterval }) => keysInterval !== null);
  const filled = lines.flatMap((line, index) => (line.keys === 0 ? [] : [index]));
  const fields = [
    text('span', header),
    count('keys', 'KEYS'),
    ratio('keyShare', 'SHARE', (line) => share(line.keys, keys)),
    bytes('memoryBytes', 'MEMORY'),
    ...(sampled
      ? [text('keysError', '± KEYS', (line) => errorText(line.keys, line.keysInterval, 'count'))]
      : []),
  ];
  const shown = { rows: lines.slice(filled[0] ?? 0, (filled.at(-1) ?? lines.length) + 1) };
  return tableOf(name, lines, fields, { title, shown, bar: 'keyShare', isSecondary: true });
}

/** `up to 1m`, `1m … 5m`, `over 7d`. */
function spanText(spans: readonly SpanSeconds[], index: number): string {
  const from = index === 0 ? null : (spans[index - 1]?.upToSeconds ?? null);
  const upTo = spans[index]?.upToSeconds ?? null;
  if (upTo === null) return `over ${formatSeconds(from ?? 0)}`;
  return from === null ? `up to ${formatSeconds(upTo)}` : `${formatSeconds(from)} … ${formatSeconds(upTo)}`;
}

type Rule = InspectResult['ttlRules'][number];

/** `guess`: a rule that no one has confirmed judges nothing. */
function verdictOf({ guessed, fallsShort, missing, tooLong, unexpected, drifting }: Rule): string {
  if (guessed) return 'guess';
  if (fallsShort) return 'shorter than the rule';
  return missing + tooLong + unexpected + drifting > 0 ? 'warn' : 'ok';
}

/** What the rules of the map say of the TTLs; people see the namespaces that break theirs. */
function ruleBlocks(ttlRules: readonly Rule[]): Block[] {
  if (ttlRules.length === 0) return [];
  const { text, count, status } = fieldsOf<Rule>();
  const name = text('namespace', 'NAMESPACE');
  const verdict = status('verdict', 'VERDICT', verdictOf);
  const figures = [
    ...[
      text('rule', 'RULE'),
      count('kept', 'KEPT'),
      count('missing', 'NO TTL'),
      count('tooLong', 'TOO LONG'),
    ],
    ...[count('unexpected', 'UNEXPECTED'), count('drifting', 'DRIFTING')],
  ];
  const broken = ttlRules.filter((row) => verdictOf(row) !== 'ok');
  const kept = ttlRules.length - broken.length;
  const guesses = ttlRules.filter(({ guessed }) => guessed).length;
  return [
    tableOf('ttlRules', ttlRules, [name, ...figures, verdict], {
      title: 'TTLs against the rules of the map',
      // A narrow terminal loses the last columns, and the verdict is the one to keep.
      shown: { rows: broken, fields: [name, verdict, ...figures] },
    }),
    ...(kept === 0
      ? []
      : [
          ...asides(
            'good',
            `${counted(kept, 'namespace')} kept to ${kept === 1 ? 'its' : 'their'} TTL rule${kept === 1 ? '' : 's'}`,
          ),
        ]),
    ...asides('plain', guesses > 0 && `${guessedRulesText(guesses)}: ${howToConfirm}`),
  ];
}

/** @param isAsked whether an option has asked for it: then it is whole on a small screen too */
function largestTable({ largest, exact }: InspectResult, isAsked: boolean): TableBlock {
  const { text, bytes } = fieldsOf<InspectResult['largest'][number]>();
  return tableOf(
    'largest',
    largest,
    [text('key', 'KEY'), bytes('memoryBytes', 'MEMORY'), text('type', 'TYPE')],
    {
      title: exact ? 'Largest keys' : 'Largest of the keys that were read',
      ...(!isAsked && { moreWith: '--browse', isSecondary: true as const }),
    },
  );
}

function mostElementsTable({ mostElements }: InspectResult): TableBlock[] {
  if (mostElements === null) return [];
  const { text, bytes, count } = fieldsOf<(typeof mostElements)[number]>();
  const fields = [
    ...[text('type', 'TYPE'), text('key', 'KEY')],
    ...[count('elements', 'ELEMENTS'), bytes('memoryBytes', 'MEMORY')],
  ];
  return [
    tableOf('mostElements', mostElements, fields, {
      ...{ title: 'Most elements by type, and the largest strings', moreWith: '--output tsv' },
    }),
  ];
}

const mostGrowthRows = 20;

function growthTable(growth: Growth): TableBlock {
  const { namespaces, keys, savedAt, server } = growth;
  const { text, count, bytes } = fieldsOf<NamespaceGrowth>();
  const memory = growth.memoryBytes === null ? '' : `, ${signed(growth.memoryBytes, formatBytes)}`;
  return tableOf(
    'growth',
    namespaces.slice(0, mostGrowthRows),
    [
      ...[
        text('namespace', 'NAMESPACE'),
        count('keysGrowth', '+ KEYS'),
        bytes('memoryBytesGrowth', '+ MEMORY'),
      ],
      ...[
        count('keysBefore', 'KEYS THEN'),
        bytes('memoryBytesBefore', 'MEMORY THEN'),
        text('certain', 'CERTAIN'),
      ],
    ],
    {
      title: `Since ${savedAt} (${server.address}): ${signed(keys, (value) => counted(value, 'key'))}${memory}`,
    },
  );
}

function signed(value: number, format: (value: number) => string): string {
  return value < 0 ? `-${format(-value)}` : `+${format(value)}`;
}

function share(part: number | null, whole: number): number | null {
  return part === null || whole === 0 ? null : part / whole;
}
