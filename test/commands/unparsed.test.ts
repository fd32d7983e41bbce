import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/io.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { withMap } from './invalidate-setup.ts';

interface Entry {
  readonly path: readonly string[];
  readonly args: readonly string[];
}

/** Every command that runs something, with the arguments that it cannot do without. */
function entriesOf(command: CommandUnknownOpts, path: readonly string[] = []): Entry[] {
  const nested = command.commands.flatMap((each) => entriesOf(each, [...path, each.name()]));
  if (nested.length > 0 && command.registeredArguments.length === 0) return nested;
  const required = command.registeredArguments.filter((argument) => argument.required);
  return [...nested, { path, args: required.map(({ argChoices }) => argChoices?.[0] ?? 'x') }];
}
const entries = entriesOf(
  buildProgram({ stdout: new PassThrough(), stderr: new PassThrough(), variables: {} } as unknown as Io, () =>
    Promise.resolve(),
  ),
);
// `acl` takes the options of other commands, and refuses them itself.
/** These read no map, so nothing but the parser refuses them. */
const standalone = new Set([
  ...['sandbox', 'completion', 'complete', 'config schema', 'config validate', 'bench intrinsic'],
]);

describe('a command line that cannot be parsed', () => {
  test.each(
    entries
      .filter(({ path }) => path[0] !== 'acl')
      .map(({ path, args }) => [path.join(' '), path, args] as const),
  )('shows the fields of the result as JSON, as every other failure does: %s', async (name, path, args) => {
    const unparsed = await cli([...path, ...args, '--no-such-option', '-o', 'json']);
    expect(unparsed.exitCode).toBe(2);
    const fields = jsonOf(unparsed);
    expect(fields).toMatchObject({
      ...{ schemaVersion: 2, command: name, ok: false },
      error: { kind: 'usage', hint: `\`cachectl help ${path.join(' ')}\` shows its options and examples` },
    });
    expect(unparsed.stderr).toContain("error: unknown option '--no-such-option'");
    if (standalone.has(name)) return;
    const other = await cli([...path, ...args, '--config', '/no/such/map.json', '-o', 'json']);
    expect(Object.keys(fields)).toEqual(Object.keys(jsonOf(other)));
  });

  test.each([
    ['stats --db x -o json', 'stats', "option '-n, --db <number>' argument 'x' is invalid"],
    ['-o json stats --db x', 'stats', "option '-n, --db <number>' argument 'x' is invalid"],
    ['keys --ttl bogus --output=json', 'keys', "option '--ttl <range>' argument 'bogus' is invalid"],
    ['stats extra -ojson', 'stats', 'too many arguments'],
    ['ttl -o json', 'ttl', "missing required argument 'key'"],
    ['get --nope x -qo json', 'get', "unknown option '--nope'"],
    ['export --file x -o json', 'export', "unknown option '--file'\n(Did you mean --to?)"],
    ['export --out x -o json', 'export', "unknown option '--out'\n(Did you mean --to?)"],
    ['stats --password=S3cret -o json', 'stats', "unknown option '--password…'"],
    ['stats -aS3cret -o json', 'stats', "unknown option '-a…'"],
    ['--redis://:S3cret@h -o json', null, "unknown option '--redis…'"],
    ['REDISCLI_AUTH=S3cret -o json', null, "unknown command 'REDISCLI_AUTH…'"],
    ['invalidate user 1 --over 5m -o json', 'invalidate', '--over is the window of --mode soft'],
    ['config -o json', 'config', 'a command is missing'],
    ['config bogus -o json', 'config', "unknown command 'bogus'"],
    ['bogus -o json', null, "unknown command 'bogus'"],
    ['help bogus -o json', null, "unknown command 'bogus'"],
    ['bogus --help -o json', null, "unknown command 'bogus'"],
    ['help config bogus -o json', 'config', "unknown command 'bogus'"],
  ])('is one object on stdout, and the error on stderr: %s', async (line, command, message) => {
    const result = await cli(line.split(' '));
    expect(result.exitCode).toBe(2);
    expect(jsonOf(result)).toMatchObject({ command, ok: false, error: { kind: 'usage' } });
    expect((jsonOf(result)['error'] as { message: string }).message).toContain(message);
    expect(result.stderr).toContain(`error: ${message}`);
    expect(result.stdout + result.stderr).not.toContain('S3cret');
  });

  test.each(['--password', '--pass', '--auth'])('says how a password is given, for %s', async (option) => {
    const { exitCode, stderr } = await cli(['stats', option, 'S3cret']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('use --ask-password, --password-file FILE or REDISCLI_AUTH');
    expect(stderr).not.toContain('S3cret');
  });

  test('ends ndjson with the summary, also where that is the form of a pipe', async () => {
    for (const args of [
      ['keys', '--nope', '-o', 'ndjson'],
      ['watch', '--nope'],
    ]) {
      const { stdout } = await cli(args);
      expect(JSON.parse(stdout)).toMatchObject({ record: 'summary', command: args[0], ok: false });
    }
  });

  test.each(['stats --nope', 'stats --nope -o csv', 'stats --nope -o table', 'stats -o bogus', 'stats -o'])(
    'prints nothing on stdout in a form for people, for tables, or in one that is none: %s',
    async (line) => {
      expect(await cli(line.split(' '))).toMatchObject({ exitCode: 2, stdout: '' });
    },
  );

  test('is no other failure than a map that cannot be used', async () => {
    const env = withMap({ profiles: { a: {} } });
    const result = await cli(['stats', '-o', 'json'], { env });
    expect(jsonOf(result)).toMatchObject({ command: 'stats', ok: false, error: { kind: 'config' } });
  });
});

test.each(['inspect', 'config', 'config init', 'config trust'])(
  '`help %s` prints what its --help does',
  async (command) => {
    const [asked, given] = [
      await cli(`help ${command}`.split(' ')),
      await cli(`${command} --help`.split(' ')),
    ];
    expect(asked).toEqual(given);
    expect(asked.stdout).toContain(`Usage: cachectl ${command} `);
  },
);
