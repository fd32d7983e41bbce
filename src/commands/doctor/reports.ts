import { doctorRules } from '../../health/doctor/diagnose.ts';
import { severities, type Severity } from '../../health/doctor/rule.ts';
import { type Annotation, annotationLine, logLine, markdownTable } from '../../render/github.ts';
import { renderJunit } from '../../render/junit.ts';
import { renderSarif } from '../../render/sarif.ts';
import type { DoctorResult, FindingRow } from './result.ts';
import { costText, sentenceOf, summaryLine } from './view.ts';

const levels: Readonly<Record<Severity, Annotation['level']>> = {
  critical: 'error',
  warning: 'warning',
  notice: 'notice',
};

const detailsOf = (finding: FindingRow) =>
  [sentenceOf(finding), costText(finding) && `costs ${costText(finding) ?? ''}`, finding.remedy]
    .filter((line) => line !== null)
    .join('\n');

/** A test case for each rule, so that a run can be compared with the one before. */
export function junitOf(result: DoctorResult): string {
  const { server, profile, database, failOn, findings, notJudged, healthyRules } = result;
  const failing = severities.slice(0, severities.indexOf(failOn) + 1);
  const caseOf = (rule: string, id: string) => ({
    className: 'cachectl.doctor',
    name: `${rule} ${id}`,
    durationSeconds: 0,
  });
  return renderJunit({
    name: 'cachectl doctor',
    startedAt: Date.parse(result.startedAt),
    durationSeconds: result.durationSeconds,
    properties: {
      ...{ server: server.address, product: server.product, version: server.version, role: server.role },
      ...{ profile, database, failOn },
    },
    cases: doctorRules.flatMap(({ number, id }) => {
      const own = findings.filter(({ rule }) => rule === number);
      const [first] = own;
      if (first !== undefined)
        return {
          ...caseOf(number, id),
          outcome: own.some(({ severity }) => failing.includes(severity)) ? 'failed' : 'passed',
          message: sentenceOf(first),
          details: own.map((each) => `${each.severity}: ${detailsOf(each)}`).join('\n'),
        };
      const missing = notJudged.find(({ rule }) => rule === number);
      if (missing !== undefined)
        return { ...caseOf(number, id), outcome: 'skipped', message: missing.reason, details: '' };
      return healthyRules.some(({ rule }) => rule === number)
        ? { ...caseOf(number, id), outcome: 'passed', message: '', details: '' }
        : [];
    }),
  });
}

export function annotationsOf(result: DoctorResult): string {
  const lines = result.findings.map((finding) =>
    annotationLine({
      level: levels[finding.severity],
      title: `cachectl doctor ${finding.rule} ${finding.id}`,
      message: detailsOf(finding),
    }),
  );
  return lines.join('') + logLine(summaryLine(result));
}

/** The job summary, in Markdown. */
export function summaryOf(result: DoctorResult): string {
  const rows = result.findings.map((finding) => [
    finding.severity,
    `${finding.rule} ${finding.id}`,
    sentenceOf(finding),
    finding.remedy,
  ]);
  const table = rows.length === 0 ? '' : markdownTable(['severity', 'rule', 'found', 'remedy'], rows);
  return `### cachectl doctor: ${result.status}\n\n${table}\n${summaryLine(result)}\n\n`;
}

export const sarifOf = (result: DoctorResult): string =>
  renderSarif({
    rules: doctorRules.map(({ number, id, question, remedy, source, severity }) => ({
      ...{ id: number, name: id, text: question, help: remedy, helpUri: source, level: levels[severity] },
    })),
    results: result.findings.map((finding) => ({
      ruleId: finding.rule,
      level: levels[finding.severity],
      message: detailsOf(finding),
      subject: finding.subject ?? result.server.address,
      properties: { ...finding.evidence },
    })),
  });
