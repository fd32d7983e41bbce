import { Option } from '@commander-js/extra-typings';
import { countArgument, durationArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

const modes = ['exact', 'sampled', 'misses-only', 'counters'] as const;

export const defineStats: DefineCommand = (program, run) => {
  const command = program
    .command('stats')
    .summary('hit rate, memory, evictions, keys per namespace, and a grade')
    .description(
      'Reports the server (hit rate, memory, evictions, clients) and the namespaces of its keys, and grades the cache. ' +
        "Leaves the server's hit counters as they are. A large keyspace is sampled, and each figure shows its error.",
    )
    .option('-w, --window <duration>', 'also measure over this time from now', durationArgument)
    .option(
      '--hits <duration>',
      'also observe the traffic over this time, for the hit rate of each namespace and the grade; see `cachectl hits`',
      durationArgument,
    )
    .addOption(
      new Option('--hits-mode <mode>', 'how --hits observes (default: what the server permits and its load)')
        .choices(modes)
        .implies({ hits: 10 }),
    )
    .option(
      '--limit <rows>',
      'most namespaces to list; the rest is summed up in (other) (default: 20; on a terminal as many of them as fit)',
      countArgument(1),
    )
    .addOption(common.sort)
    .addOption(common.columns)
    .option('--no-namespaces', 'only what the server reports of itself; no walk over the keys');
  common
    .reading(command)
    .addHelpText(
      'after',
      examples(
        ['cachectl stats', 'the whole picture'],
        ['cachectl stats --window 10s', 'what happens now, next to the lifetime figures'],
        ['cachectl stats --hits 10s', 'which namespace misses, and is its target met?'],
        ['cachectl stats --sort keys --columns namespace,keys', 'which namespaces have most keys'],
        ['cachectl stats --no-namespaces -o json', 'a quick look for a script'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).statsExecution(options)));
};
