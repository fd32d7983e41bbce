import { type Info, infoNumber } from '../../redis/info.ts';
import {
  type Check,
  type Finding,
  type PartOfGrade,
  finding,
  fromEachInfo,
  fromFacts,
  keysOf,
  held,
  percent,
  unreported,
} from '../check.ts';
import { bytes, number, ratio, say } from '../../support/phrase.ts';

/** Without a limit of one's own: a server that may not evict is nearly full. */
const nearlyFullRatio = 0.9;

/** Without a limit of one's own: the process takes half as much again as its data needs. */
const notableFragmentation = 1.5;

/** What the ratio is about must be more than the program itself, which takes about 10 MB in addition to its data. */
export const judgedFragmentationBytes = 32 * 2 ** 20;

export const noLimitText = 'no `maxmemory`: the cache can fill the machine';

/** Of keys that the policy never evicts. */
const mostKeysWithoutTtl = 0.2;

export const memory: readonly Check[] = [
  {
    id: 'memory',
    assess: fromEachInfo((info, limits) => {
      const used = infoNumber(info, 'used_memory');
      const max = infoNumber(info, 'maxmemory');
      if (used === null) return unreported('used_memory');
      if (max === null) return unreported('maxmemory');
      return memoryOf(used, max, info['maxmemory_policy'] ?? null, limits.maxMemoryRatio);
    }),
    grade: gradeOfMemory,
  },
  {
    id: 'fragmentation',
    assess: fromEachInfo((info, limits) => fragmentationOf(info, limits.maxFragmentation)),
    grade: ({ status, value }) => {
      if ((status !== 'warn' && status !== 'fail') || value === null) return null;
      const text = `fragmentation ${value.toFixed(2)}: the process holds that many times the bytes it uses`;
      return { points: 10, tone: 'warning', text };
    },
  },
  {
    id: 'keys-without-ttl',
    assess: fromFacts((facts) => {
      const { keys = 0, keysWithTtl = null } = keysOf(facts) ?? {};
      const policy = facts.nodes[0]?.info?.['maxmemory_policy'];
      if (policy === undefined) return unreported('maxmemory_policy');
      if (keysWithTtl === null || keys === 0) return finding('skip', say`there are no keys to judge`);
      const share = 1 - keysWithTtl / keys;
      const figure = {
        value: share,
        limit: mostKeysWithoutTtl,
        unit: 'ratio' as const,
        evidence: { policy },
      };
      return policy.startsWith('allkeys') || share <= mostKeysWithoutTtl
        ? finding('pass', say`${ratio(share)} of the keys have no TTL, policy ${policy}`, figure)
        : finding(
            'warn',
            say`${ratio(share)} of the keys have no TTL, and the policy \`${policy}\` never evicts them`,
            figure,
          );
    }),
    grade: ({ status, value, evidence: { policy } }) => {
      if (status !== 'warn' || value === null) return null;
      const text = `${percent(value)} of the keys have no TTL, and the policy \`${String(policy)}\` never evicts them`;
      return { points: 10, tone: 'warning', text };
    },
  },
];

function gradeOfMemory({ status, message, value, limit, unit, evidence }: Finding): PartOfGrade {
  if (value === null) {
    const why = message.filter((part) => typeof part === 'string').join('');
    return { points: 0, tone: 'plain', text: `memory not judged: ${why}` };
  }
  if (unit === 'bytes') {
    return { points: 5, tone: 'warning', text: noLimitText };
  }
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

/** @param max 0: no `maxmemory` is set */
function memoryOf(used: number, max: number, policy: string | null, limit: number | undefined): Finding {
  const evidence = { usedBytes: used, maxBytes: max === 0 ? null : max, policy };
  if (max === 0) {
    const figure = { value: used, unit: 'bytes' as const, evidence };
    if (limit === undefined) return finding('pass', say`${bytes(used)} used, no maxmemory`, figure);
    const remedy = 'set `maxmemory` on the server, or take `maxMemoryRatio` out of the thresholds';
    return finding('warn', say`${bytes(used)} used, no maxmemory to hold it against`, { ...figure, remedy });
  }
  const share = used / max;
  const figure = { value: share, limit, unit: 'ratio' as const, evidence };
  const inShort = say`${ratio(share)} of ${bytes(max)} used`;
  const found = [...inShort, `, policy ${policy ?? 'not reported'}`];
  if (limit === undefined && policy === 'noeviction' && share >= nearlyFullRatio) {
    const remedy = 'raise `maxmemory`, or choose a policy that evicts, such as `allkeys-lru`';
    return share >= 1
      ? finding('fail', [...found, ': writes are refused'], { ...figure, remedy })
      : finding('warn', [...found, ': writes fail once it is full'], { ...figure, remedy });
  }
  const remedy =
    policy === 'noeviction'
      ? 'writes fail at 100 %: raise `maxmemory`, or choose a policy that evicts'
      : '`cachectl inspect` shows what takes the memory, and which namespaces hold keys without a TTL';
  return held({ ...figure, remedy }, found, inShort);
}

function fragmentationOf(info: Info, limit: number | undefined) {
  const used = infoNumber(info, 'used_memory');
  const resident = infoNumber(info, 'used_memory_rss');
  const fragmentation = infoNumber(info, 'mem_fragmentation_ratio');
  if (used === null || fragmentation === null) return unreported('mem_fragmentation_ratio');
  const wasted =
    infoNumber(info, 'mem_fragmentation_bytes') ?? (resident === null ? null : Math.max(0, resident - used));
  if (wasted === null) return unreported('mem_fragmentation_bytes');
  const evidence = { fragmentation, fragmentationBytes: wasted, residentMemoryBytes: resident };
  const figure = { value: fragmentation, limit, unit: 'number' as const, evidence };
  const inShort = say`ratio ${number(fragmentation)}`;
  const found = [...inShort, ...say`: ${bytes(Math.max(0, wasted))} more than is used`];
  if (fragmentation <= (limit ?? notableFragmentation)) return finding('pass', found, figure);
  if (wasted < judgedFragmentationBytes) {
    const message = [...inShort, ...say`, of ${bytes(Math.max(0, wasted))} only: too little to judge`];
    return finding(limit === undefined ? 'pass' : 'skip', message, figure);
  }
  const remedy = '`CONFIG SET activedefrag yes` packs the memory while the server runs; a restart does too';
  return limit === undefined
    ? finding('warn', found, { ...figure, remedy })
    : held({ ...figure, remedy }, found, inShort);
}
