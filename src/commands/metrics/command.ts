import { Option } from '@commander-js/extra-typings';
import { costArgument, countArgument, durationArgument, listenArgument } from '../arguments.ts';
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
    .addOption(
      new Option('--listen <address>', 'serve them over HTTP, such as at 127.0.0.1:9121, until Ctrl-C')
        .argParser(listenArgument)
        .conflicts('textfile'),
    )
    .option(
      '--listen-public',
      'permit an address that other machines can reach: nothing asks them for a password',
    )
    .option('--otlp <url>', 'push them to a collector of OpenTelemetry (OTLP over HTTP, in JSON), once')
    .option('--otlp-every <duration>', 'push again after this time, until Ctrl-C', durationArgument)
    .option(
      '--hits',
      'also hits and misses by namespace, from live traffic, as `hits` observes it; with --listen or --otlp-every',
    )
    .option(
      '--max-cost <limit>',
      'pause this where the server uses more CPU (80% of a core) or does more operations per second (50000)',
      costArgument,
    )
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
        [
          'cachectl metrics --listen 127.0.0.1:9121 --hits',
          'for Prometheus to scrape, with hits by namespace',
        ],
        [
          'cachectl metrics --otlp http://127.0.0.1:4318 --otlp-every 15s --hits',
          'for a collector of OpenTelemetry',
        ],
        ["curl '127.0.0.1:9121/metrics?target=staging'", 'the same of another profile of the map'],
        ['cachectl metrics --ttls | grep violations', 'which namespace breaks its TTL rule?'],
      ),
    )
    .action((options, self) => run(self, async () => (await import('./run.ts')).metricsExecution(options)));
};
