import { Option } from '@commander-js/extra-typings';
import { countArgument, durationArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineMetrics: DefineCommand = (program, run) => {
  program
    .command('metrics')
    .summary('metrics for Prometheus: the server, and its namespaces')
    .description(
      'Prints metrics in the text format of Prometheus: counters and memory of the server, keys and bytes of each ' +
        'namespace. What could not be read is absent, and counted in cachectl_scrape_errors_total. The hit counters ' +
        'of the server are left alone, unless TTLs are read.',
    )
    .option('--textfile <file>', 'write to this file, whole, for the textfile collector of node_exporter')
    .option(
      '--ttls',
      'also read TTLs of some keys: keys without TTL, and keys that break the rule of the map',
    )
    .addOption(
      new Option(
        '--max-namespaces <number>',
        'most namespaces with metrics of their own; the rest is summed up in (other)',
      )
        .argParser(countArgument(1))
        .default(200),
    )
    .addOption(
      new Option('--namespaces-every <duration>', 'read the keys again after this time')
        .argParser(durationArgument)
        .default(300, '5m'),
    )
    .option('--no-namespaces', 'no walk over the keys')
    .addHelpText(
      'after',
      examples(
        ['cachectl metrics', 'once, to stdout'],
        ['cachectl metrics --textfile /var/lib/node_exporter/cache.prom', 'for a timer, each minute'],
        ['cachectl metrics --ttls | grep violations', 'which namespace breaks its TTL rule?'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).metricsExecution(options)));
};
