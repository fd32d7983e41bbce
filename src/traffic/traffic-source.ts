import type { RedisNode, RedisServer } from '../redis/server.ts';
import { Observation, type ObservationOptions } from './observation.ts';
import type { RestoreOutcome } from './notifications/put-back.ts';
import type { HitMode, TrafficReport } from './report.ts';

/** Traffic without end, window by window. */
export interface TrafficSource {
  readonly mode: HitMode;
  readonly modeReason: string;
  /** The window since the last call, or since the opening. @throws ObservationLost, RedisError */
  next(): Promise<TrafficReport>;
  /** Puts back what was changed on the server. */
  close(): Promise<readonly RestoreOutcome[]>;
}

export interface TrafficSourceOptions extends ObservationOptions {
  readonly reconnect: (address: string) => Promise<RedisNode>;
}

/** @throws RedisError, InputError as Observation.open does */
export async function openTrafficSource(
  server: RedisServer,
  options: TrafficSourceOptions,
): Promise<TrafficSource> {
  const observation = await Observation.open(server, options);
  const closed = new AbortController();
  try {
    let last = await observation.cut('turn');
    const bursts =
      observation.mode === 'sampled'
        ? takeBursts(observation, AbortSignal.any([closed.signal, options.signal]))
        : null;
    return {
      mode: observation.mode,
      modeReason: observation.modeReason,
      async next() {
        const failure = bursts?.failure();
        if (failure !== undefined) throw failure;
        const from = last;
        last = await observation.cut('turn');
        const report = await observation.report(from, last, { lost: [], endedBy: null }, false);
        observation.forgetBefore(last);
        return report;
      },
      async close() {
        closed.abort();
        const restored = await observation.close(options.reconnect);
        await bursts?.done;
        return restored;
      },
    };
  } catch (error) {
    await observation.close(options.reconnect);
    throw error;
  }
}

/** Bursts one after the other, while windows are cut from them. */
function takeBursts(observation: Observation, ended: AbortSignal) {
  let failure: Error | undefined;
  const run = async () => {
    while (!ended.aborted) await observation.pass(1);
  };
  const done = run().catch((error: unknown) => {
    if (!ended.aborted) failure = error instanceof Error ? error : new Error(String(error));
  });
  return { done, failure: () => failure };
}
