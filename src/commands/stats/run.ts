import { setTimeout as sleep } from 'node:timers/promises';
import { type GradeFacts, gradeOf } from '../../health/grade.ts';
import { observedTraffic, unjudgedTargets } from '../../health/namespace-targets.ts';
import { analyzeKeyspace } from '../../keyspace/analyze.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { RedisError } from '../../redis/errors.ts';
import { readInfo } from '../../redis/info.ts';
import type { RedisNode, RedisServer } from '../../redis/server.ts';
import { type ServerReport, serverReportOf, sumReports } from '../../redis/server-report.ts';
import type { Observed } from '../../traffic/observe.ts';
import type { HitMode } from '../../traffic/report.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { keyspaceFiguresOf } from '../keyspace-report.ts';
import { type ReadingInput, readingOptionsOf } from '../reading-options.ts';
import { joinTraffic } from './join-traffic.ts';
import { observedHitsOf, observeHits } from './observe-hits.ts';
import type { HitFigures, StatsNamespace, StatsResult, WindowFigures } from './result.ts';
import { viewStats } from './view.ts';

export type { StatsResult } from './result.ts';

/** `stats` from its options to its result. */
export function statsExecution(options: StatsOptions): Execution<StatsResult> {
  return {
    blank: {
      server: null,
      lifetime: null,
      window: null,
      traffic: null,
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
  /** Seconds. */
  readonly hits: number | undefined;
  /** Null: what the server permits and its load. */
  readonly hitsMode: HitMode | null;
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
  // Before the walk, whose lookups would be in it. Without INFO there is no mode that could be observed in.
  const observed =
    options.hits !== undefined && report !== null
      ? await observeHits(context, server, { seconds: options.hits, mode: options.hitsMode }, refused)
      : null;
  const keyspace =
    options.namespaces && observed?.failure == null
      ? await unlessRefused('SCAN', refused, () => readNamespaces(context, server, options))
      : null;
  const traffic = observed && observedHitsOf(observed, node.database);
  for (const { message } of observed?.restored ?? []) if (message !== null) context.warn(message);
  const databaseKeys = report?.databases.find(({ database }) => database === node.database)?.keys;
  const { letter, reasons } = gradeOf(gradeFacts(report, window, observed, context.map));
  const { databases = [], hits = null, misses = null, ...facts } = report ?? {};
  const result: StatsResult = {
    server: report && {
      address: server.address,
      ...(facts as Omit<ServerReport, 'databases' | 'hits' | 'misses'>),
    },
    lifetime: report && { seconds: report.uptimeSeconds, hits, misses, hitRate: hitRateOf(hits, misses) },
    window,
    traffic,
    databases,
    database: node.database,
    keys: keyspace?.keys ?? databaseKeys ?? (report === null ? null : 0),
    keysInterval: keyspace?.keysInterval ?? null,
    memoryBytes: keyspace?.memoryBytes ?? null,
    memoryBytesInterval: keyspace?.memoryBytesInterval ?? null,
    namespaces: options.namespaces ? namespacesOf(keyspace, observed, context, options, node.database) : [],
    exact: keyspace?.exact ?? null,
    reading: keyspace?.reading ?? null,
    grade: letter,
    reasons,
    unjudgedTargets: unjudgedTargets(
      context.map,
      observed?.report ?? null,
      options.hits === undefined ? 'not-observed' : 'refused',
    ),
    serverCost: keyspace?.serverCost ?? null,
    refused,
  };
  const failure = observed?.failure ?? keyspace?.failure;
  // A server that was left changed is no success.
  const stuck = traffic?.notifications.some(({ outcome }) => outcome === 'failed') === true;
  return { result, ...(stuck && { exitCode: exitCodes.negative }), ...(failure && { error: failure }) };
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
  return {
    ...keyspaceFiguresOf(analysis, map, options.limit),
    names: analysis.tree.rows(Number.POSITIVE_INFINITY).map(({ namespace }) => namespace),
    failure: analysis.failure,
  };
}

function namespacesOf(
  keyspace: Awaited<ReturnType<typeof readNamespaces>> | null,
  observed: Observed | null,
  { map }: Context,
  { limit }: StatsOptions,
  database: number,
): StatsNamespace[] {
  const keys = keyspace && {
    rows: keyspace.namespaces,
    names: keyspace.names,
    mostUnseenKeys: keyspace.reading.mostUnseenKeys,
  };
  const traffic = observed?.report.namespaces.filter((each) => each.database === database) ?? [];
  const judged = observed === null ? [] : (observedTraffic(observed.report)?.judged ?? []);
  return joinTraffic(keys, traffic, judged, map, limit);
}

function gradeFacts(
  report: ServerReport | null,
  window: WindowFigures | null,
  observed: Observed | null,
  map: NamespaceMap,
): GradeFacts {
  const sumOf = (field: 'keys' | 'expires') =>
    report?.databases.reduce((sum, database) => sum + database[field], 0) ?? 0;
  return {
    lifetime: lookupsOf(report),
    window: lookupsOf(window),
    observed: observed && observedTraffic(observed.report),
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
