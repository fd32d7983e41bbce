import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkQuestions } from '../../src/health/questions.ts';
import { checks } from '../../src/health/report.ts';
import { reason } from './grade-facts.ts';
import { medianOf } from '../../src/health/checks/work.ts';
import { answersTo, factsOfInfo, factsWith, healthyInfo, nodeWith, refused } from './health-facts.ts';

describe('the list of checks', () => {
  test('has an id in kebab-case, a title and a question for each, and no id twice', () => {
    const ids = checks.map(({ id }) => id);

    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(checkQuestions.map(([id]) => id));
    for (const [id, { title, asks }] of checkQuestions) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(title).toMatch(/^[A-Z]/);
      expect(asks).toMatch(/\?$/);
    }
  });

  test('finds nothing wrong with a healthy server', () => {
    const answers = answersTo(factsWith());

    expect(Object.values(answers).filter(({ status }) => status !== 'pass')).toMatchObject([
      { id: 'replication-lag', status: 'skip', message: 'nothing is replicated' },
    ]);
  });
});

describe('the hit rate', () => {
  test.each([
    ['0', '0', 'no traffic to judge'],
    ['0', '99', '99 reads of data, too few to judge (100 are needed)'],
    ['1', '0', '1 read of data, too few to judge (100 are needed)'],
  ])('of %s hits and %s misses is not judged, however high the limit', (hits, misses, message) => {
    const facts = factsOfInfo({ keyspace_hits: hits, keyspace_misses: misses });

    expect(answersTo(facts, { minHitRate: 1 })['hit-rate']).toMatchObject({
      status: 'skip',
      message,
      limit: 1,
    });
  });

  test('at its limit passes, and a lookup below it fails', () => {
    const at = answersTo(factsOfInfo({ keyspace_hits: '80', keyspace_misses: '20' }), { minHitRate: 0.8 });
    const below = answersTo(factsOfInfo({ keyspace_hits: '79', keyspace_misses: '21' }), { minHitRate: 0.8 });

    expect(at['hit-rate']).toMatchObject({ status: 'pass', value: 0.8, limit: 0.8, unit: 'ratio' });
    expect(below['hit-rate']).toMatchObject({
      status: 'fail',
      value: 0.79,
      message: '79.0 % of 100 reads, below the limit of 80.0 %',
      evidence: { hits: 79, misses: 21 },
    });
  });

  test('of a range that reads the same at both ends is one figure, with nothing to explain', () => {
    const messageOf = (calls: number) =>
      answersTo(
        factsOfInfo({
          ...{ keyspace_hits: '607000', keyspace_misses: '393000' },
          cmdstat_ttl: `calls=${calls},usec=1,usec_per_call=1`,
        }),
      )['hit-rate']?.message;
    expect(messageOf(100)).toMatch(/^60\.7 % of 999,900 reads, below/);
    expect(messageOf(100_000)).toMatch(/^56\.3 % to 67\.4 % of 900,000 reads, below/);
  });

  test('without a limit warns below the default that the grade of stats goes by', () => {
    const at = (hits: number) =>
      answersTo(factsOfInfo({ keyspace_hits: String(hits), keyspace_misses: String(1000 - hits) }))[
        'hit-rate'
      ];

    expect(at(800)).toMatchObject({
      status: 'pass',
      message: '80.0 % of 1,000 reads',
      limit: null,
      remedy: null,
    });
    expect(at(799)).toMatchObject({
      status: 'warn',
      message: '79.9 % of 1,000 reads, below the default target of 80.0 %',
      limit: null,
    });
    expect(at(799)?.remedy).toContain('`cachectl stats --window 10s`');
    expect(reason('hit-rate', { lifetime: { hits: 799, misses: 201 } })?.text).toContain(
      'below the default target',
    );
  });

  test('of several nodes is that of all their lookups', () => {
    const nodes = [
      nodeWith({ keyspace_hits: '900', keyspace_misses: '0' }),
      nodeWith({ keyspace_hits: '0', keyspace_misses: '100' }),
    ];

    expect(answersTo(factsWith({ nodes }))['hit-rate']?.value).toBe(0.9);
  });
});

describe('memory', () => {
  const full = { used_memory: '95000000' };

  test('above a limit fails, and says by how much', () => {
    expect(answersTo(factsOfInfo(full), { maxMemoryRatio: 0.8 })['memory']).toMatchObject({
      status: 'fail',
      value: 0.95,
      limit: 0.8,
      message: '95.0 % of 100.0 MB used, above the limit of 80.0 %',
    });
  });

  test('nearly full is how a cache that evicts works', () => {
    expect(answersTo(factsOfInfo(full))['memory']).toMatchObject({ status: 'pass' });
  });

  test('nearly full warns where nothing may be evicted, and fails once it is full', () => {
    const policy = { maxmemory_policy: 'noeviction' };

    expect(answersTo(factsOfInfo({ ...full, ...policy }))['memory']?.status).toBe('warn');
    expect(answersTo(factsOfInfo({ ...policy, used_memory: '100000001' }))['memory']?.status).toBe('fail');
    expect(answersTo(factsOfInfo({ ...full, ...policy }), { maxMemoryRatio: 0.99 })['memory']?.status).toBe(
      'pass',
    );
  });

  test('without maxmemory warns only where a limit waits for it', () => {
    const facts = factsOfInfo({ maxmemory: '0' });

    expect(answersTo(facts)['memory']).toMatchObject({
      status: 'pass',
      message: '50.0 MB used, no maxmemory',
      evidence: { usedBytes: 50_000_000, maxBytes: null },
    });
    expect(answersTo(facts, { maxMemoryRatio: 0.8 })['memory']).toMatchObject({ status: 'warn' });
  });

  test('that the server does not report is skipped', () => {
    const { maxmemory: _hidden, ...info } = healthyInfo;

    expect(answersTo(factsWith({ nodes: [{ ...nodeWith({}), info }] }))['memory']).toMatchObject({
      status: 'skip',
      message: 'the server does not report `maxmemory`',
    });
  });
});

describe('fragmentation', () => {
  const small = { mem_fragmentation_ratio: '9.5', mem_fragmentation_bytes: '6000000' };
  const large = { mem_fragmentation_ratio: '2.5', mem_fragmentation_bytes: '200000000' };

  test('of a few megabytes is not judged: it is that of the process', () => {
    expect(answersTo(factsOfInfo(small), { maxFragmentation: 1.5 })['fragmentation']?.status).toBe('skip');
    expect(answersTo(factsOfInfo(small))['fragmentation']?.status).toBe('pass');
  });

  test('of more warns by itself, and fails against a limit', () => {
    expect(answersTo(factsOfInfo(large))['fragmentation']?.status).toBe('warn');
    expect(answersTo(factsOfInfo(large), { maxFragmentation: 2.5 })['fragmentation']?.status).toBe('pass');
    expect(answersTo(factsOfInfo(large), { maxFragmentation: 2 })['fragmentation']).toMatchObject({
      status: 'fail',
      value: 2.5,
      message: 'ratio 2.5, above the limit of 2',
    });
  });
});

describe('evictions and clients', () => {
  test('fail one above their limits', () => {
    const facts = factsOfInfo({ evicted_keys: '11', connected_clients: '8' });
    const answers = answersTo(facts, { maxEvictedKeys: 10, maxClients: 7 });

    expect(answers['evictions']).toMatchObject({
      status: 'fail',
      message: '11 keys evicted in 2h, above the limit of 10',
    });
    expect(answers['clients']).toMatchObject({
      ...{ status: 'fail', value: 8, limit: 7 },
      evidence: { connectedClients: 8, maxClients: 10_000 },
    });
    expect(answersTo(facts, { maxEvictedKeys: 11, maxClients: 8 })).toMatchObject({
      evictions: { status: 'pass' },
      clients: { status: 'pass' },
    });
  });

  test('of keys warn without a limit, as the grade and the doctor do', () => {
    const full = factsOfInfo({ evicted_keys: '11', used_memory: '99000000' });
    expect(answersTo(full)['evictions']).toMatchObject({
      ...{ status: 'warn', value: 11, limit: null },
      message: '11 keys evicted in 2h: the data is larger than the memory',
    });
    expect(answersTo(factsOfInfo({ evicted_keys: '0' }))['evictions']?.status).toBe('pass');
  });

  test('of keys that were evicted in the past pass, and say why they are over', () => {
    const infos = [
      { evicted_keys: '63719', used_memory: '51500000', maxmemory: '60000000' },
      { evicted_keys: '63719', maxmemory: '0' },
      { evicted_keys: '63719', used_memory: '99000000' },
      { evicted_keys: '11', used_memory: '99000000' },
      { evicted_keys: '63719', used_memory: '1000' },
    ];
    const windows = [null, null, 0, 0, 7].map((evictedKeys) =>
      evictedKeys === null ? null : { evictedKeys, windowSeconds: 15 },
    );
    const found = infos.map(
      (info, index) =>
        answersTo({ ...factsOfInfo(info), evictionWindow: windows[index] ?? null })['evictions'],
    );
    expect(found.map((each) => `${each?.status}: ${each?.message}`)).toEqual([
      'pass: 63,719 keys evicted in 2h; the memory is at 85.8 % of `maxmemory` now',
      'pass: 63,719 keys evicted in 2h; no `maxmemory` is set now',
      'pass: 63,719 keys evicted in 2h, none in the last 15 s',
      // In two hours 11 keys: that 15 s have none of them says nothing.
      'warn: 11 keys evicted in 2h: the data is larger than the memory',
      'warn: 63,719 keys evicted in 2h, 7 in the last 15 s, more than there are keys now: the data is larger than the memory',
    ]);
  });

  test('clients near maxclients warn without a limit', () => {
    const near = factsOfInfo({ connected_clients: '90', maxclients: '100' });

    expect(answersTo(near)['clients']).toMatchObject({ status: 'warn' });
    expect(answersTo(factsOfInfo({ connected_clients: '89', maxclients: '100' }))['clients']?.status).toBe(
      'pass',
    );
  });
});

describe('replication', () => {
  const replica = { role: 'slave', master_host: '10.0.0.9', master_port: '6379' };

  test('of a replica passes while its link is up', () => {
    const answers = answersTo(
      factsOfInfo({ ...replica, master_link_status: 'up', master_last_io_seconds_ago: '4' }),
      { maxReplicationLagSeconds: 5 },
    );

    expect(answers['role']?.message).toBe('replica of 10.0.0.9:6379, link up');
    expect(answers['replication-lag']).toMatchObject({ status: 'pass', value: 4 });
  });

  test.each([
    [{ master_link_down_since_seconds: '90' }, 'replica of 10.0.0.9:6379: the link has been down for 1m 30s'],
    [{ master_link_down_since_seconds: '-1' }, 'replica of 10.0.0.9:6379: the link is down'],
    [{ master_sync_in_progress: '1' }, 'replica of 10.0.0.9:6379: still copying the dataset'],
  ])('of a replica without its link fails: %j', (fields, message) => {
    const info = { ...replica, master_link_status: 'down', master_last_io_seconds_ago: '-1', ...fields };
    const answers = answersTo(factsOfInfo(info));

    expect(answers['role']).toMatchObject({ status: 'fail', message });
    expect(answers['replication-lag']?.status).toBe('skip');
  });

  test('of a primary is as late as its slowest replica in step', () => {
    const facts = factsOfInfo({
      connected_slaves: '3',
      slave0: 'ip=10.0.0.2,port=6379,state=online,offset=14,lag=0',
      slave1: 'ip=10.0.0.3,port=6379,state=online,offset=14,lag=9',
      slave2: 'ip=10.0.0.4,port=6379,state=wait_bgsave,offset=0,lag=70',
    });

    expect(answersTo(facts)['role']?.message).toBe('primary with 3 replicas');
    expect(answersTo(facts, { maxReplicationLagSeconds: 8 })['replication-lag']).toMatchObject({
      status: 'fail',
      value: 9,
      message: 'the slowest replica is 9 s behind, above the limit of 8 s',
    });
  });
});

describe('persistence', () => {
  test.each([
    [{ rdb_last_bgsave_status: 'err' }, 'fail'],
    [{ aof_enabled: '1', aof_last_write_status: 'err' }, 'fail'],
    [{ aof_enabled: '1', aof_last_bgrewrite_status: 'err' }, 'warn'],
    [{ aof_enabled: '0', aof_last_write_status: 'err', aof_last_bgrewrite_status: 'err' }, 'pass'],
  ])('of %j: %s', (info, status) => {
    expect(answersTo(factsOfInfo(info))['persistence']?.status).toBe(status);
  });
});

describe('latency', () => {
  test('is judged by the median, so that one slow answer is no failure', () => {
    const facts = factsWith({ nodes: [nodeWith({}, { pingMillis: [1, 2, 500] })] });

    expect(answersTo(facts, { maxPingMillis: 2 })['latency']).toMatchObject({
      status: 'pass',
      value: 2,
      message: 'median 2.00 ms, slowest 500.0 ms of 3 pings',
    });
    expect(answersTo(facts, { maxPingMillis: 1.9 })['latency']?.status).toBe('fail');
  });

  test('has a median that half of the pings do not exceed', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: 1 }), (values) => {
        const median = medianOf(values);
        expect(values).toContain(median);
        expect(values.filter((value) => value <= median).length).toBeGreaterThanOrEqual(values.length / 2);
        expect(values.filter((value) => value >= median).length).toBeGreaterThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe('the round trip', () => {
  test('fails when the value comes back changed', () => {
    const facts = factsWith({
      canary: { outcome: 'returned', sameBytes: false, valueBytes: 64, notRemoved: null, durationMillis: 1 },
    });

    expect(answersTo(facts)['round-trip']?.status).toBe('fail');
  });

  test('passes where only the removal is refused, and the refusal shows among the permissions', () => {
    const facts = factsWith({
      canary: {
        outcome: 'returned',
        sameBytes: true,
        valueBytes: 64,
        notRemoved: refused(
          'NOPERM',
          "NOPERM this user has no permissions to run the 'unlink' command",
          '`UNLINK`',
        ),
        durationMillis: 1,
      },
    });
    const answers = answersTo(facts);

    expect(answers['round-trip']).toMatchObject({
      status: 'pass',
      message: 'written and read; `UNLINK` is refused, so the key expires in 1m',
    });
    expect(answers['permissions']).toMatchObject({
      status: 'warn',
      message: 'refused: `UNLINK`',
      remedy: 'an administrator grants it with `ACL SETUSER default +unlink`',
    });
  });
});
