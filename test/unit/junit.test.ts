import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeXml, type JunitCase, type JunitSuite, renderJunit } from '../../src/render/junit.ts';
import { requireTool } from '../server/tools.ts';
import { type Element, parseXml } from '../xml.ts';
import { rounds } from '../server/effort.ts';

const passed: JunitCase = {
  className: 'cachectl.check',
  name: 'connect',
  durationSeconds: 0.0123456,
  outcome: 'passed',
  message: 'open',
  details: 'open after 12 ms',
};

const suiteOf = (...cases: JunitCase[]): JunitSuite => ({
  name: 'cachectl check',
  startedAt: Date.UTC(2024, 1, 29, 12, 30, 5, 250),
  durationSeconds: 1.5,
  properties: { server: 'redis://127.0.0.1:6379/0', database: 0, profile: null },
  cases,
});

const anyText = fc.string({ unit: 'binary', maxLength: 40 });
const anyCodeUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
  .map((units) => String.fromCharCode(...units));
const hostileText = fc.oneof(
  anyText,
  anyCodeUnits,
  fc.constantFrom(']]>', '<!--', '&#0;', '"\'<>&', '\r\n\t\x1b[31m'),
);

describe('a JUnit report', () => {
  test('has a suite with counts, times in seconds, a timestamp and the properties that are known', () => {
    const root = parseXml(
      renderJunit(
        suiteOf(
          passed,
          { ...passed, name: 'memory', outcome: 'failed', message: 'full', details: 'raise it' },
          { ...passed, name: 'hit-rate', outcome: 'skipped', message: 'no traffic yet' },
        ),
      ),
    );

    expect(root.name).toBe('testsuites');
    expect(root.attributes).toEqual({
      name: 'cachectl check',
      tests: '3',
      failures: '1',
      errors: '0',
      skipped: '1',
      time: '1.500',
    });
    const [suite] = root.children;
    expect(suite?.attributes).toMatchObject({ tests: '3', timestamp: '2024-02-29T12:30:05' });
    expect(suite?.children[0]?.children.map(({ attributes }) => attributes)).toEqual([
      { name: 'server', value: 'redis://127.0.0.1:6379/0' },
      { name: 'database', value: '0' },
    ]);
    const cases = suite?.children.slice(1) ?? [];
    expect(cases.map(({ attributes }) => attributes['name'])).toEqual(['connect', 'memory', 'hit-rate']);
    expect(cases[0]?.attributes).toEqual({ classname: 'cachectl.check', name: 'connect', time: '0.012' });
    expect(cases.map(({ children }) => children[0]?.name)).toEqual(['system-out', 'failure', 'skipped']);
    expect(cases[1]?.children[0]).toMatchObject({ attributes: { message: 'full' }, text: 'raise it' });
    expect(cases[2]?.children[0]?.attributes).toEqual({ message: 'no traffic yet' });
  });

  test('keeps line feeds of a message apart from spaces', () => {
    const root = parseXml(
      renderJunit(suiteOf({ ...passed, outcome: 'skipped', message: 'one\ntwo\tthree' })),
    );

    expect(messagesOf(root)).toEqual(['one\ntwo\tthree']);
  });

  test('shows what XML cannot hold as an escape', () => {
    expect(escapeXml('\x00\x1b[31m\ufffe\uffff\ud800 & <b>')).toBe(
      '\\x00\\x1b[31m\\ufffe\\uffff\\ud800 &amp; &lt;b&gt;',
    );
  });

  test('is well-formed whatever stands in it, and has every case', () => {
    const anyCase = fc.record<JunitCase>({
      className: hostileText,
      name: hostileText,
      durationSeconds: fc.float({ min: 0, max: 1e3, noNaN: true }),
      outcome: fc.constantFrom('passed', 'failed', 'skipped'),
      message: hostileText,
      details: hostileText,
    });
    fc.assert(
      fc.property(fc.array(anyCase, { maxLength: 5 }), hostileText, (cases, server) => {
        const root = parseXml(renderJunit({ ...suiteOf(...cases), properties: { server } }));
        expect(root.children[0]?.children.filter(({ name }) => name === 'testcase')).toHaveLength(
          cases.length,
        );
      }),
      { numRuns: rounds(500) },
    );
  });

  test('gives back each printable message as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (message) => {
        const root = parseXml(renderJunit(suiteOf({ ...passed, outcome: 'failed', message })));
        expect(messagesOf(root)).toEqual([message]);
      }),
    );
  });

  test('is read by a parser of another make', () => {
    const python = requireTool('python3');
    const hostile = fc.sample(hostileText, { numRuns: 50, seed: 7 });
    const report = renderJunit(
      suiteOf(
        ...hostile.map((text) => ({ ...passed, outcome: 'failed' as const, message: text, details: text })),
      ),
    );
    const script =
      'import sys, xml.dom.minidom as x; print(len(x.parse(sys.stdin.buffer).getElementsByTagName("failure")))';

    expect(execFileSync(python, ['-c', script], { input: report, encoding: 'utf8' }).trim()).toBe('50');
  });
});

function messagesOf(root: Element): (string | undefined)[] {
  return (root.children[0]?.children ?? [])
    .flatMap(({ children }) => children)
    .filter(({ name }) => name === 'failure' || name === 'skipped')
    .map(({ attributes }) => attributes['message']);
}
