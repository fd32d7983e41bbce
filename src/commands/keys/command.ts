import { ttlArgument } from './ttl-filter.ts';
import {
  countArgument,
  durationArgument,
  eachArgument,
  globArgument,
  sizeArgument,
  typeArgument,
} from '../arguments.ts';
import { readingTexts } from '../reading-options.ts';
import { type DefineCommand, examples } from '../runner.ts';

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
    .option('--type <type>', 'only keys of this Redis type', typeArgument)
    .option('--ttl <condition>', 'only keys with this time to live: none, "<5m", ">1h"', ttlArgument)
    .option('--larger-than <size>', 'only keys that take more memory', sizeArgument)
    .option(
      '--namespace <name>',
      'only keys of this namespace of the map, or of several given so; (unmapped) for keys outside it',
      eachArgument,
    )
    .option('--limit <number>', 'stop after so many keys', countArgument(1))
    .option('--match <glob>', "only keys that match this glob of the server's own: *, ?, [a-z]", globArgument)
    .option('--max-rate <keys>', readingTexts.maxRate, countArgument(1))
    .option('--latency-budget <duration>', readingTexts.latencyBudget, durationArgument)
    .option('--count <keys>', readingTexts.count, countArgument(1))
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
      run(self, async () => {
        const { keysExecution } = await import('./run.ts');
        return keysExecution({
          pattern,
          type: options.type,
          limit: options.limit ?? Number.POSITIVE_INFINITY,
          ttl: options.ttl,
          largerThan: options.largerThan,
          namespaces: options.namespace ?? [],
          long: options.long ?? false,
          match: options.match,
          count: options.count,
          maxRate: options.maxRate,
          latencyBudget: options.latencyBudget,
        });
      }),
    );
};
