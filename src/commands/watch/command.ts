import { Option } from '@commander-js/extra-typings';
import { aboveZero, countArgument, durationArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineWatch: DefineCommand = (program, run) => {
  program
    .command('watch')
    .summary('live view: hit rate, operations, memory, evictions, latency, namespaces')
    .description(
      'Shows what the server does, interval by interval, until `q` or Ctrl-C; `?` lists the keys. Without a terminal, or ' +
        'with --output, it prints one record for each interval: NDJSON unless another format is asked for. In each ' +
        'interval the server is asked for INFO once, and for PING up to 50 times a second; sizes of namespaces are read ' +
        'in the background. Its hit counters are left alone.',
    )
    .addOption(
      new Option('-i, --interval <duration>', 'time between two readings, such as 500ms')
        .argParser(durationArgument)
        .default(1, '1s'),
    )
    .option('--hits', 'also hit rate, reads and misses by namespace, from live traffic')
    .addOption(
      new Option(
        '--namespaces-every <duration>',
        'read the sizes of namespaces again after this time; 0 reads them once',
      )
        .argParser(durationArgument)
        .default(30, '30s'),
    )
    .option('--no-namespaces', 'no walk over the keys')
    .option('--count <intervals>', 'end after so many intervals', countArgument(1))
    .option('--for <duration>', 'end after this time', aboveZero(durationArgument))
    .addHelpText(
      'after',
      examples(
        ['cachectl watch', 'the live view'],
        ['cachectl watch --hits', 'with hits and misses by namespace'],
        ['cachectl watch --for 30s | jq .hitRate', 'a record a second, for a script'],
        ['cachectl watch -i 10s -o csv >> cache.csv', 'a row every ten seconds, for a chart'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).watchExecution(options)));
};
