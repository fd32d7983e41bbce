import {
  assessGate,
  type CountedKeys,
  type Gate,
  type GateFacts,
  gateId,
  gateTitles,
  needsTraffic,
} from '../../health/gates.ts';
import { type Known, Missing } from '../../health/doctor/rule.ts';
import { finding } from '../../health/check.ts';
import type { Answer } from '../../health/report.ts';
import { analyzeKeyspace } from '../../keyspace/analyze.ts';
import { delimitersOf } from '../../keyspace/infer.ts';
import { keyText } from '../../keyspace/key-text.ts';
import { type NamespaceMap, unmappedName } from '../../keyspace/map.ts';
import { compilePattern, readPattern } from '../../keyspace/pattern.ts';
import type { RedisServer } from '../../redis/server.ts';
import { InputError } from '../../support/failure.ts';
import { meantName } from '../../support/similar.ts';
import { fewestLookups } from '../../traffic/report.ts';
import type { NamedLimit } from '../arguments.ts';
import type { Context } from '../context.ts';
import { keyspaceFiguresOf } from '../keyspace-report.ts';
import { rowName } from '../namespace-summary.ts';
import { observeWindow, unlessRefused } from '../observing.ts';
import { type PaceInput, readingOptionsOf } from '../reading-options.ts';

export interface GateInput extends PaceInput {
  readonly maxKeys?: readonly NamedLimit[];
  readonly maxBytes?: readonly NamedLimit[];
  readonly maxWithoutTtl?: readonly NamedLimit[];
  readonly minNamespaceHitRate?: readonly NamedLimit[];
  readonly maxUnmapped?: number;
  /** Patterns. */
  readonly forbid?: readonly string[];
  /** Seconds. */
  readonly hits?: number;
  readonly requireReads?: number;
  /** False leaves out what the map says of keys. */
  readonly keys: boolean;
}

/** Those of the command line, and of the map where that has one that is not given. @throws InputError */
export function gatesOf({ map }: Context, input: GateInput): Gate[] {
  const { maxKeys = [], maxBytes = [], maxWithoutTtl = [], minNamespaceHitRate = [], hits } = input;
  if (minNamespaceHitRate.length > 0 && hits === undefined)
    throw new InputError(
      '--min-namespace-hit-rate needs traffic to judge',
      'observe it with --hits 30s as well',
    );
  if (input.maxUnmapped !== undefined && map.isEmpty)
    throw new InputError('--max-unmapped needs a map', '`cachectl config init` writes a first one');
  const named = (name: Gate['name'], limits: readonly NamedLimit[]): Gate[] =>
    limits.map(({ namespace, limit }) => ({ name, subject: namespace, limit }));
  const asked = [
    ...named('keys', maxKeys),
    ...named('bytes', maxBytes),
    ...named('without-ttl', maxWithoutTtl),
    ...(input.maxUnmapped === undefined
      ? []
      : [{ name: 'unmapped' as const, subject: null, limit: input.maxUnmapped }]),
    ...(input.forbid ?? []).map((subject) => ({ name: 'forbidden' as const, subject, limit: 0 })),
    ...named('namespace-hit-rate', minNamespaceHitRate),
  ];
  const names = [...map.namespaces.map(({ name }) => name), unmappedName];
  const unknown = asked.find(
    ({ name, subject }) =>
      name !== 'forbidden' && subject !== null && !map.isEmpty && !names.includes(subject),
  );
  if (unknown !== undefined)
    throw new InputError(
      `there is no namespace \`${unknown.subject ?? ''}\``,
      `namespaces are: ${names.join(', ')}`,
    );
  const ids = new Set(asked.map(gateId));
  const targets: Gate[] =
    hits === undefined
      ? []
      : map.namespaces.flatMap(({ name, kind, hitRateTarget }) =>
          hitRateTarget === null || kind === 'state'
            ? []
            : { name: 'namespace-hit-rate', subject: name, limit: hitRateTarget },
        );
  const ofMap = input.keys ? [...limitsOfMap(map), ...targets] : targets;
  return [...asked, ...ofMap.filter((gate) => !ids.has(gateId(gate)))];
}

function limitsOfMap({ namespaces, thresholds: { maxUnmappedKeys }, forbidden }: NamespaceMap): Gate[] {
  const gate = (name: Gate['name'], subject: string | null, limit: number | null): Gate[] =>
    limit === null ? [] : [{ name, subject, limit }];
  return [
    ...namespaces.flatMap(({ name, limits: { keys, bytes, withoutTtlShare } }) => [
      ...gate('keys', name, keys),
      ...gate('bytes', name, bytes),
      ...gate('without-ttl', name, withoutTtlShare),
    ]),
    ...gate('unmapped', null, maxUnmappedKeys ?? null),
    ...forbidden.flatMap((pattern) => gate('forbidden', pattern, 0)),
  ];
}

/**
 * Reads what the gates need, and no more. @param whole what is needed besides: figures of all namespaces, or the traffic
 * @throws RedisError
 */
export async function readGateFacts(
  context: Context,
  gates: readonly Gate[],
  input: GateInput,
  whole: { readonly figures: boolean; readonly traffic: boolean },
): Promise<GateFacts> {
  const { hits } = input;
  const traffic =
    hits !== undefined && (whole.traffic || gates.some(needsTraffic))
      ? await trafficOf(context, hits)
      : new Missing(['the traffic was not observed: --hits 30s does']);
  const keys =
    gates.every(needsTraffic) && !whole.figures
      ? new Missing([])
      : await unlessRefused(async () =>
          countKeys(context, await context.reconnect(), gates, input, whole.figures),
        );
  return { keys, traffic, requiredReads: input.requireReads ?? fewestLookups };
}

/** The error: a gate is on a namespace that there is not, so that it would hold whatever happens. */
export function answerGates(
  { map }: Context,
  gates: readonly Gate[],
  facts: GateFacts,
): { readonly answers: Answer[]; readonly error?: InputError } {
  const errors: InputError[] = [];
  const answers = gates.map((gate) => {
    const meant = map.isEmpty ? meantNamespace(gate, facts, map) : null;
    const missing = `there is no namespace \`${gate.subject ?? ''}\``;
    if (meant !== null) errors.push(new InputError(missing, `did you mean \`${meant}\`?`));
    return {
      ...{ id: gateId(gate), title: gateTitles[gate.name], durationMillis: 0 },
      ...(meant === null
        ? assessGate(gate, facts)
        : finding('skip', [`${missing}; there is \`${meant}\``], { limit: gate.limit })),
    };
  });
  return { answers, ...(errors[0] && { error: errors[0] }) };
}

/**
 * Without a map, the inferred namespace that a word such as `price` is meant for: `price:<id>`. Null where it is one itself, and
 * for a name with a placeholder, which may well have no keys now.
 */
function meantNamespace(
  { name, subject }: Gate,
  facts: GateFacts,
  { delimiters }: NamespaceMap,
): string | null {
  if (name === 'forbidden' || subject === null || subject.includes('<')) return null;
  const known = needsTraffic({ name }) ? facts.traffic : facts.keys;
  if (known instanceof Missing) return null;
  const names = known.namespaces.map(({ namespace }) => namespace);
  if (names.includes(subject)) return null;
  const dividersOf = (text: string) => delimitersOf(text, delimiters);
  const words = names.flatMap((each) => each.split(dividersOf(each)[0] ?? ':')[0] ?? []);
  const beginning = (word: string) =>
    names.find((each) => dividersOf(each).some((divider) => each.startsWith(word + divider)));
  return beginning(subject) ?? beginning(meantName(subject, words) ?? subject) ?? null;
}

async function trafficOf(context: Context, seconds: number) {
  const found = await unlessRefused(async () =>
    observeWindow(context, await context.reconnect(), { seconds }),
  );
  if (found instanceof Missing) return found;
  for (const { message } of found.restored) if (message !== null) context.warn(message);
  if (found.failure) throw found.failure;
  return found.report;
}

/** Every key is read, for a gate does not pass on a sample; TTLs are of a part of them where there are many. */
async function countKeys(
  context: Context,
  server: RedisServer,
  gates: readonly Gate[],
  input: GateInput,
  isWhole: boolean,
): Promise<Known<CountedKeys>> {
  const { map, signal, progress, now } = context;
  const forbidden = gates
    .filter(({ name }) => name === 'forbidden')
    .map(({ subject }) => ({
      pattern: subject ?? '',
      matches: compilePattern(readPattern(subject ?? ''), map.delimiters),
      found: { keys: 0, example: null as string | null },
    }));
  const analysis = await analyzeKeyspace(server, {
    ...{ map, signal, progress, now, top: 0 },
    depth: map.isEmpty ? Number.POSITIVE_INFINITY : 1,
    columns: {
      memory: isWhole || gates.some(({ name }) => name === 'bytes'),
      ttl: isWhole || gates.some(({ name }) => name === 'without-ttl'),
    },
    details: {},
    reading: { ...readingOptionsOf(context, input), exactUpTo: Number.POSITIVE_INFINITY },
    onKey: (key) => {
      for (const { matches, found } of forbidden)
        if (matches(key)) {
          found.keys++;
          found.example ??= keyText(key);
        }
    },
  });
  if (analysis.failure !== null) throw analysis.failure;
  if (signal.aborted) return new Missing(['interrupted']);
  const { figures, namespaces } = keyspaceFiguresOf(analysis, map);
  return {
    total: figures.total,
    namespaces: namespaces(Number.POSITIVE_INFINITY).map((row) => ({ ...row, namespace: rowName(row) })),
    forbidden: new Map(forbidden.map(({ pattern, found }) => [pattern, found])),
  };
}
