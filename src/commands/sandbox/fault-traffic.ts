import { readFileSync } from 'node:fs';
import { parseConfig } from '../../config/load.ts';
import { buildMap } from '../../config/build-map.ts';
import type { RedisNode } from '../../redis/server.ts';
import { type Block, type Column, note } from '../../render/blocks.ts';
import { faultOf } from '../../sandbox/faults.ts';
import type { FaultName, SystemName } from '../../sandbox/systems.ts';
import { runTraffic } from '../../sandbox/traffic.ts';
import type { TrafficTotals } from '../../sandbox/traffic-account.ts';
import { causeTexts } from '../traffic-columns.ts';
import type { SandboxFault } from './result.ts';

interface TrafficWish {
  readonly system: SystemName;
  readonly seed: number;
  /** Operations per second. */
  readonly traffic: number;
  readonly fault?: FaultName;
}

interface TrafficSetting {
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

/** Two seconds: the server's own figure of operations per second goes back over 1.6 s, and then holds no filling any more. */
const ticksUntilSteady = 40;

/** Starts traffic, with a fault in it where one is wished. */
export function startTraffic(
  node: RedisNode,
  { system, seed, traffic, fault }: TrafficWish,
  { configFile, now, signal }: TrafficSetting,
): RunningTraffic {
  const plain = { operationsPerSecond: traffic, signal, now };
  if (fault === undefined) return { ended: runTraffic(node, system, seed, plain), steady: Promise.resolve() };
  let ticks = 0;
  let tellSteady: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => (tellSteady = resolve));
  const ended = runTraffic(node, system, seed, {
    ...plain,
    fault: faultOf(system, fault),
    map: buildMap(parseConfig(readFileSync(configFile, 'utf8'), configFile)),
    onTick: () => {
      if (++ticks === ticksUntilSteady) tellSteady();
    },
  });
  return { ended, steady: Promise.race([settled, ended.then(() => undefined)]) };
}

export function describeFault(system: SystemName, name: FaultName): SandboxFault {
  const { namespaces, cause, story } = faultOf(system, name);
  return { name, namespaces, cause, story };
}

/** What is to be seen of a fault: `misses of db_user are expired`. */
export function expectation({ namespaces, cause }: SandboxFault): string {
  return `misses of ${namespaces.join(', ')} are ${causeTexts[cause]}`;
}

/** The fault, where a command is run on it. */
export function faultNotes(fault: SandboxFault): Block[] {
  return [
    note('plain', `fault ${fault.name}: ${fault.story}`),
    note('plain', `to be seen: ${expectation(fault)}`),
  ];
}

const columns: readonly Column[] = [
  { name: 'namespace', header: 'NAMESPACE', unit: 'text' },
  { name: 'reads', header: 'READS', unit: 'count' },
  { name: 'hits', header: 'HITS', unit: 'count' },
  { name: 'misses', header: 'MISSES', unit: 'count' },
  { name: 'expired', header: 'EXPIRED', unit: 'count' },
  { name: 'evicted', header: 'EVICTED', unit: 'count' },
  { name: 'invalidated', header: 'INVALIDATED', unit: 'count' },
  { name: 'neverCached', header: 'NEVER CACHED', unit: 'count' },
  { name: 'unknown', header: 'UNKNOWN', unit: 'count' },
];

/** What the traffic knows of its own reads, to hold against what a command has observed of a part of it. */
export function accountOf(totals: TrafficTotals, fault: SandboxFault): Block[] {
  return [
    {
      kind: 'table',
      name: 'traffic',
      title: 'What the traffic itself knows of these namespaces, since it began',
      columns,
      rows: fault.namespaces.flatMap((namespace) => {
        const row = totals.byNamespace.get(namespace);
        if (row === undefined) return [];
        const { reads, hits, misses, causes } = row;
        const { expired, evicted, invalidated, neverCached, unknown } = causes;
        return [[namespace, reads, hits, misses, expired, evicted, invalidated, neverCached, unknown]];
      }),
    },
  ];
}
