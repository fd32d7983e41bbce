import { setTimeout as sleep } from 'node:timers/promises';
import { counted } from '../../src/render/units.ts';
import { startRedisProcess } from '../server/redis-process.ts';
import { type HitsOutcome, startHits } from '../traffic/hits-process.ts';
import { runLoad } from '../traffic/run-load.ts';
import type { SteadyLoad } from '../traffic/steady-load.ts';
import type { LoadTruth } from '../traffic/truth.ts';
import { median, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { grouped, sayTable } from './table.ts';

/**
 * What `cachectl hits` costs: the server's CPU for each operation and what a load can do, in each mode and with none, in
 * turn; and the CPU and the peak memory of our own process. First the load does as much as it can, so that all processes
 * fight for the machine's cores; then it keeps a rate, so that only the cost differs.
 * Usage: npm run bench:hits -- [rounds] [seconds] [keys]
 */
const {
  numbers: [rounds = 0, seconds = 0, manyKeys = 0],
} = programArguments(3, 6, 1_000_000);
const modes = ['none', 'misses-only', 'sampled', 'exact'] as const;
type Mode = (typeof modes)[number];

interface Setting {
  readonly title: string;
  readonly keys: number;
  readonly missShare: number;
  /** Null: as many as can be done. */
  readonly readsPerSecond: number | null;
}

interface Round {
  readonly truth: LoadTruth;
  readonly hits: HitsOutcome | null;
}

const fewKeys = 50_000;
const paced = 40_000;
const settings: readonly Setting[] = [
  { title: '5 % misses, at full speed', keys: fewKeys, missShare: 0.05, readsPerSecond: null },
  { title: '50 % misses, at full speed', keys: fewKeys, missShare: 0.5, readsPerSecond: null },
  { title: `5 % misses, ${grouped(paced)}/s`, keys: fewKeys, missShare: 0.05, readsPerSecond: paced },
  { title: `50 % misses, ${grouped(paced)}/s`, keys: fewKeys, missShare: 0.5, readsPerSecond: paced },
  {
    title: `50 % misses, ${grouped(manyKeys)} distinct keys, at full speed`,
    ...{ keys: manyKeys, missShare: 0.5, readsPerSecond: null },
  },
];

for (const [index, setting] of settings.entries()) {
  const server = await startRedisProcess('redis-server');
  try {
    if (index === 0) {
      say(
        `redis-server ${server.version}, Node ${process.version}; GET on 4 connections, 32 at a time, ` +
          `${counted(rounds, 'round')} of ${seconds} s, medians`,
      );
    }
    await compare(server.port, setting);
  } finally {
    await server.stop();
  }
}

async function compare(port: number, { title, ...shape }: Setting): Promise<void> {
  const load: SteadyLoad = {
    kind: 'steady',
    ...{ port, seconds, seed: 1, connections: 4, pipeline: 32, unevenness: 0 },
    ...shape,
  };
  await runLoad({ ...load, kind: 'fill' });
  const laps = new Map<Mode, Round[]>(modes.map((mode) => [mode, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another one, so that none runs always behind the same neighbour.
    const first = round % modes.length;
    for (const mode of [...modes.slice(first), ...modes.slice(0, first)]) {
      laps.get(mode)?.push(await measureMode(mode, { ...load, seed: round + 1 }));
      await sleep(200);
    }
  }
  say(`\n${title}`);
  report(laps);
}

async function measureMode(mode: Mode, load: SteadyLoad): Promise<Round> {
  if (mode === 'none') return { truth: await runLoad(load), hits: null };
  const hits = await startHits(load.port, ['--mode', mode, '--for', '10m', '--max-bytes', '100GB']);
  const truth = await runLoad(load).finally(() => hits.interrupt());
  return { truth, hits: await hits.outcome };
}

function report(laps: ReadonlyMap<Mode, readonly Round[]>): void {
  const middle = (list: readonly Round[], figure: (round: Round) => number) => median(list.map(figure));
  // The ratio to the round of the same number without an observation.
  const ratio = (list: readonly Round[], figure: (round: Round) => number) =>
    median(
      list.map((round, index) => {
        const none = laps.get('none')?.[index];
        return none === undefined ? Number.NaN : figure(round) / figure(none);
      }),
    ).toFixed(2);
  const rate = ({ truth }: Round) => truth.commandsPerSecond;
  const serverMicros = ({ truth }: Round) => (truth.server.cpuSeconds / truth.commands) * 1e6;
  const ownMicros = ({ truth, hits }: Round) => ((hits?.cpuSeconds ?? 0) / truth.commands) * 1e6;
  const rows = [...laps].map(([mode, list]) => [
    mode,
    grouped(middle(list, rate)),
    ratio(list, rate),
    middle(list, serverMicros).toFixed(2),
    ratio(list, serverMicros),
    ...(mode === 'none' ? ['–', '–', '–', '–', '–'] : ownFigures(list, ownMicros)),
  ]);
  sayTable(
    [
      ...['', 'reads/s', '/ none', 'server µs/read', '/ none', 'our CPU s', 'our µs/read', 'our peak MB'],
      ...['valid', 'wrong'],
    ],
    rows,
  );

  function ownFigures(list: readonly Round[], micros: (round: Round) => number): string[] {
    const valid = list.filter(({ hits }) => hits?.report.valid === true).length;
    const wrong = list.reduce((sum, { truth, hits }) => sum + difference(truth, hits), 0);
    return [
      middle(list, ({ hits }) => hits?.cpuSeconds ?? 0).toFixed(2),
      middle(list, micros).toFixed(2),
      (Math.max(...list.map(({ hits }) => hits?.peakBytes ?? 0)) / 1e6).toFixed(0),
      `${valid}/${list.length}`,
      grouped(wrong),
    ];
  }
}

/** Lookups that the report attributes to a namespace otherwise than the load counted them; reads only where it is exact. */
function difference({ namespaces }: LoadTruth, hits: HitsOutcome | null): number {
  if (hits === null) return 0;
  const { report } = hits;
  let sum = 0;
  for (const [name, truth] of Object.entries(namespaces)) {
    const found = report.namespaces.find(({ namespace }) => namespace === name);
    sum += Math.abs((found?.misses ?? 0) - truth.misses);
    if (report.mode === 'exact') sum += Math.abs((found?.reads ?? 0) - truth.reads);
  }
  return sum;
}
