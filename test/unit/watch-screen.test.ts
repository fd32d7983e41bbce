import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { Messages } from '../../src/cli/failures.ts';
import { TerminalScreen } from '../../src/cli/screen.ts';
import type { StyledLine } from '../../src/render/styled-line.ts';

/** A terminal that takes what it is given, as fast as the test says. */
function openScreen({ columns = 40, rows = 5, tty = true } = {}) {
  const writes: string[] = [];
  const terminal = { takes: true, columns, rows };
  const stdout = Object.assign(new EventEmitter(), {
    isTTY: true,
    write: (text: string) => {
      writes.push(text);
      return terminal.takes;
    },
  });
  Object.defineProperties(stdout, {
    columns: { get: () => terminal.columns },
    rows: { get: () => terminal.rows },
  });
  const raw: boolean[] = [];
  const stdin = Object.assign(new EventEmitter(), {
    isTTY: tty,
    setRawMode: (mode: boolean) => raw.push(mode),
    resume: () => undefined,
    pause: () => undefined,
  });
  const controller = new AbortController();
  const events: string[] = [];
  const io = {
    ...{ stdin, stdout, stderr: stdout, workingDirectory: '/', packageRoot: '/' },
    ...{ variables: { LANG: 'C.UTF-8', NO_COLOR: '1' }, now: Date.now, random: Math.random },
    signal: controller.signal,
  } as unknown as Io;
  const listener = {
    key: (key: string) => events.push(key),
    changed: () => events.push('changed'),
    suspending: () => Promise.resolve(),
    resumed: () => undefined,
  };
  const screen = new TerminalScreen(io, true, listener, () => events.push('closed'));
  onTestFinished(() => screen.close());
  const typed = (text: string) => stdin.emit('data', Buffer.from(text));
  return { screen, writes, terminal, raw, events, controller, stdout, typed };
}

const lines = (...texts: readonly string[]): StyledLine[] => texts.map((text) => ({ spans: [{ text }] }));

test('only lines that changed are written, all in one piece', () => {
  const { screen, writes } = openScreen();
  screen.draw(lines('one', 'two', 'three'));
  writes.length = 0;
  screen.draw(lines('one', 'TWO', 'three'));
  screen.draw(lines('one', 'TWO', 'three'));
  expect(writes).toEqual(['\x1b[2;1HTWO\x1b[K']);
  screen.draw(lines('one'));
  expect(writes[1]).toBe('\x1b[2;1H\x1b[K\x1b[3;1H\x1b[K');
});

test('nothing is written in the last column or below the last row, and no line feed at all', () => {
  const { screen, writes } = openScreen({ columns: 40, rows: 2 });
  screen.draw(lines('x'.repeat(100), 'y', 'z'));
  const text = writes.at(-1) ?? '';
  expect(text).toContain('x'.repeat(39));
  expect(text).not.toContain('x'.repeat(40));
  expect(text).not.toContain('z');
  expect(writes.join('')).not.toContain('\n');
});

test('a terminal that is slow gets the newest frame only, once it has taken the last one', () => {
  const { screen, writes, terminal, stdout } = openScreen();
  terminal.takes = false;
  screen.draw(lines('first'));
  const before = writes.length;
  screen.draw(lines('second'));
  screen.draw(lines('third'));
  expect(writes).toHaveLength(before);
  terminal.takes = true;
  stdout.emit('drain');
  expect(writes.slice(before)).toEqual(['\x1b[1;1Hthird\x1b[K']);
});

test('another size means drawing everything again', () => {
  const { screen, writes, terminal, stdout, events } = openScreen();
  screen.draw(lines('one', 'two'));
  writes.length = 0;
  terminal.columns = 60;
  stdout.emit('resize');
  expect(events).toEqual(['changed']);
  screen.draw(lines('one', 'two'));
  expect(writes[0]).toContain('\x1b[2J');
  expect(writes[0]).toContain('one');
  expect(screen.columns).toBe(60);
});

test('the terminal is given back once, on whatever comes first', () => {
  const { screen, writes, raw, events, controller } = openScreen();
  expect(raw).toEqual([true]);
  controller.abort('SIGTERM');
  screen.close();
  expect(raw).toEqual([true, false]);
  expect(events).toEqual(['closed']);
  const text = writes.join('');
  expect(text).toMatch(/^\x1b\[\?1049h\x1b\[\?25l/);
  expect(text.match(/\x1b\[\?1049l/g)).toHaveLength(1);
  expect(text.match(/\x1b\[\?25h/g)).toHaveLength(1);
  screen.draw(lines('late'));
  expect(writes.join('')).not.toContain('late');
});

test('no listener of the process stays behind', () => {
  const names = ['SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGCONT', 'exit', 'uncaughtExceptionMonitor'] as const;
  const counts = () => names.map((name) => process.listenerCount(name));
  const before = counts();
  const { screen } = openScreen();
  expect(counts()).not.toEqual(before);
  screen.close();
  expect(counts()).toEqual(before);
});

test('keys arrive as they are typed, an escape alone after a moment', async () => {
  const { events, typed } = openScreen();
  typed('q\x1b');
  typed('[A');
  expect(events).toEqual(['q', 'up']);
  typed('\x1b');
  expect(events).toHaveLength(2);
  await sleep(150);
  expect(events).toEqual(['q', 'up', 'escape']);
  typed('\x0c');
  expect(events.at(-1)).toBe('changed');
});

test('a terminal without a keyboard is drawn on all the same', () => {
  const { screen, raw, writes } = openScreen({ tty: false });
  screen.draw(lines('one'));
  expect(raw).toEqual([]);
  expect(writes.join('')).toContain('one');
});

test('messages wait until the screen is closed', () => {
  const messages = new Messages();
  const told: string[] = [];
  messages.write(() => told.push('before'));
  messages.hold();
  messages.write(() => told.push('first'));
  messages.write(() => told.push('second'));
  expect(told).toEqual(['before']);
  messages.release();
  expect(told).toEqual(['before', 'first', 'second']);
});
