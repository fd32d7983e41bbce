import { countArgument, typeArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineInspect: DefineCommand = (program, run) => {
  program
    .command('inspect')
    .summary('namespaces by size, types, TTLs, and the largest keys')
    .description(
      'Walks the keyspace with SCAN and sums up by namespace: keys, bytes, types, TTLs, keys without TTL, the largest keys. ' +
        'With a map its namespaces are the rows; without one they are inferred from the keys.',
    )
    .argument('[pattern]', 'only keys that match: * is anything, <name> one whole segment')
    .option('-d, --depth <levels>', 'levels of the tree (default: all; with a map 1)', countArgument(1))
    .option(
      '--namespace <name>',
      'only this namespace of the map, level by level; (unmapped) for keys outside the map',
    )
    .option('--type <type>', 'only keys of this Redis type', typeArgument)
    .option('--top <number>', 'how many of the largest keys to list', countArgument(0), 10)
    .option(
      '--limit <rows>',
      'most namespaces to list; the rest is summed up in (other)',
      countArgument(1),
      50,
    )
    .addHelpText(
      'after',
      examples(
        ['cachectl inspect', 'the whole keyspace'],
        ["cachectl inspect 'user:<id>:*' --top 5", 'one part of it'],
        ['cachectl inspect --namespace profile', 'one namespace, level by level'],
        ['cachectl inspect --output json | jq .namespaces', 'raw numbers'],
      ),
    )
    .action((pattern, options, self) =>
      run(self, async () => {
        const { inspectExecution } = await import('./run.ts');
        return inspectExecution({
          pattern,
          depth: options.depth,
          namespace: options.namespace,
          type: options.type,
          top: options.top,
          limit: options.limit,
        });
      }),
    );
};
