import { RedisError } from '../redis/errors.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { type Cut, Observation, type ObservationOptions, type WindowAccesses } from './observation.ts';
import { ObservationLost } from './streams/node-observer.ts';
import type { RestoreOutcome } from './notifications/put-back.ts';
import type { TrafficReport, WindowReport } from './report.ts';
import { cpuBetween, growth } from './figures/window.ts';
import { hitFlags, missingFlags, readServerFlags, shown } from './notifications/notification-flags.ts';
import { commandCalls, readInfoIfPermitted } from '../redis/info.ts';

/** What the server may be burdened with; beyond it the observation ends. */
export type CostLimit =
  /** CPU of the server's process, in cores. */
  | { readonly kind: 'cpu'; readonly share: number }
  | { readonly kind: 'operations'; readonly perSecond: number };

export interface ObserveOptions extends ObservationOptions {
  /** Null: until the signal is aborted. */
  readonly seconds: number | null;
  readonly maxCost: CostLimit | null;
  /** Bytes that may come from the server. */
  readonly maxBytes: number;
  /** Called when the window begins, and about once a second with what it holds so far. */
  readonly onBegin?: (observation: Observation) => void;
  readonly onProgress?: (report: () => Promise<TrafficReport>, seconds: number) => Promise<void>;
}

export interface Observed<Report extends TrafficReport = WindowReport> {
  readonly report: Report;
  /** What became of `notify-keyspace-events`, one for each node that was changed. */
  readonly restored: readonly RestoreOutcome[];
  /** The server or the way to it was lost. */
  readonly failure: RedisError | null;
  /** Null where no sample was asked for, or the mode is not `exact`. */
  readonly accesses: WindowAccesses | null;
}

/** Of keys that were sampled, so many at each node are asked for their size each second; at the end of the window all are. */
const sizesPerStep = 2000;

const stepSeconds = 1;

/**
 * Observes one window and closes everything behind it. What is lost on the way ends the window where all was still known.
 * @throws RedisError, InputError as Observation.open does, and when not even the window's beginning can be had
 */
export async function observe(server: RedisServer, options: ObserveOptions): Promise<Observed> {
  const observation = await Observation.open(server, options);
  let restored: readonly RestoreOutcome[] | undefined;
  const close = async () => (restored ??= await observation.close());
  try {
    const flushes = await countFlushes(server);
    const letters = await readEventLetters(server, options.now());
    const from = await observation.cut('turn');
    options.onBegin?.(observation);
    const { to, lost, endedBy, failure } = await pass(server, observation, from, options);
    const isObserved = observation.mode !== 'counters' && failure === null;
    const off = isObserved
      ? eventsSwitchedOff(server, letters, await readEventLetters(server, options.now()))
      : [];
    // Where they were switched off, a mark that does not come says nothing else.
    const end = { lost: off.length > 0 ? off : lost, endedBy };
    const report = await observation.report(from, to, end);
    if (failure === null) await observation.readSampleSizes(Number.POSITIVE_INFINITY);
    const accesses = observation.accessesIn(from, to);
    // MONITOR shows a flush; without it, only the statistics of commands do.
    const flushed =
      observation.mode !== 'exact' && (await countFlushes(server).catch(() => null)) !== flushes;
    const remarks = flushed && failure === null ? [...report.remarks, flushRemark] : report.remarks;
    return { report: { ...report, remarks }, restored: await close(), failure, accesses };
  } finally {
    await close();
  }
}

async function pass(server: RedisServer, observation: Observation, from: Cut, options: ObserveOptions) {
  const { seconds, signal, maxCost, maxBytes } = options;
  let to = from;
  const startedAt = performance.now();
  const passed = () => (performance.now() - startedAt) / 1000;
  for (;;) {
    const left = seconds === null ? stepSeconds : seconds - passed();
    if (left <= 0.001) return { to, lost: [], endedBy: null, failure: null };
    const before = to;
    try {
      await observation.pass(Math.min(left, left < 1.5 * stepSeconds ? left : stepSeconds));
      const stopping = signal.aborted;
      to = await observation.cut('end');
      // What happened until the abort belongs to the window, also when a cut was under way.
      if (signal.aborted && !stopping) to = await observation.cut('end');
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      const failure = error instanceof ObservationLost ? await lostServer(server, error) : error;
      return { to, lost: [(failure ?? error).message], endedBy: 'lost', failure };
    }
    if (signal.aborted)
      return { to, lost: [], endedBy: seconds === null ? null : 'interrupted', failure: null };
    const endedBy = limitReached(before, to, from, maxCost, maxBytes);
    if (endedBy !== null) return { to, lost: [], endedBy, failure: null };
    const until = to;
    await observation.readSampleSizes(sizesPerStep);
    await options.onProgress?.(() => observation.report(from, until), passed());
  }
}

/** Whether a stream ended alone, which is null, or with all that leads to the server. */
async function lostServer(server: RedisServer, { stream }: ObservationLost): Promise<RedisError | null> {
  // A server that is behind may be so with its answer too.
  if (stream === 'lag') return null;
  for (const node of server.nodes) {
    try {
      await node.batch([['PING']]);
    } catch (error) {
      if (error instanceof RedisError) return error;
      throw error;
    }
  }
  return null;
}

function limitReached(
  before: Cut,
  to: Cut,
  from: Cut,
  maxCost: CostLimit | null,
  maxBytes: number,
): string | null {
  const bytes = to.reduce((sum, mark, index) => {
    const start = from[index] ?? mark;
    return sum + mark.monitorBytes + mark.eventBytes - start.monitorBytes - start.eventBytes;
  }, 0);
  if (bytes > maxBytes) return 'max-bytes';
  if (maxCost === null) return null;
  const over = to.some((mark, index) => {
    const last = before[index] ?? mark;
    const seconds = (mark.atMillis - last.atMillis) / 1000;
    const cpu = cpuBetween(last, mark) ?? 0;
    const operations = growth(last.info, mark.info, 'total_commands_processed') ?? 0;
    return maxCost.kind === 'cpu' ? cpu > maxCost.share * seconds : operations > maxCost.perSecond * seconds;
  });
  return over ? 'max-cost' : null;
}

/** The value of `notify-keyspace-events` of each node; null where it cannot be read. */
type EventLetters = readonly (string | null)[];

function readEventLetters(server: RedisServer, now: number): Promise<EventLetters> {
  const read = async (node: RedisNode) => (await readServerFlags(node, now)).flags;
  return Promise.all(
    server.nodes.map(async (node) => {
      const flags = await read(node).catch(() => null);
      return typeof flags === 'string' ? flags : null;
    }),
  );
}

/** What another client switched off in between, node by node, as sentences. */
function eventsSwitchedOff(server: RedisServer, before: EventLetters, after: EventLetters): string[] {
  const wanted = hitFlags.required + hitFlags.optional;
  return server.nodes.flatMap(({ address }, index) => {
    const [was, is] = [before[index] ?? null, after[index] ?? null];
    if (was === null || is === null) return [];
    const missingBefore = missingFlags(was, wanted);
    if (Array.from(missingFlags(is, wanted)).every((letter) => missingBefore.includes(letter))) return [];
    return [
      `\`notify-keyspace-events\` of ${address} is ${shown(is)} now, changed by another client in the window: events are missing`,
    ];
  });
}

/**
 * How often a database has been emptied or exchanged, over all nodes, for which keys have no events; null where INFO does not
 * report it. @throws RedisError
 */
async function countFlushes(server: RedisServer): Promise<number | null> {
  let sum = 0;
  for (const node of server.nodes) {
    const calls = commandCalls((await readInfoIfPermitted(node, 'COMMANDSTATS')) ?? {});
    if (calls === null) return null;
    for (const name of ['FLUSHALL', 'FLUSHDB', 'SWAPDB']) sum += calls.get(name) ?? 0;
  }
  return sum;
}

const flushRemark =
  'a database was emptied or exchanged in the window (FLUSHALL, FLUSHDB or SWAPDB): misses of what it held may count as ' +
  'not stored, or gone or new';

/** Traffic without end, window by window. */
export interface TrafficSource {
  /** The window since the last call, or since the opening. @throws ObservationLost, RedisError */
  next(): Promise<TrafficReport>;
  /** Puts back what was changed on the server. */
  close(): Promise<readonly RestoreOutcome[]>;
}

/** @throws RedisError, InputError as Observation.open does */
export async function openTrafficSource(
  server: RedisServer,
  options: ObservationOptions,
): Promise<TrafficSource> {
  const observation = await Observation.open(server, options);
  const closed = new AbortController();
  try {
    let last = await observation.cut('turn');
    const bursts =
      observation.mode === 'sampled'
        ? takeBursts(observation, AbortSignal.any([closed.signal, options.signal]))
        : null;
    return {
      async next() {
        const failure = bursts?.failure();
        if (failure !== undefined) throw failure;
        const from = last;
        last = await observation.cut('turn');
        const report = await observation.report(from, last);
        observation.forgetBefore(last);
        return report;
      },
      async close() {
        closed.abort();
        const restored = await observation.close();
        await bursts?.done;
        return restored;
      },
    };
  } catch (error) {
    await observation.close();
    throw error;
  }
}

/** Bursts one after the other, while windows are cut from them. */
function takeBursts(observation: Observation, ended: AbortSignal) {
  let failure: Error | undefined;
  const run = async () => {
    while (!ended.aborted) await observation.pass(1);
  };
  const done = run().catch((error: unknown) => {
    if (!ended.aborted) failure = error instanceof Error ? error : new Error(String(error));
  });
  return { done, failure: () => failure };
}
