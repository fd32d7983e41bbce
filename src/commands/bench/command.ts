import { Argument, Option } from '@commander-js/extra-typings';
import { defaultWorkloads, namedWorkloads } from '../../bench/options.ts';
import {
  aboveZero,
  countArgument,
  durationArgument,
  distributionArgument,
  eachArgument,
  ratioArgument,
  payloadArgument,
} from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import { InputError } from '../../support/failure.ts';

/** With more, more of the latency is the wait of connections for each other (docs/benchmarking.md has figures). */
const defaultConnections = 4;

const withDefault = <const Flags extends string, Value>(
  flags: Flags,
  text: string,
  parse: (text: string) => Value,
  usual: string,
) => new Option(flags, text).argParser(parse).default(parse(usual), usual);

const howLong = withDefault('--for <duration>', 'how long', aboveZero(durationArgument), '10s');

export const defineBench: DefineCommand = (program, run) => {
  const bench = program
    .command('bench')
    .summary('latency and throughput, with percentiles')
    .description(
      'Measures PING, GET, SET and a mix of GET and SET, or MGET and HGET, and prints throughput and latency percentiles.\n' +
        'Works on keys of its own (cachectl:bench:…), each with a TTL, and removes them at the end; --like and --mix read keys of an application.',
    )
    .addArgument(
      new Argument('[workload...]', `what to run (default: ${defaultWorkloads.join(' ')})`).choices(
        namedWorkloads,
      ),
    )
    .option(
      '--connections <number>',
      'connections that send at the same time',
      countArgument(1),
      defaultConnections,
    )
    .option(
      '--threads <number>',
      'threads that the connections are divided over (default: one for each 16 connections, up to half of the processors; one with --rate)',
      countArgument(1),
    )
    .option('--pipeline <number>', 'commands in one batch; latency is that of a batch', countArgument(1), 1)
    .addOption(
      withDefault(
        '--payload <sizes>',
        'size of values: 256B, 64B-4KiB, 64B:50%,1KiB:30%,16KiB:20%',
        payloadArgument,
        '256B',
      ),
    )
    .option('--keys <number>', 'keys to read and write', countArgument(1), 10_000)
    .option(
      '--group <number>',
      'keys that an `mget` reads, and fields in a hash of `hget`',
      countArgument(1),
      10,
    )
    .addOption(withDefault('--get-ratio <ratio>', 'share of GET in `mixed`', ratioArgument, '80%'))
    .addOption(
      withDefault('--hit-ratio <ratio>', 'share of the reads whose key exists', ratioArgument, '100%'),
    )
    .addOption(
      withDefault(
        '--distribution <kind>',
        'which keys are used how often: uniform, zipf, zipf:1.2, sequential',
        distributionArgument,
        'uniform',
      ),
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
    .option('--allow-evictions', 'write also where its keys would not fit below `maxmemory`')
    .option(
      '--confirm <profile>',
      'name of the protected profile to put under load; again for that of --against',
      eachArgument,
    )
    .optionsGroup('Keys of an application:')
    .option(
      '--like <namespace>',
      'read keys of this namespace, each by the command for its type; writes nothing; several times',
      eachArgument,
    )
    .addOption(
      new Option(
        '--mix <file>',
        'the same for all namespaces of a `hits --record` file, by their reads',
      ).conflicts('like'),
    )
    .option(
      '--shape',
      'use copies of these keys, with their sizes, and read and write them; removed at the end',
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
    .option(
      '--hdr-file-prefix <path>',
      'write <path>_<workload>.hgrm (percentiles), .hlog (a histogram for each second, HDR V2) and .json (as memtier_benchmark writes it)',
    )
    .optionsGroup('Limits:')
    .option('--fail-above <duration>', 'exit with 1 where a p99 is above this', durationArgument)
    .option('--min-throughput <number>', 'exit with 1 where fewer commands per second', countArgument(1))
    .option('--fail-miss-ratio <ratio>', 'exit with 1 where more of the reads find no key', ratioArgument)
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
        ['cachectl bench get --distribution zipf --hit-ratio 90%', 'as a cache is used'],
        ['cachectl bench --like session --duration 10s', 'reads of real sessions, and no write'],
        ['cachectl bench --mix hits.ndjson --shape', 'copies of what is cached, used as a window was'],
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

  // Its own options are none of the commands below: behind their names, and before them.
  bench.hook('preSubcommand', (_, command) => {
    const given = bench.options.find(
      (option) => bench.getOptionValueSource(option.attributeName()) === 'cli',
    );
    if (given !== undefined)
      throw new InputError(
        `\`${given.long}\` is an option of \`bench\`, and not of \`bench ${command.name()}\``,
        `${given.long === '--duration' ? 'here it is `--for`; ' : ''}\`cachectl help bench ${command.name()}\` shows its options and examples`,
      );
  });

  bench
    .command('latency')
    .summary('PING after PING: percentiles, by second, and where the time goes')
    .description(
      'Sends a PING at a time on one connection, by a timetable, and prints percentiles, the course by second, and what of it ' +
        'is the work of the server, the delay of this machine, and the network. Reads and writes no key.',
    )
    .addOption(howLong)
    .addOption(new Option('-f, --follow', 'until Ctrl-C').conflicts('for'))
    .addOption(
      withDefault('--interval <duration>', 'from one PING to the next', aboveZero(durationArgument), '10ms'),
    )
    .addHelpText(
      'after',
      examples(
        ['cachectl bench latency', 'ten seconds, a hundred PINGs in each'],
        ['cachectl bench latency --follow', 'until Ctrl-C, with the course by second'],
        ['cachectl bench latency -o json | jq .latency.p99Micros', 'for a script'],
      ),
    )
    .action((options, self) =>
      run(self, async () => (await import('./latency.ts')).latencyExecution(options)),
    );

  bench
    .command('intrinsic')
    .summary('what this machine takes away: gaps in which a process that is ready does not run')
    .description(
      'Reads the clock over and over and prints the gaps: time in which the system ran something else. No latency that is ' +
        'measured on this machine is steadier than that. Needs no server. It keeps one core busy.',
    )
    .addOption(howLong)
    .addHelpText('after', examples(['cachectl bench intrinsic', 'ten seconds of this machine']))
    .action((options, self) =>
      run(self, async () => (await import('./intrinsic.ts')).intrinsicExecution(options.for)),
    );
};
