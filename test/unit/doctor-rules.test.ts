import { describe, expect, test } from 'vitest';
import { doctorRules, diagnose, ruleNamed } from '../../src/health/doctor/diagnose.ts';
import { Missing } from '../../src/health/doctor/rule.ts';
import { buildMap } from '../../src/config/build-map.ts';
import type { TtlRuleConfig } from '../../src/config/schema.ts';
import { mapOf } from '../../src/keyspace/map.ts';
import { phraseText } from '../../src/render/units.ts';
import type { TrafficReport } from '../../src/traffic/report.ts';
import { examinationWith, findingsWith } from './doctor-facts.ts';
import { reportOf, trafficOf } from './traffic/traffic-examples.ts';

test('rules have numbers in order, names that occur once, and a source', () => {
  const numbers = doctorRules.map(({ number }) => number);
  expect(numbers).toEqual([...numbers].sort());
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(new Set(doctorRules.map(({ id }) => id)).size).toBe(doctorRules.length);
  for (const { question, remedy, source } of doctorRules) {
    expect(question).toMatch(/^[a-z].*\?$/);
    expect(remedy).not.toBe('');
    expect(source).toMatch(/^https:\/\//);
  }
  expect(ruleNamed('cc101')).toBe(ruleNamed('no-maxmemory'));
});

test('a healthy server has no finding', () => {
  expect(findingsWith({})).toEqual([]);
});

describe('keys that break the TTL rule of the map', () => {
  const map = buildMap({ namespaces: { session: { pattern: 'session:*', kind: 'state', ttl: '2h' } } });
  const ttlRule = { rule: '2h', guessed: false, missing: 0, unexpected: 0, drifting: 0, fallsShort: false };
  const namespaces = [
    {
      ...{ namespace: 'session', kind: 'state' as const, keys: 8000, memoryBytes: 80_000, withoutTtl: 0 },
      ...{ withoutTtlMemoryBytes: 0, ttlAtUse: null, ttlRule: { ...ttlRule, tooLong: 7391 } },
    },
  ];
  const findingOf = (exact: boolean) =>
    diagnose(examinationWith({ keys: { namespaces, exact }, more: { map } }), doctorRules).findings.find(
      ({ rule }) => rule === 'CC203',
    );

  test('are about so many where they are estimated', () => {
    expect(phraseText(findingOf(true)?.message ?? [])).toBe('the rule is 2h: 7,391 keys with a longer one');
    expect(phraseText(findingOf(false)?.message ?? [])).toBe(
      'the rule is 2h: about 7,391 keys with a longer one',
    );
  });

  test('are not to be repaired by a command that leaves state alone', () => {
    expect(findingOf(true)?.remedy).not.toMatch(/prune/);
  });
});

const ofInfo: readonly (readonly [info: Record<string, string>, found: string])[] = [
  [{ maxmemory: '0' }, 'warning CC101 no-maxmemory: no `maxmemory`: the cache can fill the machine'],
  [
    { maxmemory_policy: 'volatile-lru', db0: 'keys=1204,expires=600,avg_ttl=0' },
    'warning CC201 keys-without-ttl: 50.2 % of the keys have no TTL, and the policy `volatile-lru` never evicts them',
  ],
  [
    { mem_fragmentation_ratio: '2', mem_fragmentation_bytes: '60000000' },
    'warning CC104 fragmentation: ratio 2: 60.0 MB more than is used',
  ],
  [
    { used_memory: '90000000', used_memory_rss: '40000000' },
    'critical CC105 swap: 90.0 MB are used and only 40.0 MB are in memory: the rest is swapped, and each read of it waits for the disk',
  ],
  [{ latest_fork_usec: '250000' }, 'warning CC106 slow-fork: the last fork stopped the server for 250.0 ms'],
  [
    { connected_clients: '9500' },
    'warning CC109 too-many-clients: 9,500 of 10,000 clients connected: the server soon turns new ones away',
  ],
  [
    { rejected_connections: '3' },
    'critical CC110 rejected-connections: 3 connections turned away since the start: `maxclients` was reached',
  ],
  [
    { total_connections_received: '50000' },
    'warning CC111 connection-churn: 50,000 connections for 100,000 commands: 2 each',
  ],
  [
    {
      role: 'slave',
      master_host: '10.0.0.9',
      master_port: '6379',
      master_link_status: 'down',
      master_link_down_since_seconds: '90',
      master_last_io_seconds_ago: '-1',
    },
    'critical CC112 replica-link: replica of 10.0.0.9:6379: the link has been down for 1m 30s',
  ],
  [
    { connected_slaves: '1', slave0: 'ip=10.0.0.2,port=6379,state=online,offset=1,lag=90' },
    'warning CC113 replication-lag: the slowest replica is 1m 30s behind, above the limit of 30 s',
  ],
  [
    { rdb_last_bgsave_status: 'err' },
    'critical CC114 persistence-error: the last snapshot failed, and a server that saves then refuses writes',
  ],
  [
    { evicted_keys: '5000', used_memory: '99000000', used_memory_rss: '110000000' },
    'warning CC115 evictions: 5,000 keys evicted in 2h, more than there are keys now: the data is larger than the memory',
  ],
  [
    { evicted_keys: '5000' },
    'notice CC115 evictions: 5,000 keys evicted since the start; the memory is at 50.0 % of `maxmemory` now',
  ],
  [
    { redis_version: '7.4.8' },
    'warning CC116 known-faults: redis 7.4.8: a user may run code in the server where a blocked client is evicted (CVE-2026-23479)',
  ],
  [
    { keyspace_hits: '300', keyspace_misses: '700' },
    'warning CC301 hit-rate: 30.0 % of 1,000 reads, below the default target of 80.0 %',
  ],
  [
    { latency_percentiles_usec_get: 'p50=1.0,p99=15000.0,p99.9=20000.0' },
    'notice CC311 slow-percentile: GET: 1 % of 900 calls took 15.0 ms or more',
  ],
  [
    { cmdstat_keys: 'calls=3,usec=9000,usec_per_call=3000.00,rejected_calls=0,failed_calls=0' },
    'warning CC312 keys-command: KEYS: 3 calls of 3.00 ms each since the counters began: KEYS reads every key while no one else is answered',
  ],
  [
    { cmdstat_smembers: 'calls=20,usec=100000,usec_per_call=5000.00,rejected_calls=0,failed_calls=0' },
    'warning CC314 whole-reads: SMEMBERS: 20 calls of 5.00 ms each since the counters began: the collections are large, and read whole',
  ],
];

test.each(ofInfo)('INFO with %o has this finding alone', (info, found) => {
  expect(findingsWith({ info })).toEqual([found]);
});

test('a policy that does not evict is one finding, and a memory that is full with it another', () => {
  const info = { maxmemory_policy: 'noeviction', db0: 'keys=10,expires=10,avg_ttl=0' };
  expect(findingsWith({ info })).toEqual([
    'warning CC103 noeviction: the policy is `noeviction`: once 100.0 MB are used, writes fail',
  ]);
  expect(
    findingsWith({ info: { ...info, used_memory: '99000000', used_memory_rss: '99000000' } })[0],
  ).toMatch(
    /^critical CC102 memory-full: 99\.0 % of 100\.0 MB used, policy noeviction: writes fail once it is full$/,
  );
});

test.each([
  ['redis', '7.0.15', 1],
  ['redis', '7.2.11', 0],
  ['redis', '8.0.6', 2],
  ['redis', '8.6.3', 0],
  ['valkey', '8.1.3', 3],
  ['valkey', '9.0.4', 0],
  ['valkey', '9.1.2', 0],
])('%s %s has %i known faults', (product, version, faults) => {
  const info =
    product === 'valkey' ? { redis_version: '7.2.4', valkey_version: version } : { redis_version: version };
  expect(findingsWith({ info }).filter((each) => each.includes('CC116'))).toHaveLength(faults);
});

describe('a default user without a password', () => {
  const users = { openDefaultUser: true, dangerous: [] };

  test('is critical where others can reach it', () => {
    expect(findingsWith({ node: { users } })).toEqual([
      'critical CC401 open-default-user: the default user needs no password, from wherever it can be reached',
    ]);
  });

  test.each([
    ['bind', '127.0.0.1 -::1', 'it listens on this machine alone'],
    ['protected-mode', 'yes', '`protected-mode` keeps out all but this machine'],
  ])('is a notice with %s %s', (name, value, why) => {
    const settings = new Map([
      ['bind', '*'],
      ['protected-mode', 'no'],
      ['notify-keyspace-events', ''],
      [name, value],
    ]);
    expect(findingsWith({ node: { users, settings } })).toEqual([
      `notice CC401 open-default-user: the default user needs no password; ${why}`,
    ]);
  });
});

describe('keys that expire together', () => {
  const herdAt = (at: string) => ({
    herds: [{ namespace: 'quota', example: 'quota:7', keys: 300, share: 0.9, at }],
  });
  const mapWith = (ttl: TtlRuleConfig) => buildMap({ namespaces: { quota: { pattern: 'quota:*', ttl } } });
  const untilMidnight = mapWith({ untilMidnight: 'America/New_York' });

  test('are a warning at any moment', () => {
    expect(findingsWith({ keys: herdAt('2026-11-29T20:12:07.000Z') })).toEqual([
      'warning CC204 ttl-herd: quota: 300 keys, 90.0 % of those read with a TTL, expire within 2 s of 2026-11-29T20:12:07.000Z',
    ]);
  });

  test('are none where the map has them end at that midnight', () => {
    const keys = herdAt('2026-11-30T04:59:59.000Z');
    expect(findingsWith({ keys, more: { map: untilMidnight } })).toEqual([]);
    expect(findingsWith({ keys: herdAt('2026-11-30T05:00:00.000Z'), more: { map: mapWith('1h') } })).toEqual([
      expect.stringMatching(/^warning CC204/),
    ]);
  });

  test('are a warning where the map has them end at another midnight', () => {
    const keys = herdAt('2026-11-29T23:00:00.000Z');
    expect(findingsWith({ keys, more: { map: untilMidnight } })).toEqual([
      expect.stringMatching(/^warning CC204/),
    ]);
  });

  test.each([
    ['2026-11-29T23:00:00.000Z', 'Europe/Prague'],
    ['2026-11-30T00:00:01.000Z', 'UTC'],
    ['2026-11-29T18:29:59.000Z', 'some time zone'],
  ])('are a notice at %s, midnight in %s, where no map speaks of them', (at, where) => {
    const [found, ...others] = findingsWith({ keys: herdAt(at) });
    expect(found).toMatch(/^notice CC204 ttl-herd: /);
    expect(found).toContain(`of ${at}, midnight in ${where}: they seem to be of a day`);
    expect(others).toEqual([]);
  });
});

describe('a hot key', () => {
  const window = { mode: 'exact', valid: true, windowSeconds: 10, reads: 10_000 } as const;
  const read = (reads: number) => ({
    mostRead: [
      {
        ...{ key: 'flags', database: 0, namespace: 'flags', reads, readsInterval: null },
        ...{ readShare: reads / window.reads, misses: 0, hitRate: 1 },
      },
    ],
  });
  const hot = (changes: Partial<TrafficReport>) =>
    findingsWith({ keys: { hottest: null }, more: { traffic: reportOf([], { ...window, ...changes }) } });

  test('has much of the reads that were observed', () => {
    expect(hot(read(4000))).toEqual(['notice CC211 hot-key: flags: has 40.0 % of all reads: 4,000 in 10 s']);
    expect(hot(read(1500))).toEqual([]);
    expect(hot({ ...read(400), reads: 500 })).toEqual([]);
  });

  test.each([{ mode: 'sampled' }, { valid: false }] as const)('is not judged with %o', (changes) => {
    const traffic = reportOf([], { ...window, ...read(4000), ...changes });
    const { notJudged } = diagnose(
      examinationWith({ keys: { hottest: null }, more: { traffic } }),
      doctorRules,
    );
    expect(notJudged.map(({ rule }) => rule.id)).toContain('hot-key');
  });
});

describe('what could not be read', () => {
  const reasonsWith = (changes: Parameters<typeof examinationWith>[0]) =>
    Object.fromEntries(
      diagnose(examinationWith(changes), doctorRules).notJudged.map(({ rule, reason }) => [
        rule.number,
        phraseText(reason),
      ]),
    );

  test('leaves the rules that need it not judged, each with the reason', () => {
    const refused = new Missing(['`CLIENT LIST` is refused (NOPERM)']);
    const reasons = reasonsWith({ node: { clients: refused }, more: { keys: new Missing(['left out']) } });
    expect(reasons).toMatchObject({
      ...{ CC108: '`CLIENT LIST` is refused (NOPERM)', CC119: '`CLIENT LIST` is refused (NOPERM)' },
      ...{ CC204: 'left out', CC302: 'not observed' },
    });
    expect(reasons['CC101']).toBeUndefined();
  });

  test('of one node hides no finding of another', () => {
    const examination = examinationWith({ info: { rejected_connections: '2' } });
    const [node] = examination.nodes;
    if (node === undefined) throw new Error('there is no node');
    const other = { ...node, address: '10.0.0.2:6379', info: new Missing(['`INFO` is refused']) };
    const { findings } = diagnose({ ...examination, nodes: [node, other] }, doctorRules);
    expect(findings.map(({ id }) => id)).toEqual(['rejected-connections']);
    expect(findings[0]?.evidence).toMatchObject({ node: '10.0.0.1:6379' });
  });
});

describe('observed traffic', () => {
  const map = mapOf({});
  const found = (changes: Parameters<typeof trafficOf>[0], more: Parameters<typeof reportOf>[1] = {}) =>
    diagnose(
      examinationWith({
        more: { map, traffic: reportOf([trafficOf(changes), trafficOf({ namespace: 'other' })], more) },
      }),
      doctorRules,
    );

  test.each([
    [{ causes: { expired: 100 } }, 'expires-too-soon'],
    [{ causes: { evicted: 100 } }, 'evicted-too-soon'],
    [{ causes: { invalidated: 100 } }, 'removed-too-often'],
    [{ causes: { neverCached: 980, goneOrNew: 20 }, misses: 1000, newKeys: 0 }, 'never-stored'],
    [
      {
        ...{ causes: { goneOrNew: 1000 }, misses: 1000, hits: 0, reads: 1000, hitRate: 0 },
        ...{ newKeys: 0, writes: 0 },
      },
      'never-stored',
    ],
    [
      {
        causes: { neverCached: 10, goneOrNew: 990 },
        misses: 1000,
        hits: 0,
        reads: 1000,
        hitRate: 0,
        newKeys: 990,
      },
      'never-read-again',
    ],
    [{ reads: 0, hits: 0, misses: 0, hitRate: null, writes: 500 }, 'written-not-read'],
    [{ hits: 790, reads: 1000, hitRate: 0.79, hitRateTarget: 0.8, targetMet: false }, 'target-missed'],
    [{ stampedes: { count: 5, extraMisses: 60, largest: 20 } }, 'stampedes'],
  ] as const)('with %o is a finding: %s', (changes, id) => {
    const { findings } = found(changes);
    expect(findings.map((each) => each.id)).toEqual([id]);
    expect(phraseText(findings[0]?.message ?? [])).not.toContain('misss');
  });

  test('says how many misses a second a finding is about', () => {
    const [finding] = found({ causes: { expired: 100 } }).findings;
    expect(finding?.cost).toEqual({ bytes: null, missesPerSecond: 10, costPerHour: null });
  });

  test('is not judged in a window that is not valid', () => {
    const { findings, notJudged } = found(
      { causes: { expired: 100 } },
      { valid: false, invalidReasons: ['events were lost'] },
    );
    expect(findings).toEqual([]);
    expect(notJudged.map(({ reason }) => phraseText(reason))).toContain(
      'the window is not valid: events were lost',
    );
  });
});
