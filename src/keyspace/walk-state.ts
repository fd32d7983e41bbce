import type { WalkAccount } from '../redis/account.ts';
import type { CollectorState } from './collector.ts';

/** A walk half-way, as far as another process needs it to go on. */
export interface WalkState {
  /** By node: which process of the server it was, and what its walk had done. */
  readonly nodes: readonly { readonly runId: string | null; readonly account: WalkAccount }[];
  readonly collected: CollectorState;
}
