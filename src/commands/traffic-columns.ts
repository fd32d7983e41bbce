import { type Block, note } from '../render/blocks.ts';
import { type Field, fieldsOf } from '../render/table.ts';
import { counted, formatRatio } from '../render/units.ts';
import { shown } from '../traffic/notifications/notification-flags.ts';
import type { RestoreOutcome } from '../traffic/notifications/put-back.ts';
import { type MissCause, type NamespaceTraffic, topCauseOf } from '../traffic/report.ts';

/** The causes of misses as people read them. */
export const causeTexts: Readonly<Record<MissCause, string>> = {
  expired: 'expired',
  evicted: 'evicted',
  invalidated: 'invalidated',
  renamed: 'renamed',
  neverCached: 'not stored',
  goneOrNew: 'gone or new',
  unknown: 'unknown',
};

/** What is shown of the traffic of a row, whichever command shows it. */
export type RowTraffic = Pick<
  NamespaceTraffic,
  'hitRate' | 'hitRateInterval' | 'reads' | 'misses' | 'readsPerSecond' | 'missShare' | 'causes'
>;
type JudgedTraffic = RowTraffic & Pick<NamespaceTraffic, 'hitRateTarget' | 'targetMet'>;

const { text, count, ratio, perSecond, status } = fieldsOf<JudgedTraffic>();

/** The columns of namespaces with traffic. */
export const trafficFields = {
  hitRate: ratio('hitRate', 'HIT RATE'),
  /** Half of the rate's interval, in points of a percent. Null for an exact rate. */
  hitRateError: text('hitRateError', '± HIT', ({ hitRateInterval }) =>
    hitRateInterval === null ? null : (50 * (hitRateInterval[1] - hitRateInterval[0])).toFixed(1),
  ),
  hitRateLow: ratio('hitRateLow', 'FROM', ({ hitRateInterval }) => hitRateInterval?.[0] ?? null),
  hitRateHigh: ratio('hitRateHigh', 'TO', ({ hitRateInterval }) => hitRateInterval?.[1] ?? null),
  hitRateTarget: ratio('hitRateTarget', 'TARGET'),
  targetMet: text('targetMet', 'TARGET MET'),
  /** `85.0 % missed`; the word alone says it, whatever the terminal shows of colors. */
  target: status('target', 'TARGET', ({ hitRateTarget, targetMet }) => {
    if (hitRateTarget === null) return null;
    return `${formatRatio(hitRateTarget)}${targetMet === null ? '' : targetMet ? ' met' : ' missed'}`;
  }),
  reads: count('reads', 'READS'),
  misses: count('misses', 'MISSES'),
  readsPerSecond: perSecond('readsPerSecond', 'READS/S'),
  missShare: ratio('missShare', 'OF MISSES'),
  /** `expired 71.3 %`. Null where there are no misses, or the mode cannot tell. */
  mainCause: text('mainCause', 'WHY', ({ causes, misses }) => {
    const main = causes && topCauseOf(causes);
    return !causes || !main || !misses ? null : `${causeTexts[main]} ${formatRatio(causes[main] / misses)}`;
  }),
} as const;

/** The same column under another header. */
export const headed = <Row>([column, cell]: Field<Row>, header: string): Field<Row> => [
  { ...column, header },
  cell,
];

/** `1,204 hits, 3 misses`; null where one of them is not known. */
export const lookupsText = (hits: number | null, misses: number | null): string | null =>
  hits === null || misses === null ? null : `${counted(hits, 'hit')}, ${counted(misses, 'miss', 'misses')}`;

/** Settings that are as they were. What else became of them is a warning of the run. */
export function restoredNotes(notifications: readonly RestoreOutcome[]): Block[] {
  return notifications
    .filter(({ outcome }) => outcome === 'restored')
    .map(({ address, to }) =>
      note('dim', `\`notify-keyspace-events\` of ${address} is ${shown(to ?? '')} again`),
    );
}
