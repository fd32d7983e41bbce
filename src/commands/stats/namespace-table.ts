import type { Cell, Column, TableBlock } from '../../render/blocks.ts';
import { counted } from '../../render/units.ts';
import { hitRateErrorText, mainCauseText, targetText } from '../miss-causes.ts';
import { halfWidthText } from '../namespace-summary.ts';
import type { StatsNamespace, StatsResult } from './result.ts';

const mainCause = ({ causes, misses }: StatsNamespace) => mainCauseText(causes, misses);

type Field = readonly [column: Column, cell: (row: StatsNamespace) => Cell];

const name: Field = [column('namespace', 'NAMESPACE', 'text'), (row) => row.namespace];
const kind: Field = [column('kind', 'KIND', 'text'), (row) => row.kind];
const target: Field = [column('hitRateTarget', 'TARGET', 'ratio'), (row) => row.hitRateTarget];

const sizes: readonly Field[] = [
  [column('keys', 'KEYS', 'count'), (row) => row.keys],
  [column('memoryBytes', 'MEMORY', 'bytes'), (row) => row.memoryBytes],
  [column('memoryShare', 'SHARE', 'ratio'), (row) => row.memoryShare],
];

const sizeErrors: readonly Field[] = [
  [column('keysError', '± KEYS', 'text'), (row) => halfWidthText(row.keys ?? 0, row.keysInterval)],
  [
    column('memoryError', '± MEM', 'text'),
    (row) => halfWidthText(row.memoryBytes ?? 0, row.memoryBytesInterval),
  ],
];

/** For programs, behind the columns that there are without an observation. */
const traffic: readonly Field[] = [
  [column('hitRate', 'HIT RATE', 'ratio'), (row) => row.hitRate],
  [column('hitRateLow', 'FROM', 'ratio'), (row) => row.hitRateInterval?.[0] ?? null],
  [column('hitRateHigh', 'TO', 'ratio'), (row) => row.hitRateInterval?.[1] ?? null],
  [column('targetMet', 'TARGET MET', 'text'), (row) => row.targetMet],
  [column('reads', 'READS', 'count'), (row) => row.reads],
  [column('misses', 'MISSES', 'count'), (row) => row.misses],
  [column('readsPerSecond', 'READS/S', 'perSecond'), (row) => row.readsPerSecond],
  [column('missShare', 'OF ALL', 'ratio'), (row) => row.missShare],
  [column('mainCause', 'WHY', 'text'), mainCause],
];

/** The namespaces with their keys, and what was observed of them. */
export function namespaceTable(result: StatsResult): TableBlock {
  const { namespaces, database, keys, keysInterval, unjudgedTargets } = result;
  const hasTargets =
    unjudgedTargets.length > 0 || namespaces.some(({ hitRateTarget }) => hitRateTarget !== null);
  const errors = keysInterval === null ? [] : sizeErrors;
  const plain = [name, ...sizes, kind, ...(hasTargets ? [target] : []), ...errors];
  const data = result.traffic === null ? plain : [...plain, ...traffic];
  // On a narrow terminal the last columns are left out.
  const shown =
    result.traffic === null ? plain : [name, ...shownTraffic(namespaces, hasTargets), ...sizes, ...errors];
  return {
    kind: 'table',
    name: 'namespaces',
    title: `Namespaces of database ${database}: ${counted(keys ?? 0, 'key')}`,
    columns: data.map(([each]) => each),
    rows: namespaces.map((row) => data.map(([, cell]) => cell(row))),
    display: {
      columns: shown.map(([each]) => each),
      rows: namespaces.map((row) => shown.map(([, cell]) => cell(row))),
    },
    barColumn: shown.findIndex(([each]) => each.name === 'memoryShare'),
  };
}

/** What a person looks for first, and only where there is something to see. */
function shownTraffic(namespaces: readonly StatsNamespace[], hasTargets: boolean): Field[] {
  const has = (field: keyof StatsNamespace) => namespaces.some((row) => row[field] !== null);
  const sampled: Field = [column('hitRateError', '± HIT', 'text'), hitRateErrorText];
  const rate: Field = [column('hitRate', 'HIT RATE', 'ratio'), (row) => row.hitRate];
  const missShare: Field = [column('missShare', 'MISSES', 'ratio'), (row) => row.missShare];
  return [
    ...(has('hitRate') ? [rate] : has('missShare') ? [missShare] : []),
    ...(has('hitRateInterval') ? [sampled] : []),
    ...(hasTargets ? [[column('target', 'TARGET', 'text'), targetText] satisfies Field] : []),
    ...(has('causes') ? [[column('mainCause', 'WHY', 'text'), mainCause] satisfies Field] : []),
  ];
}

function column(columnName: string, header: string, unit: Column['unit']): Column {
  return { name: columnName, header, unit };
}
