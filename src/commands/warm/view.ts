import type { NamespaceTally } from '../../records/fixtures/tally.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { type Block, note } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted, formatBytes, formatCell, formatSeconds } from '../../render/units.ts';
import { ownLookupsText } from '../keyspace-report.ts';
import { rankingNotes } from './from-record.ts';
import type { WarmResult } from './result.ts';

const { text, count, bytes, seconds } = fieldsOf<NamespaceTally>();
const fields = [
  ...[text('namespace', 'NAMESPACE'), count('records', 'RECORDS'), bytes('valueBytes', 'VALUES')],
  ...[seconds('minTtlSeconds', 'SHORTEST TTL'), seconds('maxTtlSeconds', 'LONGEST TTL')],
  ...[count('permanentRecords', 'NO TTL'), text('ttlFrom', 'TTL FROM', ttlFrom)],
];

export function viewWarm(result: WarmResult, own: OwnLookups): Block[] {
  if (result.namespaces.length === 0) {
    // A failure says itself what is wrong, and its problems are on stderr.
    if (result.problems.length > 0) return [];
    if (result.records === 0)
      return [...ranked(result), note('plain', 'nothing to write: there are no records')];
    return result.skipped === result.expired + result.existing + result.ofState ? leftOut(result) : [];
  }
  return [
    tableOf('namespaces', result.namespaces, fields, { moreWith: '--output json has all' }),
    ...permanent(result),
    ...ranked(result),
    ...summary(result, own),
  ];
}

const ranked = ({ ranking }: WarmResult): Block[] => (ranking === null ? [] : rankingNotes(ranking));

/** The shortest and the longest TTL say nothing of the records that have none. */
function permanent({ namespaces, withoutTtl }: WarmResult): Block[] {
  if (withoutTtl === 0) return [];
  const records = namespaces.reduce((sum, row) => sum + row.records, 0);
  return [note('plain', `${formatCell(withoutTtl, 'count')} of ${counted(records, 'record')} without a TTL`)];
}

/** Who decided on the TTLs of a namespace: `map`, or `record 20, none 3` where it was not the same for all. */
function ttlFrom({ ttlSources }: NamespaceTally): string {
  const { record, map, option, none } = ttlSources;
  const shares = [
    ['record', record],
    ['map', map],
    ['--ttl', option],
    ['none', none],
  ] as const;
  const present = shares.filter(([, records]) => records > 0);
  return present
    .map(([name, records]) => (present.length === 1 ? name : `${name} ${formatCell(records, 'count')}`))
    .join(', ');
}

function summary(result: WarmResult, own: OwnLookups): Block[] {
  const { records, written, dryRun, valueBytes, durationSeconds } = result;
  if (dryRun) {
    const types = result.recordTypes
      .map(({ type, records: count }) => `${formatCell(count, 'count')} ${type}`)
      .join(', ');
    const good = records - result.invalid - result.expired - result.ofState;
    const size = formatBytes(valueBytes);
    const plan = `would write ${counted(good, 'record')} (${types}) with ${size} of values; nothing was written`;
    return [note('plain', plan)];
  }
  // The rate of a handful of records says nothing.
  const rate =
    written >= 1000 && durationSeconds > 0 ? `, ${formatCell(written / durationSeconds, 'perSecond')}` : '';
  const amount =
    written === records
      ? counted(records, 'record')
      : `${formatCell(written, 'count')} of ${counted(records, 'record')}`;
  const others = counts(
    [result.existing, 'there already'],
    [result.expired, 'expired'],
    [result.ofState, 'state'],
    [result.ofOtherType, 'of another type'],
    [result.invalid, 'left out'],
    [result.failed - result.unknown, 'refused'],
    [result.unknown, 'unknown'],
    [result.notWritten, 'not sent'],
  );
  return [
    note(
      written + result.existing + result.expired === records ? 'good' : 'warning',
      `wrote ${amount} with ${formatBytes(valueBytes)} of values in ${formatSeconds(durationSeconds)}${rate}`,
    ),
    ...verification(result, own),
    ...(result.verified === null && own.hits + own.misses > 0 ? [note('plain', ownLookupsText(own))] : []),
    ...(others === '' ? [] : [note('plain', `of the others: ${others}`)]),
  ];
}

/** Those of the numbers that are not zero, with their words. */
function counts(...parts: readonly (readonly [number, string])[]): string {
  const present = parts.filter(([number]) => number > 0);
  return present.map(([number, words]) => `${formatCell(number, 'count')} ${words}`).join(', ');
}

/** Where every record was left out, and rightly so. */
function leftOut({ records, existing, expired, ofState }: WarmResult): Block[] {
  const reasons = counts([existing, 'there already'], [expired, 'expired'], [ofState, 'state']);
  return [note('plain', `wrote none of ${counted(records, 'record')}: ${reasons}`)];
}

function verification({ verified, mismatched, notCompared }: WarmResult, own: OwnLookups): Block[] {
  if (verified === null || mismatched === null || notCompared === null) return [];
  const cost = ownLookupsText(own);
  const all = verified + mismatched + notCompared;
  const found = counts([mismatched, 'differ'], [notCompared, 'could not be compared']);
  return [
    found === ''
      ? note('good', `verified ${counted(verified, 'record')}; ${cost}`)
      : note('warning', `of ${counted(all, 'record')}, ${found}; ${cost}`),
  ];
}
