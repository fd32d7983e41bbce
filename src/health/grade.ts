/** What a grade is made from. Ratios from 0 to 1; null: not known. */
export interface GradeFacts {
  /** Lookups since the server started. */
  readonly lifetime: LookupCounts | null;
  /** Lookups over the last seconds, where these were measured: what happens now says more than a lifetime. */
  readonly window: LookupCounts | null;
  /** The map's `minHitRate`, or null for the default. */
  readonly hitRateTarget: number | null;
  readonly usedBytes: number | null;
  /** Null: no limit is set. */
  readonly maxBytes: number | null;
  readonly policy: string | null;
  readonly fragmentation: number | null;
  /** Since the server started. */
  readonly evictedKeys: number | null;
  /** Of all databases, as `keysWithTtl`. */
  readonly keys: number;
  readonly keysWithTtl: number;
}

export interface LookupCounts {
  readonly hits: number;
  readonly misses: number;
}

export interface GradeReason {
  readonly rule: string;
  /** Points taken off; 0: held, or not judged. */
  readonly points: number;
  readonly tone: 'good' | 'warning' | 'bad' | 'plain';
  readonly text: string;
}

export interface Grade {
  /** Null where there are too few lookups to say what the cache is worth. */
  readonly letter: 'A' | 'B' | 'C' | 'D' | 'F' | null;
  readonly reasons: readonly GradeReason[];
}

/** Held where the map states no target: the lowest of the usual advice for caches. */
export const defaultHitRateTarget = 0.8;
/** With fewer lookups a hit rate says more about chance than about the cache. */
export const fewestLookups = 100;

/** Judges a cache: 100 points less what each rule takes off; 90 is an A, then a letter for every ten points. */
export function gradeOf(facts: GradeFacts): Grade {
  const lookups = lookupsOf(facts);
  const reasons = [
    ...(lookups === null ? [] : [hitRateReason(lookups, facts.hitRateTarget)]),
    ...memoryReason(facts),
    ...evictionReason(facts),
    ...fragmentationReason(facts),
    ...ttlReason(facts),
  ];
  const score = reasons.reduce((left, { points }) => left - points, 100);
  const letter = score >= 90 ? 'A' : score >= 80 ? 'B' : score >= 70 ? 'C' : score >= 60 ? 'D' : 'F';
  return { letter: lookups !== null && areEnough(lookups) ? letter : null, reasons };
}

/** The window, unless only the lifetime has enough to judge by. */
function lookupsOf({ lifetime, window }: GradeFacts): (LookupCounts & { span: string }) | null {
  if (window !== null && (lifetime === null || areEnough(window) || !areEnough(lifetime)))
    return { ...window, span: ' in the window' };
  return lifetime && { ...lifetime, span: '' };
}

const areEnough = ({ hits, misses }: LookupCounts) => hits + misses >= fewestLookups;

function hitRateReason(
  { hits, misses, span }: LookupCounts & { readonly span: string },
  hitRateTarget: number | null,
): GradeReason {
  const rule = 'hit-rate';
  const lookups = hits + misses;
  if (lookups < fewestLookups) {
    const few = lookups === 0 ? 'no lookups' : lookups === 1 ? 'only 1 lookup' : `only ${lookups} lookups`;
    return { rule, points: 0, tone: 'plain', text: `hit rate not judged: ${few}${span || ' so far'}` };
  }
  const rate = hits / lookups;
  const target = hitRateTarget ?? defaultHitRateTarget;
  const found = `hit rate ${percent(rate)}${span}`;
  const against =
    hitRateTarget === null
      ? `the default target of ${percent(target)}`
      : `the map's target of ${percent(target)}`;
  if (rate >= target) return { rule, points: 0, tone: 'good', text: `${found} reaches ${against}` };
  // A rate of half the target costs half of the 60 points.
  const points = Math.max(10, Math.round(60 * (1 - rate / target)));
  return { rule, points, tone: 'bad', text: `${found} is below ${against}` };
}

function memoryReason({ usedBytes, maxBytes, policy }: GradeFacts): GradeReason[] {
  const rule = 'memory';
  if (usedBytes === null) return [];
  if (maxBytes === null) {
    const text = 'no `maxmemory` is set: nothing stops the cache from filling the machine';
    return [{ rule, points: 5, tone: 'warning', text }];
  }
  const ratio = usedBytes / maxBytes;
  const found = `memory at ${percent(ratio)} of \`maxmemory\``;
  if (ratio < 0.9) return [{ rule, points: 0, tone: 'good', text: found }];
  if (policy !== 'noeviction') return [{ rule, points: 5, tone: 'warning', text: found }];
  const text = `${found}, and \`noeviction\` refuses writes when it is full`;
  return [{ rule, points: 25, tone: 'bad', text }];
}

function evictionReason({ evictedKeys, keys }: GradeFacts): GradeReason[] {
  if (evictedKeys === null || evictedKeys === 0) return [];
  const many = evictedKeys > keys;
  const evicted = `${evictedKeys.toLocaleString('en-US')} ${evictedKeys === 1 ? 'key' : 'keys'} evicted since the start`;
  const text = `${evicted}${many ? ', more than there are keys now' : ''}: the data is larger than the memory`;
  return [{ rule: 'evictions', points: many ? 15 : 5, tone: 'warning', text }];
}

function fragmentationReason({ fragmentation, usedBytes }: GradeFacts): GradeReason[] {
  // The ratio of a small dataset is that of the process, not of the data.
  if (fragmentation === null || usedBytes === null || usedBytes < 100e6 || fragmentation <= 1.5) return [];
  const text = `fragmentation ${fragmentation.toFixed(2)}: the process holds that many times the bytes it uses`;
  return [{ rule: 'fragmentation', points: 10, tone: 'warning', text }];
}

function ttlReason({ keys, keysWithTtl, policy }: GradeFacts): GradeReason[] {
  if (keys === 0 || policy === null || policy.startsWith('allkeys')) return [];
  const share = 1 - keysWithTtl / keys;
  if (share <= 0.2) return [];
  const text = `${percent(share)} of the keys have no TTL, and the policy \`${policy}\` never evicts them`;
  return [{ rule: 'keys-without-ttl', points: 10, tone: 'warning', text }];
}

/** One decimal; what is not everything never reads 100 %. */
function percent(ratio: number): string {
  const tenths = Math.round(ratio * 1000);
  return `${((ratio < 1 ? Math.min(tenths, 999) : tenths) / 10).toFixed(1)} %`;
}
