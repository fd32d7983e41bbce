import { Option } from '@commander-js/extra-typings';
import { durationArgument, eachArgument, listArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

const severities = ['critical', 'warning', 'notice'] as const;

export const defineDoctor: DefineCommand = (program, run) => {
  const command = program
    .command('doctor')
    .summary('what is wrong with a cache and its use, with what to do about it')
    .description(
      'Puts numbered rules to the server, its keys and, with --hits, its traffic: CC1xx are about the server, CC2xx about ' +
        'keys, CC3xx about traffic, CC4xx about users. Each finding has its evidence, what it costs where that is known, and a ' +
        'command to run. A rule whose facts could not be read is listed as not judged, with the reason.\n' +
        'Changes nothing. Exit code 0: no finding of the severity of --fail-on; 1: there is one. In addition to the usual ' +
        'forms, --output takes junit, github (annotations and a job summary) and sarif.',
    )
    .option('--only <rules>', 'only these rules, by number or name: a list with commas', listArgument)
    .option(
      '--ignore <rule[=reason]>',
      'leave a rule out, or several given so; `doctor.ignore` of the map does it for good',
      eachArgument,
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 for a finding of this severity, or a worse one')
        .choices(severities)
        .default('critical' as const),
    )
    .option(
      '--hits <duration>',
      'also observe the traffic over this time, for the rules about it; see `cachectl hits`',
      durationArgument,
    )
    .option('--no-keys', 'leave out the rules about keys, and the walk over them');
  common
    .reading(command)
    .addHelpText(
      'after',
      examples(
        ['cachectl doctor', 'everything but the traffic'],
        ['cachectl doctor --hits 30s', 'the traffic of 30 seconds as well'],
        ['cachectl doctor --no-keys --fail-on warning', 'a quick gate in a pipeline'],
        ['cachectl doctor --only CC204,big-key', 'two rules'],
        ['cachectl doctor --ignore "CC101=limited by its container"', 'all rules but one'],
        ['cachectl doctor --output sarif > doctor.sarif', 'for code scanning'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).doctorExecution(options)));
};
