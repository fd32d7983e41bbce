import type { OwnLookups } from '../../redis/lookups.ts';
import {
  type Block,
  type Fact,
  fact as plainFact,
  type FactsBlock,
  factsOf,
  caveats,
  costNote,
  note,
  notes,
  type TableBlock,
} from '../../render/blocks.ts';
import { type Field, fieldsOf, tableOf } from '../../render/table.ts';
import { counted, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import { hiddenByText } from '../../health/hit-rate.ts';
import { costNotes, ownLookupsText, readingNotes } from '../keyspace-report.ts';
import type { HitFigures, ObservedHits, StatsNamespace, StatsResult, WindowFigures } from './result.ts';
import { fewestLookups } from '../../traffic/report.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { headed, lookupsText, restoredNotes, trafficFields } from '../traffic-columns.ts';
import { errorText, keysText } from '../namespace-summary.ts';

/** The result of `stats` for people, and as rows. */
export function viewStats(result: StatsResult, own: OwnLookups): Block[] {
  const { server, window, traffic, databases, serverCost, reading } = result;
  return [
    ...(server ? [serverFacts(server)] : []),
    hitFacts(result),
    ...(window ? [windowFacts(window)] : []),
    ...(traffic ? [trafficFacts(traffic)] : []),
    ...(server ? [memoryFacts(server)] : []),
    ...(databases?.length ? [databaseTable(databases)] : []),
    ...(serverCost || result.namespaces.length > 0 ? [namespaceTable(result)] : []),
    ...gradeNotes(result),
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

type Server = NonNullable<StatsResult['server']>;

function serverFacts(server: Server): FactsBlock {
  const { connectedClients, maxClients } = server;
  const allowed =
    maxClients === null || connectedClients === null ? null : `of ${formatCell(maxClients, 'count')} allowed`;
  return factsOf(
    'server',
    `${server.product} ${server.version} at ${server.address}`,
    fact('role', 'role', server.role, 'text', server.primary && `of ${server.primary}`),
    fact('uptimeSeconds', 'uptime', server.uptimeSeconds, 'seconds'),
    fact('operationsPerSecond', 'operations', server.operationsPerSecond, 'perSecond'),
    fact('connectedClients', 'clients', connectedClients, 'count', allowed),
  );
}

const hitFacts = ({ lifetime, server }: StatsResult) =>
  factsOf(
    'hitRate',
    'Hit rate of the whole server',
    hitRateFact('lifetimeHitRate', 'lifetime', lifetime),
    ...dataReadsFacts('lifetimeDataHitRate', lifetime),
    fact('evictedKeys', 'evicted', server?.evictedKeys ?? null, 'count'),
    fact('expiredKeys', 'expired', server?.expiredKeys ?? null, 'count'),
  );

const spanText = (seconds: number) => formatSeconds(Math.round(seconds * 10) / 10);

const windowFacts = (window: WindowFigures) =>
  factsOf(
    'window',
    `The last ${spanText(window.windowSeconds ?? 0)}`,
    hitRateFact('windowHitRate', 'hit rate', window),
    ...dataReadsFacts('windowDataHitRate', window),
    fact('windowOperationsPerSecond', 'operations', window.operationsPerSecond, 'perSecond'),
    fact('windowEvictedKeys', 'evicted', window.evictedKeys, 'count'),
    fact('windowExpiredKeys', 'expired', window.expiredKeys, 'count'),
  );

function hitRateFact(name: string, label: string, figures: HitFigures | null): Fact {
  const { hits = null, misses = null, hitRate = null } = figures ?? {};
  return fact(name, label, hitRate, 'ratio', lookupsText(hits, misses));
}

/** The reads that are judged, where they are not simply all lookups. */
function dataReadsFacts(name: string, figures: HitFigures | null): Fact[] {
  const reads = figures?.dataReads ?? null;
  if (reads === null) return [];
  const own = reads.ownHits + reads.ownMisses;
  const others = reads.metadataLookups ?? 0;
  if (own + others === 0) return [];
  const [low, high] = reads.hitRateInterval ?? [null, null];
  const off = [
    ...(own > 0 ? [`${formatCell(own, 'count')} of cachectl`] : []),
    ...(others > 0
      ? [`${formatCell(others, 'count')} that read no data (${hiddenByText(reads) ?? ''})`]
      : []),
  ];
  const span = low === high || high === null ? '' : `to ${formatRatio(high)}, `;
  const remark = `${span}judged: ${counted(reads.reads, 'read')} of data, without ${off.join(' and ')}`;
  return [fact(name, 'data reads', low, 'ratio', remark)];
}

/** Which of the two hit rates to go by; null where there is one. */
function dataReadsText({ lifetime }: StatsResult): string | null {
  const reads = lifetime?.dataReads ?? null;
  const others = reads === null ? 0 : reads.ownHits + reads.ownMisses + (reads.metadataLookups ?? 0);
  if (reads === null || others === 0) return null;
  const [low, high] = reads.hitRateInterval ?? [null, null];
  const range =
    low === high || high === null
      ? ''
      : `, and is between ${formatRatio(low)} and ${formatRatio(high)}: ${hiddenByText(reads) ?? 'some'} may or may not have hit`;
  return `the hit rate of data reads is the one to go by${range}; that of the whole lifetime includes ${counted(others, 'lookup')} that read no data`;
}

function memoryFacts({ maxBytes, usedBytes, ...server }: Server): FactsBlock {
  const share =
    maxBytes === null || usedBytes === null ? null : `${formatRatio(usedBytes / maxBytes)} of the limit`;
  const noLimit = server.hasMemoryLimit === false ? 'no `maxmemory`' : null;
  return factsOf(
    'memory',
    'Memory',
    fact('usedBytes', 'used', usedBytes, 'bytes', share),
    fact('peakBytes', 'peak', server.peakBytes, 'bytes'),
    fact('maxBytes', 'limit', maxBytes, 'bytes', noLimit),
    fact('policy', 'policy', server.policy, 'text'),
    fact('fragmentation', 'fragmentation', server.fragmentation, 'number'),
  );
}

function databaseTable(databases: NonNullable<StatsResult['databases']>): Block {
  const { text, count } = fieldsOf<(typeof databases)[number]>();
  const database = text('database', 'DB', (each) => String(each.database));
  const fields = [database, count('keys', 'KEYS'), count('keysWithTtl', 'WITH TTL')];
  return tableOf('databases', databases, fields, { title: 'Databases' });
}

/** What is null was not reported. */
const fact: typeof plainFact = (name, label, value, unit, remark) =>
  plainFact(name, label, value, unit, remark ?? (value === null ? 'not reported' : null));

/** The grade, its reasons, and the targets that it leaves out. */
function gradeNotes(result: StatsResult): Block[] {
  const { grade, reasons, unjudgedTargets, ledgerDamage } = result;
  const damage = `lookups of earlier runs of cachectl are not all known: ${ledgerDamage ?? ''}`;
  return [
    note('plain', `Grade: ${grade ?? `none, ${whyNone(result)}`}`),
    ...reasons.map(({ tone, text }) => note(tone, text)),
    ...caveats('plain', dataReadsText(result)),
    ...notes('plain', ...unjudgedTexts(unjudgedTargets, '--hits-mode')),
    ...caveats('warning', ledgerDamage !== null && damage),
  ];
}

function whyNone({ lifetime, window, traffic }: StatsResult): string {
  if (lifetime?.dataReads == null) return 'hits and misses are not known';
  const reads = [lifetime.dataReads.reads, window?.dataReads?.reads ?? 0, traffic?.reads ?? 0];
  return Math.max(...reads) < fewestLookups
    ? `no traffic to judge: it takes ${fewestLookups} reads`
    : 'it is not known how many of the reads hit';
}

/** The observation as a whole. */
function trafficFacts({ windowSeconds, reads, hits, misses, ...traffic }: ObservedHits): Block {
  const rate = reads === null || windowSeconds === 0 ? null : reads / windowSeconds;
  return factsOf(
    'traffic',
    `Observed for ${spanText(windowSeconds)}`,
    plainFact('trafficHitRate', 'hit rate', traffic.hitRate, 'ratio', lookupsText(hits, misses)),
    plainFact('trafficReadsPerSecond', 'reads', rate, 'perSecond'),
    plainFact('trafficMode', 'mode', traffic.mode, 'text', traffic.modeReason),
    plainFact('trafficValid', 'valid', traffic.valid, 'text'),
  );
}

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

const { text, count, bytes, ratio } = fieldsOf<StatsNamespace>();
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

/** The namespaces with their keys, and what was observed of them. */
function namespaceTable(result: StatsResult): TableBlock {
  const { namespaces, database, keys, keysInterval, unjudgedTargets } = result;
  const hasTargets =
    unjudgedTargets.length > 0 || namespaces.some(({ hitRateTarget }) => hitRateTarget !== null);
  const name = text('namespace', 'NAMESPACE');
  const errors = keysInterval === null ? [] : sizeErrors;
  const targets = hasTargets ? [hitRateTarget] : [];
  const plain = [name, ...sizes, text('kind', 'KIND'), ...targets, ...errors];
  // On a narrow terminal the last columns are left out.
  const shown =
    result.traffic === null ? plain : [name, ...shownTraffic(namespaces, hasTargets), ...sizes, ...errors];
  return tableOf('namespaces', namespaces, result.traffic === null ? plain : [...plain, ...traffic], {
    title: `Namespaces of database ${database}: ${keysText(keys ?? 0, keysInterval)}`,
    shown: { fields: shown },
    bar: 'memoryShare',
  });
}

/** What a person looks for first, and only where there is something to see. */
function shownTraffic(namespaces: readonly StatsNamespace[], hasTargets: boolean): Field<StatsNamespace>[] {
  const has = (field: keyof StatsNamespace) => namespaces.some((row) => row[field] !== null);
  return [
    ...(has('hitRate') ? [hitRate] : has('missShare') ? [headed(missShare, 'MISSES')] : []),
    ...(has('hitRateInterval') ? [hitRateError] : []),
    ...(hasTargets ? [target] : []),
    ...(has('causes') ? [mainCause] : []),
  ];
}
