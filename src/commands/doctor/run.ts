import { defaultLimits, diagnose, doctorRules, needKeys, ruleNamed } from '../../health/doctor/diagnose.ts';
import { fewestInHerd, herdShare } from '../../health/doctor/key-rules.ts';
import { KeyCollector, type KeyFacts, withElements } from '../../health/doctor/key-facts.ts';
import {
  type Examination,
  type Known,
  Missing,
  type Rule,
  severities,
  type Severity,
} from '../../health/doctor/rule.ts';
import { readServerFacts } from '../../health/doctor/server-facts.ts';
import type { Facts } from '../../health/facts.ts';
import { evictionsIn } from '../../health/evictions.ts';
import { gatherFacts } from '../../health/gather.ts';
import { ledgerFolder } from '../../health/lookups/ledger.ts';
import { analyzeKeyspace } from '../../keyspace/analyze.ts';
import type { KeyStatistics } from '../../keyspace/key-statistics.ts';
import type { Analysis } from '../../keyspace/reading.ts';
import type { RedisError } from '../../redis/errors.ts';
import type { RedisServer } from '../../redis/server.ts';
import { serverReportOf } from '../../redis/server-report.ts';
import { phraseText } from '../../render/units.ts';
import type { ByteString } from '../../support/bytes.ts';
import { InputError } from '../../support/failure.ts';
import type { TrafficReport } from '../../traffic/report.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { appendJobSummary } from '../job-summary.ts';
import { keyspaceFiguresOf } from '../keyspace-report.ts';
import { rowName } from '../namespace-summary.ts';
import { observeWindow, unlessRefused } from '../observing.ts';
import { isReadOnlyServer } from '../protection.ts';
import { type ReadingInput, readingOptionsOf } from '../reading-options.ts';
import { annotationsOf, junitOf, sarifOf, summaryOf } from './reports.ts';
import type { DoctorResult } from './result.ts';
import { viewOf } from './view.ts';

export interface DoctorInput extends ReadingInput {
  /** Numbers or names of rules; none: all. */
  readonly only?: readonly string[];
  /** `CC101` or `CC101=reason`. */
  readonly ignore?: readonly string[];
  readonly failOn: Severity;
  /** Seconds. */
  readonly hits?: number;
  readonly keys: boolean;
}

/** `doctor` from its input to its result. */
export function doctorExecution(input: DoctorInput): Execution<DoctorResult> {
  return {
    blank: blankOf<DoctorResult>()(`
      status failOn critical warning notice server profile database startedAt durationSeconds
      findings[] notJudged[] healthyRules[] ignored[] reading serverCost
    `),
    rows: 'findings',
    oneTable: true,
    run: async (context) => {
      const outcome = await examine(context, input);
      if (context.output === 'github') appendJobSummary(context, summaryOf(outcome.result));
      return outcome;
    },
    view: viewOf,
    formats: {
      junit: (result) => Promise.resolve(junitOf(result)),
      github: (result) => Promise.resolve(annotationsOf(result)),
      sarif: (result) => Promise.resolve(sarifOf(result)),
    },
  };
}

/** @param seen what somebody has read already */
export async function examine(
  context: Context,
  input: DoctorInput,
  seen: Partial<Pick<Examination, 'keys' | 'traffic'>> = {},
): Promise<Outcome<DoctorResult>> {
  const { rules, ignored } = chosenOf(context, input);
  const reading = readingOptionsOf(context, input);
  const startedAt = context.now();
  const server = await context.connect();
  const facts = await factsOf(context, server);
  if (facts.stop !== null) throw facts.stop.error;
  const nodes = await readServerFacts(server, facts);
  // Before the walk, whose lookups would be in it.
  const traffic = seen.traffic ?? (await observed(context, input));
  const analysis =
    seen.keys !== undefined || !input.keys || !needKeys(rules)
      ? new Missing([input.keys ? 'no rule asked for keys' : 'left out by --no-keys'])
      : context.signal.aborted
        ? new Missing(['interrupted'])
        : await unlessRefused(() => readKeys(context, server, reading));
  const limits = { ...defaultLimits, ...context.map.thresholds };
  const keys = seen.keys ?? (analysis instanceof Missing ? analysis : analysis.keys);
  const evictionWindow = traffic instanceof Missing ? null : evictionsIn(traffic);
  const localTimeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const report = diagnose(
    { server: { ...facts, evictionWindow }, limits, map: context.map, nodes, keys, traffic, localTimeZone },
    rules,
  );
  const numberOf = (severity: Severity) =>
    report.findings.filter((each) => each.severity === severity).length;
  const counts = { critical: numberOf('critical'), warning: numberOf('warning'), notice: numberOf('notice') };
  const info = facts.nodes[0]?.info ?? null;
  const { product = null, version = null, role = null } = info === null ? {} : serverReportOf(info);
  const result: DoctorResult = {
    status: severities.find((severity) => counts[severity] > 0) ?? 'healthy',
    failOn: input.failOn,
    ...counts,
    server: { address: server.address, product, version, role },
    profile: context.profile?.name ?? null,
    database: server.nodes[0].database,
    startedAt: new Date(startedAt).toISOString(),
    durationSeconds: (context.now() - startedAt) / 1000,
    findings: report.findings.map(({ message, ...rest }) => ({ ...rest, message: phraseText(message) })),
    notJudged: report.notJudged.map(({ rule, reason }) => ({ ...named(rule), reason: phraseText(reason) })),
    healthyRules: report.passed.map(named),
    ignored,
    reading: analysis instanceof Missing ? null : analysis.reading,
    serverCost: analysis instanceof Missing ? null : analysis.serverCost,
  };
  const isBad = severities.slice(0, severities.indexOf(input.failOn) + 1).some((each) => counts[each] > 0);
  const failure = analysis instanceof Missing ? null : analysis.failure;
  return {
    result,
    exitCode: isBad ? exitCodes.negative : exitCodes.success,
    ...(failure && { error: failure }),
  };
}

const named = ({ number, id, question }: Rule) => ({ rule: number, id, question });

/** @throws InputError naming a rule that there is not, or where none is left */
function chosenOf(
  { map, configFile, warn }: Context,
  { only, ignore = [] }: DoctorInput,
): { rules: Rule[]; ignored: DoctorResult['ignored'] } {
  const numbers = doctorRules.map(({ number }) => number);
  const found = (option: string, name: string): Rule => {
    const rule = ruleNamed(name);
    if (rule !== undefined) return rule;
    const hint = `rules are ${numbers.join(', ')}, and their names are in docs/doctor.md`;
    throw new InputError(`${option}: there is no rule \`${name}\``, hint);
  };
  const wanted = only?.map((name) => found('--only', name)) ?? doctorRules;
  const ignored = new Map<Rule, { readonly reason: string | null; readonly origin: string }>();
  for (const [name, reason] of Object.entries(map.ignoredRules)) {
    const rule = ruleNamed(name);
    if (rule === undefined) warn(`the map ignores \`${name}\`, and there is no such rule`);
    else ignored.set(rule, { reason, origin: configFile ?? 'map' });
  }
  for (const text of ignore) {
    const [, name = text, reason = null] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    ignored.set(found('--ignore', name.trim()), { reason, origin: '--ignore' });
  }
  const rules = doctorRules.filter((rule) => wanted.includes(rule) && !ignored.has(rule));
  if (rules.length === 0) throw new InputError('--only and what is ignored leave no rule');
  return {
    rules,
    ignored: [...ignored]
      .filter(([rule]) => wanted.includes(rule))
      .map(([rule, why]) => ({ ...named(rule), ...why })),
  };
}

/** What `check` knows, over the connection of this run; nothing is written. */
function factsOf(context: Context, server: RedisServer): Promise<Facts> {
  return gatherFacts(
    {
      ...{ address: server.address, username: null, database: server.nodes[0].database },
      ...{ pings: 0, canary: 'no-write', waitMillis: 0, windowSeconds: null },
    },
    {
      open: () => Promise.resolve(server),
      isReadOnly: (each) => isReadOnlyServer(context, each),
      clock: () => performance.now(),
      ledgerFolder: ledgerFolder(context.environment.variables),
      ...{ signal: context.signal, random: context.random, progress: context.progress },
    },
  );
}

async function observed(context: Context, { hits }: DoctorInput): Promise<Known<TrafficReport>> {
  if (hits === undefined) return new Missing(['the traffic was not observed: --hits 30s does']);
  const found = await unlessRefused(async () =>
    observeWindow(context, await context.reconnect(), { seconds: hits }),
  );
  if (found instanceof Missing) return found;
  for (const { message } of found.restored) if (message !== null) context.warn(message);
  if (found.failure) throw found.failure;
  return found.report;
}

/** So many of the largest keys are looked at one by one. */
const largestKeys = 50;

async function readKeys(
  context: Context,
  server: RedisServer,
  reading: ReturnType<typeof readingOptionsOf>,
): Promise<
  { readonly keys: KeyFacts; readonly failure: RedisError | null } & Pick<
    DoctorResult,
    'reading' | 'serverCost'
  >
> {
  const { map, signal, progress, now } = context;
  const collector = new KeyCollector(now);
  const analysis = await analyzeKeyspace(server, {
    ...{ map, signal, progress, now, reading, top: largestKeys, onKey: collector.onKey },
    depth: map.isEmpty ? Number.POSITIVE_INFINITY : 1,
    columns: { memory: true, type: true, ttl: true },
    details: { idle: true, frequency: true },
  });
  const { figures, namespaces } = keyspaceFiguresOf(analysis, map);
  const summaries = namespaces(Number.POSITIVE_INFINITY);
  const rows = analysis.tree.rows();
  const nameOf = (key: ByteString) => {
    const row = analysis.tree.nameOf(key);
    return row === null ? '(other)' : rowName(row);
  };
  const refusedOf = (name: 'ttl' | 'memory') =>
    analysis.account.refusedColumns.find(({ column }) => column === name)?.reason ?? null;
  const isLost = analysis.failure !== null || signal.aborted;
  return {
    failure: analysis.failure,
    reading: figures.reading,
    serverCost: figures.serverCost,
    keys: {
      keys: figures.keys,
      exact: figures.exact,
      namespaces: summaries.map((summary, index) => ({
        ...summary,
        namespace: rowName(summary),
        ttlAtUse: ttlAtUseOf(rows[index]?.statistics),
      })),
      refusedTtl: refusedOf('ttl'),
      refusedMemory: refusedOf('memory'),
      largest: isLost ? [] : await withElements(server, analysis.tree.largest.list()),
      herds: collector.herds(fewestInHerd, herdShare),
      unstable: collector.unstableKeys(),
      values: isLost ? new Missing(['interrupted']) : await collector.readValues(server, nameOf),
      hottest: hottestOf(analysis, collector),
    },
  };
}

const hottestOf = ({ columns }: Analysis, collector: KeyCollector): KeyFacts['hottest'] =>
  columns.has('frequency') ? (collector.hottest() ?? []) : null;

function ttlAtUseOf(statistics: KeyStatistics | undefined): KeyFacts['namespaces'][number]['ttlAtUse'] {
  if (statistics === undefined || statistics.ttlWithIdleMaxSeconds === 0) return null;
  const { ttlWithIdleMinSeconds: minSeconds, ttlWithIdleMaxSeconds: maxSeconds } = statistics;
  return { minSeconds, maxSeconds, keys: statistics.ttlKnown - statistics.withoutTtl };
}
