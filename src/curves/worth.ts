import type { NamespaceCurves } from './what-if.ts';

/** What a namespace saves, and what its memory costs, in the currency of the map. A null: the map or the window does not say. */
export interface Worth {
  /** Hits of an hour times what a miss costs. */
  readonly savedPerHour: number | null;
  /** The same for each gigabyte that its keys take, of those that the window saw in use. */
  readonly savedPerGigabyteHour: number | null;
  readonly memoryCostPerHour: number | null;
}

export function worthOf(
  { reads, misses, activeBytes }: NamespaceCurves,
  missCost: number | null,
  gigabyteHourCost: number | null,
  windowSeconds: number,
): Worth {
  const savedPerHour =
    missCost === null || windowSeconds === 0 ? null : (((reads - misses) * 3600) / windowSeconds) * missCost;
  const gigabytes = activeBytes === null ? null : activeBytes / 1e9;
  return {
    savedPerHour,
    savedPerGigabyteHour: savedPerHour === null || !gigabytes ? null : savedPerHour / gigabytes,
    memoryCostPerHour: gigabytes === null || gigabyteHourCost === null ? null : gigabytes * gigabyteHourCost,
  };
}
