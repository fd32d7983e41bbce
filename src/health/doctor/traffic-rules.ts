import { type Info, infoNumber } from '../../redis/info.ts';
import { groupBy } from '../../support/collections.ts';
import { bytes, count, millis, ratio, say, seconds } from '../../support/phrase.ts';
import { findingsOf, type TrafficFinding } from '../../traffic/figures/findings.ts';
import type { NamespaceTraffic, TrafficReport } from '../../traffic/report.ts';
import {
  type Cost,
  Missing,
  ofCheck,
  ofInfo,
  ofNodes,
  type Rule,
  symptom,
  type Symptom,
  unreported,
} from './rule.ts';
import { isOld, noticedMillis, nowSeconds } from './server-rules.ts';

const docs = 'https://redis.io/docs/latest';
const evictionDocs = `${docs}/develop/reference/eviction/`;
const expiryDocs = `${docs}/commands/expire/`;
const stampedeDocs = 'https://cseweb.ucsd.edu/~avattani/papers/cache_stampede.pdf';

/** The server answers no one else meanwhile. */
const slowMillis = 10;
/** A single one may be the machine's. */
const fewestSlow = 10;
/** Of fewer calls the slowest hundredth is chance. */
const fewestForPercentile = 100;

/** A mean of so much for a command that reads collections whole: they are large. */
const wholeReadMillis = 1;
const fewestCalls = 10;
const wholeReads = [
  'SMEMBERS',
  'HGETALL',
  'HKEYS',
  'HVALS',
  'LRANGE',
  'ZRANGE',
  'SINTER',
  'SUNION',
  'SDIFF',
  'SORT',
];

/** Rules about traffic: CC301 and on. */
export const trafficRules: readonly Rule[] = [
  {
    number: 'CC301',
    id: 'hit-rate',
    severity: 'warning',
    question: 'does the cache answer from memory often enough?',
    remedy: '`cachectl stats --hits 10s` shows which namespace misses, and why',
    source: `${docs}/commands/info/`,
    assess: ofCheck('hit-rate'),
  },
  ofTraffic({
    number: 'CC302',
    id: 'target-missed',
    severity: 'warning',
    question: 'does each namespace reach its hit rate target?',
    remedy: '`cachectl hits --for 30s` has the causes of its misses',
    source: `${docs}/commands/info/`,
    describe: ({ hitRate, reads, hitRateTarget }) =>
      say`hit rate ${ratio(hitRate)} of ${count(reads, 'read')} is below the target of ${ratio(hitRateTarget)}`,
  }),
  ofTraffic({
    number: 'CC303',
    id: 'expires-too-soon',
    severity: 'warning',
    question: 'do keys live until they are read again?',
    remedy: 'a longer TTL; `cachectl hits --for 60s` shows which one halves the misses',
    source: expiryDocs,
    describe: ({ share, misses, currentSeconds, saveHalfSeconds, saveHalfInterval: range }) => [
      ...say`${ratio(share)} of ${count(misses)} misses came after the end of the TTL`,
      ...(currentSeconds === null ? [] : say` of ${seconds(currentSeconds)}`),
      ...(saveHalfSeconds === null || range === null
        ? []
        : say`; ${seconds(saveHalfSeconds)} (${seconds(range[0])} to ${seconds(range[1])}) would halve them`),
    ],
  }),
  ofTraffic({
    number: 'CC304',
    id: 'evicted-too-soon',
    severity: 'warning',
    question: 'is the memory large enough for what is read?',
    remedy:
      'raise `maxmemory`, or give keys that are not read shorter TTLs: `cachectl inspect` shows idle times',
    source: evictionDocs,
    describe: ({ share, misses, extraForHalfBytes }) => [
      ...say`${ratio(share)} of ${count(misses)} misses are of keys that were evicted`,
      ...(extraForHalfBytes === null ? [] : say`; ${bytes(extraForHalfBytes)} more memory would halve them`),
    ],
  }),
  ofTraffic({
    number: 'CC305',
    id: 'removed-too-often',
    severity: 'warning',
    question: 'are keys left alone until they are read?',
    remedy:
      'invalidate less at once: by entity (`cachectl invalidate ENTITY ID`), or with a generation in the key',
    source: `${docs}/commands/unlink/`,
    describe: ({ share, misses }) =>
      say`${ratio(share)} of ${count(misses)} misses are of keys that were removed with DEL or UNLINK`,
  }),
  ofTraffic({
    number: 'CC306',
    id: 'never-stored',
    severity: 'warning',
    question: 'is what was missed stored?',
    remedy:
      'look for the write that fails, or uses another name; where there is nothing to store, store that, with a short TTL',
    source: 'https://www.rfc-editor.org/rfc/rfc2308',
    describe: ({ share, misses, reads, windowSeconds }) =>
      reads === null
        ? say`${ratio(share)} of ${count(misses)} misses ask again for keys that were not stored`
        : say`none of ${count(reads, 'read')} found a key, and none was stored in ${seconds(Math.round(windowSeconds))}`,
  }),
  ofTraffic({
    number: 'CC307',
    id: 'never-read-again',
    severity: 'warning',
    question: 'is what was stored read again?',
    remedy:
      'look for a part of the key that differs each time (a time, a hash of one process): `cachectl keys PATTERN`',
    source: 'https://docs.python.org/3/reference/datamodel.html#object.__hash__',
    describe: ({ newKeys, hitRate }) =>
      say`${count(newKeys, 'key')} were stored after a miss and hardly any was read again: hit rate ${ratio(hitRate)}`,
  }),
  ofTraffic({
    number: 'CC308',
    id: 'written-not-read',
    severity: 'notice',
    question: 'is each namespace read?',
    remedy: 'observe it for longer (`cachectl hits --for 10m`); what no one reads need not be written',
    source: `${docs}/commands/monitor/`,
    describe: ({ writes }) => say`${count(writes, 'write')} and no reads`,
  }),
  ofTraffic({
    number: 'CC309',
    id: 'stampedes',
    severity: 'warning',
    question: 'does one reader compute what many miss at once?',
    remedy:
      'let one reader compute it and the others wait (a lock with `SET key value NX PX 5000`), or renew it before it expires',
    source: stampedeDocs,
    describe: ({ count: times, largest, extraMisses }) =>
      say`${count(times, 'time')} more than one reader missed a key before it was stored (at most ${count(largest)}): ${count(extraMisses)} misses too many`,
  }),
  {
    number: 'CC310',
    id: 'slow-commands',
    severity: 'warning',
    question: 'is every command quick?',
    remedy:
      '`redis-cli SLOWLOG GET` has their arguments; replace them by smaller steps, such as SCAN in place of KEYS',
    source: `${docs}/commands/slowlog-get/`,
    assess: ofNodes('slowlog', (entries, { info }) => {
      const now = nowSeconds(info instanceof Missing ? {} : info);
      const slow = entries.filter(
        ({ micros, atSeconds }) => micros / 1000 >= slowMillis && !isOld(atSeconds, now),
      );
      return [...groupBy(slow, ({ command }) => command)].flatMap(([command, own]) => {
        const longest = Math.max(...own.map(({ micros }) => micros)) / 1000;
        if (own.length < fewestSlow && longest < noticedMillis) return [];
        return symptom(
          say`${count(own.length, 'call')} of ${millis(slowMillis)} or more in a day, the slowest ${millis(longest)}`,
          { command, calls: own.length, maxMillis: longest },
          { subject: command },
        );
      });
    }),
  },
  {
    number: 'CC311',
    id: 'slow-percentile',
    severity: 'notice',
    question: 'do commands keep their pace?',
    remedy:
      '`redis-cli LATENCY HISTOGRAM COMMAND` has the distribution; `cachectl bench` measures the way to the server',
    source: `${docs}/operate/oss_and_stack/management/optimization/latency/`,
    assess: ofInfo((info) => {
      const latencies = Object.entries(info).filter(([name]) => name.startsWith('latency_percentiles_usec_'));
      if (latencies.length === 0) return unreported('latency_percentiles_usec_get');
      return latencies.flatMap(([field, text]) => {
        const command = field.slice('latency_percentiles_usec_'.length).toUpperCase();
        const p99Millis = Number(/\bp99=([\d.]+)/.exec(text)?.[1] ?? 0) / 1000;
        const calls =
          infoNumber(
            { calls: /calls=(\d+)/.exec(info[`cmdstat_${command.toLowerCase()}`] ?? '')?.[1] ?? '' },
            'calls',
          ) ?? 0;
        return p99Millis < slowMillis || calls < fewestForPercentile
          ? []
          : symptom(
              say`1 % of ${count(calls, 'call')} took ${millis(p99Millis)} or more`,
              { command, p99Millis, calls },
              { subject: command },
            );
      });
    }),
  },
  {
    number: 'CC312',
    id: 'keys-command',
    severity: 'warning',
    question: 'does no one call KEYS?',
    remedy: 'SCAN in its place, as `cachectl keys PATTERN` does; `ACL SETUSER name -keys` forbids it',
    source: `${docs}/commands/keys/`,
    assess: ofCalls(['KEYS'], () => true, 'KEYS reads every key while no one else is answered'),
  },
  {
    number: 'CC313',
    id: 'flush-command',
    severity: 'warning',
    question: 'does no one empty the whole cache?',
    remedy:
      '`cachectl invalidate --namespace NAME` removes a part, with a preview; `ACL SETUSER name -flushall -flushdb` forbids the rest',
    source: `${docs}/commands/flushall/`,
    assess: ofCalls(['FLUSHALL', 'FLUSHDB'], () => true, 'every read after it is a miss'),
  },
  {
    number: 'CC314',
    id: 'whole-reads',
    severity: 'warning',
    question: 'are collections read in parts?',
    remedy:
      'HSCAN, SSCAN and ZSCAN in its place, or a smaller range; `cachectl keys "*" --elements ">1000" --long` lists large ones',
    source: `${docs}/commands/smembers/`,
    assess: ofCalls(
      wholeReads,
      ({ calls, meanMillis }) => calls >= fewestCalls && meanMillis >= wholeReadMillis,
      'the collections are large, and read whole',
    ),
  },
];

interface Calls {
  readonly calls: number;
  readonly meanMillis: number;
}

function callsOf(info: Info, command: string): Calls | null {
  const [, calls, mean] =
    /^calls=(\d+),.*?usec_per_call=([\d.]+)/.exec(info[`cmdstat_${command.toLowerCase()}`] ?? '') ?? [];
  return calls === undefined || mean === undefined
    ? null
    : { calls: Number(calls), meanMillis: Number(mean) / 1000 };
}

/** Commands of which the calls since the start of the counters say enough. */
function ofCalls(
  commands: readonly string[],
  isNotable: (calls: Calls) => boolean,
  why: string,
): Rule['assess'] {
  return ofInfo((info) => {
    if (!Object.keys(info).some((name) => name.startsWith('cmdstat_'))) return unreported('cmdstat_get');
    return commands.flatMap((command) => {
      const found = callsOf(info, command);
      return found === null || found.calls === 0 || !isNotable(found)
        ? []
        : symptom(
            say`${count(found.calls, 'call')} of ${millis(found.meanMillis)} each since the counters began: ${why}`,
            { command, calls: found.calls, meanMillis: found.meanMillis },
            { subject: command },
          );
    });
  });
}

type FindingOf<Name extends TrafficFinding['rule']> = Extract<TrafficFinding, { readonly rule: Name }>;

/** What `hits` finds in a namespace, as a rule. */
function ofTraffic<Name extends TrafficFinding['rule']>({
  describe,
  ...rule
}: Omit<Rule, 'assess' | 'id'> & {
  readonly id: Name;
  readonly describe: (finding: FindingOf<Name>) => Symptom['message'];
}): Rule {
  return {
    ...rule,
    assess: ({ traffic, map }) => {
      if (traffic instanceof Missing) return traffic;
      if (!traffic.valid) return new Missing([`the window is not valid: ${traffic.invalidReasons[0] ?? ''}`]);
      if (traffic.mode === 'counters') return new Missing(say`the traffic was not seen by namespace`);
      return findingsOf(traffic)
        .filter((each): each is FindingOf<Name> => each.rule === rule.id)
        .map((each) => {
          const { namespace, rule: _rule, ...figures } = each;
          const evidence = Object.fromEntries(
            Object.entries(figures).filter(([, value]) => !Array.isArray(value)),
          ) as Symptom['evidence'];
          const observed = traffic.namespaces.find((row) => row.namespace === namespace);
          const missCost = map.namespaces.find(({ name }) => name === namespace)?.missCost ?? null;
          return symptom(describe(each), evidence, {
            subject: namespace,
            cost: costOf(each, observed, missCost, traffic),
          });
        });
    },
  };
}

/** The misses that the finding is about, in time and in money. */
function costOf(
  finding: TrafficFinding,
  observed: NamespaceTraffic | undefined,
  missCost: number | null,
  { windowSeconds }: TrafficReport,
): Partial<Cost> {
  if (finding.rule === 'written-not-read') return {};
  const misses =
    finding.rule === 'stampedes'
      ? finding.extraMisses
      : 'share' in finding
        ? finding.misses * finding.share
        : (observed?.misses ?? null);
  if (misses === null || windowSeconds === 0) return {};
  const missesPerSecond = misses / windowSeconds;
  return { missesPerSecond, costPerHour: missCost === null ? null : missesPerSecond * 3600 * missCost };
}
