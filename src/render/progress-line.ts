import { barOf } from './width.ts';
import { counted, formatSeconds } from './units.ts';

/** What is under way, and how many units there are; null where that is not known. */
interface Work {
  readonly label: string;
  readonly unit: string;
  readonly total: number | null;
}

/** `reading keys  ██████       52 %  520,000 keys  410,000/s  1 s left` */
export function progressLine(
  { label, unit, total }: Work,
  done: number,
  seconds: number,
  style: { readonly unicode: boolean },
): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const parts = [label];
  if (total !== null && total > 0) {
    const ratio = Math.min(1, done / total);
    parts.push(barOf(ratio, style), `${Math.floor(ratio * 100)} %`);
  }
  parts.push(counted(done, unit.replace(/s$/, ''), unit), `${Math.round(rate).toLocaleString('en-US')}/s`);
  if (total !== null && rate > 0 && total > done)
    parts.push(`${formatSeconds(Math.ceil((total - done) / rate))} left`);
  return parts.join('  ');
}
