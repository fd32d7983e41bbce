import type { CurveSet, MemoryPoint } from './what-if.ts';

/** What a curve comes to. A null: this window does not tell. */
export interface Answers {
  /** With the memory of today: what was counted, and with another policy what it would be. */
  readonly today: MemoryPoint | null;
  readonly half: MemoryPoint | null;
  readonly twice: MemoryPoint | null;
  /** From here on more memory adds less than it did on average up to the memory of today. */
  readonly knee: MemoryPoint | null;
  /** The smallest memory that keeps 99 % of the hits, also at the lower end of its interval; null where only today's does. */
  readonly leanest: MemoryPoint | null;
  /** Of `--target`: the smallest memory that reaches it, also at the lower end of its interval. */
  readonly forTarget: {
    readonly hitRate: number;
    readonly point: MemoryPoint | null;
    readonly isReachable: boolean | null;
  } | null;
}

/** Share of the hits of today that may go. */
const sparedHits = 0.01;

export function answersOf({ memory, hitRate }: CurveSet, target: number | null): Answers {
  const at = (share: number) => memory.find(({ timesToday }) => timesToday === share) ?? null;
  const isSure = (point: MemoryPoint, rate: number) =>
    point.hitRateInterval !== null && point.hitRateInterval[0] >= rate;
  const lean = hitRate ? memory.find((point) => isSure(point, (1 - sparedHits) * hitRate)) : undefined;
  return {
    today: at(1),
    half: at(0.5),
    twice: at(2),
    knee: kneeOf(memory),
    leanest: lean !== undefined && lean.timesToday < 1 ? lean : null,
    forTarget: target === null ? null : targetOf(memory, target, isSure),
  };
}

function targetOf(
  memory: readonly MemoryPoint[],
  target: number,
  isSure: (point: MemoryPoint, rate: number) => boolean,
): NonNullable<Answers['forTarget']> {
  const point = memory.find((each) => isSure(each, target)) ?? null;
  const highest = Math.max(...memory.map(({ hitRateInterval }) => hitRateInterval?.[1] ?? 1));
  return { hitRate: target, point, isReachable: point !== null ? true : highest < target ? false : null };
}

/**
 * The point that is highest above the straight line from the first to the last one that is known.
 * @see Satopää, Albrecht, Irwin, Raghavan: Finding a "Kneedle" in a Haystack (2011)
 */
function kneeOf(memory: readonly MemoryPoint[]): MemoryPoint | null {
  const known = memory.filter(({ hitRate }) => hitRate !== null);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < 5) return null;
  const [low, high] = [first.hitRate ?? 0, last.hitRate ?? 0];
  // A line without a bend has no knee.
  if (high - low < 0.02) return null;
  let [knee, most]: [MemoryPoint | null, number] = [null, 0.1];
  for (const point of known) {
    const along = (point.timesToday - first.timesToday) / (last.timesToday - first.timesToday);
    const above = ((point.hitRate ?? 0) - low) / (high - low) - along;
    if (above > most) [knee, most] = [point, above];
  }
  return knee;
}
