import { expect, test } from 'vitest';
import type { DoctorResult, FindingRow } from '../../src/commands/doctor/result.ts';
import { sentenceOf, viewOf } from '../../src/commands/doctor/view.ts';
import { noLookups } from '../../src/redis/lookups.ts';

const found = (namespace: string, more: Partial<FindingRow> = {}): FindingRow => ({
  ...{ rule: 'CC209', id: 'unstable-keys', severity: 'warning', subject: namespace },
  ...{
    message: '12 keys that nothing reads',
    evidence: { example: `${namespace}:1` },
    remedy: 'rename them',
  },
  ...{ cost: { bytes: null, missesPerSecond: null, costPerHour: null }, source: 'https://redis.io' },
  ...more,
});

const resultOf = (...findings: FindingRow[]): DoctorResult => ({
  ...{ status: 'warning', failOn: 'critical', critical: 0, warning: findings.length, notice: 0, findings },
  server: { address: 'redis://127.0.0.1:6379/0', product: 'redis', version: '7.0.15', role: 'primary' },
  ...{ profile: null, database: 0, startedAt: '2026-01-15T11:00:00.000Z', durationSeconds: 1 },
  ...{ notJudged: [], healthyRules: [], ignored: [], reading: null, serverCost: null },
});

const linesOf = (...findings: FindingRow[]) =>
  viewOf(resultOf(...findings), noLookups, { isPerson: true, seen: null })
    .map((block) => (block.kind === 'note' ? block.text : block.kind))
    .slice(0, -1);

test('what helps against several findings of a rule is there once, and an example too', () => {
  const cost = { bytes: 1200, missesPerSecond: null, costPerHour: null };
  expect(
    linesOf(found('page'), found('quiz', { cost }), found('user', { remedy: 'ask their owner' })),
  ).toEqual([
    'CC209 unstable-keys: page: 12 keys that nothing reads, such as `page:1`',
    '  quiz: 12 keys that nothing reads; costs 1.2 kB',
    '  rename them',
    'CC209 unstable-keys: user: 12 keys that nothing reads, such as `user:1`',
    '  ask their owner',
  ]);
});

test('a report and a row have the example of each', () => {
  expect(sentenceOf(found('quiz'))).toBe('quiz: 12 keys that nothing reads, such as `quiz:1`');
  const [table] = viewOf(resultOf(found('quiz')), noLookups, { isPerson: false, seen: null });
  expect(table).toMatchObject({
    rows: [expect.arrayContaining(['12 keys that nothing reads, such as `quiz:1`'])],
  });
});
