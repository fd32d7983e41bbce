import type { OwnLookups } from '../../redis/lookups.ts';
import {
  asides,
  type Block,
  type Cell,
  type Fact,
  fact,
  type FactsBlock,
  factsOf,
  caveats,
  costNote,
  note,
  notes,
  type TableBlock,
} from '../../render/blocks.ts';
import { type Field, fieldsOf, plainFacts, secondary, tableOf } from '../../render/table.ts';
import {
  counted,
  formatBytes,
  formatCell,
  formatRatio,
  formatRatioRange,
  formatSeconds,
} from '../../render/units.ts';
import { hiddenByText } from '../../health/hit-rate.ts';
import type { Audience } from '../context.ts';
import { chosenFields, type LayoutInput } from '../namespace-columns.ts';
import { costNotes, ownLookupsText, readingNotes } from '../keyspace-report.ts';
import type { HitFigures, ObservedHits, StatsNamespace, StatsResult } from './result.ts';
import { fewestLookups } from '../../traffic/report.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { headed, lookupsText, restoredNotes, trafficFields } from '../traffic-columns.ts';
import { errorText, keysText } from '../namespace-summary.ts';

/** The result of `stats`: for people what is wrong first, and no more than a screen; as rows figure by figure. */
export function viewStats(
  result: StatsResult,
  own: OwnLookups,
  { isPerson }: Pick<Audience, 'isPerson'>,
  input: TableInput,
): Block[] {
  const hasTable = result.serverCost !== null || result.namespaces.length > 0;
  const table = hasTable ? [namespaceTable(result, input)] : [];
  if (!isPerson) return [...figures(result), ...table];
  const { traffic, serverCost, reading } = result;
  return [
    ...gradeNotes(result),
    ...(result.server ? [summaryOf(result, result.server)] : []),
    ...table,
    ...caveats(
      'warning',
      ...result.refused.map(
        ({ command, reason }) => `without \`${command}\` ${missingWithout[command] ?? noHitRates}: ${reason}`,
      ),
    ),
    ...(traffic ? trafficNotes(traffic) : []),
    ...(reading ? readingNotes(reading) : []),
    ...(serverCost ? costNotes(serverCost, own) : [costNote(ownLookupsText(own))]),
  ];
}

const missingWithout: Readonly<Record<string, string>> = {
  INFO: 'there is no hit rate and no memory report',
  SCAN: 'there are no namespaces',
};
const noHitRates = 'there are no hit rates by namespace';

/** What the server reports of itself and what was measured of it, for programs. */
function figures({ server, window, traffic, databases, lifetime }: StatsResult): Block[] {
  const factsOf = (name: string, ...facts: readonly Fact[]): Block => ({ kind: 'facts', name, facts });
  const figure = (name: string, value: Cell): Fact => fact(name, name, value, 'number');
  const dataRate = (name: string, of: HitFigures | null): Fact[] =>
    takenOff(of) === 0 ? [] : [figure(name, of?.dataReads?.hitRateInterval?.[0] ?? null)];
  return [
    ...(server
      ? [
          factsOf(
            'server',
            ...plainFacts(server, 'text', 'role', 'uptimeSeconds', 'operationsPerSecond', 'connectedClients'),
          ),
        ]
      : []),
    factsOf(
      'hitRate',
      figure('lifetimeHitRate', lifetime?.hitRate ?? null),
      ...dataRate('lifetimeDataHitRate', lifetime),
      figure('evictedKeys', server?.evictedKeys ?? null),
      figure('expiredKeys', server?.expiredKeys ?? null),
    ),
    ...(window
      ? [
          factsOf(
            'window',
            figure('windowHitRate', window.hitRate),
            ...dataRate('windowDataHitRate', window),
            figure('windowOperationsPerSecond', window.operationsPerSecond),
            figure('windowEvictedKeys', window.evictedKeys),
            figure('windowExpiredKeys', window.expiredKeys),
          ),
        ]
      : []),
    ...(traffic
      ? [
          factsOf(
            'traffic',
            figure('trafficHitRate', traffic.hitRate),
            figure('trafficReadsPerSecond', readsPerSecondOf(traffic)),
            figure('trafficMode', traffic.mode),
            figure('trafficValid', traffic.valid),
          ),
        ]
      : []),
    ...(server
      ? [
          factsOf(
            'memory',
            ...plainFacts(server, 'text', 'usedBytes', 'peakBytes', 'maxBytes', 'policy', 'fragmentation'),
          ),
        ]
      : []),
    ...(databases?.length ? [databaseTable(databases)] : []),
  ];
}

function databaseTable(databases: NonNullable<StatsResult['databases']>): Block {
  const { text, count } = fieldsOf<(typeof databases)[number]>();
  const database = text('database', 'DB', (each) => String(each.database));
  return tableOf('databases', databases, [database, count('keys', 'KEYS'), count('keysWithTtl', 'WITH TTL')]);
}

type Server = NonNullable<StatsResult['server']>;

/** The same for people, a line for each thing that they ask of a server. */
function summaryOf(result: StatsResult, server: Server): FactsBlock {
  const { lifetime, window, traffic } = result;
  return factsOf(
    'summary',
    `${server.product} ${server.version} at ${server.address}`,
    ...hitRateFacts('hit rate', lifetime, [gone(server.evictedKeys, server.expiredKeys)]),
    ...(window
      ? hitRateFacts(`last ${spanText(window.windowSeconds ?? 0)}`, window, [
          formatCell(window.operationsPerSecond, 'perSecond'),
          gone(window.evictedKeys, window.expiredKeys),
        ])
      : []),
    ...(traffic ? [trafficFact(traffic)] : []),
    memoryFact(server),
    workFact(server),
    ...databaseFacts(result),
  );
}

const gone = (evicted: number | null, expired: number | null): string =>
  [
    evicted === null ? 'evictions not reported' : `${formatCell(evicted, 'count')} evicted`,
    expired === null ? 'expiries not reported' : `${formatCell(expired, 'count')} expired`,
  ].join(', ');

const joined = (...parts: readonly (string | null)[]): string =>
  parts.filter((part) => part !== null).join('; ');

const spanText = (seconds: number) => formatSeconds(Math.round(seconds * 10) / 10);

/** Of all lookups, and of the reads that are judged where that is another figure. */
function hitRateFacts(label: string, figures: HitFigures | null, also: readonly (string | null)[]): Fact[] {
  const { hits = null, misses = null, hitRate = null } = figures ?? {};
  const all = fact(
    'hitRate',
    label,
    hitRate,
    'ratio',
    joined(lookupsText(hits, misses) ?? 'not reported', ...also),
  );
  const reads = figures?.dataReads ?? null;
  if (figures === null || reads === null || !isRateChanged(figures)) return [all];
  const others = reads.metadataLookups ?? 0;
  const off = [
    ...(takenOff(figures) > others ? [`${formatCell(takenOff(figures) - others, 'count')} of cachectl`] : []),
    ...(others > 0 ? [`${formatCell(others, 'count')} that read no data`] : []),
  ];
  const remark = `judged: ${counted(reads.reads, 'read')} of data, without ${off.join(' and ')}`;
  const [low, high] = reads.hitRateInterval ?? [null, null];
  const value = low === null || low === high ? low : formatRatioRange([low, high]);
  return [all, fact('dataHitRate', 'data reads', value, 'ratio', remark)];
}

/** Lookups that are no reads of data, or our own. */
const takenOff = (figures: HitFigures | null): number => {
  const reads = figures?.dataReads ?? null;
  return reads === null ? 0 : reads.ownHits + reads.ownMisses + (reads.metadataLookups ?? 0);
};

/** Whether the hit rate reads otherwise without them. */
function isRateChanged(figures: HitFigures): boolean {
  const { hitRate, dataReads } = figures;
  if (dataReads === null || takenOff(figures) === 0) return false;
  const bounds = dataReads.hitRateInterval ?? [null, null];
  return bounds.some((bound) => formatCell(bound, 'ratio') !== formatCell(hitRate, 'ratio'));
}

/** Which of the two hit rates to go by; null where there is one. */
function dataReadsText({ lifetime }: StatsResult): string | null {
  const reads = lifetime?.dataReads ?? null;
  if (lifetime === null || reads === null || !isRateChanged(lifetime)) return null;
  const bounds = new Set((reads.hitRateInterval ?? []).map(formatRatio));
  const range =
    bounds.size < 2
      ? ''
      : `, and is between ${[...bounds].join(' and ')}: ${hiddenByText(reads) ?? 'some'} may or may not have hit`;
  return `the hit rate of data reads is the one to go by${range}; that of the whole lifetime includes ${counted(takenOff(lifetime), 'lookup')} that read no data`;
}

const readsPerSecondOf = ({ reads, windowSeconds }: ObservedHits): number | null =>
  reads === null || windowSeconds === 0 ? null : reads / windowSeconds;

function trafficFact(traffic: ObservedHits): Fact {
  const { windowSeconds, hitRate, hits, misses, mode, modeReason } = traffic;
  const rate = readsPerSecondOf(traffic);
  // That all was seen needs no reason.
  const why = mode === 'exact' ? '' : ` (${modeReason})`;
  const seen = [
    ...(hits === null || misses === null ? [] : [lookupsText(hits, misses)]),
    ...(rate === null ? [] : [formatCell(rate, 'perSecond').replace('/s', ' reads/s')]),
  ];
  const figures = seen.length === 0 ? '' : `: ${seen.join(', ')}`;
  return fact(
    'traffic',
    'observed',
    hitRate,
    'ratio',
    `${spanText(windowSeconds)} in mode ${mode}${why}${figures}`,
  );
}

function memoryFact(server: Server): Fact {
  const { usedBytes, maxBytes, peakBytes, policy, fragmentation } = server;
  const limit =
    maxBytes === null || usedBytes === null
      ? server.hasMemoryLimit === false
        ? 'no limit'
        : 'limit not reported'
      : `${formatRatio(usedBytes / maxBytes)} of ${formatBytes(maxBytes)}`;
  const rest = `peak ${formatCell(peakBytes, 'bytes')}, ${policy ?? 'policy not reported'}`;
  const broken = fragmentation === null ? '' : `, fragmentation ${formatCell(fragmentation, 'number')}`;
  return fact('memory', 'memory', usedBytes, 'bytes', `${limit}, ${rest}${broken}`);
}

function workFact({ operationsPerSecond, connectedClients, maxClients, role, ...server }: Server): Fact {
  const allowed = maxClients === null ? '' : ` of ${formatCell(maxClients, 'count')}`;
  const clients =
    connectedClients === null ? null : `${formatCell(connectedClients, 'count')}${allowed} clients`;
  const of = server.primary === null ? '' : ` of ${server.primary}`;
  const up = server.uptimeSeconds === null ? '' : `, up ${formatSeconds(server.uptimeSeconds)}`;
  return fact(
    'work',
    'operations',
    operationsPerSecond,
    'perSecond',
    joined(clients, `${role ?? 'role not reported'}${of}${up}`),
  );
}

/** More databases are summed up. */
const mostDatabases = 3;

/** Those that have no rows below. */
function databaseFacts({ databases, database }: StatsResult): Fact[] {
  const others = databases?.filter((each) => each.database !== database) ?? [];
  if (others.length === 0) return [];
  const keys = others.reduce((sum, each) => sum + each.keys, 0);
  const named = others
    .slice(0, mostDatabases)
    .map((each) => `${formatCell(each.keys, 'count')} in database ${each.database}`);
  const left = others.length - named.length;
  const more = left === 0 ? '' : `, and ${counted(left, 'more database')}`;
  return [fact('otherKeys', 'other keys', keys, 'count', `${named.join(', ')}${more}`)];
}

/** The grade, its reasons, the worst first, and the targets that it leaves out. */
function gradeNotes(result: StatsResult): Block[] {
  const { grade, reasons, unjudgedTargets, ledgerDamage } = result;
  const damage = `lookups of earlier runs of cachectl are not all known: ${ledgerDamage ?? ''}`;
  // What the hit rate is comes first, whatever it costs.
  const isRate = ({ rule }: (typeof reasons)[number]) => rule === 'hit-rate' || rule === 'namespace-targets';
  const others = reasons
    .filter((reason) => !isRate(reason))
    .sort((left, right) => right.points - left.points);
  const unclear = grade === null ? unclearReason(result) : undefined;
  const title = note(
    'title',
    grade === null ? `No grade: ${unclear?.text ?? whyNone(result)}` : `Grade: ${grade}`,
  );
  return [
    unclear === undefined ? title : { ...title, isCaveat: true },
    ...[...reasons.filter(isRate), ...others]
      .filter((reason) => reason !== unclear)
      .map(({ tone, text }) => ({ ...note(tone, text), moreWith: moreFindings })),
    ...(unclear === undefined ? caveats('plain', dataReadsText(result)) : []),
    ...asides('plain', ...unjudgedTexts(unjudgedTargets, '--hits-mode')),
    ...caveats('warning', ledgerDamage !== null && damage),
  ];
}

const moreFindings = '--output json has all';

/** Why there is no grade although there are reads enough; it says what hides the hit rate, and what helps. */
function unclearReason(result: StatsResult): StatsResult['reasons'][number] | undefined {
  return hasReads(result) ? result.reasons.find(({ rule }) => rule === 'hit-rate') : undefined;
}

const hasReads = ({ lifetime, window, traffic }: StatsResult): boolean =>
  [lifetime?.dataReads?.reads ?? 0, window?.dataReads?.reads ?? 0, traffic?.reads ?? 0].some(
    (reads) => reads >= fewestLookups,
  );

const whyNone = ({ lifetime }: StatsResult): string =>
  lifetime?.dataReads == null
    ? 'hits and misses are not known'
    : `fewer than ${fewestLookups} reads to judge by`;

/** What a reader of the hit rates must also know. */
function trafficNotes(traffic: ObservedHits): Block[] {
  const { invalidReasons, remarks, endedBy, otherDatabases, notifications } = traffic;
  const invalid = 'the observation is not valid, and the grade makes no use of it';
  const others = otherDatabases.flatMap(({ database, reads, misses, hitRate }) => {
    if ((reads ?? misses ?? 0) === 0) return [];
    const rate = hitRate === null ? '' : `, hit rate ${formatRatio(hitRate)}`;
    const seen = reads === null ? counted(misses ?? 0, 'miss', 'misses') : `${counted(reads, 'read')}${rate}`;
    return `and in database ${database} ${seen}`;
  });
  return [
    ...caveats('bad', ...invalidReasons.map((reason) => `${invalid}: ${reason}`)),
    ...caveats('warning', endedBy !== null && `the observation ended early: ${endedBy}`, ...remarks),
    ...notes('plain', ...others),
    ...restoredNotes(notifications),
  ];
}

/** How the table of namespaces is to be. */
interface TableInput extends LayoutInput {
  readonly limit?: number;
}

export const defaultLimit = 20;

const { text, count, bytes, ratio } = fieldsOf<StatsNamespace>();
const name = text('namespace', 'NAMESPACE');
const kind = secondary(text('kind', 'KIND'));
const sizes = [count('keys', 'KEYS'), bytes('memoryBytes', 'MEMORY'), ratio('memoryShare', 'SHARE')];
const sizeErrors = [
  text('keysError', '± KEYS', (row) => errorText(row.keys, row.keysInterval, 'count')),
  text('memoryError', '± MEM', (row) => errorText(row.memoryBytes, row.memoryBytesInterval, 'bytes')),
];
const { hitRate, hitRateError, hitRateLow, hitRateHigh, hitRateTarget, target, targetMet } = trafficFields;
const { reads, misses, readsPerSecond, missShare, mainCause } = trafficFields;

/** For programs, behind the columns that there are without an observation. */
const traffic = [
  ...[hitRate, hitRateLow, hitRateHigh, targetMet],
  ...[reads, misses, readsPerSecond, missShare, mainCause],
];

/** All that there may be. */
export const namespaceFields = [name, ...sizes, kind, hitRateTarget, ...sizeErrors, ...traffic];

/** The namespaces with their keys, and what was observed of them. */
function namespaceTable(result: StatsResult, input: TableInput): TableBlock {
  const { namespaces, database, keys, keysInterval, unjudgedTargets } = result;
  const hasTargets =
    unjudgedTargets.length > 0 || namespaces.some(({ hitRateTarget }) => hitRateTarget !== null);
  const errors = keysInterval === null ? [] : sizeErrors;
  const keysWithTtl = result.databases?.find((each) => each.database === database)?.keysWithTtl ?? null;
  const withTtl = keysWithTtl === null ? '' : `, ${formatCell(keysWithTtl, 'count')} with a TTL`;
  const targets = hasTargets ? [hitRateTarget] : [];
  const plain = [name, ...sizes, kind, ...targets, ...errors];
  const chosen = chosenFields(namespaceFields, input);
  const fields = chosen ?? (result.traffic === null ? plain : [...plain, ...traffic]);
  // On a narrow terminal the last columns are left out.
  const observed = [name, ...shownTraffic(namespaces, hasTargets), ...sizes, ...errors];
  return tableOf('namespaces', namespaces, fields, {
    title: `Namespaces of database ${database}: ${keysText(keys ?? 0, keysInterval)}${withTtl}`,
    shown: { fields: chosen ?? (result.traffic === null ? plain : observed) },
    bar: 'memoryShare',
    ...(input.limit === undefined && { moreWith: `--limit ${defaultLimit}` }),
  });
}

/** What a person looks for first, and only where there is something to see. */
function shownTraffic(namespaces: readonly StatsNamespace[], hasTargets: boolean): Field<StatsNamespace>[] {
  const has = (field: keyof StatsNamespace) => namespaces.some((row) => row[field] !== null);
  return [
    ...(has('hitRate') ? [hitRate] : has('missShare') ? [headed(missShare, 'OF MISSES')] : []),
    ...(has('hitRateInterval') ? [hitRateError] : []),
    ...(has('misses') ? [misses] : []),
    ...(hasTargets ? [target] : []),
    ...(has('causes') ? [mainCause] : []),
  ];
}
