import { describe, expect, test } from 'vitest';
import {
  differencesOf,
  differencesSinceStart,
  type NodeCounters,
} from '../../src/health/lookups/differences.ts';
import { CounterTotals } from '../../src/watch/totals.ts';
import { counters } from './watch-figures.ts';

const base = {
  run_id: 'first',
  ...{ keyspace_hits: 1000, keyspace_misses: 500, total_commands_processed: 5000 },
  ...{ evicted_keys: 10, expired_keys: 20, used_cpu_sys: 1, used_cpu_user: 3, uptime_in_seconds: 900 },
  ...{ cmdstat_get: 'calls=1500,usec=3000,usec_per_call=2.00', maxmemory: 0 },
};

/** The totals after each of the readings. */
function totalsOver(...readings: readonly NodeCounters[]) {
  const [first] = readings;
  if (first === undefined) throw new Error('no reading');
  const totals = new CounterTotals(differencesSinceStart([first]), [first]);
  const shown = () => ({
    ...{ hits: totals.hits, misses: totals.misses, evicted: totals.sums.evictedKeys },
    get: totals.commands.get('GET')?.calls,
  });
  return [
    shown(),
    ...readings.slice(1).map((reading, index) => {
      const before = readings[index];
      totals.add(differencesOf(before === undefined ? [] : [before], [reading], 10), [reading]);
      return shown();
    }),
  ];
}

describe('totals of counters', () => {
  test('begin with what the server has counted, and grow with it', () => {
    const later = { ...base, keyspace_hits: 1100, total_commands_processed: 5200, evicted_keys: 11 };
    const all = totalsOver(
      counters(base),
      counters({ ...later, cmdstat_get: 'calls=1600,usec=3200,usec_per_call=2.00' }),
    );
    expect(all).toEqual([
      { hits: 1000, misses: 500, evicted: 10, get: 1500 },
      { hits: 1100, misses: 500, evicted: 11, get: 1600 },
    ]);
  });

  test.each([
    ['a reset of the statistics', {}],
    ['a restart', { run_id: 'second', uptime_in_seconds: 5 }],
  ])('never go back after %s', (_what, changed) => {
    const after = {
      ...base,
      ...{ keyspace_hits: 7, keyspace_misses: 3, total_commands_processed: 12, evicted_keys: 1 },
      ...{ cmdstat_get: 'calls=10,usec=20,usec_per_call=2.00', ...changed },
    };
    const [, second] = totalsOver(counters(base), counters(after));
    expect(second).toEqual({ hits: 1007, misses: 503, evicted: 11, get: 1510 });
  });

  test('take nothing from a server that has taken over', () => {
    const other = { ...base, run_id: 'other', keyspace_hits: 90_000, total_commands_processed: 400_000 };
    const [first, second] = totalsOver(counters(base), counters(other));
    expect(second).toEqual(first);
  });

  test('have none of our own lookups, also where these are known a moment later than the counters show them', () => {
    const own = (hits: number) => ({ hits, misses: 0, lost: 0, metadata: { PTTL: hits } });
    const reading = (hits: number, looked: number) => {
      const read = counters({ ...base, keyspace_hits: hits, total_commands_processed: 5000 + hits });
      return { ...read, lookups: read.lookups && { ...read.lookups, own: own(looked) } };
    };
    const all = totalsOver(reading(1000, 0), reading(1100, 80), reading(1200, 200), reading(1250, 200));
    expect(all.map(({ hits }) => hits)).toEqual([1000, 1020, 1020, 1050]);
  });
});
