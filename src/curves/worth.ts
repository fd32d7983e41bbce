import type { Interval } from '../support/intervals.ts';
import { sumOf } from '../support/collections.ts';
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

/** What another size of memory would save in an hour, and cost. A null: the map or the window does not say. */
export interface ChangeWorth {
  /** Fewer misses times what they cost, of the namespaces that have a cost; below 0: more is lost. */
  readonly savedPerHour: number | null;
  /** From the intervals of all namespaces at once, so it is wide rather than narrow. */
  readonly savedPerHourInterval: Interval | null;
  /** Below 0: less is spent. */
  readonly memoryCostPerHour: number | null;
}

/** @param share Of the memory of today. @param missCostOf By the name of a namespace; null: the map gives none. */
export function worthOfChange(
  share: number,
  namespaces: readonly NamespaceCurves[],
  missCostOf: (namespace: string) => number | null,
  gigabyteHourCost: number | null,
  { todayBytes, windowSeconds }: { readonly todayBytes: number; readonly windowSeconds: number },
): ChangeWorth {
  const changes = namespaces.flatMap(({ namespace, memory, reads, hitRate }) => {
    const missCost = missCostOf(namespace);
    if (missCost === null || hitRate === null) return [];
    const point = memory.find(({ timesToday }) => timesToday === share);
    const costPerHour = windowSeconds === 0 ? null : (reads * 3600 * missCost) / windowSeconds;
    const saved = (rate: number | null | undefined) =>
      rate == null || costPerHour === null ? null : (rate - hitRate) * costPerHour;
    return [[point?.hitRate, point?.hitRateInterval?.[0], point?.hitRateInterval?.[1]].map(saved)];
  });
  const sums = [0, 1, 2].map((index) => {
    const amounts = changes.map((change) => change[index] ?? null);
    return amounts.length === 0 || amounts.includes(null)
      ? null
      : sumOf(amounts.map((amount) => amount ?? 0));
  });
  const [savedPerHour = null, low = null, high = null] = sums;
  return {
    savedPerHour,
    savedPerHourInterval: low === null || high === null ? null : [low, high],
    memoryCostPerHour: gigabyteHourCost === null ? null : ((share - 1) * todayBytes * gigabyteHourCost) / 1e9,
  };
}
