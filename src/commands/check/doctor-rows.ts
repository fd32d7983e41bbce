import { doctorRules } from '../../health/doctor/diagnose.ts';
import type { Known, Severity } from '../../health/doctor/rule.ts';
import { type CheckStatus, finding } from '../../health/check.ts';
import type { Answer } from '../../health/report.ts';
import type { TrafficReport } from '../../traffic/report.ts';
import type { Context } from '../context.ts';
import type { DoctorResult } from '../doctor/result.ts';
import { type DoctorInput, examine } from '../doctor/run.ts';
import { sentenceOf } from '../doctor/view.ts';

const statuses: Readonly<Record<Severity, CheckStatus>> = {
  critical: 'fail',
  warning: 'warn',
  // With a remedy, which nothing else has that passes.
  notice: 'pass',
};

const shownFindings = 3;

/** What the doctor says, a row for each rule, by its number. @throws RedisError; InputError */
export async function examined(
  context: Context,
  input: DoctorInput,
  traffic: Known<TrafficReport>,
): Promise<{ readonly answers: Answer[]; readonly result: DoctorResult }> {
  const { result, error } = await examine(context, input, { traffic });
  if (error) throw error;
  return { answers: doctorRules.flatMap(({ number, question }) => rowOf(result, number, question)), result };
}

function rowOf({ findings, notJudged, healthyRules }: DoctorResult, id: string, title: string): Answer[] {
  const row = (found: ReturnType<typeof finding>) => [{ id, title, ...found, durationMillis: 0 }];
  const own = findings.filter(({ rule }) => rule === id);
  const [first] = own;
  if (first !== undefined) {
    const said = own.slice(0, shownFindings).map(sentenceOf).join('; ');
    const rest = own.length > shownFindings ? `; and ${own.length - shownFindings} more` : '';
    const message = [`${first.id}: ${said}${rest}`];
    const evidence = { ...first.evidence, findings: own.length };
    return row(finding(statuses[first.severity], message, { evidence, remedy: first.remedy }));
  }
  const missing = notJudged.find(({ rule }) => rule === id);
  if (missing !== undefined) return row(finding('skip', [`${missing.id}: ${missing.reason}`]));
  const healthy = healthyRules.find(({ rule }) => rule === id);
  return healthy === undefined ? [] : row(finding('pass', [`${healthy.id}: nothing found`]));
}
