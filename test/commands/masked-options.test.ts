import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { describe, expect, test } from 'vitest';
import { processIo } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { cli } from '../run-cli.ts';
import { testUrl } from '../server/redis.ts';
import { temporaryFolder } from '../server/own.ts';

const secret = 's3cr3tPW';
const url = `redis://:${secret}@h.invalid`;

/** Commands that need more than their options to come as far as these. */
const operands: Readonly<Record<string, readonly string[]>> = {
  get: ['a'],
  ttl: ['a'],
  apply: ['none.plan'],
  undo: ['none.journal'],
  warm: ['none.ndjson'],
  diff: [testUrl(), testUrl()],
  export: ['a'],
  bench: ['ping', '--duration', '10ms', '--operations', '1'],
  'bench latency': ['--for', '10ms'],
  'bench intrinsic': ['--for', '10ms'],
  invalidate: ['user', '1', '--dry-run'],
  prune: ['--dry-run'],
  hits: ['--for', '100ms'],
  whatif: ['--for', '100ms'],
  watch: ['--count', '1', '--interval', '1s'],
};

function commandLines(command: CommandUnknownOpts, path: readonly string[] = []): [string, string[]][] {
  const inside = command.commands.flatMap((each) => commandLines(each, [...path, each.name()]));
  if (inside.length > 0 && command.registeredArguments.length === 0) return inside;
  const name = path.join(' ');
  const program = command.parent?.parent ?? command.parent ?? command;
  const rest = operands[name] ?? [];
  const options = [...command.options, ...program.options].filter(
    (option) => (option.required || option.optional) && !(option.hidden && name === ''),
  );
  return [
    ...inside,
    [`${name} ARGUMENT`, [...path, ...(['hits', 'whatif'].includes(name) ? rest : []), url]],
    ...options.map((option): [string, string[]] => {
      const flag = option.long ?? option.short ?? '';
      return [`${name} ${flag}`, [...path, ...rest, `${flag}=${url}`]];
    }),
  ];
}

const program = buildProgram(processIo(), () => Promise.resolve());
const lines = commandLines(program as unknown as CommandUnknownOpts).filter(
  ([name]) => !/^(sandbox|help|completion|complete)\b/.test(name),
);

describe('a URL with a password in the wrong place', () => {
  test('is tried with all options', () => {
    expect(lines.length).toBeGreaterThan(300);
  });

  test.each(lines)('is not echoed: %s', async (name, args) => {
    const isKey = /^(get|ttl) ARGUMENT$/.test(name);
    const cwd = temporaryFolder();
    // A server without TLS answers nothing at all.
    const timeout = name.endsWith('--tls-server-name') ? '40ms' : '200ms';
    for (const format of ['table', 'json']) {
      const { stdout, stderr } = await cli([...args, '-o', format, '--timeout', timeout], {
        ...{ cwd, url: testUrl(), env: { HOME: cwd } },
      });
      // A key is data, and a result names the one that was asked for.
      expect((isKey ? '' : stdout) + stderr).not.toContain(secret);
    }
  });
});
