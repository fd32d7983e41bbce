import { Option } from '@commander-js/extra-typings';
import {
  countArgument,
  durationArgument,
  eachArgument,
  eachParsed,
  listArgument,
  parseBudget,
  ratioArgument,
} from '../arguments.ts';
import * as common from '../common-options.ts';
import { type DefineCommand, examples } from '../runner.ts';

const recordHelp = `
A record:
  {"key": "user:1:profile", "value": "text or JSON", "ttl": "1h", "type": "string"}

  value   string: a text, or any JSON, whose own bytes are written (the default)
          hash: {field: text} · list, set: [text] · stream: [{"id"?, "fields": {field: text}}]
          zset: [{"member", "score"}], [[member, score]] or {member: score}
  ttl     seconds, a duration such as "90s" or "1h30m", a moment in milliseconds since the epoch, or null or -1 for none; a moment in seconds is refused. It starts anew, also in a record of export; an archive keeps the moment of the expiry. A record without it gets the TTL that the map has for its namespace, else that of --ttl
  type    string, hash, list, set, zset, stream, json or dump: an object is no hash unless this says so
  keyBase64 and valueBase64 hold binary data; every text in valueBase64 is base64

A file holds an array of records, one record per line, one object {key: value, …}, or an archive of
cachectl; gzip, zlib and zstd are unpacked. Files that RIOT exports load as they are.`;

export const defineWarm: DefineCommand = (program, run) => {
  program
    .command('warm')
    .summary('load keys from JSON or NDJSON files, with TTLs')
    .description(
      'Writes the records of files to the cache. All files are read and checked first: as long as one ' +
        'record is wrong, nothing is written.',
    )
    .argument('[file...]', 'files to load, or patterns in quotes; - is stdin')
    .option(
      '--ttl <duration>',
      'TTL for records to which neither they nor the map give one',
      durationArgument,
    )
    .option(
      '--jitter <ratio>',
      'share by which --ttl is shortened at random, key by key; without --ttl, the TTLs of the map',
      ratioArgument,
    )
    .option(
      '--from <record>',
      'file of `hits --record`: load only the keys that were missed, those that cost most first',
    )
    .option('--source <file>', 'with --from: a file to load from, as the arguments are', eachArgument)
    .option(
      '--budget <amount>',
      'with --from: end when so much memory (100MB) or time (30s) is spent; may be given for both',
      eachParsed(parseBudget),
    )
    .option('--dry-run', 'check the files and show the plan; the server is not asked')
    .option(
      '--with-state <namespaces>',
      'write also to these namespaces of kind `state`, whose records are left out otherwise',
      listArgument,
    )
    .option('--skip-invalid', 'leave out records that are wrong, and write the others')
    .option('--allow-repeats', 'of a field or member that comes twice in a record, take the last')
    .addOption(
      new Option('--replace', 'replace also keys of another type; without it these are left alone').conflicts(
        ['onlyMissing', 'merge'],
      ),
    )
    .addOption(new Option('--only-missing', 'leave keys alone that are there').conflicts('merge'))
    .option('--merge', 'add to the collections that are there; other values are replaced')
    .addOption(
      new Option('--on-error <way>', 'when a record is refused: stop, or skip it (retry: the same as skip)')
        .choices(['stop', 'skip', 'retry'] as const)
        .default('skip' as const),
    )
    .option('--rejects <file>', 'new file for the records that could not be written, with the reasons')
    .option('--concurrency <count>', 'connections to each node', countArgument(1), 1)
    .option('--max-rate <records>', 'records per second at most', countArgument(1))
    .option('--ignore-memory-estimate', 'write also where the records seem to be more than `maxmemory` takes')
    .option('--allow-evictions', 'continue when the server evicts keys')
    .addOption(common.waitReplicas)
    .addOption(
      new Option('--verify [extent]', 'read 1,000 records back, or all')
        .choices(['sample', 'all'] as const)
        .preset('sample' as const),
    )
    .option('--entity <name>', 'with --template: the kind of thing that the ids belong to')
    .option('--ids <list>', 'with --template: ids, separated by commas', listArgument)
    .option('--ids-from <file>', 'with --template: file with one id per line; - is stdin')
    .option('--template <file>', 'records in which <id> stands for each id, in place of files')
    .option('--confirm <profile>', 'name of the protected profile to write to')
    .addHelpText('after', recordHelp)
    .addHelpText(
      'after',
      examples(
        ['cachectl warm users.json --dry-run', 'what would be written, with which TTLs'],
        ['cachectl warm users.json --ttl 1h --jitter 10%', 'load, and expire spread over six minutes'],
        ["cachectl warm 'fixtures/*.ndjson.gz' --verify", 'several files, and a look at what arrived'],
        ['cachectl warm --entity user --ids 1,2 --template user.json', 'the same records for each user'],
        [
          'cachectl warm --from hits.ndjson --source all.archive --budget 100MB',
          'what is missed, as `hits --record hits.ndjson` saw it',
        ],
        ['generate-fixtures | cachectl warm -', 'from another program'],
      ),
    )
    .action((files, options, self) =>
      run(self, async () => (await import('./run.ts')).warmExecution({ files, ...options })),
    );
};
