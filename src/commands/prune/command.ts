import { countArgument, durationArgument, eachArgument, ratioArgument } from '../arguments.ts';
import { backupTexts } from '../backup-options.ts';
import { readingTexts } from '../reading-options.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const definePrune: DefineCommand = (program, run) => {
  program
    .command('prune')
    .summary('set missing TTLs, shorten those that are too long, drop what is idle')
    .description(
      'Finds the keys that break the rules of the map, shows the plan, asks, and repairs them in small batches. What was ' +
        'changed or used since the plan is left alone. Keys that the map calls state stay as they are, and so do keys outside ' +
        'the map.',
    )
    .option('--set-ttl', 'keys without TTL get the TTL that the rule of their namespace gives')
    .option('--too-long', 'keys with more time left than the rule allows get the TTL of the rule')
    .option(
      '--idle <duration>',
      'remove keys of cache namespaces that have been idle for this long, such as 7d',
      durationArgument,
    )
    .option(
      '--jitter <share>',
      "shorten TTLs at random by up to this share, in place of the namespace's own, such as 10%",
      ratioArgument,
    )
    .option(
      '--namespace <name>',
      'only keys of this namespace of the map, or of several given so',
      eachArgument,
    )
    .option('--max-rate <keys>', 'read and change at most so many keys per second', countArgument(1))
    .option('--latency-budget <duration>', readingTexts.latencyBudget, durationArgument)
    .option('--backup', backupTexts.backup)
    .option('--no-backup', backupTexts.noBackup)
    .option('--journal <file>', 'file of the journal of changed keys (default: in the state folder)')
    .option('--no-journal', 'keep no journal')
    .option('--dry-run', 'show the plan and change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--confirm <profile>', 'name of the protected profile, in place of the question')
    .addHelpText(
      'after',
      examples(
        ['cachectl prune --set-ttl --dry-run', 'which keys lack a TTL; nothing is changed'],
        ['cachectl prune --set-ttl --jitter 10% --yes', 'so that they do not expire together'],
        ['cachectl prune --set-ttl --too-long', 'all TTLs as the map wants them'],
        ['cachectl prune --idle 7d --namespace tts', 'what was not used for a week'],
        ['cachectl prune --set-ttl --latency-budget 2ms', 'giving way to others'],
      ),
    )
    .action((options, self) =>
      run(self, async () => {
        const { pruneExecution } = await import('./run.ts');
        return pruneExecution({
          setTtl: options.setTtl === true,
          tooLong: options.tooLong === true,
          idleSeconds: options.idle ?? null,
          jitter: options.jitter ?? null,
          namespaces: options.namespace ?? [],
          maxRate: options.maxRate,
          latencyBudgetSeconds: options.latencyBudget,
          backup: options.backup,
          journal: typeof options.journal === 'string' ? options.journal : undefined,
          keepsJournal: options.journal !== false,
          dryRun: options.dryRun === true,
          yes: options.yes === true,
          confirm: options.confirm,
        });
      }),
    );
};
