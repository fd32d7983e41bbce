import { countArgument, listArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineMcp: DefineCommand = (program, run) => {
  program
    .command('mcp')
    .summary('serve an agent over the Model Context Protocol, on stdin and stdout')
    .description(
      'Serves a client of the Model Context Protocol until it closes stdin. Its tools read: stats, inspect, hits, keys, get, ttl, ' +
        'check, doctor, and the plan of an invalidation. With --allow-writes others carry out such a plan, undo it, and load fixtures, ' +
        'but not on a profile that is protected or read-only. The server is the one of the command line, and a call cannot ' +
        'name another. No tool runs an arbitrary command.',
    )
    .option('--profiles <names>', 'profiles of the map that a call may name, with commas', listArgument)
    .option('--allow-writes', 'add the tools that change the cache: apply_plan, undo, warm')
    .option('--max-keys <number>', 'most keys of a plan, and records of fixtures', countArgument(1), 10_000)
    .option('--fixtures <folder>', 'folder of the files that `warm` may load')
    .addHelpText(
      'after',
      examples(
        ['cachectl mcp --profile prod', 'what a client of the protocol is to start'],
        ['cachectl mcp --profile dev --profiles staging,prod', 'calls may also name these two'],
        ['cachectl mcp -u localhost:6379 --allow-writes --max-keys 500', 'plans of up to 500 keys'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).mcpExecution(options)));
};
