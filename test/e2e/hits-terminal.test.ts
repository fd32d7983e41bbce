import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { flagsOn, setFlags } from '../commands/hits-runs.ts';
import { linesOf } from '../commands/reading.ts';
import { sendAll } from '../server/redis.ts';
import { runBinaryInTerminal, type Terminal, type TerminalOptions } from '../server/terminal.ts';
import { startServer } from '../server/own.ts';

const { redis, server } = await startServer();
beforeAll(async () => {
  await setFlags(server, 'Kx');
});

const hostile = 'esc\x1b[2J\x1b]0;pwned\x07:one';

/** Reads of forty namespaces, and of a key whose name would act on a terminal, until the test's end. */
function keepReading(): void {
  const names = Array.from('abcdefgh', (first) => Array.from('vwxyz', (second) => first + second)).flat();
  const commands = [...names.map((name) => `${name}:with:a:long:name:one`), hostile, hostile].map((key) => [
    'GET',
    key,
  ]);
  // Each twice: a finding takes a hundred misses.
  const twice = [...commands, ...commands];
  const timer = setInterval(() => void sendAll(server, twice).catch(() => undefined), 20);
  onTestFinished(() => clearInterval(timer));
}

async function run(args: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
  keepReading();
  const terminal = await runBinaryInTerminal(['hits', ...args], {
    ...options,
    env: { REDIS_URL: redis.url, ...options.env },
  });
  onTestFinished(() => terminal.close());
  return terminal;
}

const live = /Ctrl-C ends it here/;

test('the live table is drawn over itself, and the result takes its place', async () => {
  const terminal = await run(['--for', '3s', '--limit', '5'], { columns: 100, rows: 60 });
  const first = await terminal.waitFor(live);
  expect(first).toMatch(/5 of \d\d namespaces, most misses first/);
  const second = await terminal.waitFor(/^[2-9].* s in mode/m);
  for (const screen of [first, second]) {
    expect(screen.match(/reads\/s hit/g)).toHaveLength(1);
    expect(screen.match(/NAMESPACE/g)).toHaveLength(1);
    expect(screen).not.toMatch(/opening|observing/);
  }
  expect(await terminal.exitCode()).toBe(0);
  const last = await terminal.screen();
  expect(last).not.toMatch(live);
  expect(last.match(/reads\/s hit/g)).toHaveLength(1);
  expect(last).toMatch(/^3\S* s in mode/m);
  expect(last).toContain('`notify-keyspace-events`');
  // The headline and three findings: one for each namespace would leave nothing else on the screen.
  expect(last.match(/ask again for/g)).toHaveLength(4);
  expect(last).toMatch(/and [34]\d more: --output json has all/);
  expect(await flagsOn(server)).toBe('xK');
});

test('at 80 columns and 24 lines a table of 40 namespaces stays on the screen', async () => {
  const terminal = await run(['--follow', '--limit', '40'], { columns: 80, rows: 24 });
  const first = await terminal.waitFor(live);
  const [, misses = ''] = /misses most: 100.0 % of its ([\d,]+)/.exec(first) ?? [];
  const next = await terminal.waitFor(new RegExp(`misses most: 100.0 % of its (?!${misses} )`));
  for (const frame of [first, next]) {
    expect(frame).toMatch(/^[\d.]+ % of/);
    expect(frame.match(/reads\/s hit/g)).toHaveLength(1);
    // The end of it has no place, and the way out must have one.
    expect(frame).toMatch(live);
    expect(linesOf(frame).length).toBeLessThanOrEqual(24);
  }
  expect(await terminal.linesAbove()).toBe(0);
  await terminal.send('C-c');
  expect(await terminal.exitCode()).toBe(130);
  expect(await flagsOn(server)).toBe('xK');
  const last = await terminal.screen();
  expect(last).not.toMatch(live);
  expect(last).toContain('error: interrupted by Ctrl-C: the result covers what was done until then');
});

test('what scrolled by holds nothing of the live table', async () => {
  const terminal = await run(['--for', '2500ms', '--limit', '40', '--keys', '3'], { columns: 80, rows: 190 });
  await terminal.waitFor(live);
  expect(await terminal.exitCode()).toBe(0);
  const last = await terminal.screen(true);
  expect(last).not.toMatch(live);
  expect(last.match(/reads\/s hit/g)).toHaveLength(1);
  expect(last).toContain('esc\\x1b[2J');
  expect(last).not.toContain('\x1b]0;');
});

test.each([['--quiet'], ['--output=json']])(
  'with %s there is nothing but the result in the end',
  async (flag) => {
    const terminal = await run(['--for', '1500ms', '--keys', '0', flag], { columns: 100, rows: 40 });
    expect(await terminal.exitCode()).toBe(0);
    expect(await terminal.screen()).not.toMatch(live);
  },
);
