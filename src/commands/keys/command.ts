import { Option } from '@commander-js/extra-typings';
import { parseSize, type Range } from '../../support/quantity.ts';
import { eachParsed, parseRangeOf } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

/** A size alone, as the range above it. */
function largerThan(text: string): Range {
  parseSize(text);
  return parseRangeOf.size(`>${text}`);
}

export const defineKeys: DefineCommand = (program, run) => {
  const command = program
    .command('keys')
    .summary('list keys, as they are found')
    .description(
      'Lists keys with SCAN, as they are found. Names and sizes leave no trace. --ttl, --idle and --elements cost a lookup or ' +
        'two for each key that the other options let through, --long two for each key that is listed; the server counts them as ' +
        'hits, and the command says how many they were.',
    )
    .argument('[pattern...]', 'keys that match: * is anything, <name> one whole segment (default: all)')
    .option('-l, --long', 'with type, time to live (seconds; empty: none) and memory')
    .addOption(
      new Option(
        '--sort <by>',
        'the largest, next to expire, longest unused or longest first; reads all keys, keeps those of --limit (default: 20)',
      ).choices(['size', 'ttl', 'idle', 'elements'] as const),
    )
    .option('--count-only', 'print the number of keys, and no names')
    .option('--larger-than <size>', 'the same as --size ">SIZE"', eachParsed(largerThan));
  common
    .selecting(command)
    .addOption(common.idle)
    .addOption(common.anyNamespace)
    .addOption(common.mostKeys)
    .addOption(common.match)
    .addOption(common.readRate)
    .addOption(common.latencyBudget)
    .addOption(common.count)
    .addHelpText(
      'after',
      examples(
        ["cachectl keys 'user:<id>:profile' --limit 20", 'the first twenty'],
        ["cachectl keys 'quota:*' --ttl none", 'keys that will never expire'],
        ['cachectl keys --sort size --limit 10', 'what takes the memory'],
        ["cachectl keys 'user:*' 'team:*' --size 1KB..1MB --idle '>7d'", 'of several conditions all'],
        ["cachectl keys --namespace '(unmapped)'", 'keys the map does not know'],
      ),
    )
    .action((patterns, options, self) =>
      run(self, async () => (await import('./run.ts')).keysExecution({ patterns, ...options })),
    );
};
