import { durationArgument, ratioArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

export const definePrune: DefineCommand = (program, run) => {
  const command = program
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
    .addOption(common.pattern);
  common
    .selecting(command)
    .addOption(common.namespace('only keys of this namespace of the map, or of several given so'))
    .addOption(common.maxRate('read and change at most so many keys per second'))
    .addOption(common.latencyBudget)
    .addOption(common.backup)
    .addOption(common.noBackup)
    .addOption(common.journal)
    .addOption(common.noJournal)
    .addOption(common.waitReplicas)
    .option('--dry-run', 'show the plan and change nothing')
    .addOption(common.yes)
    .addOption(common.confirm)
    .addHelpText(
      'after',
      examples(
        ['cachectl prune --set-ttl --dry-run', 'which keys lack a TTL; nothing is changed'],
        ['cachectl prune --set-ttl --jitter 10% --yes', 'so that they do not expire together'],
        ['cachectl prune --set-ttl --too-long', 'all TTLs as the map wants them'],
        ['cachectl prune --idle 7d --namespace tts', 'what was not used for a week'],
        ["cachectl prune --set-ttl --type hash --exclude 'cart:keep:*'", 'a part of what lacks a TTL'],
        ['cachectl prune --set-ttl --latency-budget 2ms', 'giving way to others'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).pruneExecution(options)));
};
