import { ttlArgument } from './ttl-filter.ts';
import { sizeArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

export const defineKeys: DefineCommand = (program, run) => {
  program
    .command('keys')
    .summary('list keys, as they are found')
    .description(
      'Lists keys with SCAN, as they are found. Names and sizes leave no trace. --ttl costs a lookup for each key that ' +
        'the other options let through, --long two for each key that is listed; the server counts them as hits, and the ' +
        'command says how many they were.',
    )
    .argument('[pattern]', 'keys that match: * is anything, <name> one whole segment', '*')
    .option('-l, --long', 'with type, time to live (seconds; empty: none) and memory')
    .addOption(common.type)
    .option('--ttl <condition>', 'only keys with this time to live: none, "<5m", ">1h"', ttlArgument)
    .option('--larger-than <size>', 'only keys that take more memory', sizeArgument)
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
        ['cachectl keys --larger-than 1MB --long', 'what takes the memory'],
        ["cachectl keys --namespace '(unmapped)'", 'keys the map does not know'],
      ),
    )
    .action((pattern, options, self) =>
      run(self, async () => (await import('./run.ts')).keysExecution({ pattern, ...options })),
    );
};
