import { type Progress, silentProgress } from '../support/progress.ts';
import { barOf } from '../render/width.ts';
import { counted, formatSeconds } from '../render/units.ts';
import type { Io } from './io.ts';
import { canAnimate, showsUnicode } from './terminal.ts';

/** The part of ora that is used; a spinner that rewrites one line of stderr. */
interface Spinner {
  text: string;
  start(): unknown;
  stop(): unknown;
}

const updateMillis = 100;

/** Work that is done sooner needs no spinner, and does not wait for its library to load. */
const delayMillis = 150;

/** What is under way. Times are in milliseconds since the epoch. */
interface Span {
  readonly label: string;
  readonly unit: string;
  readonly total: number | null;
  readonly startedAt: number;
  shownAt: number;
}

/** Progress on stderr: one line rewritten in place on a terminal, nothing elsewhere. */
export function terminalProgress(io: Io, enabled: boolean): Progress {
  if (!enabled || !canAnimate(io)) return silentProgress;
  const unicode = showsUnicode(io.variables);
  let spinner: Spinner | undefined;
  let timer: NodeJS.Timeout | undefined;
  let current: Span | undefined;
  const show = async (span: Span): Promise<void> => {
    const { default: ora } = await import('ora');
    if (current !== span) return;
    spinner = ora({
      text: `${span.label} ${unicode ? '…' : '...'}`,
      ...(!unicode && { spinner: 'line' }),
      stream: io.stderr as NodeJS.WritableStream,
      discardStdin: false,
    });
    spinner.start();
  };
  const stop = () => {
    clearTimeout(timer);
    spinner?.stop();
    spinner = undefined;
    current = undefined;
  };
  return {
    start(label, unit, total) {
      stop();
      const span = { label, unit, total, startedAt: io.now(), shownAt: 0 };
      current = span;
      timer = setTimeout(() => void show(span), delayMillis);
    },
    update(done) {
      if (current === undefined || spinner === undefined) return;
      const now = io.now();
      if (now - current.shownAt < updateMillis) return;
      current.shownAt = now;
      spinner.text = progressLine(current, done, (now - current.startedAt) / 1000, { unicode });
    },
    stop,
  };
}

/** `reading keys  ██████       52 %  520,000 keys  410,000/s  1 s left` */
export function progressLine(
  { label, unit, total }: Pick<Span, 'label' | 'unit' | 'total'>,
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
