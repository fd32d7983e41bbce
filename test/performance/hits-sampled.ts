import { counted } from '../../src/render/units.ts';
import type { NamespaceTraffic } from '../../src/traffic/report.ts';
import { startRedisProcess } from '../server/redis-process.ts';
import { startHits } from '../traffic/hits-process.ts';
import { runLoad } from '../traffic/run-load.ts';
import type { SteadyLoad } from '../traffic/steady-load.ts';
import type { LoadTruth } from '../traffic/truth.ts';
import { median, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { sayTable } from './table.ts';

/**
 * How often the interval that `cachectl hits` gives for a hit rate holds the true one, and how wide it is: with `sampled`
 * in many runs, and with `exact` for comparison. The load is steady at first, and then wanders in its rate and its mixture.
 * Usage: npm run bench:hits-truth -- [runs] [seconds]
 */
const {
  numbers: [runs = 0, seconds = 0],
} = programArguments(20, 10);

interface Seen {
  readonly truth: number;
  readonly figure: NamespaceTraffic | undefined;
}

const server = await startRedisProcess('redis-server');
try {
  say(`redis-server ${server.version}, Node ${process.version}; windows that hold a load of ${seconds} s`);
  for (const unevenness of [0, 1]) {
    const load: SteadyLoad = {
      kind: 'steady',
      ...{ port: server.port, seconds, seed: 1, connections: 4, pipeline: 32, unevenness },
      ...{ keys: 50_000, missShare: 0.2, readsPerSecond: 40_000 },
    };
    await runLoad({ ...load, kind: 'fill' });
    for (const mode of ['sampled', 'exact']) {
      // Exact figures hardly differ from run to run: a few show that.
      const count = mode === 'sampled' ? runs : Math.ceil(runs / 5);
      const seen = new Map<string, Seen[]>();
      const duties: number[] = [];
      let valid = 0;
      for (let run = 0; run < count; run++) {
        const { truth, namespaces, duty, isValid } = await observe(mode, { ...load, seed: run + 1 });
        duties.push(duty);
        if (isValid) valid++;
        for (const [name, { hits, reads }] of Object.entries(truth.namespaces)) {
          const figure = namespaces.find(({ namespace }) => namespace === name);
          seen.set(name, [...(seen.get(name) ?? []), { truth: hits / reads, figure }]);
        }
      }
      say(
        `\n${mode}, ${unevenness === 0 ? 'steady' : 'uneven'} load: ${counted(count, 'run')}, ${valid} of them valid, ` +
          `MONITOR on for ${(median(duties) * 100).toFixed(1)} % of the window`,
      );
      report(seen);
    }
  }
} finally {
  await server.stop();
}

/** One window with a load in it from its first second to its last. */
async function observe(mode: string, load: SteadyLoad) {
  const hits = await startHits(load.port, ['--mode', mode, '--for', '10m']);
  const truth: LoadTruth = await runLoad(load).finally(() => hits.interrupt());
  const { report: found } = await hits.outcome;
  return { truth, namespaces: found.namespaces, duty: found.serverCost.duty, isValid: found.valid };
}

function report(seen: ReadonlyMap<string, readonly Seen[]>): void {
  const percent = (ratio: number) => (ratio * 100).toFixed(2);
  let [held, all] = [0, 0];
  const rows = [...seen].map(([name, list]) => {
    const inside = list.filter(({ truth, figure }) => holds(figure, truth)).length;
    held += inside;
    all += list.length;
    const errors = list.map(({ truth, figure }) => Math.abs((figure?.hitRate ?? Number.NaN) - truth));
    return [
      name,
      percent(median(list.map(({ truth }) => truth))),
      `${inside}/${list.length}`,
      percent(median(list.map(({ figure }) => widthOf(figure)))),
      percent(Math.max(...list.map(({ figure }) => widthOf(figure)))),
      percent(median(errors)),
      percent(Math.max(...errors)),
    ];
  });
  const columns = ['held', 'width (points)', 'widest', 'error (points)', 'largest'];
  sayTable(['', 'true hit rate %', ...columns], rows);
  say(`the interval held the truth in ${held} of ${all} (${((held / all) * 100).toFixed(1)} %)`);
}

/** A figure that is exact has no interval, and must be the truth itself. */
function holds(figure: NamespaceTraffic | undefined, truth: number): boolean {
  if (figure?.hitRate == null) return false;
  const [low, high] = figure.hitRateInterval ?? [figure.hitRate, figure.hitRate];
  return truth >= low && truth <= high;
}

function widthOf(figure: NamespaceTraffic | undefined): number {
  const [low = 0, high = 0] = figure?.hitRateInterval ?? [];
  return high - low;
}
