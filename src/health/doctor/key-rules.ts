import { bytes, count, type Phrase, ratio, say, seconds } from '../../support/phrase.ts';
import { type NamespaceMap, unmappedName } from '../../keyspace/map.ts';
import { isMidnight } from '../../keyspace/ttl.ts';
import type { TrafficReport } from '../../traffic/report.ts';
import type { Herd, KeyFacts, NamespaceFacts } from './key-facts.ts';
import { type Known, Missing, ofCheck, ofKeys, type Rule, symptom, type Symptom } from './rule.ts';

const docs = 'https://redis.io/docs/latest';
const evictionDocs = `${docs}/develop/reference/eviction/`;
const expiryDocs = `${docs}/commands/expire/`;
const hashDocs = 'https://docs.python.org/3/reference/datamodel.html#object.__hash__';

/** To read or write it takes the server milliseconds, in which it answers no one else. */
const bigKeyBytes = 10 * 2 ** 20;
const bigCollection = 10_000;

/** Fewer keys that expire together are no load. */
export const fewestInHerd = 100;
export const herdShare = 0.1;

/** Of keys whose TTL and idle time were read. */
const fewestForJitter = 1000;
/** TTL and idle time are read one behind the other, and the latter in whole seconds. */
const exactSeconds = 3;
const shortTtlSeconds = 60;

/** About 100,000 reads, with the default `lfu-log-factor`. */
const hotCounter = 142;

/** Of all reads of a window. */
const hotShare = 0.2;
/** Fewer are no load for whoever holds the key. */
const hotReadsPerSecond = 100;

/** Keys of a herd end within so long. */
const herdSeconds = 2;
/** Whoever writes keys until midnight has a clock of his own, and counts in whole seconds or minutes. */
const midnightSeconds = 60;
const halfAnHour = 1800;

/** Rules about the keys: CC201 and on. */
export const keyRules: readonly Rule[] = [
  {
    number: 'CC201',
    id: 'keys-without-ttl',
    severity: 'warning',
    question: 'do the keys end, or can they be evicted?',
    remedy:
      '`cachectl prune --set-ttl` sets the TTLs that the map names; or `CONFIG SET maxmemory-policy allkeys-lru`',
    source: evictionDocs,
    assess: ofCheck('keys-without-ttl'),
  },
  {
    number: 'CC202',
    id: 'state-evicted',
    severity: 'critical',
    question: 'is state safe from eviction?',
    remedy:
      'keep state on a server of its own; or `CONFIG SET maxmemory-policy volatile-lru`, with TTLs on the caches alone',
    source: evictionDocs,
    assess: ofKeys(({ namespaces, exact }, { map, server }) => {
      const info = server.nodes[0]?.info;
      const policy = info?.['maxmemory_policy'];
      if (policy === undefined) return new Missing(say`the server does not report \`maxmemory_policy\``);
      if (map.isEmpty) return new Missing(say`without a map it is not known what is state`);
      if (!policy.startsWith('allkeys') || info?.['maxmemory'] === '0') return [];
      return namespaces
        .filter(({ kind, keys }) => kind === 'state' && keys > 0)
        .map(({ namespace, keys, memoryBytes }) =>
          symptom(
            [
              ...about(exact),
              ...say`${count(keys, 'key')} are state, and the policy \`${policy}\` evicts any key when the memory is full`,
            ],
            { keys, policy },
            { subject: namespace, cost: { bytes: memoryBytes } },
          ),
        );
    }),
  },
  {
    number: 'CC203',
    id: 'ttl-rule-broken',
    severity: 'warning',
    question: 'do keys have the TTL that the map names?',
    remedy: '`cachectl prune --set-ttl --too-long` sets the TTL of the rule',
    source: expiryDocs,
    assess: ofKeys(({ namespaces, refusedTtl, exact }, { map }) => {
      if (map.isEmpty) return new Missing(say`without a map there are no TTL rules`);
      if (refusedTtl !== null) return new Missing(say`no TTLs: ${refusedTtl}`);
      return namespaces.flatMap((each) => brokenRule(each, exact));
    }),
  },
  {
    number: 'CC204',
    id: 'ttl-herd',
    severity: 'warning',
    question: 'do keys expire at different times?',
    remedy:
      'add jitter where they are written, such as a TTL shortened by up to 10 % at random; `cachectl warm --jitter 10%` does',
    source: `${docs}/commands/expire/#how-redis-expires-keys`,
    assess: ofKeys(({ herds, refusedTtl }, { map, localTimeZone }) =>
      refusedTtl !== null
        ? new Missing(say`no TTLs: ${refusedTtl}`)
        : herds.flatMap((herd) => herdFound(herd, map, localTimeZone)),
    ),
  },
  {
    number: 'CC205',
    id: 'no-jitter',
    severity: 'notice',
    question: 'do TTLs vary, so that keys written together do not expire together?',
    remedy: 'add jitter where they are written, and `"jitter": 0.1` to the namespace in the map',
    source: 'https://cseweb.ucsd.edu/~avattani/papers/cache_stampede.pdf',
    assess: ofKeys(({ namespaces, refusedTtl }) => {
      if (refusedTtl !== null) return new Missing(say`no TTLs: ${refusedTtl}`);
      return namespaces.flatMap(({ namespace, kind, ttlAtUse }) => {
        if (kind === 'state' || ttlAtUse === null || ttlAtUse.keys < fewestForJitter) return [];
        const { minSeconds, maxSeconds, keys } = ttlAtUse;
        if (minSeconds < shortTtlSeconds || maxSeconds - minSeconds > exactSeconds) return [];
        return symptom(
          say`each of ${count(keys, 'key')} was last used with a TTL of ${seconds(Math.round(maxSeconds))}, without jitter`,
          { keys, ttlMinSeconds: minSeconds, ttlMaxSeconds: maxSeconds },
          { subject: namespace },
        );
      });
    }),
  },
  {
    number: 'CC206',
    id: 'big-key',
    severity: 'warning',
    question: 'are all keys of a size that is quick to read?',
    remedy: '`cachectl keys "*" --size ">10MB" --long` lists them; split them, or compress their values',
    source: `${docs}/operate/oss_and_stack/management/optimization/latency/`,
    assess: ofKeys(({ largest, refusedMemory }) =>
      refusedMemory !== null
        ? new Missing(say`no sizes: ${refusedMemory}`)
        : largest
            .filter(({ memoryBytes }) => memoryBytes >= bigKeyBytes)
            .map(({ key, memoryBytes, type }) =>
              symptom(
                say`takes ${bytes(memoryBytes)}`,
                { memoryBytes, type },
                { subject: key, cost: { bytes: memoryBytes } },
              ),
            ),
    ),
  },
  {
    number: 'CC207',
    id: 'big-collection',
    severity: 'warning',
    question: 'are collections of a size that can be read whole?',
    remedy:
      '`cachectl keys "*" --elements ">10000" --long` lists them; trim them (LTRIM, ZREMRANGEBYRANK), or read them with HSCAN and its like',
    source: `${docs}/commands/smembers/`,
    assess: ofKeys(({ largest, refusedMemory }) =>
      refusedMemory !== null
        ? new Missing(say`no sizes: ${refusedMemory}`)
        : largest.flatMap(({ key, elements, type, memoryBytes }) =>
            elements === null || elements < bigCollection
              ? []
              : symptom(
                  say`is a ${type ?? 'collection'} of ${count(elements, 'element')}`,
                  { elements, type, memoryBytes },
                  { subject: key, cost: { bytes: memoryBytes } },
                ),
          ),
    ),
  },
  {
    number: 'CC208',
    id: 'pickled-values',
    severity: 'warning',
    question: 'are values in a form that is safe to read?',
    remedy: 'write JSON or MessagePack: whoever writes such a key runs code in its readers',
    source: 'https://docs.python.org/3/library/pickle.html',
    assess: ofKeys(({ values }) =>
      values instanceof Missing
        ? values
        : values
            .filter(({ pickled }) => pickled > 0)
            .map(({ namespace, pickled, sampled }) =>
              symptom(
                say`${count(pickled)} of ${count(sampled, 'value')} looked at are Python pickles: loading one runs code`,
                { pickled, sampled },
                { subject: namespace },
              ),
            ),
    ),
  },
  {
    number: 'CC209',
    id: 'unstable-keys',
    severity: 'warning',
    question: 'can another process name the same key again?',
    remedy: 'build keys from argument values, not from `hash()`, `id()` or `repr()`',
    source: hashDocs,
    assess: ofKeys(({ unstable }) =>
      unstable.map(({ namespace, kind, keys, example }) =>
        symptom(
          kind === 'object-address'
            ? say`${count(keys, 'key')} with an object's address, new in each process`
            : say`${count(keys, 'key')} that may contain one process's hash`,
          { keys, kind, example },
          { subject: namespace },
        ),
      ),
    ),
  },
  {
    number: 'CC210',
    id: 'unmapped-keys',
    severity: 'notice',
    question: 'does the map know every key?',
    remedy: '`cachectl inspect --namespace "(unmapped)"` shows them; give them a namespace in the map',
    source: `${docs}/develop/using-commands/keyspace/`,
    assess: ofKeys(({ namespaces, keys: all, exact }, { map }) => {
      if (map.isEmpty) return new Missing(say`there is no map`);
      const unmapped = namespaces.filter(({ namespace }) => namespace === unmappedName);
      const keys = unmapped.reduce((sum, each) => sum + each.keys, 0);
      const memoryBytes = unmapped[0]?.memoryBytes ?? null;
      return keys === 0
        ? []
        : [
            symptom(
              [
                ...about(exact),
                ...say`${count(keys, 'key')}, ${ratio(keys / Math.max(1, all))} of all, are in no namespace of the map`,
              ],
              { keys, share: keys / Math.max(1, all) },
              { subject: unmappedName, cost: { bytes: memoryBytes } },
            ),
          ];
    }),
  },
  {
    number: 'CC211',
    id: 'hot-key',
    severity: 'notice',
    question: 'are reads spread over many keys?',
    remedy:
      'keep a copy of it in the application for a second (client-side caching), or several copies under other names',
    source: `${docs}/commands/object-freq/`,
    assess: ({ keys, traffic }) => {
      const found = [readMost(traffic), usedMost(keys)];
      return found.some((each) => !(each instanceof Missing))
        ? found.flatMap((each) => (each instanceof Missing ? [] : each))
        : new Missing(say`only an LFU policy counts the uses of keys; --hits 30s sees which are read most`);
    },
  },
];

/** Keys that end together: as the map has it, at a midnight of which the map says nothing, or by chance. */
function herdFound({ namespace, example, keys, share, at }: Herd, map: NamespaceMap, localTimeZone: string) {
  const { ttl = null, guessedTtl = null } = map.namespaces.find(({ name }) => name === namespace) ?? {};
  const rule = ttl ?? guessedTtl;
  const millis = Date.parse(at);
  if (rule?.kind === 'untilMidnight' && isMidnight(millis, rule.timeZone, midnightSeconds)) return [];
  const midnight = rule === null ? midnightAt(millis, localTimeZone) : null;
  const message = [
    ...say`${count(keys, 'key')}, ${ratio(share)} of those read with a TTL, expire within ${seconds(herdSeconds)} of ${at}`,
    ...(midnight === null ? [] : say`, midnight in ${midnight.where}: they seem to be of a day`),
  ];
  const meant = midnight && {
    severity: 'notice' as const,
    remedy: `where it is meant, the map can say so: \`"ttl": { "untilMidnight": "${midnight.zone}" }\`; else add jitter where they are written`,
  };
  return [symptom(message, { keys, share, at, example }, { subject: namespace, ...meant })];
}

/** The midnight that this is; null: none. Time zones differ by multiples of half an hour, nearly all of them. */
function midnightAt(millis: number, localTimeZone: string): { where: string; zone: string } | null {
  const zone = [localTimeZone, 'UTC'].find((each) => isMidnight(millis, each, herdSeconds));
  if (zone !== undefined) return { where: zone, zone };
  const past = (millis / 1000) % halfAnHour;
  return Math.min(past, halfAnHour - past) <= herdSeconds
    ? { where: 'some time zone', zone: localTimeZone }
    : null;
}

/** By their counters. */
function usedMost(keys: Known<KeyFacts>): Known<readonly Symptom[]> {
  if (keys instanceof Missing) return keys;
  if (keys.hottest === null) return new Missing(say`only an LFU policy counts the uses of keys`);
  return keys.hottest
    .filter(({ counter }) => counter >= hotCounter)
    .map(({ key, counter }) =>
      symptom(
        say`has a use counter of ${count(counter)} out of 255`,
        { frequencyCounter: counter },
        { subject: key },
      ),
    );
}

/** By the traffic. */
function readMost(traffic: Known<TrafficReport>): Known<readonly Symptom[]> {
  if (traffic instanceof Missing) return traffic;
  const { mode, valid, windowSeconds, mostRead } = traffic;
  if (!valid || mode !== 'exact') return new Missing(say`not each read was seen`);
  return mostRead.flatMap(({ key, reads, readShare }) =>
    readShare === null || readShare < hotShare || reads < hotReadsPerSecond * windowSeconds
      ? []
      : symptom(
          say`has ${ratio(readShare)} of all reads: ${count(reads)} in ${seconds(windowSeconds)}`,
          { reads, readShare, windowSeconds },
          { subject: key },
        ),
  );
}

/** In front of a count that is an estimate from a sample. */
const about = (exact: boolean): Phrase => (exact ? [] : ['about ']);

const stateRemedy =
  'the application that writes them has to set it: no command changes state in bulk; `cachectl config validate` shows the rule';

function brokenRule({ namespace, kind, ttlRule, withoutTtlMemoryBytes }: NamespaceFacts, exact: boolean) {
  if (ttlRule === null || ttlRule.guessed) return [];
  const { rule, missing, tooLong, unexpected, drifting, fallsShort } = ttlRule;
  const broken = [
    ...(missing > 0 ? [say`${count(missing, 'key')} without a TTL`] : []),
    ...(tooLong > 0 ? [say`${count(tooLong, 'key')} with a longer one`] : []),
    ...(unexpected > 0 ? [say`${count(unexpected, 'key')} with a TTL`] : []),
    ...(drifting > 0 ? [say`${count(drifting, 'key')} that end at another time`] : []),
    ...(fallsShort ? [say`no key has even half of it left`] : []),
  ];
  const [first, ...others] = broken;
  if (first === undefined) return [];
  const message = [
    ...say`the rule is ${rule}: `,
    ...about(exact),
    ...first,
    ...others.flatMap((each) => [', ', ...each]),
  ];
  const more = {
    ...(missing > 0 && { cost: { bytes: withoutTtlMemoryBytes } }),
    // `prune` keeps state as it is.
    ...(kind === 'state' && { remedy: stateRemedy }),
  };
  const evidence = { rule, missing, tooLong, unexpected, drifting, fallsShort };
  return [symptom(message, evidence, { subject: namespace, ...more })];
}
