import { Option } from '@commander-js/extra-typings';
import { countArgument, durationArgument, eachArgument, listArgument } from '../arguments.ts';
import { backupTexts } from '../backup-options.ts';
import { InputError } from '../../support/failure.ts';
import { type DefineCommand, examples } from '../runner.ts';

const defaultWindowSeconds = 300;

/** The window of soft mode in seconds. @throws InputError for one that is none, or that no mode uses */
function windowOf(mode: string, over: number | undefined): number {
  if (over !== undefined && mode !== 'soft')
    throw new InputError('--over is the window of --mode soft, which is not given', 'add --mode soft');
  if (over === 0) throw new InputError('--over must be more than 0', 'a window of no time is --mode unlink');
  return over ?? defaultWindowSeconds;
}

export const defineInvalidate: DefineCommand = (program, run) => {
  program
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
    .option('--namespace <name>', 'all keys of a namespace, or of several given so', eachArgument)
    .option('--only <namespaces>', 'of these, only keys in the namespaces, separated by commas', listArgument)
    .option('--exclude <namespaces>', 'of these, no keys in the namespaces', listArgument)
    .option('--ids-from <file>', 'ids from a file, one on each line; - is stdin')
    .addOption(
      new Option('--mode <mode>', 'remove at once, let expire over a window, or count up a generation')
        .choices(['unlink', 'soft', 'generation'] as const)
        .default('unlink' as const),
    )
    .option('--over <duration>', 'window of --mode soft (default: 5m)', durationArgument)
    .option('--walk', 'look through the keyspace although the map names an index')
    .option('--max-rate <keys>', 'look at, and remove, at most so many keys per second', countArgument(1))
    .option(
      '--latency-budget <duration>',
      'slow down when a round trip takes longer, such as 2ms',
      durationArgument,
    )
    .option('--backup', backupTexts.backup)
    .option('--no-backup', backupTexts.noBackup)
    .option('--journal <file>', 'file of the journal (default: in the state folder)')
    .option('--no-journal', 'keep no journal')
    .option('--plan-out <file>', 'write the plan to a file for `cachectl apply`, and remove nothing')
    .option('--force', 'replace the file of --plan-out')
    .option('--limit <keys>', 'remove nothing where more keys than this match', countArgument(0))
    .option('--all', 'allow a pattern that matches everything')
    .option('--dry-run', 'show the plan and remove nothing')
    .option('-y, --yes', 'do not ask')
    .option('--confirm <profile>', 'name of the protected profile, in place of the question')
    .addHelpText(
      'after',
      examples(
        ['cachectl invalidate user 123 --dry-run', 'what would go; nothing is changed'],
        ['cachectl invalidate user 123 456 --yes', 'two users in one pass, without a question'],
        ['cachectl invalidate user 123 --only profile,daily', 'a part of what belongs to the user'],
        ["cachectl invalidate --pattern 'stats:<id>:daily:*'", 'the statistics of all users'],
        ['cachectl invalidate --namespace tts --limit 5000', 'a whole namespace, but no more than expected'],
        ['cachectl invalidate --namespace tts --backup', 'however much it is; `cachectl undo` puts it back'],
        ['cachectl invalidate --namespace tts --mode soft --over 5m', 'let it drain instead of vanish'],
        ['cachectl invalidate user --ids-from ids.txt --plan-out plan.json', 'to be reviewed'],
        ['cachectl invalidate', 'choose at the terminal'],
      ),
    )
    .action((entity, ids, options, self) =>
      run(self, async () => {
        const { invalidateExecution } = await import('./run.ts');
        return invalidateExecution({
          ways: {
            entity,
            ids,
            patterns: options.pattern ?? [],
            namespaces: options.namespace ?? [],
            all: options.all === true,
          },
          idsFrom: options.idsFrom,
          mode: options.mode,
          over: windowOf(options.mode, options.over),
          walk: options.walk === true,
          maxRate: options.maxRate,
          latencyBudget: options.latencyBudget,
          backup: options.backup,
          journal: typeof options.journal === 'string' ? options.journal : undefined,
          keepsJournal: options.journal !== false,
          planOut: options.planOut,
          force: options.force === true,
          only: options.only ?? [],
          exclude: options.exclude ?? [],
          limit: options.limit ?? null,
          dryRun: options.dryRun === true,
          yes: options.yes === true,
          confirm: options.confirm,
        });
      }),
    );
};
