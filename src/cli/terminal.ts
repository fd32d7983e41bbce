import type { Block } from '../render/blocks.ts';
import type { TerminalStyle } from '../render/width.ts';
import type { Io, Output } from './io.ts';

type ColorLevel = TerminalStyle['colorLevel'];

/**
 * Color: `--no-color` > FORCE_COLOR > NO_COLOR > TERM=dumb > whether the stream is a terminal.
 * @see https://no-color.org and https://force-color.org
 */
export function colorLevelOf(stream: Output, variables: Io['variables'], colorFlag: boolean): ColorLevel {
  if (!colorFlag) return 0;
  const forced = variables['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') {
    if (forced === '0' || forced === 'false') return 0;
    return forced === '2' ? 2 : forced === '3' ? 3 : 1;
  }
  if ((variables['NO_COLOR'] ?? '') !== '' || variables['TERM'] === 'dumb' || stream.isTTY !== true) return 0;
  if (/truecolor|24bit/.test(variables['COLORTERM'] ?? '')) return 3;
  return /256/.test(variables['TERM'] ?? '') ? 2 : 1;
}

/**
 * What stdout can show. A terminal of zero columns (some pseudo-terminals) counts as 80. A file or pipe has the width of the
 * terminal that the person is at, where a pager shows it, else 100.
 */
export function styleOf(io: Io, colorFlag: boolean): TerminalStyle {
  return {
    colorLevel: colorLevelOf(io.stdout, io.variables, colorFlag),
    unicode: showsUnicode(io.variables),
    height: (io.stdout.isTTY === true && io.stdout.rows) || null,
    width: widthOf(io, 100),
  };
}

/** @param unknown of a pipe where no terminal is known */
export function widthOf(
  { stdout, stderr, variables }: Pick<Io, 'stdout' | 'stderr' | 'variables'>,
  unknown: number,
): number {
  return (
    stdout.columns || Number(variables['COLUMNS']) || (stdout.isTTY === true ? 80 : stderr.columns || unknown)
  );
}

/** Blocks as the terminal shows them that a stream leads to. @param linesBehind that follow them on the same screen */
export async function terminalTextOf(
  blocks: readonly Block[],
  io: Io,
  stream: 'stdout' | 'stderr',
  colorFlag: boolean,
  linesBehind = 0,
): Promise<string> {
  const { renderTerminal } = await import('../render/terminal-text.ts');
  const colorLevel = colorLevelOf(io[stream], io.variables, colorFlag);
  const style = styleOf(io, colorFlag);
  const height = style.height == null ? null : Math.max(1, style.height - linesBehind);
  return renderTerminal(blocks, { ...style, colorLevel, height });
}

/** By the locale; the console of Linux has UTF-8 and few characters. */
export function showsUnicode(variables: Io['variables']): boolean {
  const locale = variables['LC_ALL'] || variables['LC_CTYPE'] || variables['LANG'] || '';
  return /utf-?8/i.test(locale) && variables['TERM'] !== 'linux';
}

/** True where a person can see a prompt and answer it. */
export function isInteractive(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true && !isCi(io.variables);
}

/** True where a line may be rewritten in place. */
export function canAnimate(io: Io): boolean {
  return (
    io.stderr.isTTY === true &&
    (io.stderr.columns ?? 0) > 0 &&
    io.variables['TERM'] !== 'dumb' &&
    !isCi(io.variables)
  );
}

/** True where a view may take the whole terminal. */
export function canDraw({ stdout, variables }: Io): boolean {
  return stdout.isTTY === true && variables['TERM'] !== 'dumb';
}

function isCi(variables: Io['variables']): boolean {
  return !['', '0', 'false'].includes(variables['CI'] ?? '');
}

/**
 * Runs work during which Ctrl-Z and SIGTSTP do not stop the process, and says so at the first of them. SIGSTOP cannot be
 * caught.
 * @param warn called once, however many works there are
 */
export function suspensionGuard(warn: (text: string) => void): <T>(work: () => Promise<T>) => Promise<T> {
  let warned = false;
  const onSuspend = () => {
    if (warned) return;
    warned = true;
    warn('cannot be suspended while it observes: the server would keep its traffic for it; Ctrl-C ends it');
  };
  return async (work) => {
    process.on('SIGTSTP', onSuspend);
    try {
      return await work();
    } finally {
      process.off('SIGTSTP', onSuspend);
    }
  };
}
