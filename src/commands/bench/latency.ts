import type { LatencySummary } from '../../bench/latency.ts';
import type { SecondFigures } from '../../bench/outcome.ts';
import { type BenchServer, queuedLimit, starvedLimit } from '../../bench/result.ts';
import { countersBetween, readCounters, type ServerSide, serverSideOf } from '../../bench/server-side.ts';
import { pingSource } from '../../bench/workload.ts';
import { productOf, readInfoIfPermitted } from '../../redis/info.ts';
import { type Block, caveats, fact, factsOf, note, notes } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { formatMicros, formatRatio } from '../../render/units.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { secondsLine } from './seconds-line.ts';

interface LatencyInput {
  /** Seconds; not used where `follow` is given. */
  readonly for: number;
  readonly follow?: true;
  /** Seconds between two PINGs. */
  readonly interval: number;
}

/** What one connection saw that sent a PING at a time. */
interface LatencyResult {
  readonly server: BenchServer;
  readonly intervalSeconds: number;
  readonly durationSeconds: number;
  readonly latency: LatencySummary | null;
  readonly series: readonly SecondFigures[];
  /** What the server says of its work on PING; null where it does not. */
  readonly serverSide: ServerSide | null;
  /** How late this machine sent, on average; that is part of the latency. */
  readonly ownDelayMicros: number;
  /** Share of the time that this process was ready and had to wait for a processor; null where the system does not report it. */
  readonly clientStarvation: number | null;
  /** Share of the PINGs that were due before the one ahead was answered. */
  readonly queuedRatio: number;
}

/** `bench latency` from its input to its result. */
export const latencyExecution = (input: LatencyInput): Execution<LatencyResult> => ({
  blank: blankOf<LatencyResult>()(`
    server intervalSeconds durationSeconds latency series[] serverSide ownDelayMicros clientStarvation queuedRatio
  `),
  rows: 'series',
  oneTable: true,
  run: (context) => measure(context, input),
  view: (result, _own, { isPerson }) => viewLatency(result, isPerson),
});

async function measure(context: Context, input: LatencyInput): Promise<Outcome<LatencyResult>> {
  const { signal, progress, live } = context;
  const server = await context.reconnect();
  const [node] = server.nodes;
  const [{ runPhase }, { systemClock: clock }] = await Promise.all([
    import('../../bench/phase.ts'),
    import('../../bench/clock.ts'),
  ]);
  const info = await readInfoIfPermitted(node, 'SERVER');
  const connection = await node.openConnection();
  const commands = pingSource();
  const before = await readCounters([node], ['PING']);
  const draw = (series: readonly SecondFigures[]) => {
    progress.stop();
    void live.draw([...seriesLines(series), note('dim', 'Ctrl-C ends it here')]);
  };
  try {
    if (input.follow === undefined) progress.start('PING', 'operations', null);
    const outcome = await runPhase([{ connection, commands }], {
      limit: { kind: 'duration', seconds: input.follow ? Infinity : input.for },
      ...{ pipeline: 1, ratePerSecond: 1 / input.interval, subject: '`PING`', clock, signal },
      onProgress: (done) => progress.update(done),
      ...(input.follow && live.isAvailable && { onSecond: draw }),
    });
    const after = await readCounters([node], ['PING']).catch(() => null);
    const { seconds, latency, series, starvation, queuedRatio, meanOwnDelayMicros, failure } = outcome;
    return {
      result: {
        server: { product: null, version: null, ...(info && productOf(info)), address: server.address },
        ...{ intervalSeconds: input.interval, durationSeconds: seconds, latency, series },
        serverSide: serverSideOf(countersBetween(before, after, undefined), seconds),
        ...{ ownDelayMicros: meanOwnDelayMicros, clientStarvation: starvation, queuedRatio },
      },
      ...(failure && { error: failure }),
    };
  } finally {
    progress.stop();
    live.clear();
    connection.close();
  }
}

const seriesLines = (series: readonly SecondFigures[]) => [
  ...secondsLine(
    'p50',
    series.map(({ p50Micros }) => p50Micros),
  ),
  ...secondsLine(
    'max',
    series.map(({ maxMicros }) => maxMicros),
  ),
];

function viewLatency(result: LatencyResult, isPerson: boolean): Block[] {
  const { latency, series, serverSide, ownDelayMicros, clientStarvation, queuedRatio, server } = result;
  const isStarved = clientStarvation !== null && clientStarvation > starvedLimit;
  const doubts = caveats(
    'warning',
    isStarved &&
      `this machine was busy: cachectl waited for a processor ${formatRatio(clientStarvation)} of the time, and that is part of the latency; \`cachectl bench intrinsic\` measures this machine alone`,
    queuedRatio > queuedLimit &&
      `${formatRatio(queuedRatio)} of the PINGs were due before the one ahead was answered: a longer --interval measures less of that queue`,
  );
  if (!isPerson) {
    const { count, micros } = fieldsOf<SecondFigures>();
    const fields = [count('operations', 'PINGS'), micros('p50Micros', 'P50')];
    return [
      tableOf('series', series, [...fields, micros('p99Micros', 'P99'), micros('maxMicros', 'MAX')]),
      ...doubts,
    ];
  }
  const micros = (name: string, label: string, value: number | null | undefined, remark = '') =>
    fact(name, label, value ?? null, 'micros', remark);
  return [
    factsOf(
      'latency',
      `PING to ${server.address}`,
      micros('p50Micros', 'p50', latency?.p50Micros),
      micros('p90Micros', 'p90', latency?.p90Micros),
      micros('p99Micros', 'p99', latency?.p99Micros),
      micros('p999Micros', 'p99.9', latency?.p999Micros),
      micros('maxMicros', 'max', latency?.maxMicros),
      fact('samples', 'PINGs', latency?.samples ?? 0, 'count'),
    ),
    ...seriesLines(series),
    factsOf(
      'parts',
      'Of that, on average',
      micros(
        'serverMicros',
        'work of the server',
        serverSide?.meanMicros,
        serverSide === null ? 'it does not say' : '',
      ),
      micros('ownDelayMicros', 'sent late by cachectl', ownDelayMicros),
      micros(
        'restMicros',
        'network and queues',
        latency && Math.max(0, latency.meanMicros - ownDelayMicros - (serverSide?.meanMicros ?? 0)),
      ),
    ),
    ...notes(
      'dim',
      serverSide !== null &&
        serverSide.slowCommands !== null &&
        serverSide.slowCommands > 0 &&
        `${serverSide.slowCommands} commands came into SLOWLOG meanwhile: others wait while they run`,
      latency !== null &&
        latency.samples < 1000 &&
        `p99.9 of fewer than 1,000 PINGs is their maximum: ${formatMicros(latency.maxMicros)}`,
    ),
    ...doubts,
  ];
}
