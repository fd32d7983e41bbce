import { type NoteBlock, note } from '../../render/blocks.ts';
import { scaleFromZero, sparklineOf } from '../../render/sparkline.ts';
import { formatMicros } from '../../render/units.ts';

/** As many as fit on a line of 80 with their text. */
const mostSeconds = 40;

/** A mark for each of the last seconds: `p99 by second ▁▁▇▁ up to 12.3 ms`; nothing for fewer than two. */
export function secondsLine(name: string, micros: readonly (number | null)[]): NoteBlock[] {
  if (micros.length < 2) return [];
  const shown = micros.slice(-mostSeconds);
  const scale = scaleFromZero(shown);
  // A renderer without Unicode has other marks for these.
  const marks = sparklineOf(shown, shown.length, scale, { unicode: true });
  return [note('plain', `${name} by second ${marks.replaceAll(' ', '_')} up to ${formatMicros(scale.high)}`)];
}
