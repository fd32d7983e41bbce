/** What a grade is made from. Ratios from 0 to 1; null: not known. */
export interface GradeFacts {
  readonly hits: number | null;
  readonly misses: number | null;
  /** The map's `minHitRate`, or null for the default. */
  readonly hitRateTarget: number | null;
  readonly usedBytes: number | null;
  /** Null: no limit is set. */
  readonly maxBytes: number | null;
  readonly policy: string | null;
  readonly fragmentation: number | null;
  readonly evictedKeys: number | null;
  readonly keys: number;
  /** Null where the server did not tell. */
  readonly keysWithTtl: number | null;
}

export interface GradeReason {
  readonly rule: string;
  /** Points taken off; 0: held, or not judged. */
  readonly points: number;
  readonly tone: 'good' | 'warning' | 'bad' | 'plain';
  readonly text: string;
}

export interface Grade {
  /** Null where too little is known to judge. */
  readonly letter: 'A' | 'B' | 'C' | 'D' | 'F' | null;
  readonly reasons: readonly GradeReason[];
}

/** Held where the map states no target: the lowest of the usual advice for caches. */
export const defaultHitRateTarget = 0.8;
/** With fewer lookups a hit rate says more about chance than about the cache. */
export const fewestLookups = 100;

const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`;

/** Judges a cache: 100 points less what each rule takes off; 90 is an A, then a letter for every ten points. */
export function gradeOf(facts: GradeFacts): Grade {
  const reasons = [
    hitRateReason(facts),
    memoryReason(facts),
    evictionReason(facts),
    fragmentationReason(facts),
    ttlReason(facts),
  ].flat();
  const judged = reasons.some(({ tone }) => tone !== 'plain');
  const score = reasons.reduce((left, { points }) => left - points, 100);
  const letter = score >= 90 ? 'A' : score >= 80 ? 'B' : score >= 70 ? 'C' : score >= 60 ? 'D' : 'F';
  return { letter: judged ? letter : null, reasons };
}

function hitRateReason({ hits, misses, hitRateTarget }: GradeFacts): GradeReason[] {
  if (hits === null || misses === null) return [];
  const lookups = hits + misses;
  const rule = 'hit-rate';
  if (lookups < fewestLookups) {
    return [{ rule, points: 0, tone: 'plain', text: `hit rate not judged: only ${lookups} lookups` }];
  }
  const rate = hits / lookups;
  const target = hitRateTarget ?? defaultHitRateTarget;
  const against = `${percent(target)} ${hitRateTarget === null ? '(the default target)' : 'in the map'}`;
  if (rate >= target)
    return [{ rule, points: 0, tone: 'good', text: `hit rate ${percent(rate)} reaches ${against}` }];
  // A rate of half the target costs half of the 60 points.
  const points = Math.max(10, Math.round(60 * (1 - rate / target)));
  return [{ rule, points, tone: 'bad', text: `hit rate ${percent(rate)} is below ${against}` }];
}

function memoryReason({ usedBytes, maxBytes, policy }: GradeFacts): GradeReason[] {
  const rule = 'memory';
  if (usedBytes === null) return [];
  if (maxBytes === null) {
    return [
      {
        rule,
        points: 5,
        tone: 'warning',
        text: 'no `maxmemory` is set: nothing stops the cache from filling the machine',
      },
    ];
  }
  const ratio = usedBytes / maxBytes;
  if (ratio < 0.9)
    return [{ rule, points: 0, tone: 'good', text: `memory at ${percent(ratio)} of \`maxmemory\`` }];
  const fails = policy === 'noeviction';
  return [
    {
      rule,
      points: fails ? 25 : 5,
      tone: fails ? 'bad' : 'warning',
      text: `memory at ${percent(ratio)} of \`maxmemory\`${fails ? ', and `noeviction` refuses writes when it is full' : ''}`,
    },
  ];
}

function evictionReason({ evictedKeys, keys }: GradeFacts): GradeReason[] {
  if (evictedKeys === null || evictedKeys === 0) return [];
  const many = evictedKeys > keys;
  return [
    {
      rule: 'evictions',
      points: many ? 15 : 5,
      tone: 'warning',
      text: `${evictedKeys.toLocaleString('en-US')} keys evicted since the start${many ? ', more than there are keys now' : ''}: the data is larger than the memory`,
    },
  ];
}

function fragmentationReason({ fragmentation, usedBytes }: GradeFacts): GradeReason[] {
  // The ratio of a small dataset is that of the process, not of the data.
  if (fragmentation === null || usedBytes === null || usedBytes < 100e6 || fragmentation <= 1.5) return [];
  return [
    {
      rule: 'fragmentation',
      points: 10,
      tone: 'warning',
      text: `fragmentation ${fragmentation.toFixed(2)}: the process holds that many times the bytes it uses`,
    },
  ];
}

function ttlReason({ keys, keysWithTtl, policy }: GradeFacts): GradeReason[] {
  if (keysWithTtl === null || keys === 0) return [];
  const share = Math.max(0, 1 - keysWithTtl / keys);
  if (share <= 0.2 || policy?.startsWith('allkeys') === true) return [];
  return [
    {
      rule: 'keys-without-ttl',
      points: 10,
      tone: 'warning',
      text: `${percent(share)} of the keys have no TTL, and the policy \`${policy ?? 'unknown'}\` never evicts them`,
    },
  ];
}
