import type { RedisServer } from '../../redis/server.ts';
import { openTrafficSource } from '../../traffic/traffic-source.ts';
import type { ObservedTraffic } from '../../watch/observer.ts';
import type { Context } from '../context.ts';
import { observationTerms } from '../observation-terms.ts';

/** Share of the time during which MONITOR runs where it is sampled; as `hits` has it. */
const duty = 0.1;

/**
 * Observes traffic by namespace, in the mode that the server permits and its load suggests.
 * @throws RedisError when the server is lost; InputError where the server must not be changed
 */
export async function observeTraffic(context: Context, server: RedisServer): Promise<ObservedTraffic> {
  const terms = { ...observationTerms(context), mode: null, duty };
  const source = await openTrafficSource(server, terms);
  return {
    next: () => source.next(),
    close: async () => {
      for (const { message } of await source.close()) if (message !== null) context.warn(message);
    },
  };
}
