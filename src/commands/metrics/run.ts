import { resolve } from 'node:path';
import { once } from 'node:events';
import { expositionOf, type MetricFamily } from '../../render/exposition.ts';
import { printable } from '../../render/printable.ts';
import { replacePublicFile } from '../../support/files.ts';
import { InputError } from '../../support/failure.ts';
import type { CostLimit } from '../../traffic/observe.ts';
import { writeNamedFile } from '../../support/named-file.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { WatchedTraffic } from '../watch/traffic.ts';
import { exitCodes } from '../exit-codes.ts';
import { BudgetedTraffic } from './budget.ts';
import { collectorAt, push, pushAll } from './push.ts';
import { type ListenPlace, serve, type TargetNamed } from './serve.ts';
import { MetricsTarget } from './target.ts';

export interface MetricsInput {
  /** A file. */
  readonly textfile?: string;
  readonly listen?: ListenPlace;
  readonly listenPublic?: true;
  /** A URL. */
  readonly otlp?: string;
  /** Seconds. */
  readonly otlpEvery?: number;
  /** Observe the traffic. */
  readonly hits?: true;
  readonly maxCost?: CostLimit;
  /** Read the sizes of namespaces. */
  readonly namespaces: boolean;
  /** Seconds. */
  readonly namespacesEvery: number;
  readonly ttls?: true;
  readonly maxNamespaces: number;
}

/** The metrics as JSON has them. */
interface MetricsResult {
  readonly metrics: readonly (Omit<MetricFamily, 'samples'> & { readonly values: MetricFamily['samples'] })[];
}

const resultOf = (families: readonly MetricFamily[]): MetricsResult => ({
  metrics: families.map(({ samples: values, ...family }) => ({ ...family, values })),
});

/** `metrics` from its options to its result. */
export function metricsExecution(input: MetricsInput): Execution<MetricsResult> {
  return {
    blank: blankOf<MetricsResult>()('metrics[]'),
    rows: 'metrics',
    oneTable: true,
    run: (context) => {
      if (input.otlpEvery !== undefined && input.otlp === undefined)
        throw new InputError('--otlp-every needs a collector', 'name it with --otlp URL');
      return input.listen === undefined && input.otlpEvery === undefined
        ? readOnce(context, input)
        : serveAll(context, input);
    },
    view: () => [],
  };
}

async function readOnce(context: Context, input: MetricsInput): Promise<Outcome<MetricsResult>> {
  if (input.hits)
    throw new InputError(
      '--hits needs --listen or --otlp-every: counters of a single run would begin at zero each time',
      'use `cachectl hits` for one look at the traffic',
    );
  const collector = input.otlp === undefined ? null : collectorAt(input.otlp, context);
  const target = new MetricsTarget(context, {
    connect: context.reconnect,
    namespacesEvery: input.namespaces ? 0 : null,
    ttls: input.ttls === true,
    maxNamespaces: input.maxNamespaces,
    openTraffic: null,
    warn: () => undefined,
  });
  try {
    await target.read();
    context.progress.start('reading the keys', 'steps', null);
    const { signal } = context;
    if (!signal.aborted) await Promise.race([target.keyspaceRead(), once(signal, 'abort')]);
    context.progress.stop();
    const metrics = target.families();
    const error = target.failure;
    const problem = collector === null || signal.aborted ? null : await push(context, collector, target);
    if (problem !== null) context.warnOfResult(problem);
    const outcome = {
      result: resultOf(metrics),
      exitCode: problem === null ? exitCodes.success : exitCodes.negative,
      ...(error && { error }),
    };
    const isElsewhere = input.textfile !== undefined || collector !== null;
    if (input.textfile !== undefined)
      await writeTextfile(context, input.textfile, await expositionOf(metrics));
    if (!isElsewhere && (context.output === 'json' || context.output === 'ndjson')) return outcome;
    if (!isElsewhere) await context.write(await expositionOf(metrics));
    return { ...outcome, printed: true };
  } finally {
    await target.end();
  }
}

/** Between two pushes of one that serves as well. */
const defaultPushSeconds = 15;

/** While traffic is observed, it is cut so often: what it costs the server is known no later. */
const cutMillis = 5000;

async function serveAll(context: Context, input: MetricsInput): Promise<Outcome<MetricsResult>> {
  const { listen: place, otlp, otlpEvery: everySeconds = defaultPushSeconds } = input;
  const ended = new AbortController();
  if (place !== undefined) requireLoopback(input, place);
  const collector = otlp === undefined ? null : collectorAt(otlp, context);
  const targets = new Targets(context, input);
  const own = targets.named(null);
  const guarded = input.hits ? context.withoutSuspension : <T>(work: () => Promise<T>) => work();
  const timer = input.hits ? setInterval(() => targets.readAll(), cutMillis) : undefined;
  await guarded(async () => {
    try {
      await own?.readInTime();
      const serving = place && serve(context, place, (name) => targets.named(name));
      const pushing = collector && own && pushAll(context, collector, own, everySeconds, ended.signal);
      await Promise.all([serving, pushing]);
    } finally {
      ended.abort();
      clearInterval(timer);
      await targets.end();
    }
  });
  return { result: resultOf([]), printed: true };
}

/** @throws InputError */
function requireLoopback({ listenPublic }: MetricsInput, { host }: ListenPlace): void {
  if (listenPublic || host === 'localhost' || host === '::1' || host.startsWith('127.')) return;
  throw new InputError(
    `--listen ${host}: whoever can reach this address would see the names and sizes of namespaces, without a password`,
    'add --listen-public where this is meant, as behind a firewall; else use 127.0.0.1',
  );
}

/** The server of the run, and those of profiles that were asked for by name. */
class Targets {
  private readonly open = new Map<string | null, MetricsTarget>();
  private readonly traffics: WatchedTraffic[] = [];

  constructor(
    private readonly context: Context,
    private readonly input: MetricsInput,
  ) {}

  readonly named: TargetNamed = (name) => {
    const { context } = this;
    if (name !== null && !Object.hasOwn(context.profiles, name)) return undefined;
    const target =
      this.open.get(name) ?? this.newTarget(name === null ? context.reconnect : this.connectorTo(name));
    this.open.set(name, target);
    return target;
  };

  readAll(): void {
    // What is wrong shows at the next scrape.
    for (const target of this.open.values()) void target.read().catch(() => undefined);
  }

  async end(): Promise<void> {
    for (const target of this.open.values()) await target.end();
    for (const text of this.traffics.flatMap((traffic) => traffic.unsettled())) this.context.warn(text);
  }

  private connectorTo(profile: string): Context['reconnect'] {
    const { context } = this;
    return async () => {
      const target = await context.targetOf(profile);
      if (target === null) throw new InputError(`there is no profile \`${profile}\``);
      return context.connectTo({ ...target, retryMillis: 0 });
    };
  }

  private newTarget(connect: Context['reconnect']): MetricsTarget {
    const { context, input } = this;
    const { hits, maxCost = null, namespaces, namespacesEvery, ttls, maxNamespaces } = input;
    const traffic = hits ? new WatchedTraffic(context, connect) : null;
    if (traffic !== null) this.traffics.push(traffic);
    return new MetricsTarget(context, {
      connect,
      namespacesEvery: namespaces ? namespacesEvery : null,
      ttls: ttls === true,
      maxNamespaces,
      openTraffic:
        traffic && ((server) => BudgetedTraffic.open(() => traffic.open(server), maxCost, context.now)),
      warn: context.warn,
    });
  }
}

/** A reader sees the old text or the new one. @throws InputError */
async function writeTextfile(context: Context, file: string, text: string): Promise<void> {
  const { environment, signal } = context;
  await writeNamedFile(
    resolve(environment.workingDirectory, file),
    text,
    { processes: environment.processes, signal },
    (cause) => new InputError(`--textfile: \`${printable(file)}\` was not written: ${cause}`),
    replacePublicFile,
  );
}
