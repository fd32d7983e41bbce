import { addInit } from './config/init.ts';
import { addSchema } from './config/schema.ts';
import { addShow } from './config/show.ts';
import { addValidate } from './config/validate.ts';
import type { DefineCommand } from './runner.ts';

export const defineConfig: DefineCommand = (program, run) => {
  const config = program
    .command('config')
    .summary('write, show and validate the map')
    .description(
      'The map (cachectl.config.json) names profiles, namespaces, entities and thresholds in the words of the application.',
    );
  addInit(config, run);
  addShow(config, run);
  addValidate(config, run);
  addSchema(config, run);
};
