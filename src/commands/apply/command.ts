import { durationArgument, ratioArgument } from '../arguments.ts';
import { Option } from '@commander-js/extra-typings';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

export const defineApply: DefineCommand = (program, run) => {
  program
    .command('apply')
    .summary('carry out a plan that `invalidate --plan-out` has written')
    .description(
      'Removes the keys of a saved plan, and no others; what was written since the plan stays. It looks first whether they are still there: where more are gone ' +
        'than the tolerance allows, the keyspace is no longer the one that the plan was made for, and it refuses.',
    )
    .argument('<plan>', 'file of the plan')
    .option('--tolerance <share>', 'share of the keys that may be gone by now', ratioArgument, 0.05)
    .addOption(
      new Option(
        '--mode <mode>',
        'remove at once, or let expire over a window (default: as the plan says)',
      ).choices(['unlink', 'soft'] as const),
    )
    .option('--over <duration>', 'window of --mode soft (default: as the plan says)', durationArgument)
    .option('--include-rewritten', 'remove also the keys that were written since the plan was made')
    .addOption(common.maxRate('remove at most so many keys per second'))
    .addOption(common.latencyBudget)
    .addOption(common.backup)
    .addOption(common.noBackup)
    .addOption(common.journal)
    .addOption(common.noJournal)
    .addOption(common.waitReplicas)
    .option('--dry-run', 'look whether the plan still holds, and remove nothing')
    .addOption(common.yes)
    .addOption(common.confirm)
    .addHelpText(
      'after',
      examples(
        ['cachectl apply plan.json --dry-run', 'does it still hold?'],
        ['cachectl apply plan.json --backup --yes', 'carry it out, with a way back however large it is'],
      ),
    )
    .action((plan, options, self) =>
      run(self, async () => (await import('./run.ts')).applyExecution({ plan, ...options })),
    );
};
