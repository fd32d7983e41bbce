import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, type Fact, type FactsBlock, note } from '../../render/blocks.ts';
import { counted, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import { hiddenByText } from '../../health/lookups/counters.ts';
import { costNotes, ownLookupsText, readingNotes } from '../keyspace-report.ts';
import { gradeNotes } from './grade-notes.ts';
import { namespaceTable } from './namespace-table.ts';
import type { HitFigures, StatsResult, WindowFigures } from './result.ts';
import { trafficFacts, trafficNotes } from './traffic-blocks.ts';

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
  const primary = server.primary === null ? undefined : `of ${server.primary}`;
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
          ? undefined
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
  const lookups =
    hits === null || misses === null
      ? undefined
      : `${counted(hits, 'hit')}, ${counted(misses, 'miss', 'misses')}`;
  return fact(name, label, hitRate, 'ratio', lookups);
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
      : undefined;
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
        server.hasMemoryLimit === false ? 'no `maxmemory`' : undefined,
      ),
      fact('policy', 'policy', server.policy, 'text'),
      fact('fragmentation', 'fragmentation', server.fragmentation, 'number'),
    ],
  };
}

function databaseTable(databases: NonNullable<StatsResult['databases']>): Block {
  return {
    kind: 'table',
    name: 'databases',
    title: 'Databases',
    columns: [
      { name: 'database', header: 'DB', unit: 'text' },
      { name: 'keys', header: 'KEYS', unit: 'count' },
      { name: 'keysWithTtl', header: 'WITH TTL', unit: 'count' },
    ],
    rows: databases.map(({ database, keys, keysWithTtl }) => [String(database), keys, keysWithTtl]),
  };
}

function fact(name: string, label: string, value: Fact['value'], unit: Fact['unit'], remark?: string): Fact {
  const said = remark ?? (value === null ? 'not reported' : undefined);
  return { name, label, value, unit, ...(said !== undefined && { remark: said }) };
}
