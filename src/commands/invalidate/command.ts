import { Option } from '@commander-js/extra-typings';
import { countArgument, durationArgument, eachArgument, listArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

export const defineInvalidate: DefineCommand = (program, run) => {
  const command = program
    .command('invalidate')
    .summary('remove what belongs to a user, a pattern or a namespace')
    .description(
      'Finds the keys, shows the plan, asks, and removes them with UNLINK in small batches. An id is data: nothing in it is ' +
        'a wildcard, and it matches whole segments, so user 12 is never user 123. Keys that the map calls state stay.',
    )
    .argument('[entity]', 'entity of the map, or any word where the map has none')
    .argument('[id...]', 'ids of the entity')
    .option(
      '--pattern <glob>',
      'the keys that match, also of several: * is anything, <name> one whole segment',
      eachArgument,
    )
    .addOption(common.namespace('all keys of a namespace, or of several given so'))
    .option(
      '--only <namespaces>',
      'of these, only keys in the namespaces, separated by commas',
      listArgument,
    );
  common
    .selecting(command)
    .addOption(common.idle)
    .option('--ids-from <file>', 'ids from a file, one on each line; - is stdin')
    .addOption(
      new Option('--mode <mode>', 'remove at once, let expire over a window, or count up a generation')
        .choices(['unlink', 'soft', 'generation'] as const)
        .default('unlink' as const),
    )
    .option('--over <duration>', 'window of --mode soft (default: 5m)', durationArgument)
    .option('--walk', 'look through the keyspace although the map names an index')
    .addOption(common.maxRate('look at, and remove, at most so many keys per second'))
    .addOption(common.latencyBudget)
    .addOption(common.backup)
    .addOption(common.noBackup)
    .addOption(common.journal)
    .addOption(common.noJournal)
    .addOption(common.waitReplicas)
    .option('--plan-out <file>', 'write the plan to a file for `cachectl apply`, and remove nothing')
    .option('--force', 'replace the file of --plan-out')
    .option('--limit <keys>', 'remove nothing where more keys than this match', countArgument(0))
    .option('--all', 'allow a pattern that matches everything')
    .option('--dry-run', 'show the plan and remove nothing')
    .addOption(common.yes)
    .addOption(common.confirm)
    .addHelpText(
      'after',
      examples(
        ['cachectl invalidate user 123 --dry-run', 'what would go; nothing is changed'],
        ['cachectl invalidate user 123 456 --yes', 'two users in one pass, without a question'],
        ['cachectl invalidate user 123 --only profile,daily', 'a part of what belongs to the user'],
        ["cachectl invalidate --pattern 'stats:<id>:daily:*'", 'the statistics of all users'],
        [
          "cachectl invalidate --pattern 'tmp:*' --idle '>7d' --exclude 'tmp:keep:*'",
          'what no one used for a week',
        ],
        ['cachectl invalidate --namespace tts --limit 5000', 'a whole namespace, but no more than expected'],
        ['cachectl invalidate --namespace tts --backup', 'however much it is; `cachectl undo` puts it back'],
        ['cachectl invalidate --namespace tts --mode soft --over 5m', 'let it drain instead of vanish'],
        ['cachectl invalidate user --ids-from ids.txt --plan-out plan.json', 'to be reviewed'],
        ['cachectl invalidate', 'choose at the terminal'],
      ),
    )
    .action((entity, ids, options, self) =>
      run(self, async () => (await import('./run.ts')).invalidateExecution({ entity, ids, ...options })),
    );
};
