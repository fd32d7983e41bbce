import {
  faultDescriptions,
  faultNames,
  systemDescriptions,
  systemNames,
} from '../../sandbox/system-names.ts';
import { countArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import { Option } from '@commander-js/extra-typings';

const defaultTraffic = 200;

/** So much that a window of a few seconds holds hundreds of misses. */
const faultTraffic = 1000;

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
        const { sandboxExecution } = await import('./run.ts');
        return sandboxExecution({
          system: options.system,
          keys: options.keys,
          seed: options.seed,
          traffic: rateOf(options.traffic, options.fault),
          fault: options.fault ?? null,
          tour: options.tour ?? false,
          words,
          ownCommands: program.commands.map((command) => command.name()),
        });
      }),
    );
};

/** Operations per second. @param asked true: without a number */
function rateOf(asked: number | true | undefined, fault: string | undefined): number {
  if (typeof asked === 'number') return asked;
  if (fault !== undefined) return faultTraffic;
  return asked === true ? defaultTraffic : 0;
}
