import type { Answer, Tally } from '../../health/report.ts';
import { type Annotation, annotationLine, logLine, markdownTable } from '../../render/github.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import type { Audience } from '../context.ts';
import { type Block, note, type NoteBlock } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { renderJunit } from '../../render/junit.ts';
import { renderSarif } from '../../render/sarif.ts';
import { counted, formatRatio, formatSeconds } from '../../render/units.ts';

/** The result of `check`, as JSON shows it. */
export interface CheckResult extends Tally {
  /** Warnings count as failures. */
  readonly strict: boolean;
  /** Product, version and role are null where the server does not report them. */
  readonly server: {
    readonly address: string;
    readonly product: string | null;
    readonly version: string | null;
    readonly role: string | null;
  };
  readonly profile: string | null;
  readonly database: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Until the server was ready, or patience ended. */
  readonly waitedSeconds: number;
  readonly durationSeconds: number;
  readonly checks: readonly CheckRow[];
}

export type CheckRow = Omit<Answer, 'message' | 'durationMillis'> & {
  readonly message: string;
  readonly durationSeconds: number;
};

const { text, status } = fieldsOf<CheckRow>();

export function viewOf(result: CheckResult, _own: OwnLookups, { isPerson }: Audience): Block[] {
  const rows = isPerson ? result.checks.filter(isShown) : result.checks;
  return [
    tableOf('checks', rows, [status('status', 'STATUS'), text('id', 'CHECK'), text('message', 'FOUND')]),
    ...result.checks.flatMap(adviceOf),
    ...quietNote(result),
    note(toneOf(result), summaryLine(result)),
  ];
}

/** A rule of the doctor, by its number. */
const isRule = ({ id }: CheckRow) => /^CC\d+$/.test(id);
/** A finding that is worth a word, and fails nothing. */
const isNotice = ({ status, remedy }: CheckRow) => status === 'pass' && remedy !== null;
/** Forty rules that found nothing hide the few that did. */
const isShown = (row: CheckRow) => !isRule(row) || isNotice(row) || ['warn', 'fail'].includes(row.status);

function quietNote({ checks }: CheckResult): NoteBlock[] {
  const quiet = checks.filter((row) => !isShown(row));
  if (quiet.length === 0) return [];
  const skipped = quiet.filter((row) => row.status === 'skip').length;
  const passed = `${counted(quiet.length - skipped, 'rule')} of the doctor found nothing`;
  return [note('dim', skipped === 0 ? passed : `${passed}, ${skipped} could not be judged`)];
}

/** The whole message of what is not well, which a narrow table cuts, and what to do about it. */
function adviceOf({ id, status, message, remedy }: CheckRow): NoteBlock[] {
  // What keeps a run out is on stderr as its error.
  if (id === 'connect' || id === 'login' || !['warn', 'fail'].includes(status)) return [];
  return [
    note(status === 'fail' ? 'bad' : 'warning', `${id}: ${message}`),
    ...(remedy === null ? [] : [note('dim', `  ${remedy}`)]),
  ];
}

function toneOf({ status }: CheckResult): NoteBlock['tone'] {
  return status === 'fail' ? 'bad' : status === 'warn' ? 'warning' : status === 'pass' ? 'good' : 'plain';
}

/** `12 passed, 1 warning, 2 skipped in 8 ms: redis 7.0.15 at redis://127.0.0.1:6379/0` */
function summaryLine(result: CheckResult): string {
  const { passed, warned, failed, skipped, server, strict, durationSeconds } = result;
  const counts = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(warned > 0 ? [`${counted(warned, 'warning')}${strict ? ' (--strict: they fail)' : ''}`] : []),
    `${passed} passed`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ');
  const who = server.product === null ? '' : `${server.product} ${server.version ?? ''} at `;
  return `${counts} in ${formatSeconds(Math.max(0.001, durationSeconds))}: ${who}${server.address}`;
}

/** True where the row alone makes the run fail. */
const fails = ({ status }: CheckRow, { strict }: CheckResult) =>
  status === 'fail' || (strict && status === 'warn');

const sentence = ({ message, remedy }: CheckRow) => (remedy === null ? message : `${message}\n${remedy}`);

export function junitOf(result: CheckResult): string {
  const { server, profile, database, strict } = result;
  return renderJunit({
    name: 'cachectl check',
    startedAt: Date.parse(result.startedAt),
    durationSeconds: result.durationSeconds,
    properties: {
      ...{ server: server.address, product: server.product, version: server.version, role: server.role },
      ...{ profile, database, strict: String(strict) },
    },
    cases: result.checks.map((row) => ({
      className: 'cachectl.check',
      name: row.id,
      durationSeconds: row.durationSeconds,
      outcome: fails(row, result) ? 'failed' : row.status === 'skip' ? 'skipped' : 'passed',
      message: row.message,
      details: [
        row.status === 'warn' ? `warning: ${row.message}` : row.message,
        ...(row.remedy === null ? [] : [row.remedy]),
        ...Object.entries(row.evidence).map(evidenceText),
      ].join('\n'),
    })),
  });
}

/** A rate reads as in the sentence above it; what else there is has its unit in its name. */
const evidenceText = ([name, value]: [string, CheckRow['evidence'][string]]) =>
  `${name}: ${typeof value === 'number' && /Rate|Ratio/.test(name) ? formatRatio(value) : String(value)}`;

/** Annotations for what is not well, and for a limit that could not be held against anything; then one plain line. */
export function annotationsOf(result: CheckResult): string {
  const lines = result.checks.flatMap((row) => {
    const level = levelOf(row, result);
    return level === null
      ? []
      : [annotationLine({ level, title: `cachectl check ${row.id}`, message: sentence(row) })];
  });
  return lines.join('') + logLine(summaryLine(result));
}

function levelOf(row: CheckRow, result: CheckResult): Annotation['level'] | null {
  if (fails(row, result)) return 'error';
  if (row.status === 'warn') return 'warning';
  if (isNotice(row)) return 'notice';
  // A check that does not apply is no news; a limit that was asked for and not held against anything is.
  return row.status === 'skip' && row.limit !== null ? 'notice' : null;
}

/** What is not well, for code scanning. */
export const sarifOf = (result: CheckResult): string =>
  renderSarif({
    rules: result.checks.map(({ id, title }) => ({
      ...{ id, name: id, text: title, help: title, level: 'error' as const },
    })),
    results: result.checks.flatMap((row) => {
      const level = levelOf(row, result);
      return level === null
        ? []
        : {
            ...{ ruleId: row.id, level, message: sentence(row) },
            ...{ subject: result.server.address, properties: { ...row.evidence } },
          };
    }),
  });

/** The job summary, in Markdown. */
export function summaryOf(result: CheckResult): string {
  const rows = result.checks
    .filter(isShown)
    .map((row) => [row.status, row.id, sentence(row).replace('\n', ': ')]);
  const quiet = quietNote(result).map((each) => `${each.text}\n\n`);
  const table = markdownTable(['status', 'check', 'found'], rows);
  return `### cachectl check: ${result.status}\n\n${table}\n${quiet.join('')}${summaryLine(result)}\n\n`;
}
