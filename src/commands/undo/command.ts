import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

export const defineUndo: DefineCommand = (program, run) => {
  program
    .command('undo')
    .summary('put back what an invalidation removed')
    .description(
      'Puts back what a journal has kept: values (where it kept values) with the time to live that they ' +
        'would have left by now, and TTLs that --mode soft has shortened. A key that was written again since keeps what it has. ' +
        'Running it twice is harmless.',
    )
    .argument('[journal]', 'file of the journal; the invalidation has named it')
    .option('--last', 'the latest journal of this server')
    .option('--list', 'list the journals, and change nothing')
    .option('--replace', 'put the old value in the place of what was written since')
    .option('--allow-evictions', 'continue when the server evicts keys')
    .addOption(common.waitReplicas)
    .option('--other-server', 'allow a server that is not the one of the journal')
    .option('--dry-run', 'show what would come back, and change nothing')
    .addOption(common.yes)
    .addOption(common.confirm)
    .addHelpText(
      'after',
      examples(
        ['cachectl undo --last', 'put back what the latest removal took, after a question'],
        ['cachectl undo --list', 'what can be put back'],
        ['cachectl undo invalidate.journal --dry-run', 'what would come back'],
      ),
    )
    .action((journal, options, self) =>
      options.list === true
        ? run(self, async () => (await import('./list.ts')).listExecution({ journal, ...options }))
        : run(self, async () => (await import('./run.ts')).undoExecution({ journal, ...options })),
    );
};
