import { Option } from '@commander-js/extra-typings';
import { policies } from '../../curves/policy.ts';
import { usualSample } from '../../curves/sample-limits.ts';
import {
  aboveZero,
  countArgument,
  durationArgument,
  eachParsed,
  ratioArgument,
  sizeArgument,
} from '../arguments.ts';
import * as common from '../common-options.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineWhatif: DefineCommand = (program, run) => {
  program
    .command('whatif')
    .summary('hit rate with more or less memory, and with other TTLs')
    .description(
      'Observes every command for a while, as `hits --mode exact` does, and works out how many reads would have found their key ' +
        'with more memory, with less, or with another TTL; by namespace, each figure with its interval.\n' +
        'A longer window says more: what was last used before it began, it cannot know.',
    )
    .argument(
      '[pattern...]',
      'only namespaces of keys that match: * is anything, <name> one whole segment; the others share the memory all the same',
    )
    .addOption(common.anyNamespace)
    .addOption(common.exclude)
    .addOption(common.regex)
    .addOption(
      new Option('--for <duration>', 'how long to observe')
        .argParser(aboveZero(durationArgument))
        .default(60, '1m'),
    )
    .option(
      '--memory <size>',
      'also with this `maxmemory`, of all nodes together; or with several given so',
      eachParsed((text) => aboveZero(sizeArgument)(text)),
    )
    .option(
      '--ttl <duration>',
      'with this TTL, or with several given so (default: half of, twice and four times what keys have, for up to 4 of their TTLs)',
      eachParsed((text) => aboveZero(durationArgument)(text)),
    )
    .option('--target <ratio>', 'the memory that this hit rate needs', aboveZero(ratioArgument))
    .addOption(
      new Option(
        '--policy <policy>',
        'what if the server evicted so (default: its own `maxmemory-policy`)',
      ).choices(policies),
    )
    .option('--limit <rows>', 'most namespaces to list; JSON has all of them (default: 20)', countArgument(1))
    .addOption(common.sort)
    .addOption(common.columns)
    .optionsGroup('Sampling:')
    .addOption(
      new Option('--rate <share>', 'share of the keys to sample; fewer where there are too many')
        .argParser(aboveZero(ratioArgument))
        .default(usualSample.rate, '100%'),
    )
    .option('--max-sample <keys>', 'most keys to sample', countArgument(16), usualSample.maxKeys)
    .optionsGroup('Recording:')
    .option(
      '--record <file>',
      'keep what was observed: accesses of the sampled keys, without names and values',
    )
    .option('--force', 'replace the file of --record')
    .addOption(
      new Option('--from <file>', 'read what --record kept, in place of a server').conflicts([
        ...(['for', 'record', 'rate', 'maxSample', 'maxCost', 'maxBytes'] as const),
        ...(['namespace', 'exclude', 'regex'] as const),
      ]),
    )
    .optionsGroup('Limits:')
    .addOption(common.maxCost)
    .addOption(common.maxBytes)
    .addHelpText(
      'after',
      examples(
        ['cachectl whatif', 'a minute of traffic: what would half the memory do, what twice?'],
        ['cachectl whatif --for 1h --max-cost 80%', 'what a minute does not show'],
        ['cachectl whatif --target 95%', 'how much memory does a hit rate of 95 % need?'],
        ['cachectl whatif --ttl 10m --ttl 1h', 'and with these TTLs?'],
        ['cachectl whatif --policy allkeys-lfu', 'would the server do better with another policy?'],
        ['cachectl whatif --record monday.curves', 'keep the sample'],
        ['cachectl whatif --from monday.curves --memory 2GiB', 'ask it something else, without the server'],
        [`cachectl whatif -o json | jq '.memory[] | [.memoryBytes, .hitRate]'`, 'the points of the curve'],
      ),
    )
    .action((patterns, options, self) =>
      run(self, async () => (await import('./run.ts')).whatifExecution({ patterns, ...options })),
    );
};
