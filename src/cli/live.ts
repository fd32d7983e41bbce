import type { Live } from '../commands/context.ts';
import type { Io } from './io.ts';
import { canAnimate, terminalTextOf } from './terminal.ts';

/** Leaves a line for the cursor below. */
const usualRows = 24;

const eraseLine = '\x1b[2K';
const eraseBelow = '\x1b[J';

/**
 * Blocks that are drawn over each other on stderr, for a person who waits for a result on the same terminal. Lines are erased one by
 * one: tmux and others keep what is erased from the top of the screen on in what can be scrolled back to.
 */
export function terminalLive(io: Io, enabled: boolean, color: boolean): Live {
  const isAvailable = enabled && canAnimate(io) && io.stdout.isTTY === true;
  let lines = 0;
  const toTop = () => (lines === 0 ? '' : `\x1b[${lines}A\r`);
  return {
    isAvailable,
    async draw(blocks) {
      if (!isAvailable) return;
      const rendered = (await terminalTextOf(blocks, io, 'stderr', color)).split('\n');
      while (rendered.at(-1) === '') rendered.pop();
      const shown = fitted(rendered, (io.stderr.rows ?? usualRows) - 1);
      const text = shown.map((line) => `${eraseLine}${line}\n`).join('');
      io.stderr.write(`${toTop()}${text}${eraseBelow}`);
      lines = shown.length;
    },
    clear() {
      if (lines > 0) io.stderr.write(toTop() + `${eraseLine}\n`.repeat(lines) + toTop());
      lines = 0;
    },
  };
}

/** What has scrolled off the screen cannot be drawn over. The last line stays: it says how to end. */
function fitted(lines: readonly string[], room: number): readonly string[] {
  return lines.length <= room ? lines : [...lines.slice(0, Math.max(0, room - 1)), ...lines.slice(-1)];
}
