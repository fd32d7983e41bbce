import { Argument, Option } from '@commander-js/extra-typings';
import { workloadNames } from '../../bench/options.ts';
import { countArgument, durationArgument, eachArgument, ratioArgument, sizeArgument } from '../arguments.ts';
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
    .option(
      '--duration <duration>',
      'time for each workload (default: 3s; 500ms in each of several rounds)',
      durationArgument,
    )
    .addOption(
      new Option('--operations <number>', 'commands for each workload, in place of a time')
        .argParser(countArgument(1))
        .conflicts('duration'),
    )
    .option(
      '--warmup <duration>',
      'time before each workload that is not counted (default: 500ms; 100ms in each of several rounds)',
      durationArgument,
    )
    .option(
      '--rate <number>',
      'commands per second to offer; latency then counts from the intended start',
      countArgument(1),
    )
    .option(
      '--confirm <profile>',
      'name of the protected profile to put under load; again for that of --against',
      eachArgument,
    )
    .optionsGroup('Comparing:')
    .addOption(
      new Option(
        '--against <server>',
        'profile or URL of a server to measure in turn with this one, or result of an earlier run, as JSON',
      ).conflicts('baseline'),
    )
    .option('--baseline <file>', 'result of an earlier run, as JSON, to compare with')
    .option(
      '--rounds <number>',
      'how often to measure all (default: 20 against a server, as often as a baseline was, else 1)',
      countArgument(1),
    )
    .optionsGroup('Limits:')
    .option('--fail-above <duration>', 'exit with 1 where a p99 is above this', durationArgument)
    .option('--min-throughput <number>', 'exit with 1 where fewer commands per second', countArgument(1))
    .option(
      '--fail-slower <share>',
      'exit with 1 where this is slower by more than that, beyond the error; with 2 where nothing can be judged',
      ratioArgument,
    )
    .addHelpText(
      'after',
      examples(
        ['cachectl bench', 'ping, get, set and mixed, 3 seconds each'],
        ['cachectl bench get --connections 50 --payload 4KiB', 'one workload, other sizes'],
        ['cachectl bench mixed --rate 2000 --duration 30s', 'latency at a load the server knows'],
        [
          'cachectl bench get --against redis://old:6379',
          'which of two servers is faster, and is it certain?',
        ],
        ['cachectl bench --baseline monday.json', 'faster or slower than a run that was kept as JSON?'],
        ['cachectl bench --profile new --against old --fail-slower 10%', 'a gate for an upgrade'],
        ['cachectl bench get --fail-above 2ms --output json', 'a gate in a pipeline'],
      ),
    )
    .action((workloads, options, self) =>
      run(self, async () => (await import('./run.ts')).benchExecution({ workloads, ...options })),
    );
};
