import type { Block } from '../../render/blocks.ts';
import { examples } from '../runner.ts';
import type { AddSubcommand } from './subcommand.ts';

interface SchemaResult {
  readonly schema: object;
}

export const addSchema: AddSubcommand = (config, run) => {
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
    .action((_options, self) =>
      run(self, {
        blank: { schema: null },
        standalone: true,
        run: async () => {
          const { jsonSchemaOf } = await import('../../config/schema.ts');
          return { result: { schema: jsonSchemaOf() } };
        },
        view: ({ schema }: SchemaResult): Block[] => [
          { kind: 'text', name: 'schema', text: JSON.stringify(schema, null, 2) },
        ],
      }),
    );
};
