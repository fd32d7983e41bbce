import { type DefineCommand, examples } from '../runner.ts';

export const defineTtl: DefineCommand = (program, run) => {
  program
    .command('ttl')
    .summary('time to live of keys')
    .description(
      'Prints how long keys still live. Costs one lookup per key, which the server counts as a hit or a miss. Exits with 1 ' +
        'where a key is missing, of several any of them.',
    )
    .argument('<key...>', 'keys to look at')
    .addHelpText('after', examples(['cachectl ttl user:123:profile', 'seconds left, permanent, or missing']))
    .action((keys, _options, self) => run(self, async () => (await import('./run.ts')).ttlExecution(keys)));
};
