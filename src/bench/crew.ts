import type { RedisNode } from '../redis/server.ts';
import type { BenchOptions, WorkloadName } from './options.ts';
import { type PhaseOutcome, withFullSlices } from './phase.ts';
import { type PhaseTerms, Senders } from './senders.ts';
import type { BenchTools } from './station.ts';
import type { Traffic } from './workload.ts';

/** All that put the load on a server: in this thread, or in several of their own. */
export interface Crew {
  /** @param work By node, in their order; empty for PING. */
  prepare(workload: WorkloadName, work: readonly Traffic[]): void;
  run(terms: Pick<PhaseTerms, 'limit' | 'keepsDistribution' | 'onProgress'>): Promise<PhaseOutcome>;
  close(): Promise<void>;
}

/** @param nodes That the connections are spread over. @throws RedisError, with no connection left open */
export async function openCrew(
  nodes: readonly RedisNode[],
  options: BenchOptions,
  tools: BenchTools,
): Promise<Crew> {
  if (options.threads > 1) return (await import('./threads.ts')).Threads.open(nodes, options, tools);
  const indexes = Array.from({ length: options.connections }, (_, index) => index);
  const openConnection = (index: number) => (nodes[index % nodes.length] as RedisNode).openConnection();
  const senders = await Senders.open(indexes, openConnection, options, tools);
  return {
    prepare: (workload, work) => senders.prepare(workload, work),
    run: async (terms) => withFullSlices(await senders.run(terms)),
    close: () => {
      senders.close();
      return Promise.resolve();
    },
  };
}
