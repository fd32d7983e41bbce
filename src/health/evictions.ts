import { infoNumber } from '../redis/info.ts';
import { sumOf as sumUp, sumOrNull } from '../support/collections.ts';
import type { TrafficReport } from '../traffic/report.ts';
import { keysOf, percent, sumOf } from './check.ts';
import type { EvictionWindow, Facts } from './facts.ts';

/** What the evictions since the counters began say of the cache as it is now. */
export interface EvictionVerdict {
  /** Over all nodes. */
  readonly evicted: number;
  /** Null where a node does not report it. */
  readonly uptimeSeconds: number | null;
  /** False: there are none, or there were and are no more. */
  readonly isNow: boolean;
  /** More than there are keys now. */
  readonly isMany: boolean;
  /** The end of a sentence that begins with their number: `, none in the last 15 s`. */
  readonly why: string;
}

/** With less of `maxmemory` in use nothing is evicted; a server that evicts stays within a few percent of it. */
const roomRatio = 0.9;

/** At the rate since the counters began a window must hold so many: else none of them in it may be chance (95 %: e^-3). */
const fewestExpected = 3;

/** Null where a node does not report them. */
export function judgeEvictions(facts: Facts): EvictionVerdict | null {
  const { nodes, evictionWindow } = facts;
  const evicted = sumOf(nodes, 'evicted_keys');
  if (evicted === null) return null;
  const uptimes = nodes.map(({ info }) => info && infoNumber(info, 'uptime_in_seconds'));
  const uptimeSeconds = uptimes.includes(null) ? null : Math.max(...uptimes.map((each) => each ?? 0));
  const isMany = evicted > (keysOf(facts)?.keys ?? Number.POSITIVE_INFINITY);
  const verdict = { evicted, uptimeSeconds, isMany };
  if (evicted === 0) return { ...verdict, isNow: false, why: '' };
  const { evictedKeys = null, windowSeconds = 0 } = evictionWindow ?? {};
  const last = `in the last ${Math.round(windowSeconds)} s`;
  const isShown =
    evictedKeys === 0 && evicted * windowSeconds >= fewestExpected * (uptimeSeconds ?? Infinity);
  const past = isShown ? `, none ${last}` : evictedKeys ? null : roomText(facts);
  if (past !== null) return { ...verdict, isNow: false, why: past };
  const recent = evictedKeys ? `, ${evictedKeys.toLocaleString('en-US')} ${last}` : '';
  const many = isMany ? ', more than there are keys now' : '';
  return { ...verdict, isNow: true, why: `${recent}${many}: the data is larger than the memory` };
}

/** Why the nodes that have evicted do so no more; null where one of them may. */
function roomText({ nodes }: Facts): string | null {
  let [most, isLimited] = [0, false];
  for (const { info } of nodes) {
    if (info === null || infoNumber(info, 'evicted_keys') === 0) continue;
    const [used, max] = [infoNumber(info, 'used_memory'), infoNumber(info, 'maxmemory')];
    if (used === null || max === null) return null;
    isLimited ||= max > 0;
    if (max > 0) most = Math.max(most, used / max);
  }
  if (!isLimited) return '; no `maxmemory` is set now';
  return most < roomRatio ? `; the memory is at ${percent(most)} of \`maxmemory\` now` : null;
}

/** What a valid observation of all keys saw of them; null where its mode cannot tell. */
export function evictionsIn({
  valid,
  mode,
  namespaces,
  notSelected,
  windowSeconds,
}: TrafficReport): EvictionWindow | null {
  const evictedKeys = sumOrNull(namespaces.map((each) => each.evictedKeys));
  const isWhole = valid && mode !== 'counters' && notSelected === null;
  return isWhole && evictedKeys !== null ? { evictedKeys, windowSeconds } : null;
}

/** Windows one after the other as one; null where none of them is known. */
export function joinWindows(
  windows: readonly ({ readonly [Name in keyof EvictionWindow]: number | null } | null)[],
): EvictionWindow | null {
  const known = windows.flatMap((each) =>
    each?.evictedKeys == null || each.windowSeconds === null
      ? []
      : { evictedKeys: each.evictedKeys, windowSeconds: each.windowSeconds },
  );
  if (known.length === 0) return null;
  const sum = (name: keyof EvictionWindow) => sumUp(known.map((each) => each[name]));
  return { evictedKeys: sum('evictedKeys'), windowSeconds: sum('windowSeconds') };
}
