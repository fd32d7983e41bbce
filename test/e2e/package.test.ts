import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { helpTopics } from '../../src/commands/help/topics.ts';
import { cleanEnvironment, packageRoot, requireBundle } from '../server/binary.ts';
import { isLong } from '../server/effort.ts';
import { temporaryFolder } from '../server/own.ts';
import { runTerminal } from '../server/terminal.ts';
import { requireTool } from '../server/tools.ts';

const folder = temporaryFolder();
const prefix = join(folder, 'prefix');
const installed = join(prefix, 'lib', 'node_modules', 'cachectl');

/** Neither the repository nor the tools of its node_modules, which `npm test` puts there; this Node may be one of them. */
const path = [
  join(prefix, 'bin'),
  dirname(process.execPath),
  ...(process.env['PATH'] ?? '').split(delimiter).filter((each) => !each.startsWith(packageRoot)),
].join(delimiter);
const env = cleanEnvironment(folder, { PATH: path, TERM: 'screen' });

const outcomeOf = (program: string, args: readonly string[], cwd = folder) =>
  promisify(execFile)(program, args, { cwd, env, timeout: 300_000 });

/** What a program prints. @throws where it fails */
const run = async (program: string, args: readonly string[], cwd = folder) =>
  (await outcomeOf(program, args, cwd)).stdout;

const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'];

/** Packs a folder. @returns the archive */
async function pack(root: string, ...options: readonly string[]): Promise<string> {
  const printed = await run('npm', ['pack', '--json', '--pack-destination', folder, ...options], root);
  const [{ filename } = { filename: '' }] = JSON.parse(printed) as { filename: string }[];
  return join(folder, filename);
}

const install = (archive: string) =>
  run('npm', ['install', '--global', '--prefix', prefix, '--offline', ...quietly, archive]);

beforeAll(async () => {
  requireBundle();
  await install(await pack(packageRoot, ...quietly));
}, 300_000);

describe('the package', () => {
  test('has the licenses, the changelog, and nothing of the sources', () => {
    expect(readdirSync(installed).sort()).toEqual([
      ...['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md'],
      ...['bin', 'completions', 'dist', 'docs', 'examples', 'man', 'package.json', 'schema'],
    ]);
    expect(readdirSync(join(installed, 'bin')).sort()).toEqual(['cachectl', 'package.json']);
    expect(readdirSync(join(installed, 'dist'))).toContain('LICENSES.txt');
  });

  test('has every file that its pages link to', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    const missing = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((page) =>
        [...readFileSync(join(installed, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
          .map(([, link = '']) => normalize(join(dirname(page), link)).replace(/\/$/, ''))
          .filter((file) => !files.includes(file))
          .map((file) => `${page}: ${file}`),
      );
    expect(missing).toEqual([]);
  });

  test('has a manual page for each command and topic, which npm puts where man looks', async () => {
    const help = await run('cachectl', ['--help']);
    const pages = readdirSync(join(prefix, 'share', 'man'), { recursive: true, encoding: 'utf8' });
    const listed = help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z][a-z-]*)(?: .*?)? {2,}\S/gm);
    for (const [, name = ''] of listed)
      if (name !== 'help') expect(pages.join()).toMatch(new RegExp(`/cachectl-${name}\\.[17]`));
    expect(pages).toContain('man1/cachectl-config-init.1');
    expect(pages.filter((page) => page.endsWith('.7'))).toHaveLength(helpTopics.length);
  });

  test('has manual pages that are rendered without a warning', async ({ skip }) => {
    const pages = readdirSync(join(installed, 'man')).map((page) => join(installed, 'man', page));
    const rendered = await outcomeOf('groff', ['-man', '-ww', '-z', '-Tutf8', ...pages]).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') skip('`groff` is not installed');
        throw error;
      },
    );
    expect(rendered).toEqual({ stdout: '', stderr: '' });
  });

  test('runs from anywhere, with the map that it finds there', async () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    const below = join(folder, 'project', 'src');
    mkdirSync(below, { recursive: true });
    const map = { namespaces: { profile: { pattern: 'user:<id>:profile' } } };
    writeFileSync(join(below, '..', 'cachectl.config.json'), JSON.stringify(map));
    expect(await run('cachectl', ['--version'], below)).toBe(`${version}\n`);
    expect(await run('cachectl', ['complete', '--', 'keys', '--namespace', ''], below)).toBe(
      'word\tprofile\tuser:<id>:profile\n',
    );
  });

  test('starts a sandbox with what it brings', async () => {
    requireTool('redis-server');
    const printed = await run('cachectl', ['sandbox', '--keys', '300', '--', 'stats', '-o', 'json']);
    const { namespaces } = JSON.parse(printed) as { namespaces: object[] };
    expect(namespaces.length).toBeGreaterThan(2);
  });

  test.runIf(isLong)('gives the tour', async () => {
    requireTool('redis-server');
    expect(await run('cachectl', ['sandbox', '--tour'])).toContain('cachectl invalidate');
  });

  test.runIf(isLong)('is built by `npm pack` in a fresh clone, and runs by npx', async () => {
    const clone = join(folder, 'clone');
    await run('git', ['clone', '--quiet', packageRoot, clone]);
    await run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'], clone);
    const archive = await pack(clone);
    expect(await run('npx', ['--yes', '--offline', `--package=${archive}`, 'cachectl', '--version'])).toMatch(
      /^\d+\.\d+\.\d+\n$/,
    );
  });
});

describe('the installed program completes', () => {
  test.each([
    ['bash', ['--norc', '-i'], 'source <(cachectl completion bash)'],
    ['zsh', ['-f', '-i'], 'autoload -U compinit && compinit -u -D; source <(cachectl completion zsh)'],
    ['fish', ['--no-config', '-i'], 'cachectl completion fish | source'],
  ])('in %s', async (shell, args, setup) => {
    const terminal = await runTerminal([requireTool(shell), ...args], { columns: 120, cwd: folder, env });
    try {
      await terminal.waitFor(/[$%>#]/);
      await terminal.send(`${setup}; clear; echo read""y`, 'Enter');
      await terminal.waitFor(/^ready$/m);
      await terminal.send('cachectl insp', 'Tab');
      await terminal.waitFor(/cachectl inspect$/m);
    } finally {
      await terminal.close();
    }
  });
});
