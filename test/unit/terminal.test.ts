import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { terminalProgress } from '../../src/cli/progress.ts';
import { progressLine } from '../../src/render/progress-line.ts';
import { canAnimate, colorLevelOf, isInteractive, showsUnicode, styleOf } from '../../src/cli/terminal.ts';

interface Surroundings {
  readonly tty?: boolean;
  readonly stdinTty?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

function ioOf({ tty = true, stdinTty = tty, columns, env = {} }: Surroundings) {
  const stream = () => {
    const written: string[] = [];
    const output = new PassThrough().on('data', (chunk: Buffer) => written.push(String(chunk)));
    return Object.assign(output, { isTTY: tty, written, ...(columns !== undefined && { columns }) });
  };
  const stderr = stream();
  const io: Io = {
    stdin: Object.assign(new PassThrough(), { isTTY: stdinTty }),
    stdout: stream(),
    stderr,
    variables: env,
    workingDirectory: '/',
    packageRoot: '/',
    program: 'cachectl',
    now: Date.now,
    random: () => 0,
    signal: new AbortController().signal,
  };
  return { io, shown: () => stderr.written.join('') };
}

test.each([
  [{ tty: true, columns: 90, env: { COLUMNS: '70' } }, undefined, 90],
  [{ tty: false, env: { COLUMNS: '70' } }, 120, 70],
  [{ tty: false }, 120, 120],
  [{ tty: false }, undefined, 100],
])(
  'the width of a pager is that of the terminal that it is in: %j, stderr %s',
  (surroundings, columns, width) => {
    const { io } = ioOf(surroundings);
    const stderr = Object.assign(new PassThrough(), { columns });
    expect(styleOf({ ...io, stderr } as unknown as Io, true).width).toBe(width);
  },
);

describe('color', () => {
  const level = (surroundings: Surroundings, flag = true) => {
    const { io } = ioOf(surroundings);
    return colorLevelOf(io.stdout, io.variables, flag);
  };

  test.each<[string, Surroundings, number]>([
    ['a terminal', { env: { TERM: 'xterm' } }, 1],
    ['a terminal of 256 colors', { env: { TERM: 'xterm-256color' } }, 2],
    ['a terminal of all colors', { env: { TERM: 'xterm-256color', COLORTERM: 'truecolor' } }, 3],
    ['a pipe', { tty: false, env: { TERM: 'xterm-256color' } }, 0],
    ['NO_COLOR', { env: { NO_COLOR: '1', TERM: 'xterm' } }, 0],
    ['an empty NO_COLOR', { env: { NO_COLOR: '', TERM: 'xterm' } }, 1],
    ['a dumb terminal', { env: { TERM: 'dumb' } }, 0],
    ['FORCE_COLOR in a pipe', { tty: false, env: { FORCE_COLOR: '1' } }, 1],
    ['FORCE_COLOR=3 in a pipe', { tty: false, env: { FORCE_COLOR: '3' } }, 3],
    ['FORCE_COLOR over NO_COLOR', { env: { FORCE_COLOR: 'true', NO_COLOR: '1' } }, 1],
    ['FORCE_COLOR=0', { env: { FORCE_COLOR: '0', TERM: 'xterm' } }, 0],
    ['an empty FORCE_COLOR in a pipe', { tty: false, env: { FORCE_COLOR: '' } }, 0],
  ])('for %s', (_what, surroundings, expected) => {
    expect(level(surroundings)).toBe(expected);
  });

  test('is off with --no-color, whatever the environment says', () => {
    expect(level({ env: { FORCE_COLOR: '3' } }, false)).toBe(0);
  });
});

describe('what a terminal can show', () => {
  test.each([
    [{ LANG: 'cs_CZ.UTF-8' }, true],
    [{ LANG: 'C.utf8' }, true],
    [{ LANG: 'C' }, false],
    [{}, false],
    [{ LANG: 'cs_CZ.UTF-8', LC_ALL: 'C' }, false],
    [{ LANG: 'C', LC_CTYPE: 'en_US.UTF-8' }, true],
    [{ LANG: 'cs_CZ.UTF-8', TERM: 'linux' }, false],
  ])('with %j: Unicode %s', (env, unicode) => {
    expect(showsUnicode(env)).toBe(unicode);
  });

  test.each<[string, Surroundings, number]>([
    ['the terminal has', { columns: 133 }, 133],
    ['80, for a terminal that says 0', { columns: 0 }, 80],
    ['COLUMNS says, in a pipe', { tty: false, env: { COLUMNS: '50' } }, 50],
    ['100, in a pipe', { tty: false }, 100],
  ])('columns: as many as %s', (_what, surroundings, width) => {
    expect(styleOf(ioOf(surroundings).io, true).width).toBe(width);
  });
});

describe('a person to ask', () => {
  test.each<[string, Surroundings, boolean]>([
    ['at a terminal', {}, true],
    ['at the other end of a pipe', { stdinTty: false }, false],
    ['with messages sent to a file', { tty: false, stdinTty: true }, false],
    ['in CI', { env: { CI: 'true' } }, false],
    ['where CI is said to be false', { env: { CI: 'false' } }, true],
  ])('%s: %s', (_where, surroundings, interactive) => {
    expect(isInteractive(ioOf(surroundings).io)).toBe(interactive);
  });
});

describe('progress', () => {
  test.each<[string, Surroundings, boolean]>([
    ['a terminal', { columns: 80 }, true],
    ['a terminal of no columns', { columns: 0 }, false],
    ['a pipe', { tty: false }, false],
    ['a dumb terminal', { columns: 80, env: { TERM: 'dumb' } }, false],
    ['CI', { columns: 80, env: { CI: '1' } }, false],
  ])('is animated on %s: %s', (_where, surroundings, animated) => {
    expect(canAnimate(ioOf(surroundings).io)).toBe(animated);
  });

  test('is one line with a bar, a share, a rate and the time left', () => {
    const span = { label: 'reading keys', unit: 'keys', total: 1_000_000 };
    expect(progressLine(span, 520_000, 2, { unicode: true })).toBe(
      'reading keys  ██████▎       52 %  520,000 keys  260,000/s  2 s left',
    );
    expect(progressLine(span, 520_000, 2, { unicode: false })).toContain('  ######        52 %');
    expect(progressLine(span, 1_480_000, 2, { unicode: true })).toMatch(
      /100 % {2}1,480,000 keys {2}740,000\/s$/,
    );
  });

  test('has no bar where the end is not known', () => {
    expect(progressLine({ label: 'reading', unit: 'keys', total: null }, 1, 0, { unicode: true })).toBe(
      'reading  1 key  0/s',
    );
  });

  test('shows nothing for work that is soon done', async () => {
    const { io, shown } = ioOf({ columns: 80 });
    const progress = terminalProgress(io, true);
    progress.start('reading keys', 'keys', 10);
    progress.update(5);
    progress.stop();
    await sleep(250);
    expect(shown()).toBe('');
  });

  test('shows nothing with --quiet', async () => {
    const { io, shown } = ioOf({ columns: 80 });
    const progress = terminalProgress(io, false);
    progress.start('reading keys', 'keys', 10);
    await sleep(250);
    expect(shown()).toBe('');
    progress.stop();
  });
});
