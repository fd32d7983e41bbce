import { probeLatency } from '../redis/pace.ts';
import type { RedisNode } from '../redis/server.ts';

/** Round trips of PING in one interval, in microseconds. */
export interface LatencyFigures {
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Round trips that were measured. */
  readonly samples: number;
}

/** Measures round trips to all nodes, each over a connection of its own, until it is ended. */
export class LatencyMeter {
  private micros: number[] = [];
  private readonly ends: (() => void)[] = [];

  /** @throws RedisError when no connection can be had */
  static async start(nodes: readonly RedisNode[]): Promise<LatencyMeter> {
    const meter = new LatencyMeter();
    const observe = (millis: number) => meter.micros.push(Math.round(millis * 10000) / 10);
    try {
      for (const node of nodes) meter.ends.push(await probeLatency(node, observe));
    } catch (error) {
      meter.end();
      throw error;
    }
    return meter;
  }

  /** The figures since the last call; null where no answer came. */
  take(): LatencyFigures | null {
    const { micros } = this;
    this.micros = [];
    return latencyOf(micros);
  }

  end(): void {
    for (const end of this.ends) end();
  }
}

/** Quantiles by nearest rank: each is a round trip that was measured. */
export function latencyOf(micros: readonly number[]): LatencyFigures | null {
  if (micros.length === 0) return null;
  const sorted = micros.toSorted((left, right) => left - right);
  const rank = (quantile: number) => sorted[Math.ceil(quantile * sorted.length) - 1] ?? Number.NaN;
  return { p50Micros: rank(0.5), p99Micros: rank(0.99), samples: sorted.length };
}
