import { type Info, infoNumber } from './info.ts';

/** A node on which what is about to be written would not fit below `maxmemory`. */
export interface MemoryShortage {
  readonly address: string;
  /** What counts against `maxmemory`. */
  readonly usedBytes: number;
  readonly maxBytes: number;
  /** An estimate: what is added to what is used. */
  readonly neededBytes: number;
  readonly policy: string | null;
}

/** Null where it fits, where there is no limit, and where the node does not report its memory. */
export function shortageIn(info: Info | null, address: string, neededBytes: number): MemoryShortage | null {
  const of = (field: string) => infoNumber(info ?? {}, field);
  const [used, maxBytes] = [of('used_memory'), of('maxmemory')];
  if (used === null || maxBytes === null || maxBytes === 0) return null;
  const usedBytes = used - (of('mem_not_counted_for_evict') ?? 0);
  if (usedBytes + neededBytes <= maxBytes) return null;
  const policy = info?.['maxmemory_policy'] ?? null;
  return { address, usedBytes, maxBytes, neededBytes: Math.round(neededBytes), policy };
}
