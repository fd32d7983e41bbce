import { RedisError } from '../../redis/errors.ts';
import type { RedisServer } from '../../redis/server.ts';
import { type Observed, observe } from '../../traffic/observe.ts';
import type { HitMode } from '../../traffic/report.ts';
import type { Context } from '../context.ts';
import { observationTerms } from '../observation-terms.ts';
import type { ObservedHits, StatsResult } from './result.ts';

/** As `hits` has them unless told otherwise. */
const duty = 0.1;
const maxBytes = 2e9;

/**
 * Observes the traffic for so many seconds. What the user may not do, or the service does not know, goes to `refused`.
 * @throws RedisError when the server is lost; InputError where the server must not be changed
 */
export async function observeHits(
  context: Context,
  server: RedisServer,
  { seconds, mode }: { readonly seconds: number; readonly mode: HitMode | null },
  refused: StatsResult['refused'][number][],
): Promise<Observed | null> {
  const { progress } = context;
  try {
    progress.start('opening', 'steps', null);
    return await context.withoutSuspension(async () =>
      observe(server, {
        ...(await observationTerms(context, server)),
        ...{ mode, duty, seconds, maxCost: null, maxBytes },
        onBegin: ({ mode: chosen }) => progress.start(`observing (${chosen})`, 'seconds', seconds),
        onProgress: (_, passed) => {
          progress.update(Math.round(passed));
          return Promise.resolve();
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof RedisError) || error.failure !== 'refused') throw error;
    const command = error.refused?.subject.replaceAll('`', '') ?? 'MONITOR';
    const hint = error.hint === undefined ? '' : `; ${error.hint}`;
    refused.push({ command, reason: `${error.message}${hint}` });
    return null;
  } finally {
    progress.stop();
  }
}

/** @param database the one that has rows of its own */
export function observedHitsOf({ report, restored }: Observed, database: number): ObservedHits {
  const { mode, modeReason, windowSeconds, valid, invalidReasons, remarks, endedBy } = report;
  const { reads, hits, misses, hitRate, residual, namespaces } = report;
  return {
    ...{ mode, modeReason, windowSeconds, valid, invalidReasons, remarks, endedBy },
    ...{ reads, hits, misses, hitRate, residual },
    otherDatabases: namespaces
      .filter((each) => each.database !== database)
      .map((each) => ({
        database: each.database,
        reads: each.reads,
        misses: each.misses,
        hitRate: each.hitRate,
      })),
    notifications: restored,
  };
}
