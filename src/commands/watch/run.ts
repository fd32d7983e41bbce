import { InputError } from '../../support/failure.ts';
import { type Block, costNote } from '../../render/blocks.ts';
import { type Field, fieldsOf, gridOf } from '../../render/table.ts';
import { counted, formatSeconds } from '../../render/units.ts';
import type { RedisServer } from '../../redis/server.ts';
import { intervalsOf, type WatchInterval } from '../../watch/interval.ts';
import { Observer } from '../../watch/observer.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { watchLive } from './live.ts';
import { initialState } from './state.ts';
import { blankOf } from '../blank.ts';

export interface WatchInput {
  /** Seconds. */
  readonly interval: number;
  /** Read the sizes of namespaces. */
  readonly namespaces: boolean;
  /** Seconds; 0: once. */
  readonly namespacesEvery: number;
  /** Observe the traffic. */
  readonly hits?: true;
  /** Intervals. */
  readonly count?: number;
  /** Seconds. */
  readonly for?: number;
}

/** What is printed at the end; the intervals were printed one by one. */
interface WatchResult {
  readonly server: { readonly address: string };
  readonly intervalCount: number;
  /** Intervals in which the server did not answer. */
  readonly failedIntervals: number;
  readonly durationSeconds: number;
  /** Commands that watching cost the server. */
  readonly ownCommands: number;
}

/** The shortest interval: below it watching is the work. */
export const leastIntervalSeconds = 0.1;

/** `watch` from its options to its result. */
export function watchExecution(input: WatchInput): Execution<WatchResult> {
  return {
    blank: blankOf<WatchResult>()('server intervalCount failedIntervals durationSeconds ownCommands'),
    formatInPipe: 'ndjson',
    run: (context) => watch(context, input),
    view: viewEnd,
  };
}

async function watch(context: Context, input: WatchInput): Promise<Outcome<WatchResult>> {
  if (input.interval < leastIntervalSeconds)
    throw new InputError(
      `--interval of ${formatSeconds(input.interval)} is too short`,
      `the shortest is ${formatSeconds(leastIntervalSeconds)}`,
    );
  const server = await context.reconnect();
  const traffic = input.hits ? await loadTraffic(context) : null;
  // A screen closes the observation before it lets the process be stopped.
  const guarded = traffic === null ? unguarded : context.withoutSuspension;
  const observer = new Observer({
    map: context.map,
    reconnect: context.reconnect,
    openTraffic: traffic === null ? null : (connection) => traffic.open(connection),
    sizesEverySeconds: input.namespaces ? input.namespacesEvery : null,
    now: context.now,
    random: context.random,
  });
  const begin = () => guarded(() => observer.begin(server));
  try {
    const { openScreen } = context;
    if (openScreen === null) {
      await begin();
      return await guarded(() => printRows(context, server, observer, input));
    }
    const start = initialState({
      intervalSeconds: input.interval,
      withTraffic: input.hits === true,
      address: server.address,
    });
    await watchLive(openScreen, observer, begin, start, {
      ...limitsOf(context, input),
      visit: async (request, terminal, signal) => {
        const { visitKeys } = await import('./visit.ts');
        return visitKeys(visiting(context, observer, guarded, signal), observer, request, terminal);
      },
    });
    // The screen was the result, and it is gone.
    return { result: nothingToSay, printed: true };
  } finally {
    await guarded(() => observer.end());
    for (const message of traffic?.unsettled() ?? []) context.warn(message);
  }
}

type Guard = Context['withoutSuspension'];

const unguarded: Guard = (work) => work();

/**
 * What the keys of a namespace are read and removed with: what is read over the connection that is observed is taken off its counters,
 * and without a screen no one could close the observation before the process is stopped.
 */
const visiting = (context: Context, observer: Observer, guarded: Guard, signal: AbortSignal): Context => ({
  ...context,
  signal,
  connect: () => (observer.server === null ? context.reconnect(signal) : Promise.resolve(observer.server)),
  runExecution: (command, execution) => guarded(() => context.runExecution(command, execution)),
  prompts: { ...context.prompts, input: (question) => guarded(() => context.prompts.input(question)) },
});

/** What reads the traffic is only loaded where it is asked for. */
async function loadTraffic(context: Context) {
  const { WatchedTraffic } = await import('./traffic.ts');
  return new WatchedTraffic(context);
}

const limitsOf = ({ signal, now }: Context, { count, for: seconds }: WatchInput) => ({
  ...{ signal, now, mostIntervals: count ?? Number.POSITIVE_INFINITY },
  mostSeconds: seconds ?? Number.POSITIVE_INFINITY,
});

/** One row for each interval, as it ends. */
async function printRows(
  context: Context,
  server: RedisServer,
  observer: Observer,
  input: WatchInput,
): Promise<Outcome<WatchResult>> {
  // A list in JSON has the plural, a record of its own the singular.
  const name = context.output === 'ndjson' ? 'interval' : 'intervals';
  const rows = await context.openRows(name, gridOf([], intervalFields).columns);
  const startedAt = context.now();
  const sums = { intervalCount: 0, failedIntervals: 0, ownCommands: 0 };
  const intervals = intervalsOf(() => observer.next(), {
    ...limitsOf(context, input),
    intervalSeconds: () => input.interval,
  });
  for await (const interval of intervals) {
    sums.intervalCount++;
    if (!interval.ok) sums.failedIntervals++;
    sums.ownCommands += interval.ownCommands ?? 0;
    await rows.row(
      intervalFields.map(([, cell]) => cell(interval)),
      interval,
    );
  }
  return {
    result: {
      server: { address: server.address },
      ...sums,
      durationSeconds: (context.now() - startedAt) / 1000,
    },
  };
}

const nothingToSay: WatchResult = {
  server: { address: '' },
  intervalCount: 0,
  failedIntervals: 0,
  durationSeconds: 0,
  ownCommands: 0,
};

function viewEnd({ intervalCount, durationSeconds: seconds, ownCommands }: WatchResult): Block[] {
  return [
    costNote(
      `${counted(ownCommands, 'command')} in ${counted(intervalCount, 'interval')}, ${formatSeconds(seconds)}; its hit counters were left alone`,
    ),
  ];
}

const { text, count, ratio, perSecond, bytes, micros, number } = fieldsOf<WatchInterval>();

/** An interval in tab-separated lines and csv: what is one figure of the whole server. */
const intervalFields: readonly Field<WatchInterval>[] = [
  text('endedAt', 'AT'),
  text('ok', 'OK'),
  number('windowSeconds', 'SECONDS'),
  ratio('hitRate', 'HIT RATE'),
  count('hits', 'HITS'),
  count('misses', 'MISSES'),
  perSecond('operationsPerSecond', 'OPS'),
  bytes('usedBytes', 'MEMORY'),
  bytes('maxBytes', 'LIMIT'),
  count('evictedKeys', 'EVICTED'),
  count('expiredKeys', 'EXPIRED'),
  micros('p50Micros', 'P50', ({ latency }) => latency?.p50Micros ?? null),
  micros('p99Micros', 'P99', ({ latency }) => latency?.p99Micros ?? null),
];
