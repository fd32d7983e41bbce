import { type Info, infoNumber } from '../../redis/info.ts';
import {
  type Check,
  type Finding,
  finding,
  fromEachInfo,
  fromFacts,
  keysOf,
  measured,
  percent,
  unreported,
} from '../check.ts';
import { bytes, number, ratio, say } from '../../support/phrase.ts';

/** Without a limit of one's own: a server that may not evict is nearly full. */
const nearlyFullRatio = 0.9;

/** Without a limit of one's own: the process takes half as much again as its data needs. */
const notableFragmentation = 1.5;

/** What the ratio is about must be more than the program itself, which takes about 10 MB beside its data. */
const judgedFragmentationBytes = 32 * 2 ** 20;

/** Of keys that the policy never evicts. */
const mostKeysWithoutTtl = 0.2;

export const memory: readonly Check[] = [
  {
    id: 'memory',
    title: 'Memory',
    question: 'is there room below maxmemory?',
    assess: fromEachInfo((info, limits) => {
      const used = infoNumber(info, 'used_memory');
      const max = infoNumber(info, 'maxmemory');
      if (used === null) return unreported('used_memory');
      if (max === null) return unreported('maxmemory');
      const policy = info['maxmemory_policy'] ?? null;
      const evidence = { usedBytes: used, maxBytes: max === 0 ? null : max, policy };
      return max === 0
        ? unlimited(used, limits.maxMemoryRatio, evidence)
        : limited(used, max, policy, limits.maxMemoryRatio, evidence);
    }),
    grade: gradeOfMemory,
  },
  {
    id: 'fragmentation',
    title: 'Fragmentation',
    question: 'does the process take about the memory that its data needs?',
    assess: fromEachInfo((info, limits) => fragmentationOf(info, limits.maxFragmentation)),
    grade: ({ status, value }) =>
      (status !== 'warn' && status !== 'fail') || value === null
        ? null
        : {
            points: 10,
            tone: 'warning',
            text: `fragmentation ${value.toFixed(2)}: the process holds that many times the bytes it uses`,
          },
  },
  {
    id: 'keys-without-ttl',
    title: 'Keys without a TTL',
    question: 'do the keys end, or can they be evicted?',
    gradeOnly: true,
    assess: fromFacts((facts) => {
      const { keys = 0, keysWithTtl = null } = keysOf(facts) ?? {};
      const policy = facts.nodes[0]?.info?.['maxmemory_policy'];
      if (policy === undefined) return unreported('maxmemory_policy');
      if (keysWithTtl === null || keys === 0) return finding('skip', say`there are no keys to judge`);
      const share = 1 - keysWithTtl / keys;
      const figure = { value: share, limit: mostKeysWithoutTtl, unit: 'ratio' as const };
      return policy.startsWith('allkeys') || share <= mostKeysWithoutTtl
        ? measured('pass', say`${ratio(share)} of the keys have no TTL, policy ${policy}`, figure)
        : measured(
            'warn',
            say`${ratio(share)} of the keys have no TTL, and the policy \`${policy}\` never evicts them`,
            figure,
            { evidence: { policy } },
          );
    }),
    grade: ({ status, value, evidence: { policy } }) =>
      status !== 'warn' || value === null
        ? null
        : {
            points: 10,
            tone: 'warning',
            text: `${percent(value)} of the keys have no TTL, and the policy \`${String(policy)}\` never evicts them`,
          },
  },
];

function gradeOfMemory({
  status,
  message,
  value,
  limit,
  unit,
  evidence,
}: Finding): ReturnType<NonNullable<Check['grade']>> {
  if (value === null) {
    const why = message.filter((part) => typeof part === 'string').join('');
    return { points: 0, tone: 'plain', text: `memory not judged: ${why}` };
  }
  if (unit === 'bytes')
    return {
      points: 5,
      tone: 'warning',
      text: 'no `maxmemory` is set: nothing stops the cache from filling the machine',
    };
  const found = `memory at ${percent(value)} of \`maxmemory\``;
  if (status === 'pass')
    return value < nearlyFullRatio
      ? { points: 0, tone: 'good', text: found }
      : { points: 5, tone: 'warning', text: found };
  const why =
    evidence['policy'] === 'noeviction'
      ? ', and `noeviction` refuses writes when it is full'
      : `, above the limit of ${percent(limit ?? nearlyFullRatio)}`;
  return { points: 25, tone: 'bad', text: found + why };
}

type Evidence = Readonly<Record<string, string | number | null>>;

function unlimited(used: number, limit: number | undefined, evidence: Evidence) {
  const figure = { value: used, limit: undefined, unit: 'bytes' as const };
  if (limit === undefined)
    return measured('pass', say`${bytes(used)} used, no maxmemory`, figure, { evidence });
  return measured('warn', say`${bytes(used)} used, no maxmemory to hold it against`, figure, {
    evidence,
    remedy: 'set `maxmemory` on the server, or take `maxMemoryRatio` out of the thresholds',
  });
}

function limited(
  used: number,
  max: number,
  policy: string | null,
  limit: number | undefined,
  evidence: Evidence,
) {
  const share = used / max;
  const figure = { value: share, limit, unit: 'ratio' as const };
  const facts = say`${ratio(share)} of ${bytes(max)} used, policy ${policy ?? 'not reported'}`;
  const evicts = policy === null ? null : policy !== 'noeviction';
  if (limit !== undefined && share > limit) {
    const message = say`${ratio(share)} of ${bytes(max)} used, above the limit of ${ratio(limit)}`;
    return measured('fail', message, figure, {
      evidence,
      remedy:
        evicts !== false
          ? '`cachectl inspect` shows what takes the memory, and which namespaces hold keys without a TTL'
          : 'writes fail at 100 %: raise `maxmemory`, or choose a policy that evicts',
    });
  }
  if (limit === undefined && evicts === false && share >= nearlyFullRatio) {
    return measured(
      share >= 1 ? 'fail' : 'warn',
      [...facts, share >= 1 ? ': writes are refused' : ': writes fail once it is full'],
      figure,
      { evidence, remedy: 'raise `maxmemory`, or choose a policy that evicts, such as `allkeys-lru`' },
    );
  }
  return measured('pass', facts, figure, { evidence });
}

function fragmentationOf(info: Info, limit: number | undefined) {
  const used = infoNumber(info, 'used_memory');
  const resident = infoNumber(info, 'used_memory_rss');
  const fragmentation = infoNumber(info, 'mem_fragmentation_ratio');
  if (used === null || fragmentation === null) return unreported('mem_fragmentation_ratio');
  const wasted =
    infoNumber(info, 'mem_fragmentation_bytes') ?? (resident === null ? null : Math.max(0, resident - used));
  if (wasted === null) return unreported('mem_fragmentation_bytes');
  const figure = { value: fragmentation, limit, unit: 'number' as const };
  const evidence = { fragmentation, fragmentationBytes: wasted, residentMemoryBytes: resident };
  const facts = say`ratio ${number(fragmentation)}: ${bytes(Math.max(0, wasted))} more than is used`;
  if (fragmentation <= (limit ?? notableFragmentation)) return measured('pass', facts, figure, { evidence });
  if (wasted < judgedFragmentationBytes) {
    return measured(
      limit === undefined ? 'pass' : 'skip',
      say`ratio ${number(fragmentation)}, of ${bytes(Math.max(0, wasted))} only: too little to judge`,
      figure,
      { evidence },
    );
  }
  const remedy = '`CONFIG SET activedefrag yes` packs the memory while the server runs; a restart does too';
  return limit === undefined
    ? measured('warn', facts, figure, { evidence, remedy })
    : measured('fail', say`ratio ${number(fragmentation)}, above the limit of ${number(limit)}`, figure, {
        evidence,
        remedy,
      });
}
