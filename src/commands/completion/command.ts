import { Argument } from '@commander-js/extra-typings';
import { type DefineCommand, examples } from '../runner.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/*
 * The completion is our own: `@bomb.sh/tab` (0.0.22) passes the typed line through `eval` in bash and needs the package
 * bash-completion there, offers global options before the subcommand only, and never lets the shell list files.
 */

/** Adds `completion`, which prints a script, and the hidden `complete`, which the scripts ask at each TAB. */
export const defineCompletion: DefineCommand = (program, run) => {
  program
    .command('completion')
    .summary('shell completion for bash, zsh and fish')
    .description(
      'Prints a completion script. Commands, options and their values complete, and so do the names of profiles, ' +
        'namespaces and entities in the map that is found at that moment.',
    )
    .addArgument(new Argument('<shell>', 'shell to complete in').choices(shells))
    .addHelpText(
      'after',
      examples(
        ['source <(cachectl completion bash)', 'this shell; as a line of ~/.bashrc every shell'],
        ['cachectl completion zsh > "${fpath[1]}/_cachectl"', 'zsh, from the next shell on'],
        ['cachectl completion fish > ~/.config/fish/completions/cachectl.fish', 'fish'],
      ),
    )
    .action((shell, _options, self) =>
      run(self, async () => (await import('./scripts.ts')).completionExecution(shell)),
    );

  program
    .command('complete', { hidden: true })
    .description('Prints what can complete the last word: one line each, as kind, value and description.')
    .argument('[words...]', 'the words after the name of the program, behind --')
    .action((words, _options, self) =>
      run(self, async () => (await import('./complete.ts')).completeExecution(program, words)),
    );
};
