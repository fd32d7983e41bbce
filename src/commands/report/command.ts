import { durationArgument, eachArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';

export const defineReport: DefineCommand = (program, run) => {
  const command = program
    .command('report')
    .summary('one HTML page: what is in there, what it hits, what could go')
    .description(
      'Reads the keyspace and writes one HTML file that needs no network: a treemap of the namespaces, how long keys live and ' +
        'how long they have been idle, the largest keys, what could go. With --hits also who misses, and why. Key names are ' +
        'in the page, and values are not.',
    )
    .argument('[file]', 'the page; - is stdout', 'cachectl-report.html')
    .option('--hits <duration>', 'observe the traffic for so long', durationArgument)
    .option(
      '--bench <file>',
      'show a result of `cachectl bench --output json` too; may be repeated',
      eachArgument,
    )
    .option('--history <file>', 'show the windows of `cachectl hits --record FILE` too')
    .option('--whatif <file>', 'show a window of `cachectl whatif --record FILE` too')
    .option('--snapshot <file>', 'save the figures too, for --from and --compare')
    .option('--from <file>', 'make the page from saved figures, without a server')
    .option('--compare <file>', 'show what changed since these figures were saved')
    .option('--force', 'replace files that are there already')
    .option('--open', 'open the page in a browser');
  common
    .reading(command)
    .addHelpText(
      'after',
      examples(
        ['cachectl report', 'the page cachectl-report.html'],
        ['cachectl report --hits 30s --open', 'with 30 s of traffic, in a browser'],
        ['cachectl report monday.html --snapshot monday.json', 'to compare with later'],
        ['cachectl report friday.html --compare monday.json', 'what changed since'],
        ['cachectl report --history hits.ndjson', 'with hit rates over time'],
        ['cachectl report --whatif monday.curves', 'with other memory and TTLs'],
        ['cachectl report old.html --from monday.json', 'the page again, from what was saved'],
      ),
    )
    .action((file, options, self) =>
      run(self, async () => (await import('./run.ts')).reportExecution({ file, ...options })),
    );
};
