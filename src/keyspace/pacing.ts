import { probeLatency, Pace, type PaceLimits } from '../redis/pace.ts';
import type { RedisNode } from '../redis/server.ts';

const defaultPageSize = 500;

/**
 * The pace for reading the keys of a node, with a probe beside it where there is a latency budget; no pace where there
 * is no limit. The caller ends it. @throws RedisError when the probe gets no connection
 */
export async function startPacing(
  node: RedisNode,
  limits: PaceLimits & { readonly pageSize?: number },
  signal: AbortSignal,
): Promise<{ readonly pace: Pace | undefined; end(): void }> {
  const { maxKeysPerSecond, latencyBudgetMillis, pageSize = defaultPageSize } = limits;
  if (maxKeysPerSecond === undefined && latencyBudgetMillis === undefined)
    return { pace: undefined, end: () => undefined };
  const pace = new Pace({
    ...(maxKeysPerSecond !== undefined && { maxKeysPerSecond }),
    ...(latencyBudgetMillis !== undefined && { latencyBudgetMillis }),
    pageSize,
    signal,
  });
  if (latencyBudgetMillis === undefined) return { pace, end: () => undefined };
  return { pace, end: await probeLatency(node, (millis) => pace.observe(millis)) };
}
