import { type Known, Missing } from '../health/doctor/rule.ts';
import { RedisError } from '../redis/errors.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { Block } from '../render/blocks.ts';
import { notificationFolder } from '../traffic/notifications/note.ts';
import { type Observed, observe, type ObserveOptions } from '../traffic/observe.ts';
import type { TrafficReport } from '../traffic/report.ts';
import type { Context } from './context.ts';
import { isReadOnlyServer } from './protection.ts';

/**
 * What every observation of the server needs of the world, in the mode that the server permits and its load suggests.
 * @param open another connection to it, to put its settings back
 * @throws RedisError where the connection is lost
 */
export async function observationTerms(context: Context, server: RedisServer, open = context.reconnect) {
  return {
    map: context.map,
    mayChange: !(await isReadOnlyServer(context, server)),
    folder: notificationFolder(context.environment.variables),
    processes: context.environment.processes,
    now: context.now,
    random: context.random,
    signal: context.signal,
    ...{ mode: null, duty: 0.1 },
    reconnect: async (address: string): Promise<RedisNode> => {
      const server = await open();
      const node = server.nodes.find((each) => each.address === address);
      if (node === undefined) throw new RedisError('lost', 'EGONE', `${address} is no primary any more`);
      return node;
    },
  };
}

/** What the user may not call is missing, with the reason. @throws RedisError for any other failure */
export async function unlessRefused<Value>(read: () => Promise<Value>): Promise<Known<Value>> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RedisError) || error.failure !== 'refused') throw error;
    return new Missing([error.message]);
  }
}

/** Bytes that a window may bring unless said. */
const defaultMaxBytes = 2e9;

/**
 * Observes one window, with its progress. @param server without patience, as `reconnect` gives it: what is lost of a window is not
 * to be had again. @param liveBlocks what a person sees meanwhile
 * @throws RedisError when the server is lost or refuses what is needed; InputError where it must not be changed
 */
export async function observeWindow(
  context: Context,
  server: RedisServer,
  options: Pick<ObserveOptions, 'seconds'> & Partial<ObserveOptions>,
  liveBlocks?: (report: TrafficReport) => Block[],
): Promise<Observed> {
  const { progress, live, signal } = context;
  const blocksOf = live.isAvailable ? liveBlocks : undefined;
  try {
    progress.start('opening', 'steps', null);
    return await context.withoutSuspension(async () =>
      observe(server, {
        ...{
          ...(await observationTerms(context, server)),
          maxCost: null,
          maxBytes: defaultMaxBytes,
          ...options,
        },
        onBegin: ({ mode }) => {
          if (!blocksOf) progress.start(`observing (${mode})`, 'seconds', options.seconds);
        },
        onProgress: async (report, seconds) => {
          progress.update(Math.round(seconds));
          if (!blocksOf || signal.aborted) return;
          progress.stop();
          await live.draw(blocksOf(await report()));
        },
      }),
    );
  } finally {
    progress.stop();
    live.clear();
  }
}
