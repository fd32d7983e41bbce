import { runCausesLoad } from './causes-load.ts';
import { begunLine, type Load } from './load-kinds.ts';
import { growthOf, ServerProbe } from './server-probe.ts';
import { fillForSteadyLoad, runSteadyLoad } from './steady-load.ts';
import { type LoadTruth, Tally } from './truth.ts';

/**
 * A load on a server, in a process of its own, so that it shares no event loop with what observes it. Takes a Load as
 * JSON in its only argument, and writes a LoadTruth as JSON to stdout. SIGTERM ends a steady load. Started by run-load.ts.
 */
const load = JSON.parse(process.argv[2] ?? '') as Load;
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const tally = new Tally();
const server = await ServerProbe.open(load.port);
let before = await server.info();
let startedAt = performance.now();
const begin = async () => {
  before = await server.info();
  startedAt = performance.now();
  process.stderr.write(begunLine);
};
const commands = await run();
const seconds = (performance.now() - startedAt) / 1000;
const after = await server.info();
server.close();
const truth: LoadTruth = {
  namespaces: tally.all(),
  totals: tally.totals(),
  commands,
  seconds,
  commandsPerSecond: commands / seconds,
  server: growthOf(before, after),
};
process.stdout.write(JSON.stringify(truth) + '\n');

async function run(): Promise<number> {
  switch (load.kind) {
    case 'causes':
      await begin();
      return runCausesLoad(load, tally, server);
    case 'steady':
      return runSteadyLoad(load, tally, begin, stop.signal);
    case 'fill':
      await fillForSteadyLoad({ ...load, kind: 'steady' });
      return 0;
  }
}
