import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckStatus } from '../../src/health/check.ts';
import type { Facts, Stop } from '../../src/health/facts.ts';
import { answer, tallyOf } from '../../src/health/report.ts';
import { RedisError } from '../../src/redis/errors.ts';
import { answersTo, factsWith, nodeWith, refused } from './health-facts.ts';

const refusedConnection = new RedisError(
  'connect',
  'ECONNREFUSED',
  'cannot connect to 10.0.0.1:6379',
  'start it',
);
const stoppedAt = (at: Stop['at'], changes: Partial<Facts> = {}): Facts =>
  factsWith({ stop: { at, error: refusedConnection }, nodes: [], canary: null, ...changes });
const statuses = (facts: Facts) =>
  Object.fromEntries(Object.values(answersTo(facts)).map(({ id, status }) => [id, status]));

describe('a way in that ends early', () => {
  test.each([
    ['connect', { connect: 'fail', login: 'skip', database: 'skip' }, 'there is no connection'],
    ['login', { connect: 'pass', login: 'fail', database: 'skip' }, 'not logged in'],
    ['database', { connect: 'pass', login: 'pass', database: 'fail' }, 'database 0 could not be selected'],
  ] as const)('at the %s fails that check and skips what comes after', (at, expected, reason) => {
    const answers = answersTo(stoppedAt(at));
    const { connect, login, database, ...others } = statuses(stoppedAt(at));

    expect({ connect, login, database }).toEqual(expected);
    expect(new Set(Object.values(others))).toEqual(new Set(['skip']));
    expect(answers['memory']?.message).toBe(reason);
    expect(answers[at]).toMatchObject({ message: 'cannot connect to 10.0.0.1:6379' });
  });

  test('is reported even where other checks were chosen', () => {
    expect(answer(stoppedAt('login'), {}, new Set(['memory'])).map(({ id }) => id)).toEqual([
      'login',
      'memory',
    ]);
    expect(answer(stoppedAt('work'), {}, new Set(['memory'])).map(({ id }) => id)).toEqual([
      'connect',
      'memory',
    ]);
  });

  test('in the middle of the work keeps what was already known', () => {
    const answers = answersTo(stoppedAt('work', { nodes: [nodeWith({}, { pingMillis: [] })] }));

    expect(answers['connect']?.status).toBe('fail');
    expect(answers['login']?.status).toBe('pass');
    expect(answers['memory']?.status).toBe('pass');
    expect(answers['round-trip']).toMatchObject({ status: 'skip', message: 'the connection was lost' });
    expect(answers['latency']).toMatchObject({ status: 'skip', message: 'the connection was lost' });
  });

  test('by an interruption says so', () => {
    const facts = factsWith({ interrupted: true, canary: null, nodes: [nodeWith({}, { pingMillis: [] })] });

    expect(answersTo(facts)['round-trip']).toMatchObject({ status: 'skip', message: 'interrupted' });
  });
});

describe('a server that is loading', () => {
  test('fails that one check, with what it says about the rest of the time', () => {
    const loading = { loading: '1', loading_loaded_perc: '42.50', loading_eta_seconds: '12' };
    const facts = factsWith({ nodes: [nodeWith(loading, { pingMillis: [] })], canary: null });
    const { connect, login, database, loading: own, permissions, ...others } = statuses(facts);

    expect([connect, login, database, own, permissions]).toEqual(['pass', 'pass', 'pass', 'fail', 'pass']);
    expect(new Set(Object.values(others))).toEqual(new Set(['skip']));
    expect(answersTo(facts)['loading']?.message).toBe('42.5 % of the dataset is read, about 12 s to go');
  });

  test('is recognised by its answer to PING where INFO is refused', () => {
    const refusals = [
      {
        command: 'PING',
        error: refused('LOADING', 'LOADING Redis is loading the dataset in memory', '`PING`'),
      },
      {
        command: 'INFO',
        error: refused('NOPERM', "NOPERM this user has no permissions to run the 'info' command"),
      },
    ];
    const facts = factsWith({ nodes: [nodeWith(null, { refusals, pingMillis: [] })], canary: null });

    expect(answersTo(facts)['loading']).toMatchObject({
      status: 'fail',
      message: 'the server is reading its dataset from disk',
    });
  });
});

describe('a user who may not call INFO', () => {
  const error = refused('NOPERM', "NOPERM this user has no permissions to run the 'info' command");
  const facts = factsWith({
    username: 'app',
    nodes: [nodeWith(null, { refusals: [{ command: 'INFO', error }] })],
  });

  test('has what rests on INFO skipped with the reason, and the rest checked', () => {
    expect(answersTo(facts)['memory']).toMatchObject({
      status: 'skip',
      message: '`INFO` is refused (NOPERM)',
    });
    expect(statuses(facts)).toMatchObject({
      'hit-rate': 'skip',
      role: 'skip',
      persistence: 'skip',
      'round-trip': 'pass',
      latency: 'pass',
      loading: 'pass',
    });
  });

  test('is told what would grant it', () => {
    expect(answersTo(facts)['permissions']).toMatchObject({
      status: 'warn',
      remedy: 'an administrator grants it with `ACL SETUSER app +info`',
    });
  });
});

describe('several nodes', () => {
  test('are as well as the worst of them, which is named', () => {
    const nodes = [
      nodeWith({ used_memory: '10000000' }, { address: '10.0.0.1:7000' }),
      nodeWith({ used_memory: '90000000' }, { address: '10.0.0.2:7000' }),
      nodeWith({ used_memory: '85000000' }, { address: '10.0.0.3:7000' }),
    ];
    const { memory } = answersTo(factsWith({ nodes }), { maxMemoryRatio: 0.8 });

    expect(memory).toMatchObject({
      status: 'fail',
      value: 0.9,
      message: '10.0.0.2:7000: 90.0 % of 100.0 MB used, above the limit of 80.0 %',
      evidence: { node: '10.0.0.2:7000' },
    });
  });

  test('never pass together where one fails alone', () => {
    const anyInfo = fc.record({
      used_memory: fc.integer({ min: 0, max: 200_000_000 }).map(String),
      connected_clients: fc.integer({ min: 0, max: 12_000 }).map(String),
      rdb_last_bgsave_status: fc.constantFrom('ok', 'err'),
    });
    const rank = { skip: 0, pass: 1, warn: 2, fail: 3 };
    fc.assert(
      fc.property(fc.array(anyInfo, { minLength: 1, maxLength: 4 }), (infos) => {
        const nodes = infos.map((info) => nodeWith(info));
        const together = answersTo(factsWith({ nodes }), { maxMemoryRatio: 0.8 });
        for (const id of ['memory', 'clients', 'persistence']) {
          const alone = nodes.map(
            (node) => answersTo(factsWith({ nodes: [node] }), { maxMemoryRatio: 0.8 })[id]?.status ?? 'skip',
          );
          expect(rank[together[id]?.status ?? 'skip']).toBe(Math.max(...alone.map((status) => rank[status])));
        }
      }),
    );
  });
});

describe('the tally', () => {
  const anyStatus = fc.constantFrom<CheckStatus>('pass', 'warn', 'fail', 'skip');

  test('counts every check once, and fails where one fails, or warns under strict', () => {
    fc.assert(
      fc.property(fc.array(anyStatus), fc.boolean(), (statuses, strict) => {
        const tally = tallyOf(
          statuses.map((status) => ({ status })),
          strict,
        );
        expect(tally.passed + tally.warned + tally.failed + tally.skipped).toBe(statuses.length);
        expect(tally.status === 'fail').toBe(
          statuses.includes('fail') || (strict && statuses.includes('warn')),
        );
      }),
    );
  });

  test('of skipped checks alone is no success', () => {
    expect(tallyOf([{ status: 'skip' }], false).status).toBe('skip');
    expect(tallyOf([{ status: 'skip' }, { status: 'pass' }], false).status).toBe('pass');
  });
});
