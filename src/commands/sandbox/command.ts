import {
  defaultTraffic,
  faultDescriptions,
  faultNames,
  faultTraffic,
  systemDescriptions,
  systemNames,
} from '../../sandbox/systems.ts';
import { countArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import { Option } from '@commander-js/extra-typings';

export const defineSandbox: DefineCommand = (program, run) => {
  program
    .command('sandbox')
    .summary('a throw-away Redis with realistic data, and a tour of this program')
    .description(
      'Starts a real Redis on a free port of this machine, fills it with the data of an example application, and removes ' +
        'everything on Ctrl-C. With a command after --, runs it against the sandbox and ends.\n\nSystems:\n' +
        systemNames.map((name) => `  ${name.padEnd(12)} ${systemDescriptions[name]}`).join('\n') +
        '\n\nFaults, for `hits` to find:\n' +
        faultNames.map((name) => `  ${name.padEnd(18)} ${faultDescriptions[name]}`).join('\n'),
    )
    .argument('[command...]', 'after --: a command of cachectl, or any other, to run against the sandbox')
    .addOption(new Option('--system <name>', 'whose data').choices(systemNames).default('education' as const))
    .option('--keys <number>', 'how many keys', countArgument(0), 20_000)
    .option('--seed <number>', 'the same seed gives the same keys', countArgument(0), 1)
    .option(
      '--traffic [rate]',
      `keep light traffic running, in operations per second (${defaultTraffic})`,
      countArgument(1),
    )
    .addOption(
      new Option(
        '--fault <name>',
        `make misses of one cause, in traffic of ${faultTraffic} operations per second`,
      ).choices(faultNames),
    )
    .option('--tour', 'walk through the main commands, each shown and then run, and end')
    .addHelpText(
      'after',
      examples(
        ['cachectl sandbox --tour', 'the main job in a quarter of a minute'],
        ['cachectl sandbox --system honzik --traffic', 'a server to play with until Ctrl-C'],
        ['cachectl sandbox -- inspect --depth 2', 'one command on fresh data'],
        ['cachectl sandbox --fault short-ttl -- hits --for 5s', 'which namespace misses, and why'],
        [
          `cachectl sandbox -- sh -c 'redis-cli -u "$REDIS_URL" dbsize'`,
          'REDIS_URL and CACHECTL_CONFIG are set for it',
        ],
      ),
    )
    .action((words, options, self) =>
      run(self, async () => {
        const ownCommands = program.commands.map((command) => command.name());
        return (await import('./run.ts')).sandboxExecution({ words, ownCommands, ...options });
      }),
    );
};
