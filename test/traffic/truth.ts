import type { MissCause } from '../../src/traffic/report.ts';

/** Causes that the load makes on purpose. Of each miss it knows which one it is. */
export type LoadCause = Exclude<MissCause, 'unknown'>;

export interface NamespaceTruth {
  reads: number;
  hits: number;
  misses: number;
  /** Keys that commands gave a value. */
  writes: number;
  readonly causes: Record<LoadCause, number>;
}

/** What the server's counters grew by over the load: everything that went on there, other clients included. */
export interface ServerGrowth {
  readonly hits: number;
  readonly misses: number;
  readonly expiredKeys: number;
  readonly evictedKeys: number;
  readonly commands: number;
  readonly cpuSeconds: number;
}

/** What the load did, as it learned from its own replies. */
export interface LoadTruth {
  /** By the name that a namespace is inferred to have: `session:<id>`; `(database 3)` for another database. */
  readonly namespaces: Readonly<Record<string, NamespaceTruth>>;
  readonly totals: NamespaceTruth;
  readonly commands: number;
  readonly seconds: number;
  readonly commandsPerSecond: number;
  readonly server: ServerGrowth;
}

/** Counts what the load does, by namespace. */
export class Tally {
  private readonly namespaces = new Map<string, NamespaceTruth>();

  of(namespace: string): NamespaceTruth {
    let counts = this.namespaces.get(namespace);
    if (counts === undefined) this.namespaces.set(namespace, (counts = nothing()));
    return counts;
  }

  all(): Record<string, NamespaceTruth> {
    return Object.fromEntries([...this.namespaces].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  totals(): NamespaceTruth {
    const sum = nothing();
    for (const counts of this.namespaces.values()) {
      sum.reads += counts.reads;
      sum.hits += counts.hits;
      sum.misses += counts.misses;
      sum.writes += counts.writes;
      for (const cause of loadCauses) sum.causes[cause] += counts.causes[cause];
    }
    return sum;
  }
}

export const loadCauses = [
  ...(['expired', 'evicted', 'invalidated', 'renamed', 'neverCached', 'goneOrNew'] as const),
] as const;

function nothing(): NamespaceTruth {
  const causes = { expired: 0, evicted: 0, invalidated: 0, renamed: 0, neverCached: 0, goneOrNew: 0 };
  return { reads: 0, hits: 0, misses: 0, writes: 0, causes };
}
