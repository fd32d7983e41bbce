import type { HostJitter } from '../../bench/intrinsic.ts';
import { type Block, fact, factsOf, notes } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { formatMicros, formatRatio } from '../../render/units.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { secondsLine } from './seconds-line.ts';

/** `bench intrinsic` from its input to its result. @param seconds How long */
export const intrinsicExecution = (seconds: number): Execution<HostJitter> => ({
  blank: blankOf<HostJitter>()('durationSeconds lostRatio gaps[] latency series[]'),
  rows: 'series',
  oneTable: true,
  standalone: true,
  connects: false,
  run: (context) => measure(context, seconds),
  view: (result, _own, { isPerson }) => viewJitter(result, isPerson),
});

async function measure({ progress, signal }: Context, seconds: number): Promise<Outcome<HostJitter>> {
  const [{ measureJitter }, { systemClock: clock }] = await Promise.all([
    import('../../bench/intrinsic.ts'),
    import('../../bench/clock.ts'),
  ]);
  progress.start('reading the clock', 'seconds', seconds);
  try {
    const onProgress = (done: number) => progress.update(Math.floor(done));
    return { result: await measureJitter({ clock, seconds, signal, onProgress }) };
  } finally {
    progress.stop();
  }
}

function viewJitter(result: HostJitter, isPerson: boolean): Block[] {
  const { series, gaps, latency, lostRatio, durationSeconds } = result;
  const longest = series.map(({ maxMicros }) => maxMicros);
  if (!isPerson) {
    const { micros } = fieldsOf<HostJitter['series'][number]>();
    return [tableOf('series', series, [micros('maxMicros', 'LONGEST')])];
  }
  return [
    factsOf(
      'jitter',
      'What this machine takes away from a process that is ready',
      fact('lostRatio', 'time lost', lostRatio, 'ratio', 'in gaps of 10 µs or more'),
      fact('maxMicros', 'longest gap', latency?.maxMicros ?? 0, 'micros'),
      ...gaps.map(({ overMicros, count }) =>
        fact(`over${overMicros}`, `gaps over ${formatMicros(overMicros)}`, count, 'count'),
      ),
      fact('durationSeconds', 'measured for', durationSeconds, 'seconds'),
    ),
    ...secondsLine('longest gap', longest),
    ...notes(
      'plain',
      `no latency measured here is steadier than that: ${formatRatio(lostRatio)} of the time this process did not run`,
    ),
  ];
}
