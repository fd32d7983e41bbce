import { type Block, note } from '../../render/blocks.ts';
import { counted, formatRatio, formatSeconds } from '../../render/units.ts';
import type { ObservedHits } from './result.ts';

/** The observation as a whole. */
export function trafficFacts(traffic: ObservedHits): Block {
  const { windowSeconds, mode, modeReason, hitRate, hits, misses, reads } = traffic;
  const lookups =
    hits === null || misses === null
      ? {}
      : { remark: `${counted(hits, 'hit')}, ${counted(misses, 'miss', 'misses')}` };
  const rate = reads === null || windowSeconds === 0 ? null : reads / windowSeconds;
  return {
    kind: 'facts',
    name: 'traffic',
    title: `Observed for ${formatSeconds(Math.round(windowSeconds * 10) / 10)}`,
    facts: [
      { name: 'trafficHitRate', label: 'hit rate', value: hitRate, unit: 'ratio', ...lookups },
      { name: 'trafficReadsPerSecond', label: 'reads', value: rate, unit: 'perSecond' },
      { name: 'trafficMode', label: 'mode', value: mode, unit: 'text', remark: modeReason },
      { name: 'trafficValid', label: 'valid', value: traffic.valid, unit: 'text' },
    ],
  };
}

/** What a reader of the hit rates must know beside them. */
export function trafficNotes(traffic: ObservedHits): Block[] {
  const { invalidReasons, remarks, endedBy, otherDatabases, notifications } = traffic;
  return [
    ...invalidReasons.map((reason) =>
      note('bad', `the observation is not valid, and the grade makes no use of it: ${reason}`),
    ),
    ...(endedBy === null ? [] : [note('warning', `the observation ended early: ${endedBy}`)]),
    ...remarks.map((remark) => note('warning', remark)),
    ...otherDatabases
      .filter(({ reads, misses }) => (reads ?? misses ?? 0) > 0)
      .map(({ database, reads, misses, hitRate }) =>
        note(
          'plain',
          reads === null
            ? `and in database ${database} ${counted(misses ?? 0, 'miss', 'misses')}`
            : `and in database ${database} ${counted(reads, 'read')}${hitRate === null ? '' : `, hit rate ${formatRatio(hitRate)}`}`,
        ),
      ),
    ...notifications
      .filter(({ outcome }) => outcome === 'restored')
      .map(({ address, to }) =>
        note('dim', `\`notify-keyspace-events\` of ${address} is \`${to || '""'}\` again`),
      ),
  ];
}
