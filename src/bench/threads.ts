import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { sumOf } from '../support/collections.ts';
import { onAbort } from '../support/failure.ts';
import { RedisError } from '../redis/errors.ts';
import type { LookupTally } from '../redis/lookups.ts';
import type { RedisNode } from '../redis/server.ts';
import type { ConnectTarget } from '../redis/target.ts';
import type { TracedExchange } from '../redis/trace.ts';
import { Claims } from './claims.ts';
import type { BenchOptions, Limit, WorkloadName } from './options.ts';
import { alongside, type PhaseOutcome } from './outcome.ts';
import type { Crew, SendingOptions } from './senders.ts';
import type { BenchTools } from './station.ts';
import type { Traffic } from './workload.ts';

/** What a thread begins with. Secrets go from memory to memory, and nowhere else. */
export interface ThreadTask {
  readonly options: SendingOptions;
  /** Of its connections, their places among those of all threads. */
  readonly indexes: readonly number[];
  /** Of the nodes that all connections are spread over. */
  readonly targets: readonly ConnectTarget[];
  readonly isTraced: boolean;
}

/** What a thread is told. */
export type Order =
  | { readonly kind: 'prepare'; readonly workload: WorkloadName; readonly work: readonly Traffic[] }
  | {
      readonly kind: 'run';
      readonly limit: Limit;
      /** Milliseconds since the epoch, with fractions: each thread may count from a moment of its own. */
      readonly startsAt: number;
      /** Of the claims of all threads. */
      readonly memory: SharedArrayBuffer;
    }
  /** The run is over: no batch is sent any more, and those on their way are waited for. */
  | { readonly kind: 'stop' };

/** What a thread reports. An error loses its class on the way, so its fields go. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly failure: PlainFailure }
  | { readonly kind: 'progress'; readonly operations: number }
  | { readonly kind: 'traced'; readonly exchange: TracedExchange }
  | {
      readonly kind: 'done';
      readonly outcome: PhaseOutcome;
      readonly failure: PlainFailure | null;
      /** By node, since the thread began. */
      readonly lookups: readonly LookupTally[];
    };

export const failureFields = ['failure', 'code', 'message', 'hint', 'refused'] as const;
export type PlainFailure = Pick<RedisError, (typeof failureFields)[number]>;

const errorOf = ({ failure, code, message, hint, refused }: PlainFailure) =>
  new RedisError(failure, code, message, hint, refused);

/** Time for an order to reach all threads, so that they begin at the same moment. */
const leadMillis = 5;

/** Threads with an event loop each, over which the connections are divided. One timetable and one limit are for all of them. */
export class Threads implements Crew {
  private readonly stopListening: () => void;

  private constructor(
    private readonly threads: readonly Thread[],
    private readonly nodes: readonly RedisNode[],
    signal: AbortSignal,
  ) {
    this.stopListening = onAbort(signal, () => this.tell({ kind: 'stop' }));
    if (signal.aborted) this.tell({ kind: 'stop' });
  }

  /** @throws RedisError, with no thread left */
  static async open(
    nodes: readonly RedisNode[],
    options: BenchOptions,
    { signal, threadFile }: BenchTools,
  ): Promise<Threads> {
    const { threads: count, connections, pipeline, ratePerSecond, distribution } = options;
    const traces = nodes.map((node) => node.handOver().target.trace);
    const targets = nodes.map((node): ConnectTarget => {
      const { trace: _trace, ...target } = node.handOver().target;
      return target;
    });
    const indexes = [...Array(connections).keys()];
    const threads = Array.from({ length: count }, (_, thread) => {
      const task: ThreadTask = {
        options: { connections, pipeline, ratePerSecond, distribution },
        indexes: indexes.filter((index) => Math.floor((index * count) / connections) === thread),
        ...{ targets, isTraced: traces[0] !== undefined },
      };
      return new Thread(threadFile, task, (exchange) => traces[0]?.(exchange));
    });
    const crew = new Threads(threads, nodes, signal);
    try {
      const begun = await Promise.all(threads.map((thread) => thread.answer()));
      const failed = begun.find((report) => report.kind === 'failed');
      if (failed) throw errorOf(failed.failure);
      return crew;
    } catch (error) {
      await crew.close();
      throw error;
    }
  }

  prepare(workload: WorkloadName, work: readonly Traffic[]): void {
    this.tell({ kind: 'prepare', workload, work });
  }

  async run({ limit, keepsDistribution, onProgress }: Parameters<Crew['run']>[0]): Promise<PhaseOutcome> {
    const startsAt = performance.timeOrigin + performance.now() + leadMillis;
    const order: Order = { kind: 'run', limit, startsAt, memory: Claims.memory() };
    const parts = await Promise.all(
      this.threads.map(async (thread) => {
        thread.onProgress = () => onProgress?.(sumOf(this.threads.map(({ operations }) => operations)));
        thread.operations = 0;
        const answer = thread.answer();
        thread.tell(order);
        const report = await answer;
        if (report.kind !== 'done') throw new Error('a thread of the benchmark answered something else');
        thread.lookups = report.lookups;
        // What ends the phase in one thread ends it in all.
        if (report.failure !== null) this.tell({ kind: 'stop' });
        return { ...report.outcome, failure: report.failure && errorOf(report.failure) };
      }),
    );
    const outcome = alongside(parts);
    return keepsDistribution === true ? outcome : { ...outcome, distributions: [] };
  }

  async close(): Promise<void> {
    this.stopListening();
    await Promise.all(this.threads.map((thread) => thread.end()));
    for (const { lookups } of this.threads) {
      lookups.forEach((own, index) => {
        const tally = this.nodes[index]?.handOver().lookups;
        tally?.count(own);
        if (!tally) return;
        tally.commands += own.commands;
        tally.touched += own.touched;
      });
    }
  }

  private tell(order: Order): void {
    for (const thread of this.threads) thread.tell(order);
  }
}

type Answer = Exclude<Report, { kind: 'progress' | 'traced' }>;

/** A thread as this one sees it. */
class Thread {
  operations = 0;
  lookups: readonly LookupTally[] = [];
  onProgress: () => void = () => undefined;
  private readonly worker: Worker;
  /** It ended by itself, which it never should. */
  private readonly broken: Promise<never>;
  private settle: (answer: Answer) => void = () => undefined;

  constructor(file: string, task: ThreadTask, trace: (exchange: TracedExchange) => void) {
    this.worker = new Worker(file, { workerData: task, execArgv: [] });
    this.broken = new Promise((_resolve, reject) => {
      this.worker.on('error', reject);
      this.worker.on('exit', () => reject(new Error('a thread of the benchmark ended')));
    });
    this.broken.catch(() => undefined);
    this.worker.on('message', (report: Report) => {
      if (report.kind === 'traced') trace(report.exchange);
      else if (report.kind === 'progress') {
        this.operations = report.operations;
        this.onProgress();
      } else this.settle(report);
    });
  }

  /** The next answer. @throws Error where there will be none */
  answer(): Promise<Answer> {
    return Promise.race([new Promise<Answer>((resolve) => (this.settle = resolve)), this.broken]);
  }

  tell(order: Order): void {
    this.worker.postMessage(order);
  }

  end(): Promise<unknown> {
    return this.worker.terminate();
  }
}
