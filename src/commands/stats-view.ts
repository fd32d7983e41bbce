import { type Block, type Fact, type FactsBlock, note } from '../render/blocks.ts';
import { counted, formatRatio, formatSeconds } from '../render/units.ts';
import { costNotes } from './keyspace-report.ts';
import type { HitFigures, StatsResult } from './stats.ts';

/** The result of `stats` for people, and as rows. */
export function viewStats(result: StatsResult): Block[] {
  const blocks: Block[] = [];
  if (result.server) blocks.push(serverFacts(result.server));
  if (result.lifetime) blocks.push(hitFacts(result));
  if (result.server) blocks.push(memoryFacts(result.server));
  if (result.databases.length > 0) blocks.push(databaseTable(result));
  if (result.serverCost) blocks.push(namespaceTable(result));
  blocks.push(...gradeNotes(result));
  for (const { command, reason } of result.refused) {
    blocks.push(
      note('warning', `without \`${command}\` there is no hit rate and no memory report: ${reason}`),
    );
  }
  if (result.serverCost && !result.exact)
    blocks.push(note('warning', 'the walk was interrupted: the namespaces cover a part of the keys'));
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
        server.maxClients === null ? undefined : `of ${server.maxClients} allowed`,
      ),
    ],
  };
}

function hitFacts({ lifetime, window, server }: StatsResult): FactsBlock {
  const lookups = ({ hits, misses }: HitFigures) =>
    `${counted(hits ?? 0, 'hit')}, ${counted(misses ?? 0, 'miss', 'misses')}`;
  const facts: Fact[] = [];
  if (lifetime) facts.push(fact('lifetimeHitRate', 'lifetime', lifetime.hitRate, 'ratio', lookups(lifetime)));
  if (window) {
    const label = `last ${formatSeconds(Math.round(window.seconds ?? 0))}`;
    facts.push(fact('windowHitRate', label, window.hitRate, 'ratio', lookups(window)));
    facts.push(
      fact(
        'windowOperationsPerSecond',
        'operations',
        window.operationsPerSecond,
        'perSecond',
        `over the ${label}`,
      ),
    );
    facts.push(fact('windowEvictedKeys', 'evicted', window.evictedKeys, 'count', `in the ${label}`));
    facts.push(fact('windowExpiredKeys', 'expired', window.expiredKeys, 'count', `in the ${label}`));
  } else {
    facts.push(fact('evictedKeys', 'evicted', server?.evictedKeys ?? null, 'count'));
    facts.push(fact('expiredKeys', 'expired', server?.expiredKeys ?? null, 'count'));
  }
  return { kind: 'facts', name: 'hitRate', title: 'Hit rate of the whole server', facts };
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
    ],
    rows: result.namespaces.map((row) => [
      row.namespace,
      row.keys,
      row.memoryBytes,
      row.memoryShare,
      row.kind,
      ...(known ? [targets.get(row.namespace) ?? null] : []),
    ]),
    barColumn: 3,
  };
}

function gradeNotes(result: StatsResult): Block[] {
  const notes: Block[] = [
    note('plain', result.grade === null ? 'Grade: none, too little is known' : `Grade: ${result.grade}`),
  ];
  for (const { tone, text } of result.reasons) notes.push(note(tone, text));
  const [first] = result.unjudgedTargets;
  if (first) {
    notes.push(
      note(
        'plain',
        `${counted(result.unjudgedTargets.length, 'namespace')} with a target of its own (${first.namespace} ${formatRatio(first.hitRateTarget)}, …) cannot be judged: the server counts hits as a whole`,
      ),
    );
  }
  return notes;
}

function fact(name: string, label: string, value: Fact['value'], unit: Fact['unit'], remark?: string): Fact {
  return { name, label, value, unit, ...(remark !== undefined && { remark }) };
}
