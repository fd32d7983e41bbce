import type { Progress } from '../progress.ts';
import { silentProgress } from '../progress.ts';
import { barOf } from '../render/bar.ts';
import { counted, formatSeconds } from '../render/units.ts';
import type { Io } from './io.ts';
import { canAnimate } from './terminal.ts';

/** The part of ora that is used; a spinner that rewrites one line of stderr. */
interface Spinner {
  text: string;
  start(): unknown;
  stop(): unknown;
}

const updateMillis = 100;

/** Progress on stderr: one line rewritten in place on a terminal, nothing elsewhere. */
export function terminalProgress(io: Io, enabled: boolean): Progress {
  if (!enabled || !canAnimate(io)) return silentProgress;
  let spinner: Spinner | undefined;
  let current:
    { label: string; unit: string; total: number | null; startedAt: number; shownAt: number } | undefined;
  return {
    start(label, unit, total) {
      const started = { label, unit, total, startedAt: io.now(), shownAt: 0 };
      current = started;
      // ora costs 25 ms to load; work that is done sooner never needs it.
      void import('ora').then(({ default: ora }) => {
        if (current !== started) return;
        spinner?.stop();
        spinner = ora({
          text: `${label} …`,
          stream: io.stderr as NodeJS.WritableStream,
          discardStdin: false,
        });
        spinner.start();
      });
    },
    update(done) {
      if (current === undefined || spinner === undefined) return;
      const now = io.now();
      if (now - current.shownAt < updateMillis) return;
      current.shownAt = now;
      spinner.text = progressLine(
        current.label,
        current.unit,
        done,
        current.total,
        (now - current.startedAt) / 1000,
      );
    },
    stop() {
      spinner?.stop();
      spinner = undefined;
      current = undefined;
    },
  };
}

/** `reading keys  ██████       52 %  520,000 keys  410,000/s  1 s left` */
export function progressLine(
  label: string,
  unit: string,
  done: number,
  total: number | null,
  seconds: number,
): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const parts = [label];
  if (total !== null && total > 0) {
    const ratio = Math.min(1, done / total);
    parts.push(barOf(ratio, { unicode: true }), `${Math.floor(ratio * 100)} %`);
  }
  parts.push(counted(done, unit.replace(/s$/, ''), unit), `${Math.round(rate).toLocaleString('en-US')}/s`);
  if (total !== null && rate > 0 && total > done)
    parts.push(`${formatSeconds(Math.ceil((total - done) / rate))} left`);
  return parts.join('  ');
}
