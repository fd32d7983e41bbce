import { fewestLookups } from '../../health/grade.ts';
import { type Block, type Fact, type FactsBlock, note } from '../../render/blocks.ts';
import { counted, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import { costNotes, readingNotes } from '../keyspace-report.ts';
import { halfWidthText } from '../namespace-summary.ts';
import type { HitFigures, StatsResult, WindowFigures } from './run.ts';

/** The result of `stats` for people, and as rows. */
export function viewStats(result: StatsResult): Block[] {
  const blocks: Block[] = [];
  if (result.server) blocks.push(serverFacts(result.server));
  blocks.push(hitFacts(result));
  if (result.window) blocks.push(windowFacts(result.window));
  if (result.server) blocks.push(memoryFacts(result.server));
  if (result.databases.length > 0) blocks.push(databaseTable(result));
  if (result.serverCost) blocks.push(namespaceTable(result));
  blocks.push(...gradeNotes(result));
  for (const { command, reason } of result.refused) {
    const missing =
      command === 'INFO' ? 'there is no hit rate and no memory report' : 'there are no namespaces';
    blocks.push(note('warning', `without \`${command}\` ${missing}: ${reason}`));
  }
  if (result.reading) blocks.push(...readingNotes(result.reading));
  if (result.serverCost) blocks.push(...costNotes(result.serverCost));
  return blocks;
}

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
        server.maxClients === null ? undefined : `of ${formatCell(server.maxClients, 'count')} allowed`,
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
      fact('evictedKeys', 'evicted', server?.evictedKeys ?? null, 'count'),
      fact('expiredKeys', 'expired', server?.expiredKeys ?? null, 'count'),
    ],
  };
}

function windowFacts(window: WindowFigures): FactsBlock {
  const { seconds, operationsPerSecond, evictedKeys, expiredKeys } = window;
  return {
    kind: 'facts',
    name: 'window',
    title: `The last ${formatSeconds(Math.round((seconds ?? 0) * 10) / 10)}`,
    facts: [
      hitRateFact('windowHitRate', 'hit rate', window),
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
        server.maxBytes === null ? 'no `maxmemory`' : undefined,
      ),
      fact('policy', 'policy', server.policy, 'text'),
      fact('fragmentation', 'fragmentation', server.fragmentation, 'number'),
    ],
  };
}

function databaseTable(result: StatsResult): Block {
  return {
    kind: 'table',
    name: 'databases',
    title: 'Databases',
    columns: [
      { name: 'database', header: 'DB', unit: 'text' },
      { name: 'keys', header: 'KEYS', unit: 'count' },
      { name: 'expires', header: 'WITH TTL', unit: 'count' },
    ],
    rows: result.databases.map(({ database, keys, expires }) => [String(database), keys, expires]),
  };
}

function namespaceTable(result: StatsResult): Block {
  const targets = new Map(
    result.unjudgedTargets.map(({ namespace, hitRateTarget }) => [namespace, hitRateTarget]),
  );
  const known = targets.size > 0;
  const sampled = result.keysInterval !== null;
  return {
    kind: 'table',
    name: 'namespaces',
    title: `Namespaces of database ${result.database}: ${counted(result.keys ?? 0, 'key')}`,
    columns: [
      { name: 'namespace', header: 'NAMESPACE', unit: 'text' },
      { name: 'keys', header: 'KEYS', unit: 'count' },
      { name: 'memoryBytes', header: 'MEMORY', unit: 'bytes' },
      { name: 'memoryShare', header: 'SHARE', unit: 'ratio' },
      { name: 'kind', header: 'KIND', unit: 'text' },
      ...(known ? [{ name: 'hitRateTarget', header: 'TARGET', unit: 'ratio' as const }] : []),
      ...(sampled
        ? [
            { name: 'keysError', header: '± KEYS', unit: 'text' as const },
            { name: 'memoryError', header: '± MEM', unit: 'text' as const },
          ]
        : []),
    ],
    rows: result.namespaces.map((row) => [
      row.namespace,
      row.keys,
      row.memoryBytes,
      row.memoryShare,
      row.kind,
      ...(known ? [targets.get(row.namespace) ?? null] : []),
      ...(sampled
        ? [
            halfWidthText(row.keys, row.keysInterval),
            halfWidthText(row.memoryBytes ?? 0, row.memoryBytesInterval),
          ]
        : []),
    ]),
    barColumn: 3,
  };
}

function gradeNotes({ grade, lifetime, reasons, unjudgedTargets }: StatsResult): Block[] {
  const missing =
    lifetime === null ? 'none, hits and misses are not known' : `none yet, it takes ${fewestLookups} lookups`;
  const notes: Block[] = [note('plain', `Grade: ${grade ?? missing}`)];
  for (const { tone, text } of reasons) notes.push(note(tone, text));
  const [first] = unjudgedTargets;
  if (first === undefined) return notes;
  const targets =
    unjudgedTargets.length === 1
      ? `the target of ${first.namespace} (${formatRatio(first.hitRateTarget)})`
      : `the targets of ${unjudgedTargets.length} namespaces (${first.namespace} ${formatRatio(first.hitRateTarget)}, …)`;
  return [...notes, note('plain', `${targets} cannot be judged here: the server counts its hits as a whole`)];
}

function fact(name: string, label: string, value: Fact['value'], unit: Fact['unit'], remark?: string): Fact {
  return { name, label, value, unit, ...(remark !== undefined && { remark }) };
}
