import { printableLines } from './printable.ts';

/** A test suite as CI servers read it. */
export interface JunitSuite {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly durationSeconds: number;
  readonly properties: Readonly<Record<string, string | number | null>>;
  readonly cases: readonly JunitCase[];
}

export interface JunitCase {
  readonly className: string;
  readonly name: string;
  readonly durationSeconds: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** One line: why it failed or was skipped. */
  readonly message: string;
  /** Lines below it: evidence and remedy of a failure, or what a passed case has to say. */
  readonly details: string;
}

/**
 * The suite in the XML form that Jenkins, GitLab, GitHub actions and others take.
 * @see https://github.com/testmoapp/junitxml
 */
export function renderJunit(suite: JunitSuite): string {
  const { cases } = suite;
  const numberOf = (outcome: JunitCase['outcome']) => cases.filter((each) => each.outcome === outcome).length;
  const counts = {
    tests: cases.length,
    failures: numberOf('failed'),
    errors: 0,
    skipped: numberOf('skipped'),
    time: secondsOf(suite.durationSeconds),
  };
  const properties = Object.entries(suite.properties).flatMap(([name, value]) =>
    value === null ? [] : [`      ${element('property', { name, value })}\n`],
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `${opening('testsuites', { name: suite.name, ...counts })}\n`,
    `  ${opening('testsuite', {
      name: suite.name,
      timestamp: new Date(suite.startedAt).toISOString().slice(0, 19),
      ...counts,
    })}\n`,
    ...(properties.length === 0 ? [] : ['    <properties>\n', ...properties, '    </properties>\n']),
    ...cases.map(renderCase),
    '  </testsuite>\n',
    '</testsuites>\n',
  ].join('');
}

function renderCase({ className, name, durationSeconds, outcome, message, details }: JunitCase): string {
  const attributes = { classname: className, name, time: secondsOf(durationSeconds) };
  const inner =
    outcome === 'failed'
      ? element('failure', { message, type: 'failure' }, details)
      : outcome === 'skipped'
        ? element('skipped', { message })
        : details === ''
          ? ''
          : element('system-out', {}, details);
  return inner === ''
    ? `    ${element('testcase', attributes)}\n`
    : `    ${opening('testcase', attributes)}\n      ${inner}\n    </testcase>\n`;
}

type Attributes = Readonly<Record<string, string | number>>;

function opening(name: string, attributes: Attributes): string {
  return `<${name}${attributeText(attributes)}>`;
}

function element(name: string, attributes: Attributes, content = ''): string {
  return content === ''
    ? `<${name}${attributeText(attributes)}/>`
    : `${opening(name, attributes)}${escapeXml(content)}</${name}>`;
}

function attributeText(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeAttribute(String(value))}"`)
    .join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Text that is valid anywhere in XML 1.0: what has a meaning there becomes an entity, and the characters it cannot have
 * in any form are written as `\x1b`.
 * @see https://www.w3.org/TR/xml/#charsets
 */
export function escapeXml(text: string): string {
  return printableLines(text)
    .replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
    .replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

/** Line feeds and tabs in an attribute would be read as spaces. */
function escapeAttribute(text: string): string {
  return escapeXml(text).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;');
}

const secondsOf = (seconds: number) => seconds.toFixed(3);
