import { countArgument, sizeArgument } from '../arguments.ts';
import { type DefineCommand, examples } from '../runner.ts';

export const defineGet: DefineCommand = (program, run) => {
  program
    .command('get')
    .summary('look at one key: what it is, and its value decoded')
    .description(
      'Shows a key and its value, decoded as the map says or as it looks: JSON, JSON envelope, text, integer, binary as ' +
        'hex; gzip, zlib and zstd are unpacked; a pickle is named and never loaded. Reads a bounded part of a large value. ' +
        'Exits with 1 where there is no such key.',
    )
    .argument('<key>', 'the key')
    .option(
      '--max-bytes <size>',
      'most of a string value to read (default: 64KiB; with --raw all)',
      sizeArgument,
    )
    .option('--members <number>', 'most members of a collection to read', countArgument(1), 100)
    .option('--raw', 'only the bytes of a string value, as they are')
    .option('--base64', 'the key is given as base64 of its bytes')
    .addHelpText(
      'after',
      examples(
        ['cachectl get user:123:profile', 'the value, decoded'],
        ['cachectl get tts:6e2bdffff85476f0:alloy:1.0 --raw > audio.mp3', 'its bytes'],
      ),
    )
    .action((key, options, self) =>
      run(self, async () => (await import('./run.ts')).getExecution({ key, ...options })),
    );
};
