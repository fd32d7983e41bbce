import type { Severity } from '../../health/doctor/rule.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import { asides, type Block, caveats, note, type NoteBlock, notes } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted, formatBytes, formatCell, formatSeconds } from '../../render/units.ts';
import { groupBy } from '../../support/collections.ts';
import type { Audience } from '../context.ts';
import { costNotes, readingNotes } from '../keyspace-report.ts';
import type { DoctorResult, FindingRow } from './result.ts';

const { text } = fieldsOf<FindingRow>();

const tones: Readonly<Record<Severity, NoteBlock['tone']>> = {
  critical: 'bad',
  warning: 'warning',
  notice: 'plain',
};

/** For people: the worst first, each with what it costs and what to do; for programs a row for each. */
export function viewOf(result: DoctorResult, own: OwnLookups, { isPerson }: Audience): Block[] {
  const { findings, reading, serverCost } = result;
  const known = [...ignoredNotes(result), ...(reading === null ? [] : readingNotes(reading))];
  if (!isPerson)
    return [
      tableOf('findings', findings, [
        text('severity', 'SEVERITY'),
        text('rule', 'RULE'),
        text('id', 'NAME'),
        text('subject', 'SUBJECT'),
        text('message', 'FOUND', (each) => sentenceOf({ ...each, subject: null })),
        text('remedy', 'REMEDY'),
      ]),
      ...known,
    ];
  return [
    ...[
      ...groupBy(findings, ({ severity, rule, remedy }) => `${severity} ${rule} ${remedy}`).values(),
    ].flatMap(findingNotes),
    ...known,
    ...notJudgedNotes(result),
    note(result.status === 'healthy' ? 'good' : tones[result.status], summaryLine(result)),
    ...(serverCost === null ? [] : costNotes(serverCost, own)),
  ];
}

/** What one rule found, and once what helps; an example of the first alone. */
function findingNotes([first, ...others]: readonly FindingRow[]): NoteBlock[] {
  if (first === undefined) return [];
  const { rule, id, severity, remedy } = first;
  return [
    note(tones[severity], `${rule} ${id}: ${sentenceOf(first)}${costSuffix(first)}`),
    ...notes('plain', ...others.map((each) => `  ${about(each)}${each.message}${costSuffix(each)}`)),
    note('dim', `  ${remedy}`),
  ];
}

const about = ({ subject }: FindingRow): string => (subject === null ? '' : `${subject}: `);

/** `user: 12 keys that nothing reads, such as `user:1`` */
export function sentenceOf(finding: FindingRow): string {
  const { example } = finding.evidence;
  const such = example === undefined ? '' : `, such as \`${String(example)}\``;
  return `${about(finding)}${finding.message}${such}`;
}

function costSuffix(finding: FindingRow): string {
  const cost = costText(finding);
  return cost === null ? '' : `; costs ${cost}`;
}

/** `1.2 MB, 40/s misses`; null where it is not known. */
export function costText({ cost }: FindingRow): string | null {
  const { bytes, missesPerSecond, costPerHour } = cost;
  const parts = [
    ...(bytes === null ? [] : [formatBytes(bytes)]),
    ...(missesPerSecond === null
      ? []
      : [`${formatCell(missesPerSecond, 'perSecond').replace('/s', '')} misses a second`]),
    ...(costPerHour === null ? [] : [`${costPerHour.toFixed(2)} an hour at the \`missCost\` of the map`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

/** What was left out is part of any answer. */
const ignoredNotes = ({ ignored }: DoctorResult): NoteBlock[] =>
  caveats(
    'plain',
    ...ignored.map(({ rule, id, reason, origin }) => {
      const why = reason === null ? '' : `: ${reason}`;
      return `${rule} ${id} is ignored by ${origin === '--ignore' ? origin : `\`${origin}\``}${why}`;
    }),
  );

function notJudgedNotes({ notJudged }: DoctorResult): NoteBlock[] {
  return [...groupBy(notJudged, ({ reason }) => reason)].flatMap(([reason, rules]) =>
    asides('dim', `not judged: ${rules.map(({ rule }) => rule).join(', ')} (${reason})`),
  );
}

/** `1 critical, 2 warnings, 1 notice; 30 rules found nothing, 12 not judged, in 0.4 s: redis 7.0.15 at redis://127.0.0.1:6379/0` */
export function summaryLine(result: DoctorResult): string {
  const { critical, warning, notice, healthyRules, notJudged, server, durationSeconds } = result;
  const found = [
    ...(critical > 0 ? [`${critical} critical`] : []),
    ...(warning > 0 ? [counted(warning, 'warning')] : []),
    ...(notice > 0 ? [counted(notice, 'notice')] : []),
  ].join(', ');
  const rest = [
    `${counted(healthyRules.length, 'rule')} found nothing`,
    ...(notJudged.length > 0 ? [`${notJudged.length} not judged`] : []),
  ].join(', ');
  const who = server.product === null ? '' : `${server.product} ${server.version ?? ''} at `;
  const took = formatSeconds(Math.max(0.001, durationSeconds));
  return `${found === '' ? 'healthy' : found}; ${rest}, in ${took}: ${who}${server.address}`;
}
