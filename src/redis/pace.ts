import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisNode } from './server.ts';

/** How fast a walk may go. */
export interface PaceLimits {
  readonly maxKeysPerSecond?: number;
  /** What a round trip of another client may take, in milliseconds, before the walk slows down. */
  readonly latencyBudgetMillis?: number;
}

interface PaceOptions extends PaceLimits {
  /** Keys of a page while nothing is in the way. */
  readonly pageSize: number;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds on any clock. */
  readonly now?: () => number;
  readonly wait?: (millis: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** COUNT of a SCAN: from 250 to 1000 a walk takes the same time, and a shorter page lets others in sooner. */
export const defaultPageSize = 500;
/** So many keys of a SCAN hold a server up for about a millisecond, and a walk over a long link needs few of them. */
const largestPageSize = 5000;
const batchMillis = 10;
const mostBatches = 32;

/** COUNT of a SCAN over a link with this round trip: the answer is waited for once for each page. */
export const pageSizeOver = (roundTripMillis: number, least = defaultPageSize): number =>
  Math.max(least, Math.min(largestPageSize, Math.round((defaultPageSize * roundTripMillis) / batchMillis)));

/** So many keys that MATCH passes over hold a server up for two or three milliseconds; a longer page saves it nothing more. */
const largestSparsePage = 3000;

/** COUNT behind a page of which MATCH let almost nothing through: what is saved is the request and the answer of a page. */
export const longerPage = (count: number): number => Math.max(count, Math.min(2 * count, largestSparsePage));

/** Batches that are on their way at a time: two keep a server near by busy, and a long link is to be filled. */
export const batchesOver = (roundTripMillis: number, most = mostBatches): number =>
  Math.max(2, Math.min(most, Math.ceil(roundTripMillis / batchMillis)));

const smallestPage = 10;
const longestPauseMillis = 250;

/** How many of the last round trips are looked at: the slowest of them counts. */
const remembered = 5;

/**
 * Holds a walk to its limits. The latency budget works as TCP's congestion control does (additive increase,
 * multiplicative decrease; Chiu and Jain 1989): over the budget the page is halved and the pause before it doubled, and
 * below half of the budget both recover step by step.
 */
export class Pace {
  private readonly recent: number[] = [];
  private pauseMillis = 0;
  private size: number;
  private readonly largestSize: number;
  private nextTurnAt = Number.NEGATIVE_INFINITY;
  private readonly now: () => number;
  private readonly wait: (millis: number, signal: AbortSignal | undefined) => Promise<void>;

  constructor(private readonly options: PaceOptions) {
    const { maxKeysPerSecond = Number.POSITIVE_INFINITY, pageSize } = options;
    // A page that is a tenth of a second's worth keeps a slow walk even.
    this.largestSize = this.size = Math.max(1, Math.min(pageSize, Math.ceil(maxKeysPerSecond / 10)));
    this.now = options.now ?? (() => performance.now());
    this.wait = options.wait ?? pause;
  }

  /** COUNT for the next SCAN. */
  get pageSize(): number {
    return this.size;
  }

  /** Resolves when the next `keys` keys may be read, or when the signal is aborted. */
  async turn(keys: number): Promise<void> {
    const now = this.now();
    const { maxKeysPerSecond, signal } = this.options;
    const startsAt = Math.max(now, this.nextTurnAt) + this.pauseMillis;
    if (maxKeysPerSecond !== undefined) this.nextTurnAt = startsAt + (keys / maxKeysPerSecond) * 1000;
    if (startsAt > now) await this.wait(startsAt - now, signal);
  }

  /** Records how long the latest round trip of a client other than the walk took. */
  observe(roundTripMillis: number): void {
    const { latencyBudgetMillis } = this.options;
    if (latencyBudgetMillis === undefined) return;
    this.recent.push(roundTripMillis);
    if (this.recent.length > remembered) this.recent.shift();
    const slowest = Math.max(...this.recent);
    if (roundTripMillis > latencyBudgetMillis) {
      this.size = Math.max(Math.min(smallestPage, this.largestSize), Math.floor(this.size / 2));
      this.pauseMillis = Math.min(longestPauseMillis, Math.max(1, this.pauseMillis * 2));
    } else if (slowest < latencyBudgetMillis / 2) {
      this.size = Math.min(this.largestSize, this.size + Math.ceil(this.largestSize / 20));
      this.pauseMillis = Math.max(0, this.pauseMillis - 1);
    }
  }
}

async function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(millis, undefined, signal && { signal }).catch(() => undefined);
}

/** The pace of a walk; undefined where nothing limits it. */
export interface Pacing {
  readonly pace: Pace | undefined;
  readonly end: () => void;
}

/**
 * The pace for reading the keys of a node, with a probe of its latency where there is a budget; no pace where there is no
 * limit. The caller ends it. @throws RedisError when the probe gets no connection
 */
export async function startPacing(
  node: RedisNode,
  { maxKeysPerSecond, latencyBudgetMillis }: PaceLimits,
  signal: AbortSignal | undefined,
  pageSize = defaultPageSize,
): Promise<Pacing> {
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

const probeMillis = 20;

/**
 * Sends PING over a connection of its own while a walk runs, and passes `observe` the time of each round trip, in
 * milliseconds: the latency that every other client sees, the walk's own part in it included.
 * @returns ends the probe and closes its connection
 * @throws RedisError when no connection can be had
 */
export async function probeLatency(
  node: RedisNode,
  observe: (roundTripMillis: number) => void,
): Promise<() => void> {
  const connection = await node.openConnection();
  let ended = false;
  const run = async () => {
    while (!ended) {
      const startedAt = performance.now();
      await connection.exchange([['PING']]);
      observe(performance.now() - startedAt);
      await sleep(probeMillis, undefined, { ref: false });
    }
  };
  // A probe that fails loses its connection as the walk loses its own, and the walk is the one to tell.
  run().catch(() => undefined);
  return () => {
    ended = true;
    connection.close();
  };
}
