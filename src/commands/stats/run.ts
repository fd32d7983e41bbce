import { setTimeout as sleep } from 'node:timers/promises';
import { type Grade, type GradeFacts, gradeOf } from '../../health/grade.ts';
import { analyzeKeyspace } from '../../keyspace/analyze.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { RedisError } from '../../redis/errors.ts';
import { readInfo } from '../../redis/info.ts';
import type { RedisNode, RedisServer } from '../../redis/server.ts';
import { type ServerReport, serverReportOf, sumReports } from '../../redis/server-report.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { keyspaceFiguresOf, type ReadingReport, type ServerCost } from '../keyspace-report.ts';
import type { IntervalOrNull, NamespaceSummary } from '../namespace-summary.ts';
import { type ReadingInput, readingOptionsOf } from '../reading-options.ts';
import { viewStats } from './view.ts';

/** Lookups and their outcome over a span of time. */
export interface HitFigures {
  readonly seconds: number | null;
  readonly hits: number | null;
  readonly misses: number | null;
  /** Ratio from 0 to 1; null where there were no lookups. */
  readonly hitRate: number | null;
}

export interface WindowFigures extends HitFigures {
  readonly operationsPerSecond: number | null;
  readonly evictedKeys: number | null;
  readonly expiredKeys: number | null;
}

export interface StatsResult {
  readonly server:
    (Omit<ServerReport, 'databases' | 'hits' | 'misses'> & { readonly address: string }) | null;
  /** Since the server started, or its counters were reset. */
  readonly lifetime: HitFigures | null;
  readonly window: WindowFigures | null;
  readonly databases: ServerReport['databases'];
  /** The database that `keys`, `memoryBytes` and `namespaces` are of. */
  readonly database: number;
  readonly keys: number | null;
  readonly keysInterval: IntervalOrNull;
  readonly memoryBytes: number | null;
  readonly memoryBytesInterval: IntervalOrNull;
  readonly namespaces: readonly NamespaceSummary[];
  /** False for a sample, and where the walk ended early; null where there was none. */
  readonly exact: boolean | null;
  readonly reading: ReadingReport | null;
  readonly grade: Grade['letter'];
  readonly reasons: Grade['reasons'];
  /** Targets of the map that the server's own counters cannot judge. */
  readonly unjudgedTargets: readonly { readonly namespace: string; readonly hitRateTarget: number }[];
  readonly serverCost: ServerCost | null;
  /** What the server refused to tell, with its words. */
  readonly refused: readonly { readonly command: string; readonly reason: string }[];
}

/** `stats` from its options to its result. */
export function statsExecution(options: StatsOptions): Execution<StatsResult> {
  return {
    blank: {
      server: null,
      lifetime: null,
      window: null,
      databases: [],
      database: null,
      keys: null,
      keysInterval: null,
      memoryBytes: null,
      memoryBytesInterval: null,
      namespaces: [],
      exact: null,
      reading: null,
      grade: null,
      reasons: [],
      unjudgedTargets: [],
      serverCost: null,
      refused: [],
    },
    rows: 'namespaces',
    run: (context) => readStats(context, options),
    view: viewStats,
  };
}

export interface StatsOptions extends ReadingInput {
  /** Seconds. */
  readonly window: number | undefined;
  readonly limit: number;
  readonly namespaces: boolean;
}

async function readStats(context: Context, options: StatsOptions): Promise<Outcome<StatsResult>> {
  const server = await context.connect();
  const [node] = server.nodes;
  const refused: Refusal[] = [];
  const report = await unlessRefused('INFO', refused, () => readReport(server));
  const window =
    options.window !== undefined && report !== null
      ? await measureWindow(context, server, report, options.window)
      : null;
  const keyspace = options.namespaces
    ? await unlessRefused('SCAN', refused, () => readNamespaces(context, server, options))
    : null;
  const databaseKeys = report?.databases.find(({ database }) => database === node.database)?.keys;
  const { letter, reasons } = gradeOf(gradeFacts(report, window, context.map));
  const { databases = [], hits = null, misses = null, ...facts } = report ?? {};
  const result: StatsResult = {
    server: report && {
      address: server.address,
      ...(facts as Omit<ServerReport, 'databases' | 'hits' | 'misses'>),
    },
    lifetime: report && { seconds: report.uptimeSeconds, hits, misses, hitRate: hitRateOf(hits, misses) },
    window,
    databases,
    database: node.database,
    keys: keyspace?.keys ?? databaseKeys ?? (report === null ? null : 0),
    keysInterval: keyspace?.keysInterval ?? null,
    memoryBytes: keyspace?.memoryBytes ?? null,
    memoryBytesInterval: keyspace?.memoryBytesInterval ?? null,
    namespaces: keyspace?.namespaces ?? [],
    exact: keyspace?.exact ?? null,
    reading: keyspace?.reading ?? null,
    grade: letter,
    reasons,
    unjudgedTargets: context.map.namespaces.flatMap(({ name, hitRateTarget }) =>
      hitRateTarget === null ? [] : [{ namespace: name, hitRateTarget }],
    ),
    serverCost: keyspace?.serverCost ?? null,
    refused,
  };
  return { result, ...(keyspace?.failure && { error: keyspace.failure }) };
}

type Refusal = StatsResult['refused'][number];

/** What the user may not call, or the service does not know, costs its part of the report and no more. */
async function unlessRefused<T>(
  command: string,
  refused: Refusal[],
  read: () => Promise<T>,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RedisError) || !/^(NOPERM|ERR)$/.test(error.code)) throw error;
    refused.push({ command, reason: error.message });
    return null;
  }
}

/** Of all nodes together. */
async function readReport(server: RedisServer): Promise<ServerReport> {
  const [first, ...others] = server.nodes;
  const read = async (node: RedisNode) => serverReportOf(await readInfo(node));
  return sumReports([await read(first), ...(await Promise.all(others.map(read)))]);
}

/** Differences of the counters over `seconds` from now; shorter when interrupted. */
async function measureWindow(
  context: Context,
  server: RedisServer,
  before: ServerReport,
  seconds: number,
): Promise<WindowFigures> {
  const startedAt = context.now();
  context.progress.start(`measuring for ${seconds} s`, 'seconds', seconds);
  await sleep(seconds * 1000, undefined, { signal: context.signal }).catch(() => undefined);
  context.progress.stop();
  const after = await readReport(server);
  const elapsed = (context.now() - startedAt) / 1000;
  const hits = difference(after.hits, before.hits);
  const misses = difference(after.misses, before.misses);
  const commands = difference(after.commandsProcessed, before.commandsProcessed);
  return {
    seconds: elapsed,
    hits,
    misses,
    hitRate: hitRateOf(hits, misses),
    // The INFO that began the window counts itself only once it is done, and so within.
    operationsPerSecond: commands === null ? null : Math.max(0, commands - server.nodes.length) / elapsed,
    evictedKeys: difference(after.evictedKeys, before.evictedKeys),
    expiredKeys: difference(after.expiredKeys, before.expiredKeys),
  };
}

async function readNamespaces(context: Context, server: RedisServer, options: StatsOptions) {
  const { map, signal, progress, now } = context;
  const analysis = await analyzeKeyspace(server, {
    map,
    depth: map.isEmpty ? Number.POSITIVE_INFINITY : 1,
    // Bytes alone: the one column that leaves no trace in the server's counters.
    columns: { memory: true },
    details: {},
    top: 0,
    reading: readingOptionsOf(context, options),
    signal,
    progress,
    now,
  });
  return { ...keyspaceFiguresOf(analysis, map, options.limit), failure: analysis.failure };
}

function gradeFacts(
  report: ServerReport | null,
  window: WindowFigures | null,
  map: NamespaceMap,
): GradeFacts {
  const sumOf = (field: 'keys' | 'expires') =>
    report?.databases.reduce((sum, database) => sum + database[field], 0) ?? 0;
  return {
    lifetime: lookupsOf(report),
    window: lookupsOf(window),
    hitRateTarget: map.thresholds.minHitRate ?? null,
    usedBytes: report?.usedBytes ?? null,
    maxBytes: report?.maxBytes ?? null,
    policy: report?.policy ?? null,
    fragmentation: report?.fragmentation ?? null,
    evictedKeys: report?.evictedKeys ?? null,
    keys: sumOf('keys'),
    keysWithTtl: sumOf('expires'),
  };
}

function lookupsOf(counts: Pick<HitFigures, 'hits' | 'misses'> | null): GradeFacts['lifetime'] {
  if (counts === null || counts.hits === null || counts.misses === null) return null;
  return { hits: counts.hits, misses: counts.misses };
}

function hitRateOf(hits: number | null, misses: number | null): number | null {
  return hits === null || misses === null || hits + misses === 0 ? null : hits / (hits + misses);
}

/** Counters go back to zero when the server restarts or its statistics are reset. */
function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after < before ? after : after - before;
}
