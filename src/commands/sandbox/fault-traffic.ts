import { readFileSync } from 'node:fs';
import { parseConfig } from '../../config/load.ts';
import { buildMap } from '../../config/build-map.ts';
import type { RedisNode } from '../../redis/server.ts';
import { type Block, note } from '../../render/blocks.ts';
import { type Field, fieldsOf, tableOf } from '../../render/table.ts';
import { faultOf } from '../../sandbox/faults.ts';
import type { FaultName, SystemName } from '../../sandbox/systems.ts';
import { runTraffic } from '../../sandbox/traffic.ts';
import type { NamespaceTotals, TrafficTotals } from '../../sandbox/traffic-account.ts';
import { causeTexts } from '../traffic-columns.ts';
import type { SandboxFault } from './result.ts';

interface TrafficStart {
  readonly system: SystemName;
  readonly seed: number;
  /** Operations per second. */
  readonly rate: number;
  readonly fault?: FaultName;
  /** The map of the system. */
  readonly configFile: string;
  readonly now: () => number;
  /** Ends the traffic. */
  readonly signal: AbortSignal;
}

export interface RunningTraffic {
  /** What the traffic was, once it has been stopped. */
  readonly ended: Promise<TrafficTotals>;
  /** Resolves when a fault has been at work for a while: what is seen from then on is the usual. Also at the end. */
  readonly steady: Promise<void>;
}

/** Two seconds: the server's own figure of operations per second goes back over 1.6 s, and then has nothing of the filling in it. */
const ticksUntilSteady = 40;

/** Starts traffic, with a fault in it where one is named. */
export function startTraffic(
  node: RedisNode,
  { system, seed, rate, fault, configFile, now, signal }: TrafficStart,
): RunningTraffic {
  const plain = { operationsPerSecond: rate, signal, now };
  if (fault === undefined) return guarded(runTraffic(node, system, seed, plain), Promise.resolve());
  let ticks = 0;
  let settle = () => {};
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const ended = runTraffic(node, system, seed, {
    ...plain,
    fault: faultOf(system, fault),
    map: buildMap(parseConfig(readFileSync(configFile, 'utf8'), configFile)),
    onTick: () => {
      if (++ticks === ticksUntilSteady) settle();
    },
  });
  return guarded(ended, Promise.race([settled, ended.then(() => undefined)]));
}

/** A failure is reported where it is awaited; until then a command runs. */
function guarded(ended: Promise<TrafficTotals>, steady: Promise<void>): RunningTraffic {
  for (const promise of [ended, steady]) promise.catch(() => undefined);
  return { ended, steady };
}

export function describeFault(system: SystemName, name: FaultName): SandboxFault {
  const { namespaces, cause, story } = faultOf(system, name);
  return { name, namespaces, cause, story };
}

/** What is to be seen of a fault: `misses of db_user are expired`. A key that was never cached is new to who sees it missed once. */
export function expectation({ namespaces, cause }: SandboxFault): string {
  return `misses of ${namespaces.join(', ')} are ${causeTexts[cause === 'neverCached' ? 'goneOrNew' : cause]}`;
}

/** The fault, where a command is run on it. */
export function faultNotes(fault: SandboxFault): Block[] {
  return [
    note('plain', `fault ${fault.name}: ${fault.story}`),
    note('plain', `to be seen: ${expectation(fault)}`),
  ];
}

type NamespaceRow = NamespaceTotals & { readonly namespace: string };

const { text, count } = fieldsOf<NamespaceRow>();

const fields: readonly Field<NamespaceRow>[] = [
  text('namespace', 'NAMESPACE'),
  count('reads', 'READS'),
  count('hits', 'HITS'),
  count('misses', 'MISSES'),
  count('expired', 'EXPIRED', ({ causes }) => causes.expired),
  count('evicted', 'EVICTED', ({ causes }) => causes.evicted),
  count('invalidated', 'INVALIDATED', ({ causes }) => causes.invalidated),
  count('neverCached', 'NEVER CACHED', ({ causes }) => causes.neverCached),
  count('unknown', 'UNKNOWN', ({ causes }) => causes.unknown),
];

/** What the traffic knows of its own reads, to compare with what a command has observed of a part of it. */
export function accountOf(totals: TrafficTotals, fault: SandboxFault): Block[] {
  const rows = fault.namespaces.flatMap((namespace) => {
    const row = totals.byNamespace.get(namespace);
    return row === undefined ? [] : [{ namespace, ...row }];
  });
  const title = 'What the traffic itself knows of these namespaces, since it began';
  return [tableOf('traffic', rows, fields, { title })];
}
