import type { OwnLookups } from '../../redis/lookups.ts';
import {
  type Block,
  type Fact,
  fact as plainFact,
  type FactsBlock,
  note,
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
  const blocks: Block[] = [];
  if (result.server) blocks.push(serverFacts(result.server));
  blocks.push(hitFacts(result));
  if (result.window) blocks.push(windowFacts(result.window));
  if (result.traffic) blocks.push(trafficFacts(result.traffic));
  if (result.server) blocks.push(memoryFacts(result.server));
  if (result.databases !== null && result.databases.length > 0) blocks.push(databaseTable(result.databases));
  if (result.serverCost || result.namespaces.length > 0) blocks.push(namespaceTable(result));
  blocks.push(...gradeNotes(result));
  for (const { command, reason } of result.refused)
    blocks.push(
      note('warning', `without \`${command}\` ${missingWithout[command] ?? noHitRates}: ${reason}`),
    );
  if (result.traffic) blocks.push(...trafficNotes(result.traffic));
  if (result.reading) blocks.push(...readingNotes(result.reading));
  if (result.serverCost) blocks.push(...costNotes(result.serverCost, own));
  else blocks.push(note('dim', `cost to the server: ${ownLookupsText(own)}`));
  return blocks;
}

const missingWithout: Readonly<Record<string, string>> = {
  INFO: 'there is no hit rate and no memory report',
  SCAN: 'there are no namespaces',
};
const noHitRates = 'there are no hit rates by namespace';

type Server = NonNullable<StatsResult['server']>;

function serverFacts(server: Server): FactsBlock {
  const primary = server.primary === null ? null : `of ${server.primary}`;
  return {
    kind: 'facts',
    name: 'server',
    title: `${server.product} ${server.version} at ${server.address}`,
    facts: [
      fact('role', 'role', server.role, 'text', primary),
      fact('uptimeSeconds', 'uptime', server.uptimeSeconds, 'seconds'),
      fact('operationsPerSecond', 'operations', server.operationsPerSecond, 'perSecond'),
      fact(
        'connectedClients',
        'clients',
        server.connectedClients,
        'count',
        server.maxClients === null || server.connectedClients === null
          ? null
          : `of ${formatCell(server.maxClients, 'count')} allowed`,
      ),
    ],
  };
}

function hitFacts({ lifetime, server }: StatsResult): FactsBlock {
  return {
    kind: 'facts',
    name: 'hitRate',
    title: 'Hit rate of the whole server',
    facts: [
      hitRateFact('lifetimeHitRate', 'lifetime', lifetime),
      ...dataReadsFacts('lifetimeDataHitRate', lifetime),
      fact('evictedKeys', 'evicted', server?.evictedKeys ?? null, 'count'),
      fact('expiredKeys', 'expired', server?.expiredKeys ?? null, 'count'),
    ],
  };
}

function windowFacts(window: WindowFigures): FactsBlock {
  const { windowSeconds: seconds, operationsPerSecond, evictedKeys, expiredKeys } = window;
  return {
    kind: 'facts',
    name: 'window',
    title: `The last ${formatSeconds(Math.round((seconds ?? 0) * 10) / 10)}`,
    facts: [
      hitRateFact('windowHitRate', 'hit rate', window),
      ...dataReadsFacts('windowDataHitRate', window),
      fact('windowOperationsPerSecond', 'operations', operationsPerSecond, 'perSecond'),
      fact('windowEvictedKeys', 'evicted', evictedKeys, 'count'),
      fact('windowExpiredKeys', 'expired', expiredKeys, 'count'),
    ],
  };
}

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

function memoryFacts(server: Server): FactsBlock {
  const share =
    server.maxBytes !== null && server.usedBytes !== null
      ? `${formatRatio(server.usedBytes / server.maxBytes)} of the limit`
      : null;
  return {
    kind: 'facts',
    name: 'memory',
    title: 'Memory',
    facts: [
      fact('usedBytes', 'used', server.usedBytes, 'bytes', share),
      fact('peakBytes', 'peak', server.peakBytes, 'bytes'),
      fact(
        'maxBytes',
        'limit',
        server.maxBytes,
        'bytes',
        server.hasMemoryLimit === false ? 'no `maxmemory`' : null,
      ),
      fact('policy', 'policy', server.policy, 'text'),
      fact('fragmentation', 'fragmentation', server.fragmentation, 'number'),
    ],
  };
}

function databaseTable(databases: NonNullable<StatsResult['databases']>): Block {
  const { text, count } = fieldsOf<(typeof databases)[number]>();
  return tableOf(
    'databases',
    databases,
    [
      text('database', 'DB', ({ database }) => String(database)),
      count('keys', 'KEYS'),
      count('keysWithTtl', 'WITH TTL'),
    ],
    { title: 'Databases' },
  );
}

/** What is null was not reported. */
const fact: typeof plainFact = (name, label, value, unit, remark) =>
  plainFact(name, label, value, unit, remark ?? (value === null ? 'not reported' : null));

/** The grade, its reasons, and the targets that it leaves out. */
export function gradeNotes(result: StatsResult): Block[] {
  const { grade, reasons, unjudgedTargets, ledgerDamage } = result;
  return [
    note('plain', `Grade: ${grade ?? `none, ${whyNone(result)}`}`),
    ...reasons.map(({ tone, text }) => note(tone, text)),
    ...unjudgedTexts(unjudgedTargets, '--hits-mode').map((text) => note('plain', text)),
    ...(ledgerDamage === null
      ? []
      : [note('warning', `lookups of earlier runs of cachectl are not all known: ${ledgerDamage}`)]),
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
export function trafficFacts(traffic: ObservedHits): Block {
  const { windowSeconds, mode, modeReason, hitRate, hits, misses, reads } = traffic;
  const rate = reads === null || windowSeconds === 0 ? null : reads / windowSeconds;
  return {
    kind: 'facts',
    name: 'traffic',
    title: `Observed for ${formatSeconds(Math.round(windowSeconds * 10) / 10)}`,
    facts: [
      plainFact('trafficHitRate', 'hit rate', hitRate, 'ratio', lookupsText(hits, misses)),
      plainFact('trafficReadsPerSecond', 'reads', rate, 'perSecond'),
      plainFact('trafficMode', 'mode', mode, 'text', modeReason),
      plainFact('trafficValid', 'valid', traffic.valid, 'text'),
    ],
  };
}

/** What a reader of the hit rates must know beside them. */
export function trafficNotes(traffic: ObservedHits): Block[] {
  const { invalidReasons, remarks, endedBy, otherDatabases, notifications } = traffic;
  return [
    ...invalidReasons.map((reason) =>
      note('bad', `the observation is not valid, and the grade makes no use of it: ${reason}`),
    ),
    ...(endedBy === null ? [] : [note('warning', `the observation ended early: ${endedBy}`)]),
    ...remarks.map((remark) => note('warning', remark)),
    ...otherDatabases
      .filter(({ reads, misses }) => (reads ?? misses ?? 0) > 0)
      .map(({ database, reads, misses, hitRate }) =>
        note(
          'plain',
          reads === null
            ? `and in database ${database} ${counted(misses ?? 0, 'miss', 'misses')}`
            : `and in database ${database} ${counted(reads, 'read')}${hitRate === null ? '' : `, hit rate ${formatRatio(hitRate)}`}`,
        ),
      ),
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
export function namespaceTable(result: StatsResult): TableBlock {
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
