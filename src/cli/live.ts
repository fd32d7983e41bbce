import type { Live } from '../commands/context.ts';
import type { Io } from './io.ts';
import { canAnimate, terminalTextOf } from './terminal.ts';

/** Leaves a line for the cursor below. */
const usualRows = 24;

/** Blocks that are drawn over each other on stderr, for a person who waits for a result on the same terminal. */
export function terminalLive(io: Io, enabled: boolean, color: boolean): Live {
  const isAvailable = enabled && canAnimate(io) && io.stdout.isTTY === true;
  let lines = 0;
  const eraseText = () => {
    const text = lines === 0 ? '' : `\x1b[${lines}A\r\x1b[J`;
    lines = 0;
    return text;
  };
  return {
    isAvailable,
    async draw(blocks) {
      if (!isAvailable) return;
      const rendered = (await terminalTextOf(blocks, io, 'stderr', color)).split('\n');
      while (rendered.at(-1) === '') rendered.pop();
      const shown = fitted(rendered, (io.stderr.rows ?? usualRows) - 1);
      const text = `${eraseText()}${shown.join('\n')}\n`;
      lines = shown.length;
      io.stderr.write(text);
    },
    clear() {
      const text = eraseText();
      if (text !== '') io.stderr.write(text);
    },
  };
}

/** What has scrolled off the screen cannot be drawn over. The last line stays: it says how to end. */
function fitted(lines: readonly string[], room: number): readonly string[] {
  return lines.length <= room ? lines : [...lines.slice(0, Math.max(0, room - 1)), ...lines.slice(-1)];
}
