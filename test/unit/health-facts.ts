import { type Answer, answer, checks } from '../../src/health/report.ts';
import type { Facts, NodeFacts } from '../../src/health/facts.ts';
import { lookupCountersOf } from '../../src/health/lookups/counters.ts';
import { nothingRemembered } from '../../src/health/lookups/ledger.ts';
import type { Thresholds } from '../../src/keyspace/map.ts';
import { RedisError } from '../../src/redis/errors.ts';
import type { Info } from '../../src/redis/info.ts';
import { noLookups } from '../../src/redis/lookups.ts';
import { phraseText } from '../../src/render/units.ts';

/** INFO of a healthy primary, as a server writes it. */
export const healthyInfo: Info = {
  redis_version: '7.0.15',
  uptime_in_seconds: '7200',
  loading: '0',
  connected_clients: '7',
  maxclients: '10000',
  used_memory: '50000000',
  used_memory_rss: '60000000',
  maxmemory: '100000000',
  maxmemory_policy: 'allkeys-lru',
  mem_fragmentation_ratio: '1.2',
  mem_fragmentation_bytes: '10000000',
  rdb_last_bgsave_status: 'ok',
  aof_enabled: '0',
  aof_last_write_status: 'ok',
  aof_last_bgrewrite_status: 'ok',
  keyspace_hits: '900',
  keyspace_misses: '100',
  evicted_keys: '0',
  role: 'master',
  connected_slaves: '0',
  db0: 'keys=1204,expires=1000,avg_ttl=0',
};

export function nodeWith(info: Record<string, string> | null, changes: Partial<NodeFacts> = {}): NodeFacts {
  const all = info === null ? null : { ...healthyInfo, ...info };
  return {
    address: '10.0.0.1:6379',
    info: all,
    lookups: all && lookupCountersOf(all, { lookups: noLookups }, nothingRemembered),
    windowLookups: null,
    infoMillis: 1,
    pingMillis: [0.3, 0.1, 0.2],
    refusals: [],
    ...changes,
  };
}

/** Facts of a healthy server, but for what is given. */
export function factsWith(changes: Partial<Facts> = {}): Facts {
  return {
    address: 'redis://10.0.0.1:6379/0',
    username: null,
    database: 0,
    stop: null,
    interrupted: false,
    connectMillis: 2,
    loginMillis: 0.5,
    waitedMillis: 0,
    evictionWindow: null,
    windowSeconds: null,
    nodes: [nodeWith({})],
    canary: { outcome: 'returned', sameBytes: true, valueBytes: 64, notRemoved: null, durationMillis: 1 },
    ...changes,
  };
}

/** Facts of a healthy server but for these fields of INFO. */
export const factsOfInfo = (info: Record<string, string>): Facts => factsWith({ nodes: [nodeWith(info)] });

export const refused = (code: string, text: string, subject = '`INFO`'): RedisError =>
  new RedisError('refused', code, `${subject} on 10.0.0.1:6379: the server answered \`${text}\``, undefined, {
    subject,
    answer: text,
  });

interface Told extends Omit<Answer, 'message'> {
  readonly message: string;
}

/** The answers by the id of their checks, with messages as people read them. */
export function answersTo(facts: Facts, limits: Thresholds = {}): Readonly<Record<string, Told>> {
  const all = new Set(checks.map(({ id }) => id));
  return Object.fromEntries(
    answer(facts, limits, all).map((each) => [each.id, { ...each, message: phraseText(each.message) }]),
  );
}
