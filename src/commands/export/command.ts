import { Option } from '@commander-js/extra-typings';
import { type DefineCommand, examples } from '../runner.ts';
import * as common from '../common-options.ts';
import { exportForms } from './form.ts';

const formHelp = `
Forms:
  ndjson   one record per line, json the same in one array: what \`cachectl warm\` loads, with any bytes, and for people
           and other programs to read. Consumer groups of streams are left out
  archive  each key as DUMP gives it: exact and compact, consumer groups and types of modules included

Without --to the data goes to stdout, as NDJSON unless --form says otherwise.`;

export const defineExport: DefineCommand = (program, run) => {
  const command = program
    .command('export')
    .summary('write keys with values and TTLs to a file, for warm')
    .description(
      'Writes keys with their values and TTLs, as they are read, in the form that warm loads. Long values are read in ' +
        'pieces. Each key costs lookups that the server counts as hits: it says how many.',
    )
    .argument('[pattern...]', 'keys that match: * is anything, <name> one whole segment (default: all)')
    .option('--to <file>', 'file to write; .gz at its end compresses it')
    .addOption(
      new Option('--form <form>', "form of the data (default: by the file's name)").choices(exportForms),
    )
    .option('--force', 'replace the file');
  common
    .selecting(command)
    .addOption(common.idle)
    .addOption(common.anyNamespace)
    .addOption(common.match)
    .addOption(common.mostKeys)
    .addOption(common.readRate)
    .addOption(common.latencyBudget)
    .addOption(common.count)
    .addHelpText('after', formHelp)
    .addHelpText(
      'after',
      examples(
        ["cachectl export 'user:*' --to users.ndjson.gz", 'records that warm loads again'],
        ['cachectl export --namespace profile | jq .key', 'into another program'],
        ['cachectl export --to cache.archive', 'everything, byte for byte'],
      ),
    )
    .action((patterns, options, self) =>
      run(self, async () => (await import('./run.ts')).exportExecution({ patterns, ...options })),
    );
};
