import { type Progress, silentProgress } from '../support/progress.ts';
import { progressLine } from '../render/progress-line.ts';
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
