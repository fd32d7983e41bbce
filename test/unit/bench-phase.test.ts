import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Limit } from '../../src/bench/options.ts';
import type { PhaseOutcome } from '../../src/bench/outcome.ts';
import { type Phase, runPhase } from '../../src/bench/phase.ts';
import { RedisError } from '../../src/redis/errors.ts';
import { type Reply, ReplyError } from '../../src/redis/reply.ts';
import { anyCommands, SimulatedServer, Simulation } from './bench-simulation.ts';

const forSeconds = (seconds: number): Limit => ({ kind: 'duration', seconds });
const forOperations = (count: number): Limit => ({ kind: 'operations', count });

function measure(
  simulation: Simulation,
  server: SimulatedServer,
  changes: Partial<Phase> & { readonly limit: Limit; readonly connections?: number },
): Promise<PhaseOutcome> {
  const { connections = 1, ...phase } = changes;
  const loads = Array.from({ length: connections }, () => ({
    connection: server.connect(),
    commands: anyCommands,
  }));
  return simulation.run(
    runPhase(loads, {
      pipeline: 1,
      ratePerSecond: null,
      subject: '`GET`',
      clock: simulation,
      signal: new AbortController().signal,
      ...phase,
    }),
  );
}

describe('without a rate', () => {
  test('one connection sends as soon as it has its answer', async () => {
    const simulation = new Simulation();
    const outcome = await measure(simulation, new SimulatedServer(simulation, () => 2), {
      limit: forSeconds(1),
    });

    expect(outcome).toMatchObject({ operations: 500, errors: 0, seconds: 1, complete: true, failure: null });
    expect(outcome.latency).toMatchObject({ samples: 500 });
    for (const figure of ['minMicros', 'meanMicros', 'p50Micros', 'p999Micros', 'maxMicros'] as const) {
      expect(outcome.latency?.[figure] ?? 0).toBeCloseTo(2000, -1);
    }
  });

  test('more connections than the server can work on wait for each other', async () => {
    const simulation = new Simulation();
    const outcome = await measure(simulation, new SimulatedServer(simulation, () => 2), {
      limit: forSeconds(1),
      connections: 10,
    });

    expect(outcome.operations / outcome.seconds).toBeCloseTo(500, 0);
    expect(outcome.latency?.p50Micros ?? 0).toBeCloseTo(20_000, -2);
  });

  test('exactly the commands asked for are sent, whatever the connections and the pipeline', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 50 }),
        async (count, connections, pipeline) => {
          const simulation = new Simulation();
          const server = new SimulatedServer(simulation, () => 1);
          const outcome = await measure(simulation, server, {
            limit: forOperations(count),
            connections,
            pipeline,
          });

          expect(outcome.operations).toBe(count);
          expect(server.batches.reduce((sum, size) => sum + size, 0)).toBe(count);
          expect(Math.max(...server.batches)).toBeLessThanOrEqual(pipeline);
          expect(server.mostInFlight).toBe(1);
          expect(outcome.latency?.samples).toBe(server.batches.length);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('throughput is counted in tenths of a second', async () => {
    const simulation = new Simulation();
    const server = new SimulatedServer(simulation, (time) => (time < 200 ? 1 : 4));
    const outcome = await measure(simulation, server, { limit: forSeconds(0.4) });

    expect(outcome.slices).toHaveLength(4);
    expect(outcome.slices[0]).toBeGreaterThanOrEqual(99);
    expect(outcome.slices[3]).toBe(25);
  });

  test('the utilization of this process is that of the meter', async () => {
    const simulation = new Simulation();
    simulation.utilization = 0.97;
    const outcome = await measure(simulation, new SimulatedServer(simulation, () => 1), {
      limit: forOperations(10),
    });

    expect(outcome.utilization).toBe(0.97);
  });
});

describe('with a rate', () => {
  test('the commands are spread evenly over the time', async () => {
    const simulation = new Simulation();
    const outcome = await measure(simulation, new SimulatedServer(simulation, () => 1), {
      limit: forSeconds(3),
      ratePerSecond: 100,
      connections: 4,
    });

    expect(outcome).toMatchObject({ operations: 300, seconds: 3, utilization: null, meanOwnDelayMicros: 0 });
    expect(outcome.slices).toEqual(Array.from({ length: 30 }, () => 10));
    expect(outcome.latency?.maxMicros ?? 0).toBeCloseTo(1000, -1);
  });

  test('a batch of a pipeline counts as its commands', async () => {
    const simulation = new Simulation();
    const server = new SimulatedServer(simulation, () => 1);
    const outcome = await measure(simulation, server, {
      limit: forSeconds(2),
      ratePerSecond: 100,
      pipeline: 10,
    });

    expect(outcome.operations).toBe(200);
    expect(server.batches).toEqual(Array.from({ length: 20 }, () => 10));
  });

  test('a stall of the server is charged to every command that was meant to be sent in it', async () => {
    // One second of ten is lost, so a tenth of what was meant to be sent waits, half a second on average.
    const stall = (time: number) => (time >= 4000 && time < 4001 ? 1000 : 0.5);
    const paced = new Simulation();
    const withRate = await measure(paced, new SimulatedServer(paced, stall), {
      limit: forSeconds(10),
      ratePerSecond: 200,
    });
    const free = new Simulation();
    const withoutRate = await measure(free, new SimulatedServer(free, stall), { limit: forSeconds(10) });

    expect((withRate.latency?.p95Micros ?? 0) / 1000).toBeGreaterThan(400);
    expect((withRate.latency?.p95Micros ?? 0) / 1000).toBeLessThan(600);
    expect((withoutRate.latency?.p999Micros ?? 0) / 1000).toBeCloseTo(0.5, 1);
    expect((withoutRate.latency?.maxMicros ?? 0) / 1000).toBeCloseTo(1000, -1);
  });

  test('a stall of 200 ms in each second leaves the median alone, and is in the percentiles beyond 80 %', async () => {
    const simulation = new Simulation();
    const server = new SimulatedServer(simulation, (time) => Math.max(0, 200 - (time % 1000)) + 0.1);
    const outcome = await measure(simulation, server, {
      ...{ limit: forSeconds(10), ratePerSecond: 500, connections: 4 },
    });

    // A command due x ms into the stall is answered at its end, behind x / 2 others of 0.1 ms.
    const latencyAt = (x: number) => 200 - x + (0.1 * x) / 2;
    expect(outcome.latency?.p50Micros).toBeLessThan(200);
    expect((outcome.latency?.p90Micros ?? 0) / 1000).toBeCloseTo(latencyAt(100), -1);
    expect((outcome.latency?.p99Micros ?? 0) / 1000).toBeCloseTo(latencyAt(10), -1);
    expect(outcome.queuedRatio).toBeLessThan(0.25);
    expect(outcome.series).toHaveLength(10);
    for (const { operations, maxMicros } of outcome.series) {
      expect(operations).toBe(500);
      expect(maxMicros).toBeGreaterThan(199_000);
    }
  });

  test('connections that are just enough never get rid of a queue, and that is told though the rate is reached', async () => {
    const simulation = new Simulation();
    const stallMillis = 200;
    // Each answer takes 8 ms, as on a machine that is busy, and four connections can send 500 in a second.
    const connect = () => ({
      ...new SimulatedServer(simulation, () => 0).connect(),
      sendThen: (_payload: string, count: number, onReplies: (replies: Reply[]) => void) => {
        const wait = Math.max(stallMillis - simulation.now(), 8);
        simulation.at(simulation.now() + wait, () => onReplies(Array.from({ length: count }, () => 0)));
      },
    });
    const outcome = await simulation.run(
      runPhase(
        Array.from({ length: 4 }, () => ({ connection: connect(), commands: anyCommands })),
        {
          ...{ limit: forSeconds(10), pipeline: 1, ratePerSecond: 500, subject: '`GET`' },
          ...{ clock: simulation, signal: new AbortController().signal },
        },
      ),
    );

    expect(outcome.operations / outcome.seconds).toBeGreaterThan(475);
    expect(outcome.latency?.p50Micros).toBeGreaterThan(150_000);
    expect(outcome.queuedRatio).toBeGreaterThan(0.9);
  });

  test('a rate beyond the server ends on time, and the latency is that of the growing queue', async () => {
    const simulation = new Simulation();
    const outcome = await measure(simulation, new SimulatedServer(simulation, () => 10), {
      limit: forSeconds(2),
      ratePerSecond: 200,
      connections: 2,
    });

    expect(outcome.operations / outcome.seconds).toBeCloseTo(100, -1);
    expect(outcome.seconds).toBeLessThan(2.1);
    expect(outcome.latency?.maxMicros ?? 0).toBeGreaterThan(900_000);
  });

  test('what a late timer of this machine costs is told apart from the server', async () => {
    const simulation = new Simulation();
    const punctual = simulation.until.bind(simulation);
    simulation.until = (time, signal) => punctual(time + 3, signal);
    const outcome = await measure(simulation, new SimulatedServer(simulation, () => 1), {
      limit: forSeconds(1),
      ratePerSecond: 100,
    });

    expect(outcome.meanOwnDelayMicros).toBeCloseTo(3000, 0);
  });
});

describe('a measurement that is cut short', () => {
  test.each([null, 50])('ends with the batch in hand once it is interrupted (rate: %s)', async (rate) => {
    const simulation = new Simulation();
    const controller = new AbortController();
    const server = new SimulatedServer(simulation, () => 20);
    simulation.at(490, () => controller.abort());
    const outcome = await measure(simulation, server, {
      limit: forSeconds(60),
      ratePerSecond: rate,
      connections: 3,
      signal: controller.signal,
    });

    expect(outcome.complete).toBe(false);
    expect(outcome.failure).toBeNull();
    expect(outcome.operations).toBe(server.batches.length);
    expect(simulation.now()).toBeLessThan(600);
  });

  test('ends at the first error reply, with what the server said', async () => {
    const simulation = new Simulation();
    const server = new SimulatedServer(
      simulation,
      () => 1,
      (command) => (command < 100 ? null : new ReplyError('OOM command not allowed')),
    );
    const outcome = await measure(simulation, server, {
      limit: forSeconds(60),
      connections: 4,
      pipeline: 10,
    });

    expect(outcome).toMatchObject({ operations: 100, misses: 100, complete: false });
    expect(outcome.errors).toBeGreaterThanOrEqual(10);
    expect(outcome.errors).toBeLessThanOrEqual(40);
    expect(outcome.failure).toBeInstanceOf(RedisError);
    expect(outcome.failure?.message).toBe(
      '`GET` on simulated:1: the server answered `OOM command not allowed`',
    );
  });

  test('ends when a connection is lost, after the others have their answers', async () => {
    const simulation = new Simulation();
    const lost = new RedisError('lost', 'ECONNRESET', 'lost the connection');
    const server = new SimulatedServer(
      simulation,
      () => 1,
      (command) => (command === 50 ? lost : 0),
    );
    const outcome = await measure(simulation, server, { limit: forSeconds(60), connections: 4 });

    expect(outcome.failure).toBe(lost);
    expect(outcome.operations).toBe(server.batches.length - 1);
  });
});
