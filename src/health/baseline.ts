import type { TrafficReport } from '../traffic/report.ts';
import { bytes, count, type Phrase, ratio, say } from '../support/phrase.ts';
import { type Finding, finding } from './check.ts';
import type { DoctorFinding } from './doctor/diagnose.ts';
import { type Known, Missing } from './doctor/rule.ts';
import type { CountedKeys, GateFacts } from './gates.ts';

/** What a run of `check` found, as far as a later one is held against it. Null: it was not asked for. */
export interface Baseline {
  /** ISO 8601. */
  readonly createdAt: string;
  readonly address: string;
  /** Null where keys could not be read. */
  readonly namespaces: readonly SavedNamespace[] | null;
  /** Ratios from 0 to 1, of namespaces with the reads that it takes to judge one. */
  readonly hitRates: readonly SavedRate[] | null;
  readonly findings: readonly Pick<DoctorFinding, 'rule' | 'subject'>[] | null;
}

interface SavedNamespace {
  readonly namespace: string;
  readonly keys: number;
  readonly memoryBytes: number | null;
  readonly withoutTtl: number | null;
}

interface SavedRate {
  readonly namespace: string;
  readonly hitRate: number;
}

/** What is worse than before, and by how much. */
interface Worse {
  readonly name: string;
  readonly is: Phrase;
  readonly was: Phrase;
}

/** Differences up to these are no change, whatever their share. */
const fewKeys = 100;
const fewBytes = 1e6;

const namedFirst = 3;

export const baselineTitles = {
  'baseline:keys': 'Keys since the baseline',
  'baseline:bytes': 'Bytes since the baseline',
  'baseline:without-ttl': 'Keys without a TTL since the baseline',
  'baseline:hit-rate': 'Hit rates since the baseline',
  'baseline:doctor': 'Findings since the baseline',
} as const;

type BaselineId = keyof typeof baselineTitles;

/** What is saved of this run. @param findings null: the doctor was not asked */
export function baselineOf(
  { keys, traffic, requiredReads }: GateFacts,
  findings: Baseline['findings'],
  { address, createdAt }: Pick<Baseline, 'address' | 'createdAt'>,
): Baseline {
  return {
    ...{ createdAt, address },
    namespaces: keys instanceof Missing ? null : savedNamespaces(keys),
    hitRates: traffic instanceof Missing || !traffic.valid ? null : savedRates(traffic, requiredReads),
    findings: findings?.map(({ rule, subject }) => ({ rule, subject })) ?? null,
  };
}

const savedNamespaces = ({ namespaces }: CountedKeys): SavedNamespace[] =>
  namespaces.map(({ namespace, keys, memoryBytes, withoutTtl }) => ({
    ...{ namespace, keys, memoryBytes, withoutTtl },
  }));

const savedRates = ({ namespaces }: TrafficReport, requiredReads: number): SavedRate[] =>
  namespaces.flatMap(({ namespace, kind, reads, hitRate }) =>
    kind === 'state' || hitRate === null || (reads ?? 0) < requiredReads ? [] : { namespace, hitRate },
  );

/**
 * Pure. Holds a run against an earlier one. Worse is what differs by more than `tolerance`: keys and bytes as a share of what they
 * were, ratios in points; and a finding that was not there.
 */
export function compareBaseline(
  before: Baseline,
  now: Baseline,
  facts: Pick<GateFacts, 'keys' | 'traffic'>,
  tolerance: number,
): readonly (readonly [BaselineId, Finding])[] {
  const verdict = (worse: Known<readonly Worse[]>, what: string) => verdictOf(worse, what, before);
  const sides = bothKnown(before.namespaces, now.namespaces, facts.keys, 'keys');
  const growth = (of: (row: SavedNamespace) => number | null, least: number, show: typeof bytes) =>
    sides instanceof Missing
      ? sides
      : pairsOf(sides).flatMap(({ name, then, today }) => {
          const [was, is] = [then === null ? 0 : of(then), of(today)];
          if (was === null || is === null) return [];
          return is - was > Math.max(least, was * tolerance)
            ? [{ name, is: [show(is)], was: [show(was)] }]
            : [];
        });
  const rates = bothKnown(before.hitRates, now.hitRates, facts.traffic, 'hit rates');
  const withoutTtl =
    sides instanceof Missing
      ? sides
      : pairsOf(sides).flatMap(({ name, then, today }) => {
          const [was, is] = [shareOf(then), shareOf(today)];
          return is === null || today.keys < fewKeys || is - (was ?? 0) <= tolerance
            ? []
            : [{ name, is: say`${ratio(is)}`, was: say`${ratio(was ?? 0)}` }];
        });
  const missed =
    rates instanceof Missing
      ? rates
      : pairsOf(rates).flatMap(({ name, then, today }) =>
          then === null || then.hitRate - today.hitRate <= tolerance
            ? []
            : [{ name, is: say`${ratio(today.hitRate)}`, was: say`${ratio(then.hitRate)}` }],
        );
  return [
    [
      'baseline:keys',
      verdict(
        growth(({ keys }) => keys, fewKeys, count),
        'more keys',
      ),
    ],
    [
      'baseline:bytes',
      verdict(
        growth(({ memoryBytes }) => memoryBytes, fewBytes, bytes),
        'more bytes',
      ),
    ],
    ['baseline:without-ttl', verdict(withoutTtl, 'a larger share without a TTL')],
    ...(before.hitRates === null && now.hitRates === null
      ? []
      : [['baseline:hit-rate', verdict(missed, 'a lower hit rate')] as const]),
    ...(before.findings === null && now.findings === null
      ? []
      : [['baseline:doctor', newFindings(before, now)] as const]),
  ];
}

interface Sides<Row> {
  readonly then: readonly Row[];
  readonly today: readonly Row[];
}

function bothKnown<Row>(
  then: readonly Row[] | null,
  today: readonly Row[] | null,
  facts: Known<unknown>,
  what: string,
): Known<Sides<Row>> {
  if (then === null) return new Missing(say`the baseline has no ${what}`);
  if (today === null)
    return facts instanceof Missing ? facts : new Missing(say`there are no ${what} to compare`);
  return { then, today };
}

function pairsOf<Row extends { readonly namespace: string }>({ then, today }: Sides<Row>) {
  const known = new Map(then.map((row) => [row.namespace, row]));
  return today.map((row) => ({ name: row.namespace, then: known.get(row.namespace) ?? null, today: row }));
}

const shareOf = (row: SavedNamespace | null): number | null =>
  row === null || row.withoutTtl === null ? null : row.withoutTtl / Math.max(1, row.keys);

const originOf = ({ createdAt, address }: Baseline) => ({ baselineAt: createdAt, baselineServer: address });

/** `2026-11-28 20:00 UTC` */
const momentOf = ({ createdAt }: Baseline) => `${createdAt.slice(0, 16).replace('T', ' ')} UTC`;

function verdictOf(worse: Known<readonly Worse[]>, what: string, before: Baseline): Finding {
  if (worse instanceof Missing) return finding('skip', worse.reason, { limit: 0 });
  const at = momentOf(before);
  const evidence = { ...originOf(before), worse: worse.map(({ name }) => name).join(', ') };
  const figure = { value: worse.length, limit: 0, unit: 'count' as const, evidence };
  if (worse.length === 0) return finding('pass', say`no namespace has ${what} than at ${at}`, figure);
  const parts = worse
    .slice(0, namedFirst)
    .flatMap(({ name, is, was }, index) => [index === 0 ? '' : '; ', name, ' ', ...is, ', was ', ...was]);
  const rest = worse.length > namedFirst ? say`; and ${count(worse.length - namedFirst)} more` : [];
  const remedy = 'where it is meant: `cachectl check --save-baseline FILE` saves what is there now';
  return finding('fail', [...say`${what} than at ${at}: `, ...parts, ...rest], { ...figure, remedy });
}

function newFindings(before: Baseline, { findings: today }: Baseline): Finding {
  const { findings: then } = before;
  const at = momentOf(before);
  if (then === null) return finding('skip', say`the baseline has no findings of the doctor`, { limit: 0 });
  if (today === null) return finding('skip', say`the doctor was not asked: --doctor does`, { limit: 0 });
  const nameOf = ({ rule, subject }: NonNullable<Baseline['findings']>[number]) =>
    subject === null ? rule : `${rule} ${subject}`;
  const known = new Set(then.map(nameOf));
  const fresh = today.map(nameOf).filter((name) => !known.has(name));
  const evidence = { ...originOf(before), worse: fresh.join(', ') };
  const figure = { value: fresh.length, limit: 0, unit: 'count' as const, evidence };
  if (fresh.length === 0) return finding('pass', say`no finding that was not there at ${at}`, figure);
  const message = say`not there at ${at}: ${fresh.slice(0, 5).join(', ')}${fresh.length > 5 ? ', …' : ''}`;
  return finding('fail', message, { ...figure, remedy: '`cachectl doctor` says what helps' });
}
