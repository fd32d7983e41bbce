import { setTimeout as pause } from 'node:timers/promises';
import type { Progress } from '../support/progress.ts';
import { RedisError } from '../redis/errors.ts';
import { readInfoWithCommands } from '../redis/info.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { tryCanary, enterWhenReady, type Gate } from './enter.ts';
import { millisSince, type Canary, type Facts, isLoading, type NodeFacts, type Stop } from './facts.ts';
import { lookupCountersOf, lookupsSince } from './lookups/counters.ts';

/** What to find out, and where. */
export interface GatherRequest {
  readonly address: string;
  readonly username: string | null;
  readonly database: number;
  /** How many round trips of PING to measure on each node. */
  readonly pings: number;
  /** `no-write`: no key is to be written. */
  readonly canary: 'write' | 'no-write';
  /** Longest wait for a server that is not ready. */
  readonly waitMillis: number;
  /** How long to measure the traffic; null: not at all. */
  readonly windowSeconds: number | null;
}

interface Surroundings extends Gate {
  /** True where a profile of the server allows no key to be written. @throws RedisError where the connection is lost */
  readonly isReadOnly: (server: RedisServer) => Promise<boolean>;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly progress: Progress;
}

/**
 * Asks the server everything that the checks need, once; with a window, INFO again at its end. The lookup of the canary
 * is taken off as one of this program's own. A refusal, a lost connection and an abort are facts, not exceptions.
 */
export async function gatherFacts(request: GatherRequest, surroundings: Surroundings): Promise<Facts> {
  const { signal, progress } = surroundings;
  const entry = await enterWhenReady(surroundings, request.waitMillis, () =>
    progress.start(`waiting for ${request.address}`, 'attempts', null),
  );
  progress.stop();
  // INFO was read just now.
  const begunAt = surroundings.clock();
  let windowSeconds: number | null = null;
  const { address, username, database } = request;
  const { server, connectMillis, loginMillis, waitedMillis } = entry;
  let nodes = entry.nodes;
  let stop: Stop | null = entry.stop;
  let canary: Canary | null =
    request.canary === 'write' ? null : { outcome: 'left-out', reason: request.canary };
  if (server !== null && stop === null && !isLoading(entry) && !signal.aborted) {
    try {
      canary ??= (await surroundings.isReadOnly(server))
        ? { outcome: 'left-out', reason: 'read-only-profile' }
        : await tryCanary(server, surroundings);
      nodes = await measurePings(server, nodes, request.pings, surroundings);
      if (request.windowSeconds !== null) {
        nodes = await measureWindow(server, nodes, begunAt + request.windowSeconds * 1000, surroundings);
        windowSeconds = millisSince(begunAt, surroundings.clock) / 1000;
      }
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      stop = { at: 'work', error };
    }
  }
  return {
    ...{ address, username, database, stop, interrupted: signal.aborted },
    ...{ connectMillis, loginMillis, waitedMillis, nodes, canary, windowSeconds },
  };
}

async function measurePings(
  server: RedisServer,
  nodes: readonly NodeFacts[],
  pings: number,
  surroundings: Surroundings,
): Promise<NodeFacts[]> {
  const measured: NodeFacts[] = [];
  // One node after the other: together they would measure this process.
  for (const [index, facts] of nodes.entries()) {
    const node = server.nodes[index];
    const pingMillis = node === undefined ? [] : await pingMillisOf(node, facts, pings, surroundings);
    measured.push({ ...facts, pingMillis });
  }
  return measured;
}

/** The lookups of each node since INFO was read first. @param endsAt by the clock; an abort ends it sooner */
async function measureWindow(
  server: RedisServer,
  nodes: readonly NodeFacts[],
  endsAt: number,
  { clock, signal, progress, ledgerFolder }: Surroundings,
): Promise<NodeFacts[]> {
  const leftMillis = Math.max(0, endsAt - clock());
  progress.start('measuring the traffic', 'seconds', null);
  await pause(leftMillis, undefined, { signal }).catch(() => undefined);
  progress.stop();
  return Promise.all(
    nodes.map(async (facts, index) => {
      const node = server.nodes[index];
      if (node === undefined || facts.lookups === null) return facts;
      const now = lookupCountersOf(await readInfoWithCommands(node), node, ledgerFolder);
      const [windowLookups = null] = now === null ? [] : lookupsSince([facts.lookups], [now]);
      return { ...facts, windowLookups };
    }),
  );
}

async function pingMillisOf(
  node: RedisNode,
  facts: NodeFacts,
  pings: number,
  { clock, signal }: Surroundings,
): Promise<number[]> {
  const roundTrips: number[] = [];
  if (facts.refusals.some(({ command }) => command === 'PING')) return roundTrips;
  while (roundTrips.length < pings && !signal.aborted) {
    const sentAt = clock();
    const [reply] = await node.batch([['PING']]);
    if (reply instanceof ReplyError) break;
    roundTrips.push(millisSince(sentAt, clock));
  }
  return roundTrips;
}
