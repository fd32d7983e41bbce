import { durationArgument, ratioArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';
import type { WarmInput } from './run.ts';

const recordHelp = `
A record:
  {"key": "user:1:profile", "value": "text or JSON", "ttl": "1h", "type": "string"}

  value   string: a text, or any JSON, which is written as JSON text (the default)
          hash: {field: text} · list, set: [text] · stream: [{"id"?, "fields": {field: text}}]
          zset: [{"member", "score"}], [[member, score]] or {member: score}
  ttl     seconds, a duration such as "90s" or "1h30m", or null for none. A record without it gets
          the TTL that the map has for its namespace, else that of --ttl
  type    string, hash, list, set, zset or stream: an object is no hash unless this says so
  keyBase64 and valueBase64 hold binary data; every text in valueBase64 is base64

A file holds an array of records, one record per line, or one object {key: value, …}. Each record
replaces what its key held.`;

export const defineWarm: DefineCommand = (program, run) => {
  program
    .command('warm')
    .summary('load keys from JSON or NDJSON files, with TTLs')
    .description(
      'Writes the records of files to the cache. All files are read and checked first: as long as one\n' +
        'record is wrong, nothing is written.',
    )
    .argument('<file...>', 'files to load; - is stdin')
    .option(
      '--ttl <duration>',
      'TTL for records to which neither they nor the map give one',
      durationArgument,
    )
    .option('--jitter <ratio>', 'share by which --ttl is shortened at random, key by key', ratioArgument)
    .option('--dry-run', 'check the files and show the plan; the server is not asked')
    .option('--skip-invalid', 'leave out records that are wrong, and write the others')
    .option('--confirm <profile>', 'name of the protected profile to write to')
    .addHelpText('after', recordHelp)
    .addHelpText(
      'after',
      examples(
        ['cachectl warm users.json --dry-run', 'what would be written, with which TTLs'],
        ['cachectl warm users.json --ttl 1h --jitter 10%', 'load, and expire spread over six minutes'],
        ['generate-fixtures | cachectl warm -', 'from another program'],
      ),
    )
    .action((files, options, self) => {
      const input: WarmInput = {
        files,
        ttlSeconds: options.ttl ?? null,
        jitter: options.jitter ?? null,
        dryRun: options.dryRun === true,
        skipInvalid: options.skipInvalid === true,
        confirm: options.confirm,
      };
      return run(self, async () => (await import('./run.ts')).warmExecution(input));
    });
};
