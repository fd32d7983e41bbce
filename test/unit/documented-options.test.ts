import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { readdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['README.md', ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
/** The code of all pages: what is in backticks, and in fences. */
const codes = pages.map((page) => {
  const text = readFileSync(`${root}${page}`, 'utf8');
  const fence = /^\s*```[\s\S]*?^\s*```/gm;
  const spans = text.replace(fence, '').match(/`[^`\n]+`/g) ?? [];
  return { page, code: [...(text.match(fence) ?? []), ...spans].join('\n') };
});
const allCode = codes.map(({ code }) => code).join('\n');

/** Lines about other programs, which have options of their own. */
const ofOthers = /\b(git|npm|npx|redis-cli|redis-server|docker|node)\s|bin\/setup|--(memkeys|no-redis)\b/;

const program: CommandUnknownOpts = buildProgram(
  { stdout: new PassThrough(), stderr: new PassThrough(), variables: {} } as unknown as Io,
  () => Promise.resolve(),
);

/** `[command, --option]` for each long option, the program's own ones under `cachectl`; --help is every command's. */
function optionsOf(command: CommandUnknownOpts): (readonly [string, string])[] {
  return [
    ...command.options.flatMap(({ long }) => (long ? [[command.name(), long] as const] : [])),
    ...command.commands.flatMap(optionsOf),
  ];
}
const options = optionsOf(program);
const known = new Set(options.map(([, long]) => long));

describe('the documents', () => {
  test.each(options)('mention the option of %s: %s', (_command, long) => {
    expect(new RegExp(`${long}(?![a-z-])`).test(allCode), `${long} is in no page`).toBe(true);
  });

  test.each(codes)('of $page name no option that no command has', ({ code }) => {
    const others = code
      .split('\n')
      .filter((line) => !ofOthers.test(line))
      .flatMap((line) => line.match(/(?<![\w-])--[a-z][a-z0-9-]*/g) ?? []);
    expect([...new Set(others)].filter((long) => !known.has(long) && long !== '--help')).toEqual([]);
  });
});
