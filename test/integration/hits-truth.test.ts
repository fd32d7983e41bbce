import { describe, expect, test } from 'vitest';
import type { NamespaceTraffic } from '../../src/traffic/report.ts';
import { requireBundle } from '../server/binary.ts';
import { isLong } from '../server/effort.ts';
import { type HitsOutcome, startHits } from '../traffic/hits-process.ts';
import { runLoad, startLoad } from '../traffic/run-load.ts';
import type { CausesLoad } from '../traffic/causes-load.ts';
import type { SteadyLoad } from '../traffic/steady-load.ts';
import { type LoadTruth, loadCauses, type NamespaceTruth } from '../traffic/truth.ts';
import { startRedis } from '../server/own.ts';

/** A server of its own, so that nothing else changes its counters. */
async function privatePort(): Promise<number> {
  requireBundle();
  const server = await startRedis();
  return server.port;
}

const everyCause = (port: number): CausesLoad => ({
  kind: 'causes',
  ...{ port, seed: 7, connections: 4, pipeline: 64, operations: isLong ? 40_000 : 20_000, keys: 3000 },
});

const steady = (port: number, seconds: number): SteadyLoad => ({
  kind: 'steady',
  ...{ port, seed: 7, seconds, connections: 4, pipeline: 32, keys: 20_000, missShare: 0.2 },
  ...{ readsPerSecond: 20_000, unevenness: 0 },
});

/** What a load was found to do by an observation that began before it and ended after it. */
async function observed(
  mode: string,
  load: CausesLoad | SteadyLoad,
): Promise<HitsOutcome & { truth: LoadTruth }> {
  if (load.kind === 'steady') await runLoad({ ...load, kind: 'fill' });
  const hits = await startHits(load.port, ['--mode', mode, '--for', '5m']);
  const truth = await runLoad(load).finally(() => hits.interrupt());
  return { ...(await hits.outcome), truth };
}

/** The figures of the report by namespace, in the words of the load. */
function figuresOf(namespaces: readonly NamespaceTraffic[]) {
  return Object.fromEntries(
    namespaces.map(({ namespace, reads, hits, misses, writes, causes }) => [
      namespace,
      { reads, hits, misses, writes, causes },
    ]),
  );
}

const withoutUnknown = (truth: NamespaceTruth) => ({ ...truth, causes: { ...truth.causes, unknown: 0 } });

const mapValues = <From, To>(record: Readonly<Record<string, From>>, change: (from: From) => To) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

describe('the load', () => {
  test('counts by its replies what the server counts, to the unit', async () => {
    const { totals, server, namespaces } = await runLoad(everyCause(await privatePort()));
    expect({ hits: totals.hits, misses: totals.misses }).toEqual({
      hits: server.hits,
      misses: server.misses,
    });
    for (const cause of loadCauses) expect(totals.causes[cause]).toBeGreaterThan(100);
    expect(totals.causes.evicted).toBeLessThan(server.evictedKeys);
    const { hits, reads } = namespaces['session:<id>'] ?? totals;
    expect(hits / reads).toBeGreaterThan(0.97);
  });
});

describe('an observation that holds the whole load', () => {
  test('tells reads, hits, misses, writes and causes of each namespace to the unit when it is exact', async () => {
    const { report, truth } = await observed('exact', everyCause(await privatePort()));
    expect(figuresOf(report.namespaces)).toEqual(mapValues(truth.namespaces, withoutUnknown));
    expect(report).toMatchObject({
      ...{ mode: 'exact', valid: true, invalidReasons: [] },
      ...{ reads: truth.totals.reads, hits: truth.totals.hits, misses: truth.totals.misses },
      residual: { reads: 0, hits: 0, misses: 0 },
    });
  }, 60_000);

  test('tells misses and their causes to the unit when it sees nothing but misses', async () => {
    const { report, truth } = await observed('misses-only', everyCause(await privatePort()));
    expect(figuresOf(report.namespaces)).toEqual(
      mapValues(truth.namespaces, ({ misses, causes }) => ({
        ...{ reads: null, hits: null, writes: null },
        ...{ misses, causes: { ...causes, unknown: 0 } },
      })),
    );
    expect(report).toMatchObject({ valid: true, residual: { reads: null, hits: null, misses: 0 } });
  }, 60_000);

  test('holds the true hit rate in its interval when it samples, and all misses', async () => {
    const { report, truth } = await observed('sampled', steady(await privatePort(), 3));
    expect(report).toMatchObject({ mode: 'sampled', valid: true, residual: { misses: 0 } });
    expect(mapValues(figuresOf(report.namespaces), ({ misses }) => misses)).toEqual(
      mapValues(truth.namespaces, ({ misses }) => misses),
    );
    const held = report.namespaces.filter(({ namespace, hitRateInterval }) => {
      const { hits = 0, reads = 0 } = truth.namespaces[namespace] ?? {};
      const [low = 1, high = 0] = hitRateInterval ?? [];
      expect(high - low).toBeLessThan(0.3);
      // Four standard errors.
      expect(Math.abs(hits / reads - (low + high) / 2)).toBeLessThan(high - low);
      return hits / reads >= low && hits / reads <= high;
    });
    // An interval of 95 % misses at times: two of the four in one run of 70.
    expect(held.length).toBeGreaterThanOrEqual(2);
  }, 60_000);
});

describe('an observation with traffic before it and behind it', () => {
  test.each(['exact', 'misses-only'])(
    'attributes every lookup between its edges (%s)',
    async (mode) => {
      const port = await privatePort();
      const load = steady(port, 60);
      await runLoad({ ...load, kind: 'fill' });
      const running = await startLoad(load);
      await running.begun;
      const { outcome } = await startHits(port, ['--mode', mode, '--for', '2s']);
      const { report, exitCode } = await outcome;
      const truth = await running.stop();

      expect(exitCode).toBe(0);
      expect(report).toMatchObject({
        valid: true,
        residual: mode === 'exact' ? { reads: 0, hits: 0, misses: 0 } : { misses: 0 },
      });
      const sumOf = (figure: 'reads' | 'misses') =>
        report.namespaces.reduce((sum, namespace) => sum + (namespace[figure] ?? 0), 0);
      expect(sumOf('misses')).toBe(report.misses);
      if (mode === 'exact') expect(sumOf('reads')).toBe(report.reads);
      expect(truth.totals.reads).toBeGreaterThan(report.reads ?? 0);
      expect(report.reads).toBeGreaterThan(1000);
    },
    60_000,
  );
});
