import { Argument, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { findConfigFile } from '../config/find.ts';
import type { Block } from '../render/blocks.ts';
import type { Candidate, FindNames } from './completion/candidates.ts';
import { completionScript, type Shell, shells } from './completion/scripts.ts';
import type { Context, Outcome } from './context.ts';
import { type DefineCommand, examples } from './runner.ts';

interface ScriptResult {
  readonly shell: Shell;
  readonly script: string;
}

interface CandidatesResult {
  readonly candidates: readonly Candidate[];
}

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
      'Prints a completion script. Commands, options and their values complete, and so do the names of profiles,\n' +
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
      run(self, {
        blank: { shell: null, script: null },
        standalone: true,
        run: () => Promise.resolve({ result: { shell, script: completionScript(shell) } }),
        view: ({ script }: ScriptResult): Block[] => [{ kind: 'text', name: 'script', text: script }],
      }),
    );
  program
    .command('complete', { hidden: true })
    .description(
      'Prints what can stand in the place of the last word: one line each, as kind, value and description.',
    )
    .argument('[words...]', 'the words after the name of the program, behind --')
    .action((words, _options, self) =>
      run(self, {
        blank: { candidates: [] },
        rows: 'candidates',
        standalone: true,
        run: (context) => complete(context, program, words),
        view,
      }),
    );
};

async function complete(
  context: Context,
  program: CommandUnknownOpts,
  words: readonly string[],
): Promise<Outcome<CandidatesResult>> {
  const { completionCandidates } = await import('./completion/candidates.ts');
  const { readMapNames } = await import('../config/names.ts');
  const { variables, workingDirectory } = context.environment;
  const findNames: FindNames = (kind, configFile) => {
    const file = findConfigFile(
      workingDirectory,
      variables,
      configFile ?? (variables['CACHECTL_CONFIG'] || undefined),
    );
    return file === null ? [] : readMapNames(file)[kind];
  };
  return { result: { candidates: completionCandidates(program, words, findNames) } };
}

function view({ candidates }: CandidatesResult): Block[] {
  return [
    {
      kind: 'table',
      name: 'candidates',
      columns: [
        { name: 'kind', header: 'KIND', unit: 'text' },
        { name: 'value', header: 'VALUE', unit: 'text' },
        { name: 'description', header: 'DESCRIPTION', unit: 'text' },
      ],
      rows: candidates.map(({ kind, value, description }) => [kind, value, description]),
    },
  ];
}
