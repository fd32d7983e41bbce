import type { Change, Comparison, MeasureComparison, MeasureName } from '../../bench/comparison.ts';
import type { WorkloadName } from '../../bench/options.ts';
import type { BenchReport, BenchServer, Warning, WorkloadResult } from '../../bench/result.ts';
import type { Verdict } from '../../bench/gates.ts';
import { sumOf } from '../../support/collections.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, caveats, note, type NoteBlock, notes } from '../../render/blocks.ts';
import { type Field, fieldsOf, tableOf } from '../../render/table.ts';
import {
  counted,
  formatBytes,
  formatCell,
  formatMicros,
  formatRatio,
  formatSeconds,
} from '../../render/units.ts';
import type { Audience } from '../context.ts';
import { sparklineOf } from '../../render/sparkline.ts';
import { ownLookupsText } from '../keyspace-report.ts';
import { namespaceTable } from './namespace-table.ts';

/** What `bench` gives: the report, held against limits and against an earlier run. */
export interface BenchResult extends BenchReport {
  /** One for each limit and each workload that was measured to its end; empty without `--fail-above` and the like. */
  readonly verdicts: readonly Verdict[];
  /** One for each workload that the baseline measured too; empty without `--against` and `--baseline`. */
  readonly comparisons: readonly Comparison[];
  /** Of `--hdr-file-prefix`. */
  readonly histogramFiles: readonly string[];
}

/** One row for each workload, then what one has to know to read it. */
export function viewBench(
  result: BenchResult,
  own: OwnLookups,
  { isPerson }: Pick<Audience, 'isPerson'>,
): Block[] {
  const { against, comparisons } = result;
  return [
    tableOf('results', result.results, workloadFields),
    ...(isPerson ? [...spectrumNotes(result), ...whereTimeGoes(result), ...namespaceTable(result)] : []),
    ...settingNotes(result),
    ...(isPerson ? comparisonBlocks(comparisons, against) : comparedRows(comparisons)),
    ...result.verdicts.flatMap(verdictNote),
    ...warningNotes(result.warnings, ''),
    ...(against === null ? [] : warningNotes(against.warnings, `${against.server.address}: `)),
    ...result.histogramFiles.map((name) => note('dim', `wrote ${name}`)),
    ...keyNotes(result, own),
  ];
}

/** `p99.9` */
const percentileText = (name: string) => name.replace('Micros', '').replace('p999', 'p99.9');

const measureText = (measure: MeasureName) =>
  measure === 'throughputPerSecond' ? 'throughput' : percentileText(measure);

const { text, count, perSecond: rate, micros } = fieldsOf<WorkloadResult>();

const workloadFields: readonly Field<WorkloadResult>[] = [
  text('name', 'WORKLOAD'),
  rate('throughputPerSecond', 'THROUGHPUT'),
  ...(['p50Micros', 'p95Micros', 'p99Micros', 'p999Micros', 'maxMicros'] as const).map((name) =>
    micros(name, percentileText(name).toUpperCase(), ({ latency }) => latency?.[name] ?? null),
  ),
  count('operations', 'COMMANDS'),
];

/** The curve of the percentiles: flat, and steep at its end where few latencies are far from the others. */
const spectrumNotes = ({ results }: BenchResult): NoteBlock[] =>
  results.flatMap(({ name, percentiles }) => {
    const micros = percentiles.map(({ latencyMicros }) => latencyMicros);
    const [low = 0, high = 0] = [micros[0], micros.at(-1)];
    if (micros.length < 5) return [];
    // Each mark goes half of what is left to 100 %, so the scale of latencies has to be one of ratios too.
    const logs = micros.map((each) => Math.log(each));
    const marks = sparklineOf(
      logs,
      logs.length,
      { low: Math.log(low), high: Math.log(high) },
      { unicode: true },
    );
    return [note('dim', `${name}: p0 to p100 ${marks} ${formatMicros(low)} to ${formatMicros(high)}`)];
  });

/** What the client saw, next to what the server says of its own work. */
function whereTimeGoes({ results, pipeline }: BenchResult): Block[] {
  const rows = results.filter(({ latency, serverSide }) => latency !== null && serverSide !== null);
  if (rows.length === 0) return [];
  const seen = ({ latency }: WorkloadResult) => latency?.meanMicros ?? 0;
  const work = ({ serverSide }: WorkloadResult) => (serverSide?.meanMicros ?? 0) * pipeline;
  return [
    tableOf(
      'serverSide',
      rows,
      [
        text('name', 'WORKLOAD'),
        micros('seenMicros', 'SEEN', seen),
        micros('serverMicros', 'SERVER', work),
        micros('restMicros', 'THE REST', (row) => Math.max(0, seen(row) - work(row))),
        micros('serverP99Micros', 'SERVER P99', ({ serverSide }) => serverSide?.p99Micros ?? null),
        count('slowCommands', 'SLOWLOG', ({ serverSide }) => serverSide?.slowCommands ?? null),
        text('cpuRatio', 'SERVER CPU', ({ serverSide }) =>
          serverSide?.cpuRatio == null ? null : formatRatio(serverSide.cpuRatio),
        ),
      ],
      {
        title:
          pipeline > 1 ? 'Where the time of a batch goes, on average' : 'Where the time goes, on average',
        isSecondary: true,
      },
    ),
  ];
}

function settingNotes(result: BenchResult): NoteBlock[] {
  const { server, results, connections, threads, pipeline, keys, ratePerSecond, getRatio } = result;
  const { distribution, hitRatio, group } = result;
  const names = results.map(({ name }) => name);
  const settings = [
    counted(connections, 'connection') + (threads > 1 ? ` in ${counted(threads, 'thread')}` : ''),
    ...(names.some((name) => name !== 'ping')
      ? [
          result.like ??
            `${counted(keys, 'key')} of ${result.payloadSizes ?? formatBytes(result.payloadBytes)}`,
          ...(distribution === 'uniform' ? [] : [`used by ${distribution}`]),
          ...(hitRatio === 1 ? [] : [`${formatRatio(hitRatio)} of the reads of keys that exist`]),
        ]
      : []),
    ...(group !== null && names.includes('mget') ? [`\`mget\` is ${counted(group, 'key')}`] : []),
    ...(group !== null && names.includes('hget') ? [`a hash has ${counted(group, 'field')}`] : []),
    ...(names.includes('mixed') ? [`\`mixed\` is ${formatRatio(getRatio)} GET`] : []),
  ];
  return [
    ...notes(
      'dim',
      `${serverText(server)}, ${settings.join(', ')}`,
      pipeline > 1 && `${counted(pipeline, 'command')} in one batch: the latency is that of a batch`,
      ratePerSecond !== null &&
        `${perSecond(ratePerSecond)} offered: the latency counts from the intended start`,
    ),
    ...results.flatMap(({ name, complete, durationSeconds }) =>
      caveats('warning', !complete && `\`${name}\` was cut short after ${formatSeconds(durationSeconds)}`),
    ),
  ];
}

const serverText = ({ product, version, address }: BenchServer) =>
  product === null ? address : `${product} ${version ?? ''} at ${address}`;

interface ComparedRow extends MeasureComparison {
  readonly workload: WorkloadName;
}

const changeTexts: Readonly<Record<Change, string>> = {
  faster: 'faster',
  slower: 'slower',
  'none-seen': 'no difference seen',
  unjudged: 'too few rounds to tell',
};

/** The same for a program, in raw numbers. */
function comparedRows(comparisons: readonly Comparison[]): Block[] {
  if (comparisons.length === 0) return [];
  const fields = fieldsOf<ComparedRow>();
  return [
    tableOf('comparisons', comparedOf(comparisons), [
      fields.text('workload', 'WORKLOAD'),
      fields.text('measure', 'FIGURE'),
      fields.number('now', 'NOW'),
      fields.number('then', 'THEN'),
      fields.ratio('ratio', 'RATIO'),
      fields.ratio('ratioLow', 'FROM', ({ ratioInterval }) => ratioInterval?.[0] ?? null),
      fields.ratio('ratioHigh', 'TO', ({ ratioInterval }) => ratioInterval?.[1] ?? null),
      fields.text('change', 'CHANGE'),
    ]),
  ];
}

const comparedOf = (comparisons: readonly Comparison[]) =>
  comparisons.flatMap(({ workload, measures }) =>
    measures.map((each): ComparedRow => ({ workload, ...each })),
  );

/** Each figure, and what it was compared with. */
function comparisonBlocks(comparisons: readonly Comparison[], against: BenchResult['against']): Block[] {
  if (comparisons.length === 0) return [];
  const rows = comparedOf(comparisons);
  const fields = fieldsOf<ComparedRow>();
  const figureOf = (value: number, { measure }: ComparedRow) =>
    measure === 'throughputPerSecond' ? perSecond(value) : formatMicros(value);
  const isJudged = rows.some(({ change }) => change !== 'unjudged');
  const [here, there] = against === null ? ['NOW', 'BASELINE'] : ['THIS SERVER', 'THE OTHER'];
  return [
    tableOf(
      'comparisons',
      rows,
      [
        fields.text('workload', 'WORKLOAD'),
        fields.text('measure', 'FIGURE', ({ measure }) => measureText(measure)),
        fields.text('now', here, (row) => figureOf(row.now, row)),
        fields.text('then', there, (row) => figureOf(row.then, row)),
        fields.ratio('ratio', 'RATIO'),
        ...(isJudged
          ? [
              fields.text('ratioInterval', '95 %', ({ ratioInterval }) =>
                ratioInterval === null ? null : ratioInterval.map((bound) => formatRatio(bound)).join(' to '),
              ),
              fields.text('change', 'THIS IS', ({ change }) => changeTexts[change]),
            ]
          : []),
      ],
      {
        title:
          against === null ? 'Compared with the baseline' : `Compared with ${serverText(against.server)}`,
      },
    ),
    ...notes(
      'plain',
      ...(isJudged
        ? comparisons.map(({ workload, measures }) => changeText(workload, measures))
        : [
            `too few rounds to tell these differences from chance: ${against === null ? '--rounds 10 in both runs' : '--rounds 20'} is enough`,
          ]),
    ),
    ...notes(
      'dim',
      isJudged && 'RATIO is the mean over the rounds, and not that of the two figures of all rounds together',
      isJudged &&
        against === null &&
        'the baseline was measured at another time, and what else has changed since is in the difference',
    ),
  ];
}

/** `get`: slower in throughput, p50 and p90 */
function changeText(workload: WorkloadName, measures: readonly MeasureComparison[]): string {
  const named = (change: Change) =>
    listOf(measures.filter((each) => each.change === change).map(({ measure }) => measureText(measure)));
  const parts = (['slower', 'faster'] as const).flatMap((change) =>
    named(change) === '' ? [] : [`${change} in ${named(change)}`],
  );
  if (parts.length > 0) return `\`${workload}\`: ${parts.join('; ')}`;
  const isUnjudged = measures.some(({ change }) => change === 'unjudged');
  return `\`${workload}\`: ${changeTexts[isUnjudged ? 'unjudged' : 'none-seen']}`;
}

const verdictNote = (verdict: Verdict): NoteBlock[] =>
  verdict.met ? [note('good', verdictText(verdict))] : caveats('bad', verdictText(verdict));

/** `get`: p99 3 ms, above 2 ms */
export function verdictText({ workload, measure, limit, actual, met, figure: slowest }: Verdict): string {
  if (measure === 'slowdown') {
    if (actual === null) return `\`${workload}\`: too few rounds were measured to tell whether it is slower`;
    if (actual <= 0 || slowest === undefined) return `\`${workload}\`: not certainly slower`;
    const by = actual < 9 ? `slower by ${formatRatio(actual)}` : `${Math.floor(actual + 1)} times as slow`;
    const slower = `${by} at least in ${measureText(slowest)}`;
    return `\`${workload}\`: ${slower}, ${met ? 'within' : 'above'} ${formatRatio(limit)}`;
  }
  if (measure === 'missRatio')
    return `\`${workload}\`: ${formatRatio(actual ?? 0)} of the reads found no key, ${met ? 'within' : 'above'} ${formatRatio(limit)}`;
  const [what, format, relation] =
    measure === 'p99Micros'
      ? ['p99', formatMicros, met ? 'within' : 'above']
      : ['throughput', perSecond, met ? 'at least' : 'below'];
  const figure = actual === null ? 'not measured' : `${format(actual)}, ${relation} ${format(limit)}`;
  return `\`${workload}\`: ${what} ${figure}`;
}

/** For a run that was interrupted: what was not measured. */
export function interruptionText(asked: readonly WorkloadName[], { results }: BenchReport): string {
  const missing = asked.filter((name) => !results.some((result) => result.name === name));
  if (missing.length === 0) return 'interrupted';
  return `interrupted: ${workloadsOf(missing.map((workload) => ({ workload })))} did not run`;
}

type Alike<Kind> = readonly Extract<Warning, { kind: Kind }>[];

/** Warnings of one kind in one sentence: four workloads with the same fault need it said once. */
const sentences: { readonly [Kind in Warning['kind']]: (alike: Alike<Kind>) => string } = {
  'client-bound': (alike) =>
    `cachectl itself was busy ${formatRatio(largest(alike, 'clientUtilization'))} of the time in ${workloadsOf(alike)}: ` +
    'the server may be capable of more, and a part of the latency is our own queue; more --threads help where processors are idle',
  unsteady: (alike) =>
    `the throughput of ${workloadsOf(alike)} varied by ${formatRatio(largest(alike, 'throughputVariation'))} between tenths of a second: ` +
    'something else used the server or this machine',
  'rate-missed': (alike) =>
    `the rate was not reached in ${workloadsOf(alike)} (${alike.map((one) => perSecond(one.throughputPerSecond)).join(', ')}): ` +
    'most of the latency is the wait for a free connection',
  'late-starts': (alike) =>
    `this machine sent the batches of ${workloadsOf(alike)} late, by ${formatMicros(largest(alike, 'meanDelayMicros'))} on average: ` +
    'that time is part of the latency',
  queued: (alike) =>
    `${formatRatio(largest(alike, 'queuedRatio'))} of the batches of ${workloadsOf(alike)} waited for a free connection: ` +
    'the latency is that of a queue; raise --connections, or lower --rate',
  starved: (alike) =>
    `this machine was busy: cachectl waited for a processor ${formatRatio(largest(alike, 'clientStarvation'))} of the time in ${workloadsOf(alike)}, ` +
    'and that is part of the latency',
  'few-samples': (alike) =>
    `p99.9 of ${workloadsOf(alike)} rests on fewer than 1,000 measurements: a longer --duration, or more --operations, makes it mean something`,
  misses: (alike) =>
    `${counted(sumOf(alike.map(({ misses }) => misses)), 'read')} of ${workloadsOf(alike)} found a key gone, evicted or expired`,
  evictions: (alike) =>
    `the server evicted ${counted(sumOf(alike.map(({ evictedKeys }) => evictedKeys)), 'key')} meanwhile, of the benchmark or of others`,
  'namespaces-left-out': (alike) =>
    alike
      .map(
        ({ namespaces, trafficRatio }) =>
          `no key was found of ${namespaces.map((name) => `\`${name}\``).join(', ')}: ${formatRatio(trafficRatio)} of the commands in the record are left out`,
      )
      .join('; '),
  'keys-used': (alike) =>
    `this server counts a read as a use: idle times and frequencies of ${counted(sumOf(alike.map(({ keys }) => keys)), 'key')} are those of the benchmark now`,
  'other-settings': (alike) =>
    `the baseline was measured with other settings: ${alike.flatMap(({ settings }) => settings.map((name) => `\`${name}\``)).join(', ')}`,
  'not-in-baseline': (alike) =>
    `the baseline has no whole run of ${workloadsOf(alike)}, compared with nothing`,
  'keys-left': (alike) =>
    alike
      .map(
        ({ keysLeft, keyTtlSeconds }) =>
          `could not remove ${counted(keysLeft, 'key')} (\`cachectl:bench:*\`); the TTL takes ${keysLeft === 1 ? 'it' : 'them'} within ${formatSeconds(keyTtlSeconds)}`,
      )
      .join(),
};

const sentenceOn = <Kind extends Warning['kind']>(kind: Kind, alike: Alike<Kind>) => sentences[kind](alike);

function warningNotes(warnings: readonly Warning[], subject: string): NoteBlock[] {
  return (Object.keys(sentences) as Warning['kind'][]).flatMap((kind) => {
    const alike = warnings.filter((warning) => warning.kind === kind);
    return alike.length === 0 ? [] : [note('warning', `${subject}${sentenceOn(kind, alike)}`)];
  });
}

function keyNotes({ against, ...report }: BenchResult, own: OwnLookups): NoteBlock[] {
  const keysRemoved = report.keysRemoved + (against?.keysRemoved ?? 0);
  const keysLeft = report.keysLeft + (against?.keysLeft ?? 0);
  return notes(
    'dim',
    own.hits + own.misses > 0 && ownLookupsText(own),
    keysRemoved > 0 &&
      `removed the ${counted(keysRemoved, 'key')} it had written${keysLeft === 0 ? '; none is left' : ''}`,
  );
}

const perSecond = (value: number) => formatCell(value, 'perSecond');

function largest<Field extends string>(
  items: readonly Readonly<Record<Field, number>>[],
  field: Field,
): number {
  return Math.max(...items.map((item) => item[field]));
}

/** `get`, `set` and `mixed` */
const workloadsOf = (items: readonly { readonly workload: string }[]): string =>
  listOf(items.map(({ workload }) => `\`${workload}\``));

/** a, b and c */
function listOf(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
