import type { Answers } from '../../curves/answers.ts';
import type { TtlPoint } from '../../curves/ttl-curve.ts';
import type { MemoryPoint, NamespaceCurves, WhatIf } from '../../curves/what-if.ts';
import type { ChangeWorth, Worth } from '../../curves/worth.ts';
import type { RestoreOutcome } from '../../traffic/notifications/put-back.ts';
import { blankOf } from '../blank.ts';

/** One namespace with its curves, and what it comes to. */
export interface NamespaceAnswer extends NamespaceCurves, Worth {
  /** Of the memory of all keys that the window saw in use. */
  readonly memoryShare: number | null;
}

export interface WhatifResult extends Omit<WhatIf, 'whole' | 'namespaces'>, Answers {
  /** The URL without its password. */
  readonly server: { readonly address: string };
  /** When the window ended, ISO 8601. */
  readonly endedAt: string;
  readonly windowSeconds: number;
  /** False where the window could not be observed whole. */
  readonly valid: boolean;
  readonly invalidReasons: readonly string[];
  readonly remarks: readonly string[];
  /** The file that the window was read from; null: it was observed. */
  readonly from: string | null;
  /** By which keys are evicted in these figures. */
  readonly policy: string;
  /** The `maxmemory-policy` of the server. */
  readonly serverPolicy: string | null;
  /** False: nothing was evicted, and more memory gives nothing. */
  readonly hasEvicted: boolean;
  readonly reads: number;
  readonly misses: number;
  readonly hitRate: number | null;
  readonly modelledHitRate: number | null;
  /** With each size of memory. */
  readonly memory: readonly MemoryPoint[];
  /** With each TTL for all keys. */
  readonly ttl: readonly TtlPoint[];
  readonly namespaces: readonly NamespaceAnswer[];
  /** What half the memory would save and cost, and twice the memory. */
  readonly halfWorth: ChangeWorth | null;
  readonly twiceWorth: ChangeWorth | null;
  /** What a gigabyte costs in an hour, by the map. */
  readonly gigabyteHourCost: number | null;
  /** What became of `notify-keyspace-events` on each node. */
  readonly notifications: readonly RestoreOutcome[];
}

export const blankWhatif = blankOf<WhatifResult>()(`
  server endedAt windowSeconds valid invalidReasons[] remarks[] from policy serverPolicy hasEvicted reads misses hitRate
  modelledHitRate todayBytes seenShare today half halfWorth twice twiceWorth knee leanest forTarget memory[] ttl[] namespaces[] gigabyteHourCost
  sampledKeys sampledAccesses sampleRate distinctKeys sizesKnown notifications[]
`);
