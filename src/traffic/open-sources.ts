import { setTimeout as sleep } from 'node:timers/promises';
import { RedisError } from '../redis/errors.ts';
import { infoNumber, readInfoIfPermitted } from '../redis/info.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode } from '../redis/server.ts';
import { ObservationLost, type NodeObserver } from './streams/node-observer.ts';
import { acquireNotifications, type LeaseTerms, NotificationRefusal } from './notifications/switch-on.ts';
import type { NotificationLease } from './notifications/put-back.ts';
import { hitFlags, missingFlags, readServerFlags } from './notifications/notification-flags.ts';
import type { HitMode } from './report.ts';

export interface SourceTerms extends LeaseTerms {
  /** Null: what the server permits, and its load. */
  readonly mode: HitMode | null;
  /** False where nothing of the server may be changed: events are used where they are on. */
  readonly mayChange: boolean;
}

/** What is open, and why. */
export interface Sources {
  readonly mode: HitMode;
  readonly reason: string;
  readonly leases: readonly NotificationLease[];
  readonly remarks: readonly string[];
  /** True where the server is known to tell of keys that come into being. */
  readonly newKeys: boolean;
}

type Observers = readonly [NodeObserver, ...NodeObserver[]];

/** Up to so many commands per second MONITOR and the events cost the server about 4 % of a core (`npm run bench:hits`). */
const exactLimit = 20_000;

/** Long enough to tell ten thousand commands per second from twenty, and too short for a figure to show. */
const rateMillis = 250;

/** An event that has not come after this long will not. */
const silenceMillis = 1000;

/** Databases that a server has unless it says otherwise. */
const usualDatabases = 16;

/**
 * Opens events and MONITOR as far as the mode needs them and the server permits them. What a refusal leaves open is
 * closed by the caller.
 * @throws RedisError where a mode was asked for and the server refuses what it needs
 */
export async function openSources(observers: Observers, terms: SourceTerms): Promise<Sources> {
  const asked = terms.mode;
  if (asked === 'counters') return { ...nothing, reason: 'asked for' };
  const [unmarked] = observers.flatMap(({ lookupRefusal }) => lookupRefusal ?? []);
  if (unmarked !== undefined) {
    if (asked !== null) throw unmarked;
    return { ...nothing, reason: `no window can be marked: ${unmarked.message}` };
  }
  const { leases, refusal, remarks } = await switchEventsOn(observers, terms);
  try {
    const silence = await openEvents(observers, refusal);
    if (silence !== null) {
      if (asked !== null) throw silence;
      const restored = await restoreAll(leases);
      const stuck = restored.flatMap(({ outcome, message }) => (outcome === 'failed' ? (message ?? []) : []));
      const hint = silence.hint === undefined ? '' : `; ${silence.hint}`;
      for (const observer of observers) observer.closeStream('events');
      return { ...nothing, reason: `${silence.message}${hint}`, remarks: [...remarks, ...stuck] };
    }
    const { mode, reason } = await chooseMode(observers, asked);
    const newKeys = leases.length === observers.length && leases.every((lease) => lease.newKeys === true);
    const causes = refusal === null ? [] : [causesRemark(refusal)];
    return { mode, reason, leases, remarks: [...remarks, ...causes], newKeys };
  } catch (error) {
    await restoreAll(leases);
    throw error;
  }
}

const nothing: Omit<Sources, 'reason'> = { mode: 'counters', leases: [], remarks: [], newKeys: false };

async function switchEventsOn(observers: Observers, terms: SourceTerms) {
  const leases: NotificationLease[] = [];
  let refusal: NotificationRefusal | null = null;
  try {
    for (const { node } of observers) {
      const lease = terms.mayChange
        ? await acquireNotifications(node, terms)
        : await lookAtEvents(node, terms.now());
      if (lease instanceof NotificationRefusal) refusal ??= lease;
      else if (lease !== null) leases.push(lease);
    }
  } catch (error) {
    await restoreAll(leases);
    throw error;
  }
  return { leases, refusal, remarks: leases.flatMap((lease) => lease.remarks) };
}

/** Null where all events that are needed are on. @throws RedisError when the connection is lost */
async function lookAtEvents(node: RedisNode, now: number): Promise<NotificationRefusal | null> {
  const { flags } = await readServerFlags(node, now);
  if (flags instanceof ReplyError)
    return new NotificationRefusal(node.address, 'CONFIG GET', flags, null, hitFlags);
  return missingFlags(flags, hitFlags.required) === ''
    ? null
    : new NotificationRefusal(node.address, 'read-only', new ReplyError('READONLY'), flags, hitFlags);
}

/** Misses have events, and the other causes are not known to have them, or known not to. */
function causesRemark({ address, missing, hint }: NotificationRefusal): string {
  const what =
    missing === null
      ? `whether ${address} reports all causes is unknown`
      : `${address} does not report all causes (\`${missing}\` is off)`;
  return `${what}: without its event a key that went counts as not stored, or gone or new; ${hint}`;
}

const restoreAll = (leases: readonly NotificationLease[]) =>
  Promise.all(leases.map((lease) => lease.restore()));

/** Null when the events of misses come in; else why not. @throws RedisError when the server is lost */
async function openEvents(
  observers: Observers,
  refusal: NotificationRefusal | null,
): Promise<RedisError | null> {
  // Off for certain: waiting for an event would only take time.
  if (refusal?.missing?.includes('m') === true || refusal?.missing?.includes('E') === true) return refusal;
  try {
    for (const observer of observers) {
      await observer.openEvents(await countDatabases(observer.node));
      await observer.mark('burst', silenceMillis);
    }
    return null;
  } catch (error) {
    if (error instanceof ObservationLost)
      return refusal === null ? new RedisError('refused', 'ESILENT', error.message) : refusal;
    if (error instanceof RedisError && error.failure === 'refused') return error;
    throw error;
  }
}

async function chooseMode(
  observers: Observers,
  asked: HitMode | null,
): Promise<{ mode: HitMode; reason: string }> {
  if (asked === 'misses-only') return { mode: asked, reason: 'asked for' };
  const rates = await Promise.all(observers.map(({ node }) => commandsPerSecond(node)));
  const rate = rates.includes(null) ? null : rates.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  // A load that is not known may be one that MONITOR would double.
  const mode = asked ?? (rate !== null && rate <= exactLimit ? 'exact' : 'sampled');
  try {
    for (const observer of observers) await observer.openMonitor();
  } catch (error) {
    if (!(error instanceof RedisError) || error.failure !== 'refused' || asked !== null) throw error;
    for (const observer of observers) observer.closeStream('commands');
    return { mode: 'misses-only', reason: `MONITOR is not permitted: ${error.message}` };
  }
  if (mode === 'sampled') for (const observer of observers) observer.closeStream('commands');
  const load =
    rate === null
      ? 'the server does not report its commands'
      : `the server does ${rate <= exactLimit ? 'fewer' : 'more'} than ${exactLimit.toLocaleString('en-US')} commands per second`;
  return { mode, reason: asked === null ? load : 'asked for' };
}

/**
 * Measured now: the server's own figure is a mean over the last seconds, and may tell of a load that has ended.
 * Null: the server does not report it.
 */
async function commandsPerSecond(node: RedisNode): Promise<number | null> {
  const read = async () => infoNumber((await readInfoIfPermitted(node)) ?? {}, 'total_commands_processed');
  const [startedAt, before] = [performance.now(), await read()];
  await sleep(rateMillis);
  const after = await read();
  return before === null || after === null
    ? null
    : Math.max(0, after - before) / ((performance.now() - startedAt) / 1000);
}

async function countDatabases(node: RedisNode): Promise<number> {
  const [reply] = await node.batch([['CONFIG', 'GET', 'DATABASES']]);
  const reported = Array.isArray(reply) ? Number(reply[1]) : Number.NaN;
  return Math.max(node.database + 1, Number.isInteger(reported) && reported > 0 ? reported : usualDatabases);
}
