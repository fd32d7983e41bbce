import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './connection.ts';
import { isAboutTls, mayPass, RedisError, refusal } from './errors.ts';
import { infoOf } from './info.ts';
import { type Reply, ReplyError } from './reply.ts';
import { type ConnectTarget, retryMillisOf } from './target.ts';

const [firstPauseMillis, longestPauseMillis] = [100, 1000];

/** How long what is out of reach, or not ready, is waited for: until there is progress, or for so many milliseconds. */
export class Patience {
  private endsAt = 0;
  private pauseMillis = firstPauseMillis;

  /** @param signal ends the waiting */
  constructor(
    private readonly millis: number,
    private readonly signal?: AbortSignal,
  ) {
    this.renew();
  }

  /** After progress: the next trouble is another one. */
  renew(): void {
    this.endsAt = performance.now() + this.millis;
    this.pauseMillis = firstPauseMillis;
  }

  get isOver(): boolean {
    return this.signal?.aborted === true || performance.now() >= this.endsAt;
  }

  /** Waits a moment, longer each time. False: it is of no use to try again. */
  async pause(): Promise<boolean> {
    if (this.isOver) return false;
    await sleep(this.pauseMillis, undefined, this.signal && { signal: this.signal }).catch(() => undefined);
    this.pauseMillis = Math.min(longestPauseMillis, this.pauseMillis * 2);
    return this.signal?.aborted !== true;
  }
}

/**
 * Sends commands that change nothing again while the server answers one of them with what may pass (LOADING, CLUSTERDOWN,
 * MASTERDOWN, BUSY, TRYAGAIN). Once that has lasted for too long, and once the signal is aborted, the replies are what they are.
 * @throws RedisError when the connection is lost
 */
export async function whenReady(
  { retryMillis }: Pick<Connection, 'retryMillis'>,
  send: () => Promise<Reply[]>,
  signal: AbortSignal | undefined,
): Promise<Reply[]> {
  const patience = new Patience(retryMillis, signal);
  for (;;) {
    const replies = await send();
    if (isReady(replies) || !(await patience.pause())) return replies;
  }
}

export const isReady = (replies: readonly Reply[]): boolean =>
  !replies.some((reply) => reply instanceof ReplyError && mayPass(reply));

/** True where the same server may be back soon, or another take its place. */
export const mayReturn = (error: unknown): error is RedisError =>
  error instanceof RedisError &&
  (error.failure === 'lost' || error.failure === 'connect') &&
  !['EPROTO', 'EINTR', 'ENOCLUSTER', 'ENOSENTINEL'].includes(error.code) &&
  !isAboutTls(error.code);

/** How a server is waited for that was not reached yet. */
export interface Waiting {
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Called once, before the first pause. */
  readonly onWait?: ((failure: RedisError) => void) | undefined;
}

/**
 * Opens the way to a server, again where it is there and not ready, or is about to be replaced. One that is not there at all may have
 * another address: it is waited for only where the target says so.
 * @param isOnItsWay true where a server is known to be there or to come
 * @throws RedisError
 */
export async function onceReady<T>(
  target: ConnectTarget,
  open: () => Promise<T>,
  { signal, onWait }: Waiting,
  isOnItsWay: (failure: RedisError) => boolean = () => false,
): Promise<T> {
  const patience = new Patience(retryMillisOf(target), signal);
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof RedisError) || patience.isOver) throw error;
      const isAwaited = mayReturn(error) && (target.awaitsStart === true || isOnItsWay(error));
      if (!isAwaited && !mayPass(error)) throw error;
      if (attempt === 1) onWait?.(error);
      if (!(await patience.pause())) throw error;
    }
  }
}

/**
 * Distinguishes a primary from all others that come after it at its address: the history of its keys begins anew where it is
 * restarted or takes over from another. Where INFO is not permitted, the address alone does.
 * @throws RedisError when the connection is lost, and where a server that must be a primary is a replica by now
 */
export async function tenureOf(connection: Connection, mustBePrimary = false): Promise<string> {
  const [reply] = await connection.exchange([['INFO', 'REPLICATION']]);
  const { role, master_replid: history = '' } = infoOf(reply) ?? {};
  const { address } = connection;
  if (!mustBePrimary || role !== 'slave') return `${address} ${history}`;
  throw new RedisError('lost', 'EDEMOTED', `${address} was a primary, and is a replica by now`);
}

const waitSliceMillis = 250;

/**
 * Waits until so many replicas have acknowledged what was written on the connection, for as long as it tries again at all.
 * @returns how many have, none where the server is no primary any more
 * @throws RedisError when the connection is lost, and where WAIT is not permitted
 */
export async function replicasHaving(
  connection: Connection,
  replicas: number,
  signal?: AbortSignal,
): Promise<number> {
  const patience = new Patience(connection.retryMillis, signal);
  for (;;) {
    // In slices, for an answer that takes long counts as none, and Ctrl-C is not to wait for it.
    const [reply] = await connection.exchange([['WAIT', replicas, waitSliceMillis]]);
    if (reply instanceof ReplyError && reply.code !== 'ERR')
      throw refusal(reply, '`WAIT`, which --wait-replicas needs,', connection.address);
    const acknowledged = Number(reply) || 0;
    if (reply instanceof ReplyError || acknowledged >= replicas || patience.isOver) return acknowledged;
  }
}
