import { checkQuestions } from '../../health/questions.ts';
import {
  countArgument,
  durationArgument,
  eachArgument,
  listArgument,
  namedLimits,
  numberArgument,
  parseLimit,
  ratioArgument,
} from '../arguments.ts';
import * as common from '../common-options.ts';
import { type DefineCommand, examples } from '../runner.ts';

const gateGroup = 'Gates on namespaces (each reads the keys, or observes the traffic):';
const baselineGroup = 'No worse than last time (reads the keys, with --hits the traffic too):';
const limitGroup = 'Limits (each takes the place of the one in the map):';

export const defineCheck: DefineCommand = (program, run) => {
  program
    .command('check')
    .summary('smoke check: connection, round trip, limits; exits non-zero on failure')
    .description(
      'Connects, logs in, writes, reads and removes a key of its own (cachectl:check:…), and holds\n' +
        'the server against limits. Exit code 0: nothing failed; 1: a check failed; 3: no connection\n' +
        'or no login; 2: not one gate could be judged. Limits of namespaces in the map are gates too. In addition to the usual forms, --output takes junit,\n' +
        'github (annotations and a job summary) and sarif.',
    )
    .option('--only <ids>', 'only these checks: a list with commas, or several times', listArgument)
    .option('--skip <ids>', 'all checks but these', listArgument)
    .option('--strict', 'warnings fail too')
    .option('--no-write', 'leave out the round trip, which writes a key')
    .option('--no-keys', 'leave out limits of the map on keys, and rules of the doctor about them')
    .option('--doctor', 'also put the rules of `cachectl doctor`: a critical finding fails, a warning warns')
    .option(
      '--wait <duration>',
      'how long to try again while the server cannot be reached or is loading',
      durationArgument,
      0,
    )
    .option(
      '-w, --window <duration>',
      'judge the hit rate over this time from now, not since the counters began',
      durationArgument,
    )
    .option('--junit <file>', 'write a JUnit report to a file as well')
    .addOption(common.readRate)
    .addOption(common.latencyBudget)
    .optionsGroup(limitGroup)
    .option(
      '--min-hit-rate <ratio>',
      'lowest hit rate of 100 reads or more (default: warns below 80%)',
      ratioArgument,
    )
    .option('--max-memory <ratio>', 'highest used memory as a share of maxmemory', ratioArgument)
    .option('--max-ping <duration>', 'highest median of 20 round trips, such as 5ms', durationArgument)
    .option(
      '--max-fragmentation <ratio>',
      'highest fragmentation, once it is 32 MiB or more',
      numberArgument(1),
    )
    .option(
      '--max-evicted <keys>',
      'most keys evicted since the start (default: warns while keys are evicted)',
      countArgument(0),
    )
    .option('--max-clients <clients>', 'most connected clients', countArgument(1))
    .option('--max-lag <duration>', 'highest lag of replication', durationArgument)
    .optionsGroup(gateGroup)
    .option(
      '--max-keys <namespace=keys>',
      'most keys of a namespace, or of all: a number alone; several times',
      namedLimits(parseLimit.count, false),
    )
    .option(
      '--max-bytes <namespace=size>',
      'most bytes of a namespace, or of all keys; several times',
      namedLimits(parseLimit.size, false),
    )
    .option(
      '--max-without-ttl <namespace=ratio>',
      'largest share of keys without TTL, of a namespace or of all; several times',
      namedLimits(parseLimit.ratio, false),
    )
    .option('--max-unmapped <keys>', 'most keys that no namespace of the map takes', countArgument(0))
    .option('--forbid <pattern>', 'no key may match; several times', eachArgument)
    .option(
      '--hits <duration>',
      'observe the traffic, and hold it against the targets of the map; see `cachectl hits`',
      durationArgument,
    )
    .option(
      '--min-namespace-hit-rate <namespace=ratio>',
      'lowest hit rate of a namespace while observed; several times',
      namedLimits(parseLimit.ratio),
    )
    .option(
      '--require-reads <reads>',
      'reads that a hit rate is judged from (default: 100)',
      countArgument(1),
    )
    .optionsGroup(baselineGroup)
    .option('--baseline <file>', 'fail where anything is worse than in this file')
    .option(
      '--save-baseline <file>',
      'save what is there now, for --baseline; not where it is worse than that',
    )
    .option(
      '--tolerance <ratio>',
      'differences that are none: of keys and bytes as a share, of ratios in points (default: 5%)',
      ratioArgument,
    )
    .addHelpText('after', () => `\nChecks:\n${checkList()}`)
    .addHelpText(
      'after',
      examples(
        ['cachectl check', 'is it up, does it work, does it hold its limits?'],
        ['cachectl check --wait 30s --only connect,login,round-trip', 'a service that is just starting'],
        ['cachectl check --min-hit-rate 80% --max-ping 5ms --strict', 'a gate in a pipeline'],
        [
          'cachectl check --only hit-rate --min-hit-rate 80% --window 30s',
          'the traffic of the next 30 seconds',
        ],
        ["cachectl check --max-keys session=50000 --forbid 'tmp:*' --max-unmapped 0", 'what the keys may be'],
        ['cachectl check --save-baseline base.json', 'what is there now'],
        ['cachectl check --baseline base.json --tolerance 10%', 'no worse than then'],
        ['cachectl check --doctor --output github', 'with the numbered rules, as annotations'],
        ['cachectl check --output github --junit check.xml', 'annotations, and a report for the archive'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).checkExecution(options)));
};

function checkList(): string {
  const width = Math.max(...checkQuestions.map(([id]) => id.length));
  return checkQuestions.map(([id, { asks }]) => `  ${id.padEnd(width)}  ${asks}\n`).join('');
}
