import { refusal } from '../redis/errors.ts';
import type { Connection } from '../redis/connection.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import { Claims } from './claims.ts';
import { type ClientTime, type Clock, Pacer } from './clock.ts';
import { LatencyRecorder, summaryOf } from './latency.ts';
import type { Limit } from './options.ts';
import {
  type PhaseOutcome,
  type SecondDistribution,
  type SecondFigures,
  secondOf,
  slicesPerSecond,
  withFullSlices,
} from './outcome.ts';
import type { CommandSource } from './workload.ts';

/** A connection under load, or in a test something that answers in simulated time. */
export type LoadedConnection = Pick<Connection, 'address' | 'lookups' | 'sendThen' | 'leavesNoTouch'>;

export interface Load {
  readonly connection: LoadedConnection;
  readonly commands: CommandSource;
}

export interface Phase {
  readonly limit: Limit;
  readonly pipeline: number;
  readonly ratePerSecond: number | null;
  /** What the commands are called in a message. */
  readonly subject: string;
  readonly clock: Clock;
  /** When it begins, by the clock; none: at once. */
  readonly startsAt?: number;
  /** Of threads that run the phase together; none: all of it is for these connections. */
  readonly claims?: Claims;
  readonly signal: AbortSignal;
  /** True where the distribution of each second is wanted at the end. */
  readonly keepsDistribution?: boolean;
  readonly onProgress?: (operations: number) => void;
  /** Gets the seconds so far whenever one is full. */
  readonly onSecond?: (seconds: readonly SecondFigures[]) => void;
}

const progressMillis = 100;

/**
 * Puts the load on all connections at once, each with one batch on its way, until the limit is reached. Without a rate
 * a batch is timed from its write; with one, from the moment it was meant to be written. When it returns, nothing is
 * on its way any more.
 */
export async function runPhase(loads: readonly Load[], phase: Phase): Promise<PhaseOutcome> {
  return withFullSlices(await runPart(loads, phase));
}

/** The same, with the slice that is not full: of a part of a phase, for another part may have lasted longer. */
export async function runPart(loads: readonly Load[], phase: Phase): Promise<PhaseOutcome> {
  if (phase.startsAt !== undefined) await phase.clock.until(phase.startsAt, phase.signal);
  const run = new PhaseRun(phase);
  const stopMeter = phase.clock.startMeter();
  await Promise.all(loads.map((load) => run.drive(load)));
  return run.outcome(stopMeter());
}

class PhaseRun {
  private readonly startedAt: number;
  private readonly deadline: number;
  private readonly pacer: Pacer | null;
  private readonly latency = new LatencyRecorder();
  /** Of the second that is running; it goes into the others at its end, so that each latency is recorded once. */
  private readonly running = new LatencyRecorder();
  private readonly distributions: SecondDistribution[] = [];
  private runningOperations = 0;
  private readonly series: SecondFigures[] = [];
  private readonly slices: number[] = [];
  private readonly claims: Claims;
  private readonly counts = { operations: 0, errors: 0, lookups: 0, misses: 0, expectedMisses: 0 };
  /** Of the errors, those that were given before a key was looked up. */
  private refusals = 0;
  private endedAt: number;
  private shownAt: number;
  private failure: Error | null = null;

  constructor(private readonly phase: Phase) {
    const { clock, limit, pipeline, ratePerSecond, signal } = phase;
    this.startedAt = this.endedAt = this.shownAt = phase.startsAt ?? clock.now();
    this.deadline = limit.kind === 'duration' ? this.startedAt + limit.seconds * 1000 : Infinity;
    const claims = (this.claims = phase.claims ?? new Claims(limit));
    const next = () => claims.batch();
    this.pacer =
      ratePerSecond === null
        ? null
        : new Pacer(clock, signal, next, this.startedAt, (pipeline / ratePerSecond) * 1000, this.deadline);
  }

  /** Keeps one batch on its way until nothing is left to send. No promise is made for a batch without a rate. */
  drive({ connection, commands }: Load): Promise<void> {
    const { clock } = this.phase;
    return new Promise((resolve) => {
      let [count, start, lookups, expectedMisses] = [0, 0, 0, 0];
      const next = (now: number) => {
        count = this.claim(now);
        if (count === 0) resolve();
        else if (this.pacer === null) send(null);
        else
          void this.pacer.next(now).then((intended) => {
            if (intended === null || this.failure) resolve();
            else send(intended);
          });
      };
      const send = (intended: number | null) => {
        const [looked, absent, expected] = [commands.lookups, commands.absent, commands.replies];
        const payload = commands.encode(count);
        lookups = commands.lookups - looked;
        expectedMisses = commands.absent - absent;
        start = intended ?? clock.now();
        connection.sendThen(payload, commands.replies - expected, onReplies, onFailure);
      };
      const onReplies = (replies: readonly Reply[]) => {
        const now = clock.now();
        const [refusals, misses] = [this.refusals, this.counts.misses];
        this.take(replies, count, start, now, connection.address);
        // Which commands of a mix were refused is not known, and the first refusal ends the phase.
        const refused = lookups >= count ? Math.round(((this.refusals - refusals) * lookups) / count) : 0;
        const ownMisses = this.counts.misses - misses;
        const hits = lookups - ownMisses - refused;
        this.counts.lookups += lookups - refused;
        this.counts.expectedMisses += expectedMisses;
        connection.lookups.hits += hits;
        connection.lookups.misses += ownMisses;
        if (commands.usesKeys && !connection.leavesNoTouch) connection.lookups.touched += hits;
        next(now);
      };
      const onFailure = (error: Error) => {
        connection.lookups.lost += lookups;
        this.failure ??= error;
        resolve();
      };
      next(this.startedAt);
    });
  }

  /** Ends the seconds before this one. */
  private endSeconds(before: number): void {
    while (this.series.length < before) {
      const second = { operations: this.runningOperations, ...this.running.distribution };
      this.series.push(secondOf(second));
      this.latency.add(second);
      if (this.phase.keepsDistribution === true) this.distributions.push(second);
      this.running.reset();
      this.runningOperations = 0;
      this.phase.onSecond?.(this.series);
    }
  }

  outcome({ utilization, starvation }: ClientTime): PhaseOutcome {
    const complete = this.failure === null && !this.phase.signal.aborted;
    const elapsed = this.endedAt - this.startedAt;
    this.endSeconds(this.series.length + (this.runningOperations > 0 ? 1 : 0));
    const millis = complete && this.pacer ? Math.max(elapsed, this.pacer.spanMillis) : elapsed;
    const { distribution } = this.latency;
    return {
      ...this.counts,
      seconds: millis / 1000,
      latency: summaryOf(distribution),
      distribution,
      slices: Array.from(this.slices, (operations: number | undefined) => operations ?? 0),
      series: this.series,
      distributions: this.distributions,
      utilization: this.pacer ? null : utilization,
      starvation,
      queuedRatio: this.pacer?.queuedRatio ?? 0,
      meanOwnDelayMicros: (this.pacer?.meanOwnDelayMillis ?? 0) * 1000,
      complete,
      failure: this.failure,
    };
  }

  /** Takes the next commands off what is left to do; 0 where nothing is. */
  private claim(now: number): number {
    if (this.failure || this.phase.signal.aborted || now >= this.deadline) return 0;
    return this.claims.commands(this.phase.pipeline);
  }

  private take(replies: readonly Reply[], count: number, start: number, end: number, address: string): void {
    this.endedAt = end;
    let refused: ReplyError | undefined;
    let answered = count;
    for (const reply of replies) {
      // A string or a number, as nearly all are, is neither a miss nor an error.
      if (typeof reply !== 'object') continue;
      if (reply instanceof ReplyError) {
        refused ??= reply;
        this.counts.errors++;
        if (reply.code !== 'WRONGTYPE') this.refusals++;
        answered = Math.max(0, answered - 1);
      } else if (reply === null) this.counts.misses++;
      // No collection is empty: there is none.
      else if (reply.length === 0) this.counts.misses++;
      else
        this.counts.misses += reply.reduce(
          (misses: number, each) => (each === null ? misses + 1 : misses),
          0,
        );
    }
    this.counts.operations += answered;
    if (refused) {
      this.failure ??= refusal(refused, this.phase.subject, address);
      return;
    }
    const second = Math.floor((end - this.startedAt) / 1000);
    if (second > this.series.length) this.endSeconds(second);
    this.running.record(end - start);
    this.runningOperations += answered;
    const slice = Math.floor((end - this.startedAt) / (1000 / slicesPerSecond));
    this.slices[slice] = (this.slices[slice] ?? 0) + answered;
    if (end - this.shownAt < progressMillis) return;
    this.shownAt = end;
    this.phase.onProgress?.(this.counts.operations);
  }
}
