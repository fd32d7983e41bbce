import type { Fault } from '../../sandbox/faults.ts';
import type { SystemName } from '../../sandbox/systems.ts';

/** What `sandbox` gives once its server is ready. */
export interface SandboxResult {
  readonly url: string;
  /** The map that fits the data. */
  readonly config: string;
  readonly system: SystemName;
  readonly keys: number;
  readonly seed: number;
  /** What serves: `redis-server`, `valkey-server` or `container`. */
  readonly product: string;
  /** What goes wrong on purpose. */
  readonly fault: SandboxFault | null;
}

/** A fault, the namespaces that it hits, and the cause that nearly all of their misses have. */
export type SandboxFault = Omit<Fault, 'families'>;
