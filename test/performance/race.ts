import { type Measured, median, peakText, say } from './measure.ts';
import { sayTable } from './table.ts';

/** One of several ways to the same end. */
export interface Racer {
  readonly name: string;
  /** Heads the column of ratios to this one; absent: it is ours. */
  readonly peer?: string;
  /** How much work one run of it is. Default: 1. */
  readonly factor?: number;
  /** Does the work and looks at what was done; only the command itself is timed. @throws Error unless it was done */
  run(round: number): Promise<Measured>;
}

export interface Race {
  readonly title: string;
  readonly racers: readonly Racer[];
}

interface Lap {
  /** Scaled by the racer's factor. */
  readonly seconds: number;
  readonly peakBytes: number;
}

/** Lets the racers run in turn and prints their times, and the ratio to each peer in the same round. */
export async function runRace({ title, racers }: Race, rounds: number): Promise<void> {
  const laps = new Map<Racer, Lap[]>(racers.map((racer) => [racer, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another one, so that none runs always behind the same neighbour.
    const first = round % racers.length;
    for (const racer of [...racers.slice(first), ...racers.slice(0, first)]) {
      const { seconds, peakBytes, exitCode } = await racer.run(round);
      if (exitCode !== 0) throw new Error(`${racer.name} ended with exit code ${String(exitCode)}`);
      laps.get(racer)?.push({ seconds: seconds * (racer.factor ?? 1), peakBytes });
    }
  }
  const peers = racers.filter(({ peer }) => peer !== undefined);
  const rows = [...laps].map(([racer, list]) => [
    racer.name,
    ...spread(list.map(({ seconds }) => seconds)),
    ...peers.flatMap((peer) =>
      spread(list.map(({ seconds }, round) => seconds / (laps.get(peer)?.[round]?.seconds ?? Number.NaN))),
    ),
    // Of a pipe it is that of a shell, which says nothing.
    racer.peer === undefined ? peakText(list) : '–',
  ]);
  say(`\n${title}`);
  const ratios = peers.flatMap(({ peer }) => [`/ ${peer ?? ''}`, 'min–max']);
  sayTable(['', 'seconds', 'min–max', ...ratios, 'peak MB'], rows);
}

/** The median, and the least and the largest. */
function spread(figures: readonly number[]): [middle: string, range: string] {
  const text = (figure: number) => figure.toFixed(figure < 10 ? 3 : 1);
  return [text(median(figures)), `${text(Math.min(...figures))}–${text(Math.max(...figures))}`];
}
