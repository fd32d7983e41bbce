import { defaultLimits, diagnose, doctorRules } from '../../src/health/doctor/diagnose.ts';
import type { KeyFacts } from '../../src/health/doctor/key-facts.ts';
import { type Examination, Missing } from '../../src/health/doctor/rule.ts';
import type { ServerFacts } from '../../src/health/doctor/server-facts.ts';
import { emptyMap } from '../../src/keyspace/map.ts';
import { phraseText } from '../../src/render/units.ts';
import { factsWith, healthyInfo, nodeWith } from './health-facts.ts';

const quietInfo = {
  ...healthyInfo,
  ...{ redis_version: '8.6.3', latest_fork_usec: '300', rejected_connections: '0' },
  ...{
    total_connections_received: '20',
    total_commands_processed: '100000',
    server_time_usec: '1000000000000',
  },
  ...{ pubsub_channels: '0', pubsub_patterns: '0', db0: 'keys=1204,expires=1204,avg_ttl=0' },
  cmdstat_get: 'calls=900,usec=900,usec_per_call=1.00,rejected_calls=0,failed_calls=0',
  latency_percentiles_usec_get: 'p50=1.003,p99=2.007,p99.9=4.015',
};

const quietKeys: KeyFacts = {
  ...{
    keys: 1204,
    exact: true,
    namespaces: [],
    refusedTtl: null,
    refusedMemory: null,
    largest: [],
    herds: [],
  },
  ...{ unstable: [], values: [], hottest: [] },
};

const quietNode: ServerFacts = {
  address: '10.0.0.1:6379',
  info: quietInfo,
  settings: new Map([
    ['bind', '*'],
    ['protected-mode', 'no'],
    ['notify-keyspace-events', ''],
    ['latency-monitor-threshold', '100'],
  ]),
  ...{ slowlog: [], latency: [], clients: [], users: { openDefaultUser: false, dangerous: [] } },
};

interface Changes {
  readonly info?: Readonly<Record<string, string>>;
  readonly node?: Partial<ServerFacts>;
  readonly keys?: Partial<KeyFacts>;
  readonly more?: Partial<Examination>;
}

/** All that is known of a healthy server, but for what the test says. */
export function examinationWith({ info = {}, node = {}, keys = {}, more = {} }: Changes): Examination {
  const known = { ...quietInfo, ...info };
  return {
    server: factsWith({ nodes: [nodeWith(known)] }),
    limits: defaultLimits,
    map: emptyMap,
    nodes: [{ ...quietNode, info: known, ...node }],
    keys: { ...quietKeys, ...keys },
    traffic: new Missing(['not observed']),
    localTimeZone: 'Europe/Prague',
    ...more,
  };
}

/** `CC101 no-maxmemory: …`, with the severity in front. */
export const findingsWith = (changes: Changes): string[] =>
  diagnose(examinationWith(changes), doctorRules).findings.map(
    ({ severity, rule, id, subject, message }) =>
      `${severity} ${rule} ${id}: ${subject === null ? '' : `${subject}: `}${phraseText(message)}`,
  );
