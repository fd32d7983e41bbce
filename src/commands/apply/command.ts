import { countArgument, durationArgument, ratioArgument } from '../arguments.ts';
import { backupTexts } from '../backup-options.ts';
import { Option } from '@commander-js/extra-typings';
import { type DefineCommand, examples } from '../runner.ts';

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
    .option('--max-rate <keys>', 'remove at most so many keys per second', countArgument(1))
    .option(
      '--latency-budget <duration>',
      'slow down when a round trip takes longer, such as 2ms',
      durationArgument,
    )
    .option('--backup', backupTexts.backup)
    .option('--no-backup', backupTexts.noBackup)
    .option('--journal <file>', 'file of the journal (default: in the state folder)')
    .option('--no-journal', 'keep no journal')
    .option('--dry-run', 'look whether the plan still holds, and remove nothing')
    .option('-y, --yes', 'do not ask')
    .option('--confirm <profile>', 'name of the protected profile, in place of the question')
    .addHelpText(
      'after',
      examples(
        ['cachectl apply plan.json --dry-run', 'does it still hold?'],
        ['cachectl apply plan.json --backup --yes', 'carry it out, with a way back however large it is'],
      ),
    )
    .action((plan, options, self) =>
      run(self, async () => {
        const { applyExecution } = await import('./run.ts');
        return applyExecution({
          plan,
          tolerance: options.tolerance,
          mode: options.mode,
          over: options.over,
          includesRewritten: options.includeRewritten === true,
          maxRate: options.maxRate,
          latencyBudget: options.latencyBudget,
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
