import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { isRepeatable } from '../../src/cli/options.ts';
import { cli } from '../run-cli.ts';

const io = { stdout: new PassThrough(), stderr: new PassThrough(), variables: {} } as unknown as Io;
const program: CommandUnknownOpts = buildProgram(io, () => Promise.resolve());

function optionsOf(
  command: CommandUnknownOpts,
  path: readonly string[],
): [string, readonly string[], Option][] {
  return [
    ...command.options
      .filter(({ long }) => long !== '--version')
      .map((option): [string, readonly string[], Option] => [[...path, option.long].join(' '), path, option]),
    ...command.commands.flatMap((each) => optionsOf(each, [...path, each.name()])),
  ];
}

const candidates = [
  '1',
  '1s',
  '10%',
  '100',
  '1kb',
  'string',
  'word',
  '2026-01-01',
  '0.5',
  'user:1',
  'none',
  '<1h',
  'zipf',
];

/** A value that the option takes; none for a flag. */
function valueOf({ required, optional, argChoices, parseArg }: Option): string[] {
  if (!required && !optional) return [];
  if (argChoices !== undefined) return argChoices.slice(0, 1);
  const taken = candidates.find((text) => {
    try {
      parseArg?.(text, undefined);
      return true;
    } catch {
      return false;
    }
  });
  if (taken === undefined) throw new Error('no candidate is a value of the option');
  return [taken];
}

const all = optionsOf(program, []);

describe('an option that is given twice', () => {
  test.each(all.filter(([, , option]) => !isRepeatable(option)))(
    'is refused: %s',
    async (_name, path, option) => {
      const given = [option.long ?? '', ...valueOf(option)];
      const result = await cli([...(path.length === 0 ? ['stats'] : path), ...given, ...given]);
      expect(result.stderr).toContain(`\`${option.long ?? ''}\` was given twice`);
      expect(result.exitCode).toBe(2);
    },
  );

  test.each([
    [['invalidate', 'user', '1', '--backup', '--no-backup'], '`--backup` and `--no-backup`'],
    [['apply', 'plan.json', '--no-journal', '--journal', 'a'], '`--no-journal` and `--journal`'],
  ])('and an option with its opposite, are refused: %j', async (args, flags) => {
    const result = await cli(args);
    expect(result.stderr).toContain(`${flags} contradict each other`);
    expect(result.exitCode).toBe(2);
  });

  test('is refused before and behind the name of the command together', async () => {
    const result = await cli(['--db', '1', 'stats', '-n', '2']);
    expect(result.stderr).toContain('`--db` was given twice');
  });

  test('adds to its list where it is one', () => {
    const lists = all.filter(([, , option]) => isRepeatable(option)).map(([name]) => name);
    for (const name of ['only', 'exclude', 'pattern', 'namespace'].map((each) => `invalidate --${each}`))
      expect(lists).toContain(name);
    // Whatever selects keys.
    const selecting = all.filter(([, , { long }]) => long === '--namespace' || long === '--pattern');
    expect(selecting.length).toBeGreaterThan(6);
    for (const [name] of selecting) expect(lists).toContain(name);
  });
});
