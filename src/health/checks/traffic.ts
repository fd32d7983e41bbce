import { infoNumber } from '../../redis/info.ts';
import {
  type Check,
  finding,
  fromEachInfo,
  fromInfo,
  measured,
  type NodeInfo,
  unreported,
} from '../check.ts';
import { fewestLookups } from '../../traffic/report.ts';
import { count, ratio, say, seconds } from '../phrase.ts';

/** Without a limit of one's own: clients beyond this share of maxclients are close to being turned away. */
const nearlyAllClients = 0.9;

export const traffic: readonly Check[] = [
  {
    id: 'hit-rate',
    title: 'Hit rate',
    question: 'does the cache answer from memory often enough?',
    assess: fromInfo((nodes, { minHitRate }) => {
      const hits = sumOf(nodes, 'keyspace_hits');
      const misses = sumOf(nodes, 'keyspace_misses');
      if (hits === null || misses === null) return unreported('keyspace_hits');
      const lookups = hits + misses;
      const evidence = { hits, misses };
      if (lookups < fewestLookups) {
        return finding(
          'skip',
          lookups === 0
            ? say`no traffic yet`
            : say`${count(lookups, 'lookup')} so far, too few to judge (${count(fewestLookups)} are needed)`,
          { evidence, limit: minHitRate ?? null, unit: 'ratio' },
        );
      }
      const hitRate = hits / lookups;
      const figure = { value: hitRate, limit: minHitRate, unit: 'ratio' as const };
      const facts = say`${ratio(hitRate)} of ${count(lookups, 'lookup')}`;
      return minHitRate !== undefined && hitRate < minHitRate
        ? measured('fail', [...facts, ...say`, below the limit of ${ratio(minHitRate)}`], figure, {
            evidence,
            remedy:
              '`cachectl stats --window 10s` measures it as it is now; `cachectl inspect` shows how long the keys live',
          })
        : measured('pass', facts, figure, { evidence });
    }),
  },
  {
    id: 'evictions',
    title: 'Evictions',
    question: 'does the server throw out keys before their time?',
    assess: fromInfo((nodes, { maxEvictedKeys }) => {
      const evicted = sumOf(nodes, 'evicted_keys');
      if (evicted === null) return unreported('evicted_keys');
      const uptimes = nodes.map(({ info }) => infoNumber(info, 'uptime_in_seconds') ?? 0);
      const uptimeSeconds = Math.max(...uptimes);
      const figure = { value: evicted, limit: maxEvictedKeys, unit: 'count' as const };
      const evidence = { evictedKeys: evicted, uptimeSeconds };
      const facts =
        evicted === 0
          ? say`none in ${seconds(uptimeSeconds)}`
          : say`${count(evicted, 'key')} evicted in ${seconds(uptimeSeconds)}`;
      return maxEvictedKeys !== undefined && evicted > maxEvictedKeys
        ? measured('fail', [...facts, ...say`, above the limit of ${count(maxEvictedKeys)}`], figure, {
            evidence,
            remedy: 'raise `maxmemory`, or shorten TTLs: `cachectl inspect` shows what takes the memory',
          })
        : measured('pass', facts, figure, { evidence });
    }),
  },
  {
    id: 'clients',
    title: 'Clients',
    question: 'is there room for more connections?',
    assess: fromEachInfo((info, { maxClients }) => {
      const connected = infoNumber(info, 'connected_clients');
      if (connected === null) return unreported('connected_clients');
      const allowed = infoNumber(info, 'maxclients');
      const figure = { value: connected, limit: maxClients, unit: 'count' as const };
      const evidence = { connectedClients: connected, maxClients: allowed };
      const facts =
        allowed === null
          ? say`${count(connected, 'client')} connected`
          : say`${count(connected)} of ${count(allowed, 'client')} connected`;
      if (maxClients !== undefined && connected > maxClients) {
        return measured('fail', [...facts, ...say`, above the limit of ${count(maxClients)}`], figure, {
          evidence,
          remedy: '`CLIENT LIST` shows who they are; look for a pool that leaks connections',
        });
      }
      if (allowed !== null && connected >= allowed * nearlyAllClients) {
        return measured('warn', [...facts, ': the server soon turns new ones away'], figure, {
          evidence,
          remedy: 'raise `maxclients`, or look with `CLIENT LIST` for a pool that leaks connections',
        });
      }
      return measured('pass', facts, figure, { evidence });
    }),
  },
];

function sumOf(nodes: readonly NodeInfo[], field: string): number | null {
  const values = nodes.map(({ info }) => infoNumber(info, field));
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}
