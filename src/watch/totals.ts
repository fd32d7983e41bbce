import type { Differences, NodeCounters } from '../health/lookups/differences.ts';
import { commandCalls } from '../redis/info.ts';

const summedNames = [
  ...(['commands', 'evictedKeys', 'expiredKeys', 'bytesIn', 'bytesOut'] as const),
  ...(['systemSeconds', 'userSeconds', 'ownCommands'] as const),
] as const;

/** Calls of a command, and the time that the server spent in them. */
export interface CommandTotals {
  readonly calls: number;
  readonly seconds: number;
}

/**
 * Counters of a server that only grow, whatever becomes of its own: what intervals added, one after the other, to what the
 * server had counted when the first of them began. A null: not reported.
 */
export class CounterTotals {
  readonly sums: Record<(typeof summedNames)[number], number | null>;
  readonly commands = new Map<string, CommandTotals>();
  /** What the server counted, what of it was looked up by this program, and the most that the others were seen to have. */
  private readonly lookups = {
    hits: { all: 0, own: 0, most: 0 },
    misses: { all: 0, own: 0, most: 0 },
  };
  private hasLookups = false;
  private metadata: number | null = null;
  /** By process and command, as they were read last. */
  private readonly commandsBefore = new Map<string, { calls: number; micros: number }>();

  /** @param first what the server has counted so far */
  constructor(first: Differences, nodes: readonly NodeCounters[]) {
    this.sums = Object.fromEntries(summedNames.map((name) => [name, null])) as CounterTotals['sums'];
    this.add(first, nodes);
  }

  /** Lookups of others; null: not reported. */
  get hits(): number | null {
    return this.hasLookups ? this.lookups.hits.most : null;
  }

  get misses(): number | null {
    return this.hasLookups ? this.lookups.misses.most : null;
  }

  /** Of those, the ones that carry no data (TYPE, PTTL, …); null: not reported. */
  get metadataLookups(): number | null {
    return this.metadata;
  }

  /** @param nodes the reading that the interval ended with */
  add(done: Differences, nodes: readonly NodeCounters[]): void {
    for (const name of summedNames) {
      const value = done[name];
      if (value !== null) this.sums[name] = (this.sums[name] ?? 0) + value;
    }
    const { hits, misses, dataReads } = done;
    if (hits !== null && misses !== null && dataReads !== null) {
      this.hasLookups = true;
      // After a reset the server's counters contain no more of our own lookups than they show.
      const own = (looked: number, all: number) => (done.reset === null ? looked : Math.min(looked, all));
      this.addLookups('hits', hits, own(dataReads.ownHits, hits));
      this.addLookups('misses', misses, own(dataReads.ownMisses, misses));
      if (dataReads.metadataLookups !== null)
        this.metadata = (this.metadata ?? 0) + dataReads.metadataLookups;
    }
    for (const node of nodes) this.addCommands(node, done.reset);
  }

  /** Own lookups are known a moment before or after the server's counter shows them: the sums are right, not each difference. */
  private addLookups(name: 'hits' | 'misses', all: number, own: number): void {
    const sums = this.lookups[name];
    sums.all += all;
    sums.own += own;
    sums.most = Math.max(sums.most, sums.all - sums.own);
  }

  private addCommands({ address, info }: NodeCounters, reset: Differences['reset']): void {
    const micros = commandCalls(info, 'usec');
    for (const [command, calls] of commandCalls(info) ?? []) {
      const now = { calls, micros: micros?.get(command) ?? 0 };
      const place = `${info['run_id'] ?? address} ${command}`;
      const before = this.commandsBefore.get(place);
      this.commandsBefore.set(place, now);
      // What another server did before it took over is no part of this count.
      if (reset === 'other' && before === undefined) continue;
      const isAnew = before === undefined || now.calls < before.calls || now.micros < before.micros;
      const from = isAnew ? { calls: 0, micros: 0 } : before;
      const total = this.commands.get(command) ?? { calls: 0, seconds: 0 };
      this.commands.set(command, {
        calls: total.calls + now.calls - from.calls,
        seconds: total.seconds + (now.micros - from.micros) / 1e6,
      });
    }
  }
}
