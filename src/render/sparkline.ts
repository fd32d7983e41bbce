const blocks = '▁▂▃▄▅▆▇█';
const plainBlocks = '.:-=+*#@';

/** Each mark as a terminal without Unicode has it. */
export const plainMarks: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from(blocks, (mark, index) => [mark, plainBlocks[index] ?? '']),
);

interface Scale {
  /** Drawn as the lowest mark. */
  readonly low: number;
  /** Drawn as the highest; a value outside is drawn as the nearest. */
  readonly high: number;
}

/** From zero to the highest value: for quantities whose size itself means something. */
export function scaleFromZero(values: readonly (number | null)[]): Scale {
  return { low: 0, high: Math.max(0, ...known(values)) };
}

/** From below the lowest value to the highest, so that a small change of a large number shows. */
export function scaleOfChange(values: readonly (number | null)[]): Scale {
  const numbers = known(values);
  if (numbers.length === 0) return { low: 0, high: 0 };
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  // What hardly moves is not blown up to a mountain range.
  const span = Math.max(most - least, Math.abs(most) * 0.05);
  return { low: Math.max(0, most - span * 1.15), high: most };
}

/** The last `width` values, a mark each, the newest on the right; what is not known is a blank. */
export function sparklineOf(
  values: readonly (number | null)[],
  width: number,
  scale: Scale,
  style: { readonly unicode: boolean },
): string {
  const marks = Array.from(style.unicode ? blocks : plainBlocks);
  const shown = width <= 0 ? [] : values.slice(-width);
  return shown
    .map((value) => {
      if (value === null) return ' ';
      const range = scale.high - scale.low;
      const place = range <= 0 ? 0 : (value - scale.low) / range;
      const step = Math.round(Math.min(1, Math.max(0, place)) * (marks.length - 1));
      // What is more than nothing never looks like nothing.
      return marks[scale.low === 0 && value > 0 ? Math.max(1, step) : step] ?? ' ';
    })
    .join('')
    .padStart(Math.max(0, width));
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
