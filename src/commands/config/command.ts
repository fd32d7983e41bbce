import { configFileName } from '../../config/find.ts';
import { countArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import type { ConnectionFlags } from './current-profile.ts';

export const defineConfig: DefineCommand = (program, run) => {
  const config = program
    .command('config')
    .summary('write, show, validate and trust the map')
    .description(
      'The map (cachectl.config.json) names profiles, namespaces, entities and thresholds in the words of the application.',
    );

  config
    .command('init')
    .summary('look at a live cache, and write a first map')
    .description(
      'Looks at keys, TTLs and a few values of a live cache, and writes a map: namespaces, their kind, TTL rule and ' +
        'encoding, entities, and a profile for this connection, without its password. All of it is a first guess to read.',
    )
    .option('--file <file>', 'where to write; - prints to stdout', configFileName)
    .option('--force', 'replace the file')
    .option('--sample <keys>', 'most keys to look at', countArgument(1), 100_000)
    .addHelpText(
      'after',
      examples(
        ['cachectl config init', `write ${configFileName} here`],
        ['cachectl config init --url redis://cache:6379/2 --file -', 'only look at it'],
      ),
    )
    .action((options, self) =>
      run(self, async () =>
        (await import('./init.ts')).initExecution({
          file: options.file,
          sample: options.sample,
          force: options.force === true,
          flags: self.optsWithGlobals() as ConnectionFlags,
        }),
      ),
    );

  config
    .command('show')
    .summary('the settings and the map in force, and where they come from')
    .description(
      'Prints every setting with its origin (an option, the environment, a profile, a default), and the map in force. ' +
        'Needs no server, and prints no password.',
    )
    .addHelpText(
      'after',
      examples(
        ['cachectl config show', 'why does it connect there?'],
        ['cachectl config show --profile prod -o json', 'for a program'],
      ),
    )
    .action((_options, self) => run(self, async () => (await import('./show.ts')).showExecution()));

  config
    .command('validate')
    .summary('test a map, and say where it is wrong')
    .description(
      'Tests a map: exit code 2 and each mistake with its line and column, or 0 and what the map holds. ' +
        'What is valid but suspicious is a warning, and does not change the exit code.',
    )
    .argument('[file]', 'map to test (default: --config, or the one that would be used here)')
    .addHelpText(
      'after',
      examples(
        ['cachectl config validate', 'the map of this folder'],
        ['cachectl config validate other.json -o json | jq .problems', 'for a program'],
      ),
    )
    .action((file, _options, self) =>
      run(self, async () =>
        (await import('./validate.ts')).validateExecution(
          file ?? (self.optsWithGlobals() as { config?: string }).config,
        ),
      ),
    );

  config
    .command('trust')
    .summary('let the profiles of a map that was found connect')
    .description(
      'A map that is found in a folder may come from strangers: its namespaces, entities and thresholds are used, its ' +
        'profiles connect once you have trusted it. Shows what they would do and asks; with FILE it does not ask. Trust ends ' +
        'where the profiles change. A map that --config or CACHECTL_CONFIG names needs none.',
    )
    .argument('[file]', 'map to trust (default: --config, or the one found here, after a question)')
    .option('--revoke', 'take the trust back')
    .addHelpText(
      'after',
      examples(
        ['cachectl config trust', 'the map of this folder, after a question'],
        ['cachectl config trust deploy/cachectl.config.json', 'in a script: names it, and asks nothing'],
        ['cachectl config trust --revoke', 'take it back'],
      ),
    )
    .action((file, options, self) =>
      run(self, async () =>
        (await import('./trust.ts')).trustExecution({
          file: file ?? (self.optsWithGlobals() as { config?: string }).config,
          revoke: options.revoke === true,
        }),
      ),
    );

  config
    .command('schema')
    .summary('the JSON Schema of the map, for editors')
    .description(
      'Prints the JSON Schema of the map. Editors complete and check a map whose "$schema" names it.',
    )
    .addHelpText(
      'after',
      examples([
        'cachectl config schema > cachectl.config.schema.json',
        'then "$schema": "./cachectl.config.schema.json"',
      ]),
    )
    .action((_options, self) => run(self, async () => (await import('./schema.ts')).schemaExecution()));
};
