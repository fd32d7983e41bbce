import type { RedisServer } from '../../redis/server.ts';
import type { RestoreOutcome } from '../../traffic/notifications/put-back.ts';
import { openTrafficSource } from '../../traffic/observe.ts';
import type { ObservedTraffic } from '../../watch/observer.ts';
import type { Context } from '../context.ts';
import { observationTerms } from '../observing.ts';

/** The observations of one run, one after the other: a connection that was lost, or a suspension, ends one of them. */
export class WatchedTraffic {
  /** What could not be put back, by address; a later observation of the same server may yet do it. */
  private readonly failures = new Map<string, string>();

  constructor(
    private readonly context: Context,
    private readonly reconnect: Context['reconnect'] = context.reconnect,
  ) {}

  /**
   * Observes traffic by namespace, in the mode that the server permits and its load suggests.
   * @throws RedisError when the server is lost; InputError where the server must not be changed
   */
  async open(server: RedisServer): Promise<ObservedTraffic> {
    const source = await openTrafficSource(
      server,
      await observationTerms(this.context, server, this.reconnect),
    );
    return {
      next: () => source.next(),
      close: async () => {
        for (const outcome of await source.close()) this.settle(outcome);
      },
    };
  }

  /** Why settings of servers are not as they were, now that nothing is observed any more. */
  unsettled(): readonly string[] {
    return [...this.failures.values()];
  }

  private settle({ address, outcome, message }: RestoreOutcome): void {
    this.failures.delete(address);
    if (message === null) return;
    if (outcome === 'failed') this.failures.set(address, message);
    else this.context.warn(message);
  }
}
