import { setTimeout as sleep } from 'node:timers/promises';
import { pick } from '../../support/collections.ts';
import { gradeOf } from '../../health/grade.ts';
import { evictionsIn, joinWindows } from '../../health/evictions.ts';
import { factsOfInfos } from '../../health/facts.ts';
import { dataReadsOf } from '../../health/lookups/counters.ts';
import { differencesOf, readCounters } from '../../health/lookups/differences.ts';
import { ledgerFolder } from '../../health/lookups/ledger.ts';
import { observedTraffic, unjudgedTargets } from '../../health/namespace-targets.ts';
import { analyzeKeyspace } from '../../keyspace/analyze.ts';
import { RedisError } from '../../redis/errors.ts';
import type { RedisServer } from '../../redis/server.ts';
import { type ServerReport, serverReportOf, sumReports } from '../../redis/server-report.ts';
import type { Observed } from '../../traffic/observe.ts';
import type { HitMode, TrafficReport } from '../../traffic/report.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { keyspaceFiguresOf } from '../keyspace-report.ts';
import { type LayoutInput, requireColumns, sortedRows } from '../namespace-columns.ts';
import { type ReadingInput, readingOptionsOf } from '../reading-options.ts';
import { joinTraffic } from './join-traffic.ts';
import {
  type ObservedHits,
  observedFields,
  type StatsNamespace,
  type StatsResult,
  type WindowFigures,
} from './result.ts';
import { defaultLimit, namespaceFields, viewStats } from './view.ts';
import { observeWindow } from '../observing.ts';
import { blankOf } from '../blank.ts';

/** `stats` from its options to its result. */
export function statsExecution(options: StatsOptions): Execution<StatsResult> {
  return {
    blank: blankOf<StatsResult>()(`
      server lifetime window traffic databases database keys keysInterval memoryBytes memoryBytesInterval
      namespaces[] exact reading grade reasons[] ledgerDamage unjudgedTargets[] serverCost refused[]
    `),
    rows: 'namespaces',
    run: (context) => readStats(context, options),
    view: (result, own, audience) => viewStats(result, own, audience, options),
  };
}

export interface StatsOptions extends ReadingInput, LayoutInput {
  /** What was observed already, in place of `hits`. */
  readonly observed?: Observed<TrafficReport>;
  /** Seconds. */
  readonly window?: number;
  /** Seconds. */
  readonly hits?: number;
  /** None: what the server permits and its load. */
  readonly hitsMode?: HitMode;
  /** None: `defaultLimit`, and for people what fits on the screen. */
  readonly limit?: number;
  readonly namespaces: boolean;
}

async function readStats(context: Context, options: StatsOptions): Promise<Outcome<StatsResult>> {
  requireColumns(namespaceFields, options);
  const server = await context.connect();
  const [node] = server.nodes;
  const refused: Refusal[] = [];
  const first = await unlessRefused('INFO', refused, () => readReport(context, server));
  const report = first?.report ?? null;
  const window =
    options.window !== undefined && first !== null
      ? await measureWindow(context, server, first, options.window)
      : null;
  // Before the walk, whose lookups would be in it. Without INFO there is no mode that could be observed in.
  const observed =
    options.observed ??
    (options.hits !== undefined && report !== null
      ? await observeHits(
          context,
          await context.reconnect(),
          { seconds: options.hits, mode: options.hitsMode ?? null },
          refused,
        )
      : null);
  const reading = observed === null || first === null ? first : await readReport(context, server);
  const keyspace =
    options.namespaces && observed?.failure == null
      ? await unlessRefused('SCAN', refused, () => readNamespaces(context, server, options))
      : null;
  const traffic = observed && observedHitsOf(observed, node.database);
  for (const { message } of observed?.restored ?? []) if (message !== null) context.warn(message);
  const databaseKeys = report?.databases?.find(({ database }) => database === node.database)?.keys;
  const dataReads = dataReadsOf(first?.lookups ?? null);
  const { letter, reasons } = gradeOf({
    lifetime: dataReads,
    window: window?.dataReads ?? null,
    observed: observed && observedTraffic(observed.report),
    limits: context.map.thresholds,
    server:
      first && factsOfInfos(first.nodes, joinWindows([window, observed && evictionsIn(observed.report)])),
  });
  const { databases = null, hits = null, misses = null, ...facts } = report ?? {};
  const result: StatsResult = {
    server: report && {
      address: server.address,
      ...(facts as Omit<ServerReport, 'databases' | 'hits' | 'misses'>),
      operationsPerSecond:
        window?.operationsPerSecond ??
        (await rateOfOthers(context, server, reading)) ??
        report.operationsPerSecond,
    },
    lifetime: report && {
      windowSeconds: report.uptimeSeconds,
      ...{ hits, misses, hitRate: hitRateOf(hits, misses), dataReads },
    },
    window,
    traffic,
    databases,
    database: node.database,
    keys: keyspace?.keys ?? databaseKeys ?? (report?.databases == null ? null : 0),
    keysInterval: keyspace?.keysInterval ?? null,
    memoryBytes: keyspace?.memoryBytes ?? null,
    memoryBytesInterval: keyspace?.memoryBytesInterval ?? null,
    namespaces: options.namespaces ? namespacesOf(keyspace, observed, context, options, node.database) : [],
    exact: keyspace?.exact ?? null,
    reading: keyspace?.reading ?? null,
    grade: letter,
    reasons,
    ledgerDamage: first?.lookups?.find(({ damage }) => damage !== null)?.damage ?? null,
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

/** Observes the traffic. What the user may not do, or the service does not know, goes to `refused`. */
async function observeHits(
  context: Context,
  server: RedisServer,
  options: { readonly seconds: number; readonly mode: HitMode | null },
  refused: Refusal[],
): Promise<Observed<TrafficReport> | null> {
  try {
    return await observeWindow(context, server, options);
  } catch (error) {
    if (!(error instanceof RedisError) || error.failure !== 'refused') throw error;
    const command = error.refused?.subject.replaceAll('`', '') ?? 'MONITOR';
    const hint = error.hint === undefined ? '' : `; ${error.hint}`;
    refused.push({ command, reason: `${error.message}${hint}` });
    return null;
  }
}

/** @param database the one that has rows of its own */
const observedHitsOf = ({ report, restored }: Observed<TrafficReport>, database: number): ObservedHits => ({
  ...pick(report, observedFields),
  otherDatabases: report.namespaces
    .filter((each) => each.database !== database)
    .map((each) => pick(each, ['database', 'reads', 'misses', 'hitRate'])),
  notifications: restored,
});

/** What the user may not call, or the service does not know, costs its part of the report and no more. */
async function unlessRefused<T>(
  command: string,
  refused: Refusal[],
  read: () => Promise<T>,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RedisError) || error.failure !== 'refused' || !/^(NOPERM|ERR)$/.test(error.code))
      throw error;
    refused.push({ command, reason: error.message });
    return null;
  }
}

/** A shorter time shows chance rather than a rate. */
const leastRateSeconds = 0.2;

/**
 * Commands of other clients per second since a reading; null where that was a moment ago. What the server itself reports contains
 * those of this program, also of a run that has just ended.
 */
async function rateOfOthers(context: Context, server: RedisServer, before: Reading | null) {
  if (before === null || (performance.now() - before.atMillis) / 1000 < leastRateSeconds) return null;
  const after = await unlessRefused('INFO', [], () => readReport(context, server));
  if (after === null) return null;
  const elapsed = (after.atMillis - before.atMillis) / 1000;
  const { commands } = differencesOf(before.nodes, after.nodes, elapsed);
  return commands === null ? null : commands / elapsed;
}

type Reading = Awaited<ReturnType<typeof readReport>>;

/** INFO of all nodes, and of all together. */
async function readReport({ environment }: Context, server: RedisServer) {
  const folder = ledgerFolder(environment.variables);
  const [first, ...others] = server.nodes;
  const head = await readCounters(first, folder);
  const nodes = [head, ...(await Promise.all(others.map((node) => readCounters(node, folder))))];
  const lookups = nodes.map((each) => each.lookups);
  const reports = nodes.map(({ info }) => serverReportOf(info));
  return {
    nodes,
    atMillis: performance.now(),
    report: sumReports(reports as [ServerReport, ...ServerReport[]]),
    /** By node; null where one does not report its hits. */
    lookups: lookups.every((each) => each !== null) ? lookups : null,
  };
}

/** Differences of the counters over `seconds` from now; shorter when interrupted. */
async function measureWindow(
  context: Context,
  server: RedisServer,
  { nodes: before }: Reading,
  seconds: number,
): Promise<WindowFigures> {
  const startedAt = context.now();
  context.progress.start(`measuring for ${seconds} s`, 'seconds', seconds);
  await sleep(seconds * 1000, undefined, { signal: context.signal }).catch(() => undefined);
  context.progress.stop();
  const { nodes: after } = await readReport(context, server);
  const elapsed = (context.now() - startedAt) / 1000;
  const done = differencesOf(before, after, elapsed);
  const { hits, misses, commands, dataReads } = done;
  return {
    windowSeconds: elapsed,
    ...{ hits, misses, hitRate: hitRateOf(hits, misses), dataReads },
    operationsPerSecond: commands === null ? null : commands / elapsed,
    ...pick(done, ['evictedKeys', 'expiredKeys']),
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
  const { figures, names, namespaces } = keyspaceFiguresOf(analysis, map);
  return {
    ...figures,
    names: names(),
    namespaces,
    failure: analysis.failure,
  };
}

function namespacesOf(
  keyspace: Awaited<ReturnType<typeof readNamespaces>> | null,
  observed: Observed<TrafficReport> | null,
  { map }: Context,
  { limit = defaultLimit, sort }: StatsOptions,
  database: number,
): readonly StatsNamespace[] {
  const keysOf = (most: number, compare?: (left: Named, right: Named) => number) =>
    keyspace && {
      rows: keyspace.namespaces(most, compare),
      names: keyspace.names,
      mostUnseenKeys: keyspace.reading.mostUnseenKeys,
    };
  const traffic = observed?.report.namespaces.filter((each) => each.database === database) ?? [];
  const judged = observed === null ? [] : (observedTraffic(observed.report)?.judged ?? []);
  // Who asks for hits looks for misses.
  const order = sort ?? (observed === null ? undefined : 'misses');
  const sorted = (rows: readonly StatsNamespace[]) => sortedRows(rows, namespaceFields, order);
  if (sort === undefined) return sorted(joinTraffic(keysOf(limit), traffic, judged, map, limit));
  const whole = sorted(
    joinTraffic(keysOf(Number.POSITIVE_INFINITY), traffic, judged, map, Number.POSITIVE_INFINITY),
  );
  const ranks = new Map(whole.map(({ namespace }, rank) => [namespace, rank]));
  const rankOf = ({ namespace }: Named) => ranks.get(namespace) ?? ranks.size;
  const compare = (left: Named, right: Named) => rankOf(left) - rankOf(right);
  return sorted(joinTraffic(keysOf(limit, compare), [...traffic].sort(compare), judged, map, limit));
}

type Named = Pick<StatsNamespace, 'namespace'>;

function hitRateOf(hits: number | null, misses: number | null): number | null {
  return hits === null || misses === null || hits + misses === 0 ? null : hits / (hits + misses);
}
