import { infoNumber } from '../../redis/info.ts';
import { judgeEvictions } from '../evictions.ts';
import { hiddenByText, judgeHitRate } from '../hit-rate.ts';
import { dataReadsOf, type LookupCounters } from '../lookups/counters.ts';
import {
  type Check,
  type Finding,
  finding,
  fromEachInfo,
  fromFacts,
  held,
  percent,
  unreported,
} from '../check.ts';
import { fewestLookups } from '../../traffic/report.ts';
import { count, ratio, ratioRange, say, seconds } from '../../support/phrase.ts';

/** Without a limit of one's own: clients beyond this share of maxclients are close to being turned away. */
const nearlyAllClients = 0.9;

export const traffic: readonly Check[] = [
  {
    id: 'hit-rate',
    assess: fromFacts(({ nodes, windowSeconds }, { minHitRate }) => {
      const lookups = nodes.flatMap(
        ({ lookups, windowLookups }) => (windowSeconds === null ? lookups : windowLookups) ?? [],
      );
      if (lookups.length < nodes.length) return unreported('keyspace_hits');
      return hitRateFinding(lookups, windowSeconds, minHitRate);
    }),
  },
  {
    id: 'evictions',
    assess: fromFacts((facts, { maxEvictedKeys: limit }) => {
      const verdict = judgeEvictions(facts);
      if (verdict === null) return unreported('evicted_keys');
      const { evicted, uptimeSeconds, isNow, why } = verdict;
      const since = uptimeSeconds === null ? say` since the start` : say` in ${seconds(uptimeSeconds)}`;
      const evidence = { evictedKeys: evicted, uptimeSeconds };
      const remedy = 'raise `maxmemory`, or shorten TTLs: `cachectl inspect` shows what takes the memory';
      const figure = { value: evicted, limit, unit: 'count' as const, evidence, remedy };
      const found = [...(evicted === 0 ? say`none` : say`${count(evicted, 'key')} evicted`), ...since];
      if (limit !== undefined) return held(figure, found);
      return finding(isNow ? 'warn' : 'pass', [...found, why], { ...figure, remedy: isNow ? remedy : null });
    }),
    grade: ({ status, value, limit }, facts) => {
      const verdict = judgeEvictions(facts);
      if (!value || verdict === null || (status === 'pass' && limit !== null)) return null;
      const { evicted, isMany, isNow, why } = verdict;
      const keys = `${evicted.toLocaleString('en-US')} ${evicted === 1 ? 'key' : 'keys'}`;
      const text = `${keys} evicted since the start${why}`;
      if (status === 'pass') return { points: 0, tone: 'plain', text };
      return { points: isMany && isNow ? 15 : 5, tone: 'warning', text };
    },
  },
  {
    id: 'clients',
    assess: fromEachInfo((info, { maxClients }) => {
      const connected = infoNumber(info, 'connected_clients');
      if (connected === null) return unreported('connected_clients');
      const allowed = infoNumber(info, 'maxclients');
      const evidence = { connectedClients: connected, maxClients: allowed };
      const figure = { value: connected, limit: maxClients, unit: 'count' as const, evidence };
      const found =
        allowed === null
          ? say`${count(connected, 'client')} connected`
          : say`${count(connected)} of ${count(allowed, 'client')} connected`;
      const remedy = '`CLIENT LIST` shows who they are; look for a pool that leaks connections';
      const answer = held({ ...figure, remedy }, found);
      if (answer.status === 'fail' || allowed === null || connected < allowed * nearlyAllClients)
        return answer;
      return finding('warn', [...found, ': the server soon turns new ones away'], {
        ...figure,
        remedy: 'raise `maxclients`, or look with `CLIENT LIST` for a pool that leaks connections',
      });
    }),
  },
];

/**
 * A limit that is not shown to be reached fails, for a gate does not pass on what is not shown. Of the default a miss only warns, and
 * what is not shown either way is not judged, as in the grade.
 */
function hitRateFinding(
  nodes: readonly LookupCounters[],
  windowSeconds: number | null,
  limit: number | undefined,
): Finding {
  const dataReads = dataReadsOf(nodes);
  const { kind, reads, low, high, target } = judgeHitRate(dataReads, limit);
  const evidence = {
    hits: nodes.reduce((sum, { hits }) => sum + hits, 0),
    misses: nodes.reduce((sum, { misses }) => sum + misses, 0),
    ownHits: dataReads.ownHits,
    ownMisses: dataReads.ownMisses,
    metadataLookups: dataReads.metadataLookups,
    dataReads: reads,
    dataHits: dataReads.hits,
    dataMisses: dataReads.misses,
    unclearReads: dataReads.unclear,
    hitRateLow: reads === 0 ? null : low,
    hitRateHigh: reads === 0 ? null : high,
    windowSeconds,
    ledgerDamage: nodes.find(({ damage }) => damage !== null)?.damage ?? null,
  };
  const when = windowSeconds === null ? [] : say` in ${seconds(windowSeconds)}`;
  if (kind === 'few') {
    const few = say`${count(reads, 'read')} of data`;
    return finding(
      'skip',
      reads === 0
        ? [...say`no traffic to judge`, ...when]
        : [...few, ...when, ...say`, too few to judge (${count(fewestLookups)} are needed)`],
      { evidence, limit, unit: 'ratio' },
    );
  }
  // The reads of a window are counted by this run alone.
  const damage = windowSeconds === null ? evidence.ledgerDamage : null;
  const hidden = hiddenByText(dataReads);
  const against = limit === undefined ? say`default target` : say`limit`;
  const verdict =
    kind === 'missed'
      ? [', below the ', ...against, ...say` of ${ratio(target)}`]
      : kind === 'unclear'
        ? [
            ...say`, not shown to reach the `,
            ...against,
            ...say` of ${ratio(target)}: ${hidden ?? 'lookups that read no data'} hide it`,
          ]
        : null;
  const isRange = percent(low) !== percent(high) && hidden !== null && verdict === null;
  const message = [
    ...say`${ratioRange(low, high)} of ${count(reads, 'read')}`,
    ...when,
    ...(verdict ?? []),
    ...(isRange ? say`: a range, for ${hidden} read no data, and may or may not have hit` : []),
    ...(damage === null ? [] : say`; lookups of earlier runs of cachectl are not all known: ${damage}`),
  ];
  const whereNotReached = limit !== undefined ? 'fail' : kind === 'missed' ? 'warn' : 'skip';
  const status = verdict !== null ? whereNotReached : damage === null ? 'pass' : 'warn';
  const remedy =
    kind === 'missed'
      ? '`cachectl stats --window 10s` measures it as it is now; `cachectl inspect` shows how long the keys live'
      : verdict !== null
        ? '`cachectl check --window 30s` judges the traffic of that time; `cachectl stats --hits 10s` observes it by namespace'
        : '`cachectl check --window 30s` judges the traffic of that time';
  return finding(status, message, {
    ...{ value: low, limit, unit: 'ratio', evidence },
    ...(status !== 'pass' && { remedy }),
  });
}
