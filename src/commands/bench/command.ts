import { Argument, Option } from '@commander-js/extra-typings';
import { workloadNames } from '../../bench/options.ts';
import { countArgument, durationArgument, ratioArgument, sizeArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

/**
 * Enough to keep a server on the same machine busy; more than that only wait for each other, and what is measured is
 * their queue (docs/benchmarking.md has figures).
 */
const defaultConnections = 4;

export const defineBench: DefineCommand = (program, run) => {
  program
    .command('bench')
    .summary('latency and throughput, with percentiles')
    .description(
      'Measures PING, GET, SET and a mix of GET and SET, and prints throughput and latency percentiles.\n' +
        'Works on keys of its own (cachectl:bench:…), each with a TTL, and removes them at the end.',
    )
    .addArgument(
      new Argument('[workload...]', 'what to run (default: all, in this order)').choices(workloadNames),
    )
    .option(
      '--connections <number>',
      'connections that send at the same time',
      countArgument(1),
      defaultConnections,
    )
    .option('--pipeline <number>', 'commands in one batch; latency is that of a batch', countArgument(1), 1)
    .addOption(new Option('--payload <size>', 'size of a value').argParser(sizeArgument).default(256, '256B'))
    .option('--keys <number>', 'keys to read and write', countArgument(1), 10_000)
    .addOption(
      new Option('--get-ratio <ratio>', 'share of GET in `mixed`')
        .argParser(ratioArgument)
        .default(0.8, '80%'),
    )
    .addOption(
      new Option('--duration <duration>', 'time for each workload')
        .argParser(durationArgument)
        .default(3, '3s'),
    )
    .addOption(
      new Option('--operations <number>', 'commands for each workload, in place of a time')
        .argParser(countArgument(1))
        .conflicts('duration'),
    )
    .addOption(
      new Option('--warmup <duration>', 'time before each workload that is not counted')
        .argParser(durationArgument)
        .default(0.5, '500ms'),
    )
    .option(
      '--rate <number>',
      'commands per second to offer; latency then counts from the intended start',
      countArgument(1),
    )
    .option('--baseline <file>', 'result of an earlier run, as JSON, to compare with')
    .option('--confirm <profile>', 'name of the protected profile to put under load')
    .optionsGroup('Limits:')
    .option('--fail-above <duration>', 'exit with 1 where a p99 is above this', durationArgument)
    .option('--min-throughput <number>', 'exit with 1 where fewer commands per second', countArgument(1))
    .addHelpText(
      'after',
      examples(
        ['cachectl bench', 'ping, get, set and mixed, 3 seconds each'],
        ['cachectl bench get --connections 50 --payload 4KiB', 'one workload, other sizes'],
        ['cachectl bench mixed --rate 2000 --duration 30s', 'latency at a load the server knows'],
        ['cachectl bench --baseline monday.json', 'faster or slower than a run that was kept as JSON?'],
        ['cachectl bench get --fail-above 2ms --output json', 'a gate in a pipeline'],
      ),
    )
    .action((workloads, options, self) =>
      run(self, async () => (await import('./run.ts')).benchExecution({ workloads, ...options })),
    );
};
