import type { Connection } from '../redis/connection.ts';
import { SeededRandom } from '../support/random.ts';
import type { Clock } from './clock.ts';
import { keyChoices } from './key-choice.ts';
import { seed } from './keys.ts';
import type { BenchOptions, WorkloadName } from './options.ts';
import type { PhaseOutcome } from './outcome.ts';
import { type Load, type Phase, runPart } from './phase.ts';
import { commandsOf, commandSource, pingSource, type Traffic } from './workload.ts';

/** All that put the load on a server: in this thread, or in several of their own. */
export interface Crew {
  /** @param work By node, in their order; empty for PING. */
  prepare(workload: WorkloadName, work: readonly Traffic[]): void;
  run(terms: Pick<PhaseTerms, 'limit' | 'keepsDistribution' | 'onProgress'>): Promise<PhaseOutcome>;
  close(): Promise<void> | void;
}

/** What is not the same in each phase of a run. */
export type PhaseTerms = Pick<Phase, 'limit' | 'keepsDistribution' | 'onProgress' | 'startsAt' | 'claims'>;

export type SendingOptions = Pick<
  BenchOptions,
  'connections' | 'pipeline' | 'ratePerSecond' | 'distribution'
>;

/** A connection under load, and its place among those of all threads. */
interface Sender {
  readonly connection: Connection;
  readonly index: number;
}

/** The connections of one thread, spread over the nodes. */
export class Senders implements Crew {
  private workload: WorkloadName = 'ping';
  private loads: readonly Load[] = [];

  private constructor(
    private readonly senders: readonly Sender[],
    private readonly options: SendingOptions,
    private readonly tools: { readonly clock: Clock; readonly signal: AbortSignal },
  ) {}

  /**
   * Opens all connections at once.
   * @param indexes Their places among those of all threads.
   * @throws RedisError, with none left open
   */
  static async open(
    indexes: readonly number[],
    openConnection: (index: number) => Promise<Connection>,
    options: SendingOptions,
    tools: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<Senders> {
    const opened = await Promise.allSettled(
      indexes.map(async (index) => ({ index, connection: await openConnection(index) })),
    );
    const senders = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = opened.find((one) => one.status === 'rejected');
    if (!refused) return new Senders(senders, options, tools);
    for (const { connection } of senders) connection.close();
    throw refused.reason;
  }

  /** Makes the commands of a workload; a connection has the same in every run, whichever thread it is in. */
  prepare(workload: WorkloadName, work: readonly Traffic[]): void {
    const { distribution, connections } = this.options;
    const choices = work.map(({ parts }) => keyChoices(distribution, parts));
    this.workload = workload;
    this.loads = this.senders.map(({ connection, index }) => {
      const node = index % Math.max(1, work.length);
      const [own, choicesOf] = [work[node], choices[node]];
      if (!own || !choicesOf) return { connection, commands: pingSource() };
      const random = new SeededRandom(seed, workload, index);
      const choose = choicesOf(random, index / connections);
      return { connection, commands: commandSource(own, random, choose) };
    });
  }

  /** Puts the load of the workload that was prepared on the connections. */
  run(terms: PhaseTerms): Promise<PhaseOutcome> {
    const { pipeline, ratePerSecond } = this.options;
    const { clock, signal } = this.tools;
    const subject = commandsOf(this.workload);
    return runPart(this.loads, { clock, signal, pipeline, ratePerSecond, subject, ...terms });
  }

  close(): void {
    for (const { connection } of this.senders) connection.close();
  }
}
