import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Claims } from '../../src/bench/claims.ts';
import { LatencyRecorder, summaryOf } from '../../src/bench/latency.ts';
import { type Limit, usualThreads } from '../../src/bench/options.ts';
import { alongside, type PhaseOutcome } from '../../src/bench/outcome.ts';
import { type LoadedConnection, runPart } from '../../src/bench/phase.ts';
import { sumOf } from '../../src/support/collections.ts';
import { type Reply, ReplyError } from '../../src/redis/reply.ts';
import { anyCommands, SimulatedServer, Simulation } from './bench-simulation.ts';

/** A batch as the server saw it, in milliseconds. */
interface Batch {
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly commands: number;
}

/** The same connection, which notes what goes over it. */
function watched(connection: LoadedConnection, simulation: Simulation, batches: Batch[]): LoadedConnection {
  return {
    ...connection,
    sendThen: (payload, commands, onReplies, onFailure) => {
      const sentAt = simulation.now();
      const noted = (replies: Reply[]) => {
        batches.push({ sentAt, answeredAt: simulation.now(), commands });
        onReplies(replies);
      };
      connection.sendThen(payload, commands, noted, onFailure);
    },
  };
}

interface Terms {
  readonly limit: Limit;
  readonly threads: number;
  readonly connections: number;
  readonly pipeline?: number;
  readonly ratePerSecond?: number;
}

/** Runs a phase in parts that share claims, as threads do, and gives it as one with what really happened. */
async function inParts(
  { limit, threads, connections, pipeline = 1, ratePerSecond }: Terms,
  serviceMillis: (time: number) => number,
): Promise<{ outcome: PhaseOutcome; batches: Batch[] }> {
  const simulation = new Simulation();
  const server = new SimulatedServer(simulation, serviceMillis);
  const batches: Batch[] = [];
  const memory = Claims.memory();
  const parts = Array.from({ length: threads }, () => {
    const loads = Array.from({ length: connections }, () => ({
      connection: watched(server.connect(), simulation, batches),
      commands: anyCommands,
    }));
    return runPart(loads, {
      ...{ limit, pipeline, ratePerSecond: ratePerSecond ?? null, subject: '`GET`', clock: simulation },
      ...{ startsAt: 0, claims: new Claims(limit, memory), signal: new AbortController().signal },
      keepsDistribution: true,
    });
  });
  return { outcome: alongside(await simulation.run(Promise.all(parts))), batches };
}

describe('the parts of threads put together', () => {
  test('are exactly what happened: latencies, seconds and tenths of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.double({ min: 0.3, max: 40, noNaN: true }), { minLength: 1, maxLength: 7 }),
        async (threads, connections, pipeline, times) => {
          const { outcome, batches } = await inParts(
            { limit: { kind: 'duration', seconds: 2.5 }, threads, connections, pipeline },
            (time) => times[Math.floor(time) % times.length] ?? 1,
          );
          const recorder = new LatencyRecorder();
          for (const { sentAt, answeredAt } of batches) recorder.record(answeredAt - sentAt);
          const operations = sumOf(batches.map(({ commands }) => commands));
          const end = Math.max(...batches.map(({ answeredAt }) => answeredAt));

          expect(outcome).toMatchObject({ operations, complete: true, failure: null });
          expect(outcome.seconds).toBeCloseTo(end / 1000, 9);
          expect(outcome.distribution).toEqual(recorder.distribution);
          expect(outcome.latency).toEqual(summaryOf(recorder.distribution));
          const within = (millis: number, index: number) =>
            sumOf(
              batches
                .filter(({ answeredAt }) => Math.floor(answeredAt / millis) === index)
                .map(({ commands }) => commands),
            );
          expect(outcome.series.map((second) => second.operations)).toEqual(
            outcome.series.map((_, index) => within(1000, index)),
          );
          expect(outcome.slices).toEqual(
            Array.from({ length: Math.floor(outcome.seconds * 10) }, (_, index) => within(100, index)),
          );
        },
      ),
      { numRuns: 30, examples: [[1, 1, 1, [39.99999999999997]]] },
    );
  });

  test('are so many commands as were asked for, over all of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 8 }),
        async (count, threads, pipeline) => {
          const limit = { kind: 'operations', count } as const;
          const { outcome } = await inParts({ limit, threads, connections: 2, pipeline }, () => 1);

          expect(outcome.operations).toBe(count);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('follow one timetable: no two start together, and none is left out', async () => {
    const { outcome, batches } = await inParts(
      { limit: { kind: 'duration', seconds: 3 }, threads: 3, connections: 2, ratePerSecond: 100 },
      () => 1,
    );
    const starts = batches.map(({ sentAt }) => sentAt).sort((one, other) => one - other);

    expect(outcome).toMatchObject({ operations: 300, seconds: 3, meanOwnDelayMicros: 0 });
    // The first is due when it is asked for.
    expect(outcome.queuedRatio).toBeCloseTo(1 / 300, 9);
    for (const [index, start] of starts.entries()) expect(start).toBeCloseTo(index * 10, 6);
    expect(outcome.slices).toEqual(Array.from({ length: 30 }, () => 10));
  });

  test('are busy as the busiest is, and fail where one does', async () => {
    const { outcome } = await inParts(
      { limit: { kind: 'duration', seconds: 1 }, threads: 1, connections: 1 },
      () => 1,
    );
    const failure = new Error('lost');
    const sum = alongside([
      { ...outcome, utilization: 0.2, starvation: 0.1 },
      { ...outcome, utilization: 0.95, starvation: 0, complete: false, failure },
    ]);

    expect(sum).toMatchObject({ utilization: 0.95, starvation: 0.1, complete: false, failure });
    expect(alongside([outcome, { ...outcome, starvation: null }]).starvation).toBeNull();
  });

  test('count the errors of each', async () => {
    const simulation = new Simulation();
    const server = new SimulatedServer(
      simulation,
      () => 1,
      (command) => (command < 20 ? 1 : new ReplyError('OOM no')),
    );
    const limit = { kind: 'duration', seconds: 60 } as const;
    const parts = Array.from({ length: 2 }, () =>
      runPart([{ connection: server.connect(), commands: anyCommands }], {
        ...{ limit, pipeline: 10, ratePerSecond: null, subject: '`SET`', clock: simulation, startsAt: 0 },
        ...{ claims: new Claims(limit, Claims.memory()), signal: new AbortController().signal },
      }),
    );
    const outcome = alongside(await simulation.run(Promise.all(parts)));

    expect(outcome).toMatchObject({ operations: 20, errors: 20, complete: false });
    expect(outcome.failure?.message).toContain('OOM no');
  });
});

test('there are as many threads as connections and processors allow, and one with a rate', () => {
  expect(usualThreads(50, null, 2)).toBe(1);
  expect(usualThreads(4, null, 64)).toBe(1);
  expect(usualThreads(50, null, 8)).toBe(4);
  expect(usualThreads(50, null, 4)).toBe(2);
  expect(usualThreads(1000, null, 16)).toBe(8);
  expect(usualThreads(50, 1000, 8)).toBe(1);
});
