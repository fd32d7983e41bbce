import { maskedText } from '../support/masked.ts';
import { unmappedName } from '../keyspace/map.ts';
import { bytes, count, type Phrase, ratio, say, seconds } from '../support/phrase.ts';
import type { TrafficReport } from '../traffic/report.ts';
import { type Finding, finding, held } from './check.ts';
import { type Known, Missing } from './doctor/rule.ts';

/** A limit on the keys or the traffic of a namespace, which `check` holds it against. */
export interface Gate {
  readonly name: keyof typeof gateTitles;
  /** A namespace, or a pattern of keys that are not to be there; null: all keys. */
  readonly subject: string | null;
  readonly limit: number;
}

export const gateTitles = {
  keys: 'Keys',
  bytes: 'Bytes',
  'without-ttl': 'Keys without a TTL',
  unmapped: 'Unmapped keys',
  forbidden: 'Forbidden keys',
  'namespace-hit-rate': 'Hit rate of a namespace',
} as const;

/** What gates are judged by. */
export interface GateFacts {
  readonly keys: Known<CountedKeys>;
  readonly traffic: Known<TrafficReport>;
  /** So many reads it takes to judge a hit rate. */
  readonly requiredReads: number;
}

/** A NamespaceSummary, as far as gates read it. */
interface CountedNamespace {
  readonly namespace: string;
  readonly keys: number;
  readonly memoryBytes: number | null;
  readonly withoutTtl: number | null;
  readonly withoutTtlInterval: readonly [low: number, high: number] | null;
}

export interface CountedKeys {
  readonly total: CountedNamespace;
  readonly namespaces: readonly CountedNamespace[];
  /** By pattern. */
  readonly forbidden: ReadonlyMap<string, { readonly keys: number; readonly example: string | null }>;
}

/** `keys:user`: what it is called in reports. */
/** A pattern may be a URL in the wrong place, whose password is not to be repeated. */
const shownSubject = ({ subject }: Gate): string => maskedText(subject ?? '');

export const gateId = (gate: Gate): string =>
  gate.subject === null ? gate.name : `${gate.name}:${shownSubject(gate)}`;

export const needsTraffic = ({ name }: Pick<Gate, 'name'>): boolean => name === 'namespace-hit-rate';

/** Pure. What is not shown to hold fails; what could not be read is skipped, with the reason. */
export function assessGate(gate: Gate, { keys, traffic, requiredReads }: GateFacts): Finding {
  const { name, subject, limit } = gate;
  if (needsTraffic(gate))
    return traffic instanceof Missing
      ? skipped(traffic.reason, limit)
      : hitRateFinding(traffic, subject ?? '', limit, requiredReads);
  if (keys instanceof Missing) return skipped(keys.reason, limit);
  if (name === 'forbidden') {
    const { keys: found = 0, example = null } = keys.forbidden.get(subject ?? '') ?? {};
    const evidence = { pattern: shownSubject(gate), keys: found, example };
    const remedy = `\`cachectl keys '${shownSubject(gate)}'\` lists them`;
    const message =
      example === null ? say`no key matches` : say`${count(found, 'key')} found, such as \`${example}\``;
    return found === 0
      ? finding('pass', message, { value: 0, limit: 0, unit: 'count', evidence })
      : finding('fail', message, { value: found, limit: 0, unit: 'count', evidence, remedy });
  }
  const wanted = name === 'unmapped' ? unmappedName : subject;
  const row = wanted === null ? keys.total : keys.namespaces.find(({ namespace }) => namespace === wanted);
  const figures = row ?? { keys: 0, memoryBytes: 0, withoutTtl: 0, withoutTtlInterval: null };
  const of = wanted === null ? '' : ` --namespace '${wanted}'`;
  const remedy = `\`cachectl inspect${of}\` shows what they are`;
  const evidence = { namespace: wanted, keys: figures.keys };
  if (name === 'bytes') {
    const { memoryBytes } = figures;
    if (memoryBytes === null) return skipped(say`the server does not report the sizes of keys`, limit);
    const figure = {
      value: memoryBytes,
      limit,
      unit: 'bytes' as const,
      evidence: { ...evidence, memoryBytes },
    };
    return held({ ...figure, remedy }, say`${bytes(memoryBytes)}`);
  }
  if (name !== 'without-ttl')
    return held(
      { value: figures.keys, limit, unit: 'count', evidence, remedy },
      say`${count(figures.keys, 'key')}`,
    );
  const { withoutTtl, withoutTtlInterval } = figures;
  if (withoutTtl === null) return skipped(say`the TTLs of keys may not be read`, limit);
  const share = (part: number) => (figures.keys === 0 ? 0 : Math.min(1, part / figures.keys));
  const [value, most] = [share(withoutTtl), share(withoutTtlInterval?.[1] ?? withoutTtl)];
  const found = say`${ratio(value)} of ${count(figures.keys, 'key')} have no TTL`;
  return held(
    {
      ...{ value: most, limit, unit: 'ratio', evidence: { ...evidence, withoutTtl } },
      remedy: `\`cachectl keys --ttl none${of}\` lists them, \`cachectl prune --set-ttl\` gives them one`,
    },
    most > value ? [...found, ...say`, at most ${ratio(most)}`] : found,
  );
}

const skipped = (reason: Phrase, limit: number): Finding => finding('skip', reason, { limit });

function hitRateFinding(traffic: TrafficReport, namespace: string, limit: number, required: number): Finding {
  if (!traffic.valid)
    return skipped([`the window is not valid: ${traffic.invalidReasons[0] ?? 'events were lost'}`], limit);
  const row = traffic.namespaces.find((each) => each.namespace === namespace);
  const reads = row?.reads ?? 0;
  const window = say` in ${seconds(traffic.windowSeconds)}`;
  const { hitRate = null, hitRateInterval = null } = row ?? {};
  const evidence = { namespace, reads, hitRate, windowSeconds: traffic.windowSeconds };
  const more = { limit, unit: 'ratio' as const, evidence };
  if (reads < required || hitRate === null)
    return finding(
      'skip',
      [...say`${count(reads, 'read')}`, ...window, ...say`: ${count(required)} are required`],
      more,
    );
  const low = hitRateInterval?.[0] ?? hitRate;
  const found = [...say`${ratio(hitRate)} of ${count(reads, 'read')}`, ...window];
  if (low >= limit) return finding('pass', found, { ...more, value: low });
  const below =
    hitRate < limit ? say`, below the limit of ${ratio(limit)}` : say`, not shown to reach ${ratio(limit)}`;
  const remedy = `\`cachectl hits --namespace '${namespace}' --for 30s\` shows why it misses`;
  return finding('fail', [...found, ...below], { ...more, value: low, remedy });
}
