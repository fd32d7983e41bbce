import type { Phrase } from '../support/phrase.ts';
import type { Cell, Unit } from './blocks.ts';
import { printable } from './printable.ts';

/** A whole number with a comma for every thousand. Intl does the same, and takes 10 ms to load its tables. */
function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A cell as people read it. A null is `-`: not known, or does not apply. */
export function formatCell(value: Cell, unit: Unit): string {
  if (value === null) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return printable(value);
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'ratio':
      return formatRatio(value);
    case 'seconds':
      return formatSeconds(value);
    case 'millis':
      return formatMicros(value * 1000);
    case 'micros':
      return formatMicros(value);
    case 'perSecond':
      return `${value !== 0 && Math.abs(value) < 9.95 ? value.toFixed(1) : grouped(value)}/s`;
    case 'number':
      if (Math.abs(value) >= 1000) return grouped(value);
      // A small amount must not read as none.
      return String(Math.abs(value) < 1 ? Number(value.toPrecision(2)) : Math.round(value * 100) / 100);
    case 'count':
    case 'text':
    case 'status':
      return grouped(value);
  }
}

/** The same with a `~` before what is an estimate. */
export function formatEstimate(value: Cell, unit: Unit, interval: readonly [number, number] | null): string {
  const text = formatCell(value, unit);
  return interval === null || value === null ? text : `~${text.replace(/^< /, '<')}`;
}

/** A cell as programs read it: numbers unrounded, null empty. */
export function rawCell(value: Cell): string {
  return value === null ? '' : typeof value === 'string' ? printable(value) : String(value);
}

/** Decimal units: 1 kB is 1000 bytes. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let scaled = bytes;
  let index = 0;
  // What would round to 1000 is one of the next unit.
  while (Math.abs(scaled) >= (index === 0 ? 999.5 : 999.95) && index < units.length - 1) {
    scaled /= 1000;
    index++;
  }
  return `${index === 0 ? String(Math.round(scaled)) : scaled.toFixed(1)} ${units[index] ?? ''}`;
}

export function formatRatio(ratio: number): string {
  const percent = ratio * 100;
  if (percent !== 0 && Math.abs(percent) < 0.05) return '< 0.1 %';
  // What is not everything must not read as 100 %.
  if (percent < 100 && percent >= 99.95) return `${(Math.floor(percent * 100) / 100).toFixed(2)} %`;
  return `${percent.toFixed(1)} %`;
}

/** Both bounds, or the one text of both: a range that reads `60.7 % to 60.7 %` is none. */
export function formatRange(
  [low, high]: readonly [low: number, high: number],
  format: (value: number) => string,
  between = ' to ',
): string {
  const [least, most] = [format(low), format(high)];
  return least === most ? least : `${least}${between}${most}`;
}

export const formatRatioRange = (range: readonly [low: number, high: number]): string =>
  formatRange(range, formatRatio);

/** `71.0 % (65.2 % to 76.4 %)`, or the figure alone where its interval reads the same. */
export function formatBounded(
  figure: number,
  interval: readonly [low: number, high: number],
  format: (value: number) => string,
): string {
  const [value, range] = [format(figure), formatRange(interval, format)];
  return range === value ? value : `${value} (${range})`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 0) return `-${formatSeconds(-seconds)}`;
  if (seconds > 0 && seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [days, hours, minutes, rest] = [
    Math.floor(whole / 86_400),
    Math.floor((whole % 86_400) / 3600),
    Math.floor((whole % 3600) / 60),
    whole % 60,
  ];
  if (days > 0) return hours > 0 ? `${days}d ${hours}h` : `${days}d`;
  if (hours > 0) return minutes > 0 ? `${hours}h ${minutes}m` : `${hours}h`;
  return rest > 0 ? `${minutes}m ${rest}s` : `${minutes}m`;
}

export function formatMicros(micros: number): string {
  if (micros < 999.5) return `${micros < 9.95 ? micros.toFixed(1) : Math.round(micros)} µs`;
  const millis = micros / 1000;
  if (millis < 999.95) return `${millis < 9.995 ? millis.toFixed(2) : millis.toFixed(1)} ms`;
  return `${(millis / 1000).toFixed(2)} s`;
}

/** `1 key`, `1,204 keys`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${grouped(count)} ${count === 1 ? singular : plural}`;
}

/** A sentence with its numbers as people read them. Its texts are left as they are: a server may have sent them. */
export function phraseText(phrase: Phrase): string {
  return phrase
    .map((part) => {
      if (typeof part === 'string') return part;
      const { value, upTo = value, unit, noun } = part;
      return noun === undefined
        ? formatRange([value, upTo], (each) => formatCell(each, unit))
        : counted(value, noun);
    })
    .join('');
}
