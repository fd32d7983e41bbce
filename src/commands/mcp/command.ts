import { listArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineMcp: DefineCommand = (program, run) => {
  program
    .command('mcp')
    .summary('serve an agent over the Model Context Protocol, on stdin and stdout')
    .description(
      'Serves a client of the Model Context Protocol until it closes stdin. Its tools read: stats, inspect, hits, keys, get, ttl, ' +
        'check. The server is the one of the command line, and a call cannot name another. No tool runs an arbitrary command.',
    )
    .option('--profiles <names>', 'profiles of the map that a call may name, with commas', listArgument)
    .addHelpText(
      'after',
      examples(
        ['cachectl mcp --profile prod', 'what a client of the protocol is to start'],
        ['cachectl mcp --profile dev --profiles staging,prod', 'calls may also name these two'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).mcpExecution(options)));
};
