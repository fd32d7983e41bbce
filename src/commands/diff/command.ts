import { countArgument, durationArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

const sideHelp = `
<a> and <b> are each a profile of the map, a Redis URL, or a file: fixtures or an archive of \`cachectl export\`. With one
alone, <b> is the server that is connected to in any case (--url, --profile, REDIS_URL). A file whose name is that of a
profile is written with its folder: ./prod

Values are compared as applications see them, whatever the encoding. A key that seems to differ is read a second time.

Exit code 0: equal, 1: different.`;

export const defineDiff: DefineCommand = (program, run) => {
  const command = program
    .command('diff')
    .summary('compare two caches, or a file with a cache')
    .description(
      'Compares keys, values and TTLs, and changes nothing: keys that <b> lacks, has in addition, or that differ.',
    )
    .argument('<a>', 'profile, URL or file')
    .argument('[b]', 'the same; default: the server of this run')
    .addOption(common.pattern);
  common
    .selecting(command)
    .addOption(common.idle)
    .addOption(common.match)
    .addOption(common.anyNamespace)
    .option('--ttl-tolerance <duration>', 'how far TTLs may lie apart (default: 2s)', durationArgument)
    .option('--ignore-ttl', 'do not look at TTLs')
    .option('--limit <number>', 'differences of each kind to list', countArgument(0), 20)
    .addHelpText('after', sideHelp)
    .addHelpText(
      'after',
      examples(
        ['cachectl diff staging production', 'two profiles of the map'],
        ['cachectl diff backup.archive', 'a file with the server'],
        ["cachectl diff redis://old redis://new --pattern 'user:*' --ignore-ttl", 'part of two servers'],
      ),
    )
    .action((a, b, options, self) =>
      run(self, async () => (await import('./run.ts')).diffExecution({ a, b, ...options })),
    );
};
