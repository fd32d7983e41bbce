import { join } from 'node:path';

/** The example systems. Each has a folder of this name in `examples/`, with its map and its fixtures. */
export const systemNames = ['education', 'content', 'subjunctive', 'boardroom', 'honzik'] as const;

export type SystemName = (typeof systemNames)[number];

export const systemDescriptions: Readonly<Record<SystemName, string>> = {
  education: 'agent-based teaching: model answers, queries, sessions',
  content: 'course generation: JSON envelopes under digests',
  subjunctive: 'Spanish practice: keys with quotes, braces and spaces',
  boardroom: 'meeting assistant: digests, pickles, a wildcard id',
  honzik: 'Czech tutor in a chat: profiles, speech, quotas',
};

/** The namespace map of a system. */
export function configFileOf(system: SystemName, packageRoot: string): string {
  return join(packageRoot, 'examples', system, 'cachectl.config.json');
}

/** What a sandbox can do wrong on purpose. Each makes misses of one cause. */
export const faultNames = ['short-ttl', 'small-memory', 'invalidation-loop', 'unstable-keys'] as const;

export type FaultName = (typeof faultNames)[number];

export const faultDescriptions: Readonly<Record<FaultName, string>> = {
  'short-ttl': 'a namespace is written with a TTL far too short: misses are expired',
  'small-memory': 'maxmemory is less than what is read needs: misses are evicted',
  'invalidation-loop': 'a write path removes what is read most: misses are invalidated',
  'unstable-keys': 'no process finds the keys of another: misses were never cached',
};

/** Operations per second of light traffic. */
export const defaultTraffic = 200;

/** The same with a fault: so much that a window of a few seconds has hundreds of misses. */
export const faultTraffic = 1000;
