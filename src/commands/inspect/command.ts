import { countArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

export const defineInspect: DefineCommand = (program, run) => {
  const command = program
    .command('inspect')
    .summary('namespaces by size, types, TTLs, idle times, and the largest keys')
    .description(
      'Walks the keyspace with SCAN and sums up by namespace: keys, bytes, types, TTLs, keys without TTL, idle times, the ' +
        'largest keys. With a map its namespaces are the rows; without one they are inferred from the keys. A large keyspace ' +
        'is sampled, and each figure shows its error.',
    )
    .argument('[pattern...]', 'only keys that match: * is anything, <name> one whole segment')
    .option('-d, --depth <levels>', 'levels of the tree (default: all; with a map 1)', countArgument(1));
  const selecting = common
    .selecting(command)
    .addOption(common.idle)
    .addOption(
      common.namespace(
        'only this namespace of the map, or several, level by level; (unmapped) for keys outside the map',
      ),
    )
    .addOption(common.match)
    .option('--delimiters <characters>', 'what separates the segments of a key, such as ":/"')
    .option('--top <number>', 'how many of the largest keys to list (default: 10)', countArgument(0))
    .option(
      '--most-elements',
      'also find the lists, sets, hashes, sorted sets and streams with the most elements, and the largest strings, in ' +
        'a second walk over every key; it costs lookups',
    )
    .option(
      '--limit <rows>',
      'most namespaces to list; the rest is summed up in (other) (default: 50; on a terminal as many of them as fit)',
      countArgument(1),
    )
    .addOption(common.sort)
    .addOption(common.columns);
  common
    .reading(selecting)
    .option('--browse', 'look through the tree at the terminal, level by level')
    .option('--save <file>', 'save the figures, to compare with later')
    .option('--force', 'replace the file of --save or --checkpoint')
    .option('--since <file>', 'show what grew since the figures were saved')
    .option('--checkpoint <file>', 'save the walk to this file as it proceeds (reads every key)')
    .option('--resume <file>', 'resume a saved scan')
    .addHelpText(
      'after',
      examples(
        ['cachectl inspect', 'the whole keyspace'],
        ["cachectl inspect 'user:<id>:*' --top 5", 'one part of it'],
        ['cachectl inspect --most-elements --top 1', 'the longest of each type'],
        ['cachectl inspect --browse', 'level by level, at the terminal'],
        ['cachectl inspect --namespace profile', 'one namespace, level by level'],
        ['cachectl inspect --exact --latency-budget 2ms', 'every key, giving way to others'],
        ['cachectl inspect --exact --checkpoint walk.json', 'to continue later with --resume walk.json'],
        ['cachectl inspect --since monday.json', 'what grew; --save monday.json came before'],
        ['cachectl inspect --output json | jq .namespaces', 'raw numbers'],
      ),
    )
    .action((patterns, options, self) =>
      run(self, async () => (await import('./run.ts')).inspectExecution({ patterns, ...options })),
    );
};
