import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CheckResult,
  type CheckRow,
  annotationsOf,
  junitOf,
  summaryOf,
} from '../../src/commands/check/view.ts';
import { annotationLine, logLine, markdownTable } from '../../src/render/github.ts';
import { parseXml } from '../xml.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '::error::',
    '%0A',
    'a\nb',
    'a\r\nb',
    '50 %, of: all',
    '| x |',
    '<b>',
    '::stop-commands::x',
  ),
);

/** What the runner of GitHub Actions makes of a line. */
function readCommand(line: string): { level: string; title: string; message: string } | null {
  const match = /^::(\w+) title=([^,:]*)::(.*)$/.exec(line);
  if (match === null) return null;
  const [, level = '', title = '', message = ''] = match;
  const data = (text: string) => text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
  return { level, title: data(title.replaceAll('%3A', ':').replaceAll('%2C', ',')), message: data(message) };
}

describe('an annotation', () => {
  test('escapes what has a meaning in a workflow command', () => {
    expect(
      annotationLine({ level: 'warning', title: 'memory: 90 %, full', message: '90 %\nraise it: now' }),
    ).toBe('::warning title=memory%3A 90 %25%2C full::90 %25%0Araise it: now\n');
  });

  test('is one line, and read back as it was meant', () => {
    fc.assert(
      fc.property(anyText, anyText, (title, message) => {
        const line = annotationLine({ level: 'error', title, message });
        expect(line.slice(0, -1)).not.toMatch(/[\r\n]/);
        expect(readCommand(line.slice(0, -1))?.level).toBe('error');
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii' }),
        fc.string({ unit: 'grapheme-ascii' }),
        (title, message) => {
          const line = annotationLine({ level: 'error', title, message });
          expect(readCommand(line.trimEnd())).toMatchObject({
            level: 'error',
            title,
            message: message.trimEnd(),
          });
        },
      ),
    );
  });

  test('is nothing that a plain line can be taken for', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom('', ' ', '::', ' ::', '##['), (text, start) => {
        const line = logLine(start + text);
        expect(line).toMatch(/^[^\r\n]*\n$/);
        expect(line.trimStart().startsWith('::')).toBe(false);
        expect(line).not.toContain('##[');
      }),
    );
  });
});

describe('a Markdown table', () => {
  test('has a line per row and as many cells in each, whatever stands in them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyText, anyText), { maxLength: 4 }), (rows) => {
        const lines = markdownTable(['a', 'b'], rows).trimEnd().split('\n');
        expect(lines).toHaveLength(2 + rows.length);
        for (const line of lines) expect(line.replace(/\\./g, '').match(/\|/g)).toHaveLength(3);
      }),
    );
  });

  test('shows Markdown and HTML as text', () => {
    expect(markdownTable(['found'], [['*x* <img> `a|b`']])).toContain('| \\*x\\* &lt;img&gt; \\`a\\|b\\` |');
  });
});

describe('the reports of a check', () => {
  const row = (changes: Partial<CheckRow>): CheckRow => ({
    ...{ id: 'memory', title: 'Memory', status: 'pass', message: 'fine', value: null, limit: null },
    ...{ unit: null, evidence: { usedBytes: 1 }, remedy: null, durationSeconds: 0 },
    ...changes,
  });
  const resultOf = (strict: boolean, ...checks: CheckRow[]): CheckResult => ({
    ...{ status: 'warn', passed: 1, warned: 1, failed: 0, skipped: 1, strict, profile: null, database: 0 },
    ...{ startedAt: '2024-02-29T12:00:00.000Z', waitedSeconds: 0, durationSeconds: 0.012 },
    server: { address: 'redis://10.0.0.1:6379/0', product: 'redis', version: '7.0.15', role: 'primary' },
    checks,
  });
  const rows = [
    row({ id: 'connect' }),
    row({ id: 'memory', status: 'warn', message: 'nearly full', remedy: 'raise it' }),
    row({ id: 'role', status: 'skip', message: 'not told' }),
    row({ id: 'hit-rate', status: 'skip', message: 'no traffic yet', limit: 0.8 }),
    row({ id: 'clients', status: 'fail', message: 'too many' }),
  ];

  test('annotate failures, warnings, and limits that could not be held against anything', () => {
    expect(annotationsOf(resultOf(false, ...rows))).toBe(
      '::warning title=cachectl check memory::nearly full%0Araise it\n' +
        '::notice title=cachectl check hit-rate::no traffic yet\n' +
        '::error title=cachectl check clients::too many\n' +
        '1 warning, 1 passed, 1 skipped in 12 ms: redis 7.0.15 at redis://10.0.0.1:6379/0\n',
    );
  });

  test('make a failure of a warning under --strict', () => {
    const outcomes = (strict: boolean) =>
      parseXml(junitOf(resultOf(strict, ...rows)))
        .children[0]?.children.filter(({ name }) => name === 'testcase')
        .map(({ children }) => children[0]?.name);

    expect(annotationsOf(resultOf(true, ...rows))).toMatch(/^::error title=cachectl check memory::/);
    expect(outcomes(false)).toEqual(['system-out', 'system-out', 'skipped', 'skipped', 'failure']);
    expect(outcomes(true)).toEqual(['system-out', 'failure', 'skipped', 'skipped', 'failure']);
  });

  test('round a rate as the sentence does', () => {
    const evidence = { dataReads: 57, hitRateLow: 0.8070175438, windowSeconds: null };
    expect(junitOf(resultOf(false, row({ id: 'hit-rate', evidence })))).toContain(
      'dataReads: 57\nhitRateLow: 80.7 %\nwindowSeconds: null<',
    );
  });

  test('sum up in Markdown with what to do', () => {
    expect(summaryOf(resultOf(false, ...rows))).toContain('| warn | memory | nearly full: raise it |\n');
  });
});
