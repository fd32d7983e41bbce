import { setTimeout as sleep } from 'node:timers/promises';
import { type Grade, gradeOf } from '../health/grade.ts';
import { analyzeKeyspace } from '../keyspace/analyze.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { readInfo } from '../redis/info.ts';
import { RedisError } from '../redis/errors.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { type ServerReport, serverReportOf } from '../redis/server-report.ts';
import { countArgument, durationArgument } from './arguments.ts';
import type { Context } from './context.ts';
import {
  type NamespaceSummary,
  namespaceSummaryOf,
  type ServerCost,
  serverCostOf,
} from './keyspace-report.ts';
import { type DefineCommand, examples } from './runner.ts';
import { viewStats } from './stats-view.ts';

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
  readonly memoryBytes: number | null;
  readonly namespaces: readonly NamespaceSummary[];
  /** False where the walk was interrupted or left out. */
  readonly exact: boolean;
  readonly grade: Grade['letter'];
  readonly reasons: Grade['reasons'];
  /** Targets of the map that the server's own counters cannot judge. */
  readonly unjudgedTargets: readonly { readonly namespace: string; readonly hitRateTarget: number }[];
  readonly serverCost: ServerCost | null;
  /** What the server refused to tell, with its words. */
  readonly refused: readonly { readonly command: string; readonly reason: string }[];
}

export const defineStats: DefineCommand = (program, run) => {
  program
    .command('stats')
    .summary('hit rate, memory, evictions, keys per namespace, and a grade')
    .description(
      'Reports the server (hit rate, memory, evictions, clients) and the namespaces of its keys, and grades the cache.\n' +
        "Leaves the server's hit counters as they are.",
    )
    .option('-w, --window <duration>', 'also measure over this time from now', durationArgument)
    .option(
      '--limit <rows>',
      'most namespaces to list; the rest is summed up in (other)',
      countArgument(1),
      20,
    )
    .option('--no-namespaces', 'only what the server reports of itself; no walk over the keys')
    .addHelpText(
      'after',
      examples(
        ['cachectl stats', 'the whole picture'],
        ['cachectl stats --window 10s', 'what happens now, beside the lifetime figures'],
        ['cachectl stats --no-namespaces -o json', 'a quick look for a script'],
      ),
    )
    .action((options, self) =>
      run(self, {
        blank: {
          server: null,
          lifetime: null,
          window: null,
          databases: [],
          database: null,
          keys: null,
          memoryBytes: null,
          namespaces: [],
          exact: null,
          grade: null,
          reasons: [],
          unjudgedTargets: [],
          serverCost: null,
          refused: [],
        },
        rows: 'namespaces',
        run: async (context) => ({ result: await readStats(context, options) }),
        view: viewStats,
      }),
    );
};

interface StatsOptions {
  readonly window?: number | undefined;
  readonly limit: number;
  readonly namespaces: boolean;
}

async function readStats(context: Context, options: StatsOptions): Promise<StatsResult> {
  const server = await context.connect();
  const [node] = server.nodes;
  const { report, refused } = await readReport(node);
  const window =
    options.window !== undefined && report !== null
      ? await measureWindow(context, node, report, options.window)
      : null;
  const keyspace = options.namespaces ? await readNamespaces(context, server, options.limit) : null;
  const databaseKeys = report?.databases.find(({ database }) => database === node.database);
  const keys = keyspace?.keys ?? databaseKeys?.keys ?? (report === null ? null : 0);
  const { letter, reasons } = grade(report, window, databaseKeys, keys, context.map);
  const { databases = [], hits = null, misses = null, ...facts } = report ?? {};
  return {
    server: report && {
      address: server.address,
      ...(facts as Omit<ServerReport, 'databases' | 'hits' | 'misses'>),
    },
    lifetime: report && { seconds: report.uptimeSeconds, hits, misses, hitRate: hitRateOf(hits, misses) },
    window,
    databases,
    database: node.database,
    keys,
    memoryBytes: keyspace?.memoryBytes ?? null,
    namespaces: keyspace?.namespaces ?? [],
    exact: keyspace?.exact ?? false,
    grade: letter,
    reasons,
    unjudgedTargets: context.map.namespaces.flatMap(({ name, hitRateTarget }) =>
      hitRateTarget === null ? [] : [{ namespace: name, hitRateTarget }],
    ),
    serverCost: keyspace?.serverCost ?? null,
    refused,
  };
}

async function readReport(
  node: RedisNode,
): Promise<{ report: ServerReport | null; refused: StatsResult['refused'] }> {
  try {
    return { report: serverReportOf(await readInfo(node)), refused: [] };
  } catch (error) {
    if (!(error instanceof RedisError) || error.code !== 'NOPERM') throw error;
    return { report: null, refused: [{ command: 'INFO', reason: error.message }] };
  }
}

/** Differences of the counters over `seconds` from now; shorter when interrupted. */
async function measureWindow(
  context: Context,
  node: RedisNode,
  before: ServerReport,
  seconds: number,
): Promise<WindowFigures> {
  const startedAt = context.now();
  context.progress.start(`measuring for ${seconds} s`, 'seconds', seconds);
  await sleep(seconds * 1000, undefined, { signal: context.signal }).catch(() => undefined);
  context.progress.stop();
  const after = serverReportOf(await readInfo(node));
  const elapsed = (context.now() - startedAt) / 1000;
  const hits = difference(after.hits, before.hits);
  const misses = difference(after.misses, before.misses);
  const commands = difference(after.commandsProcessed, before.commandsProcessed);
  return {
    seconds: elapsed,
    hits,
    misses,
    hitRate: hitRateOf(hits, misses),
    // The INFO that ended the window was ours.
    operationsPerSecond: commands === null ? null : Math.max(0, commands - 1) / elapsed,
    evictedKeys: difference(after.evictedKeys, before.evictedKeys),
    expiredKeys: difference(after.expiredKeys, before.expiredKeys),
  };
}

async function readNamespaces(context: Context, server: RedisServer, limit: number) {
  const { map, signal, progress, now } = context;
  const depth = map.isEmpty ? Number.POSITIVE_INFINITY : 1;
  // Bytes alone: the one column that leaves no trace in the server's counters.
  const analysis = await analyzeKeyspace(server, {
    map,
    depth,
    columns: { memory: true },
    top: 0,
    signal,
    progress,
    now,
  });
  const { tree, account } = analysis;
  const unread = new Set<'memory' | 'type' | 'ttl'>([
    'type',
    'ttl',
    ...account.refusedColumns.map(({ column }) => column),
  ]);
  return {
    keys: tree.total.keys,
    memoryBytes: unread.has('memory') ? null : tree.total.memoryBytes,
    namespaces: tree.rows(limit).map((row) => namespaceSummaryOf(row, tree.total, map, unread)),
    exact: account.complete,
    serverCost: serverCostOf(analysis),
  };
}

function grade(
  report: ServerReport | null,
  window: WindowFigures | null,
  database: { expires: number } | undefined,
  keys: number | null,
  map: NamespaceMap,
): Grade {
  return gradeOf({
    // What happens now says more than a lifetime, where it was measured.
    hits: window?.hits ?? report?.hits ?? null,
    misses: window?.misses ?? report?.misses ?? null,
    hitRateTarget: map.thresholds.minHitRate ?? null,
    usedBytes: report?.usedBytes ?? null,
    maxBytes: report?.maxBytes ?? null,
    policy: report?.policy ?? null,
    fragmentation: report?.fragmentation ?? null,
    evictedKeys: window?.evictedKeys ?? report?.evictedKeys ?? null,
    keys: keys ?? 0,
    keysWithTtl: database?.expires ?? null,
  });
}

function hitRateOf(hits: number | null, misses: number | null): number | null {
  return hits === null || misses === null || hits + misses === 0 ? null : hits / (hits + misses);
}

/** Counters go back to zero when the server restarts or its statistics are reset. */
function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after < before ? after : after - before;
}
