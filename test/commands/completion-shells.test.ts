import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot, requireBundle } from '../server/binary.ts';
import { runTerminal, type Terminal } from '../server/terminal.ts';
import { requireTool } from '../server/tools.ts';
import { temporaryFolder } from '../server/own.ts';

type Shell = 'bash' | 'zsh' | 'fish';

const script = (shell: Shell) => join(packageRoot, 'completions', `cachectl.${shell}`);

/** A folder with a map, a file and a folder in it, and in `functions` the script under the name that zsh loads it by. */
function workingFolder(): string {
  const folder = temporaryFolder();
  const map = {
    profiles: { prod: { url: 'redis://x' }, staging: { url: 'redis://y' } },
    namespaces: {
      'user-profile': { pattern: 'u' },
      'odd name': { pattern: 'o' },
      'api:v1': { pattern: 'a' },
    },
    entities: { user: { patterns: ['user:<id>'] }, scenario: { patterns: ['scenario:<id>'] } },
  };
  writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));
  mkdirSync(join(folder, 'functions'));
  writeFileSync(join(folder, 'functions', '_cachectl'), readFileSync(script('zsh')));
  return folder;
}

/** How each shell starts without a person's own settings, and loads the script as its help says. */
const starts: Readonly<Record<Shell, (folder: string) => { command: string[]; setup: string[] }>> = {
  bash: () => ({
    command: ['--norc', '-i'],
    setup: ["PS1='> '", "bind 'set show-all-if-ambiguous on'", `source ${script('bash')}`],
  }),
  zsh: (folder) => ({
    command: ['-f', '-i'],
    setup: [
      "PS1='> '",
      `fpath=(${folder}/functions $fpath)`,
      `autoload -U compinit && compinit -u -d ${folder}/dump`,
    ],
  }),
  fish: () => ({
    command: ['--no-config', '-i'],
    setup: ["function fish_prompt; echo -n '> '; end", `source ${script('fish')}`],
  }),
};

const folder = workingFolder();
const open = new Map<Shell, Promise<Terminal>>();

afterAll(async () => {
  for (const terminal of open.values()) await (await terminal).close();
});

async function start(shell: Shell, path: string): Promise<Terminal> {
  const { command, setup } = starts[shell](folder);
  const terminal = await runTerminal([path, ...command], {
    columns: 120,
    cwd: folder,
    env: { PATH: `${packageRoot}/bin:${process.env['PATH'] ?? ''}`, TERM: 'screen' },
  });
  await terminal.waitFor(/[$%>#]/);
  for (const line of [...setup, 'echo read""y']) await terminal.send(line, 'Enter');
  await terminal.waitFor(/^ready$/m);
  return terminal;
}

/** Types the line and TAB, and returns the screen once the text is there. */
async function completed(shell: Shell, line: string, expected: RegExp): Promise<string> {
  requireBundle();
  const path = requireTool(shell);
  requireTool('tmux');
  const starting = open.get(shell) ?? start(shell, path);
  open.set(shell, starting);
  const terminal = await starting;
  await terminal.send('C-c');
  await terminal.send('clear', 'Enter');
  await terminal.waitFor(/^> $|^>$/m);
  await terminal.send(line, 'Tab');
  return terminal.waitFor(expected);
}

describe.each<Shell>(['bash', 'zsh', 'fish'])('in a real %s, TAB completes', (shell) => {
  test.each([
    ['a command', 'cachectl insp', /^> cachectl inspect$/m],
    ['a subcommand', 'cachectl config val', /^> cachectl config validate$/m],
    ['an option', 'cachectl inspect --dep', /^> cachectl inspect --depth$/m],
    ['the value of a global option', 'cachectl inspect --output nd', /^> cachectl inspect --output ndjson$/m],
    ['a value behind =', 'cachectl --output=nd', /^> cachectl --output=ndjson$/m],
    ['an entity of the map', 'cachectl invalidate sc', /^> cachectl invalidate scenario$/m],
    ['a profile of the map', 'cachectl stats -p st', /^> cachectl stats -p staging$/m],
    ['a namespace of the map', 'cachectl keys --namespace us', /^> cachectl keys --namespace user-profile$/m],
    [
      'a name with a blank in it',
      'cachectl keys --namespace od',
      /^> cachectl keys --namespace odd\\ name$/m,
    ],
    ['a name with a colon in it', 'cachectl keys --namespace api:', /^> cachectl keys --namespace api:v1$/m],
    [
      'behind a quoted pattern',
      "cachectl keys 'user:<id>' --namespace us",
      /^> cachectl keys 'user:<id>' --namespace user-profile$/m,
    ],
    ['a file', 'cachectl -c cach', /^> cachectl -c cachectl\.config\.json$/m],
  ])('%s', async (_what, line, expected) => {
    expect(await completed(shell, line, expected)).toMatch(expected);
  });

  test('the entities, all at once', async () => {
    const screen = await completed(shell, 'cachectl invalidate ', /scenario/);
    expect(screen).toMatch(/\buser\b/);
  });

  test('without running what has been typed', async () => {
    await completed(shell, "cachectl keys '$(touch owned)' --namespace us", /--namespace user-profile$/m);
    await completed(shell, 'cachectl keys "`touch owned`" --namespace us', /--namespace user-profile$/m);
    expect(existsSync(join(folder, 'owned'))).toBe(false);
  });
});
