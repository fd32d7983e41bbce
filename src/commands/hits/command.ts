import { Option } from '@commander-js/extra-typings';
import { aboveZero, countArgument, durationArgument, ratioArgument } from '../arguments.ts';
import * as common from '../common-options.ts';
import { type DefineCommand, examples } from '../runner.ts';

const modes = ['exact', 'sampled', 'misses-only', 'counters'] as const;

export const defineHits: DefineCommand = (program, run) => {
  program
    .command('hits')
    .summary('hit rate per namespace from live traffic, and the cause of every miss')
    .description(
      'Observes the traffic for a while and shows, for each namespace, how many reads find their key, and why the others ' +
        'do not: expired, evicted, invalidated, not stored.\n' +
        'It reads MONITOR and keyspace events. `notify-keyspace-events` is switched on for the time of the observation and ' +
        'put back as it was.\n\nModes:\n' +
        '  exact        every command and every miss; a GET costs the server about twice as much meanwhile\n' +
        '  sampled      every miss, and commands in short bursts; hit rates with their interval\n' +
        '  misses-only  every miss and its cause; no reads, no hit rates\n' +
        '  counters     the hit rate of the whole server; needs nothing but INFO',
    )
    .argument(
      '[pattern...]',
      'only keys that match: * is anything, <name> one whole segment; others are counted together',
    )
    .addOption(common.anyNamespace)
    .addOption(common.exclude)
    .addOption(common.regex)
    .addOption(
      new Option('--for <duration>', 'how long to observe')
        .argParser(aboveZero(durationArgument))
        .default(10, '10s'),
    )
    .addOption(new Option('-f, --follow', 'observe until Ctrl-C').conflicts('for'))
    .addOption(
      new Option(
        '--mode <mode>',
        'how to observe (default: what the server permits; exact up to 20,000 operations per second)',
      ).choices(modes),
    )
    .option(
      '--duty <share>',
      'share of the time during which `sampled` reads commands (default: 10%)',
      aboveZero(ratioArgument),
    )
    .option(
      '--limit <rows>',
      'most namespaces to list; JSON has all of them (default: 20; on a terminal as many of them as fit)',
      countArgument(1),
    )
    .addOption(common.sort)
    .addOption(common.columns)
    .option(
      '--keys <number>',
      'most of the keys that miss most, and of those that are read most, to list',
      countArgument(0),
      5,
    )
    .optionsGroup('Limits:')
    .addOption(common.maxCost)
    .addOption(common.maxBytes)
    .option(
      '--fail-below-target',
      'exit with 1 where a namespace misses its hitRateTarget, or none could be judged; with 2 where the map has no target',
    )
    .optionsGroup('History:')
    .option('--record <file>', 'append the result to this file, as a line of JSON')
    .option('--compare <file>', 'show what has changed since the last line of this file')
    .optionsGroup('Repair:')
    .option(
      '--restore',
      'put back `notify-keyspace-events` where a run was killed before it could, and do nothing else',
    )
    .addHelpText(
      'after',
      examples(
        ['cachectl hits', 'ten seconds of traffic, by namespace'],
        ['cachectl hits --for 1m --mode sampled --duty 5%', 'longer, and gentler to a busy server'],
        ['cachectl hits --follow', 'live, until Ctrl-C'],
        ["cachectl hits 'user:*' --exclude 'user:<id>:session'", 'a part of the keys'],
        ['cachectl hits --record hits.ndjson', 'keep the result'],
        ['cachectl hits --compare hits.ndjson', 'better or worse than the last one kept?'],
        ['cachectl hits --fail-below-target -o json', 'a gate in a pipeline'],
        [`cachectl hits -o json | jq '.namespaces[] | [.namespace, .hitRate]'`, 'for a script'],
      ),
    )
    .action((patterns, options, self) =>
      options.restore === true
        ? run(self, async () => (await import('./restore.ts')).restoreExecution())
        : run(self, async () => (await import('./run.ts')).hitsExecution({ patterns, ...options })),
    );
};
