import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { binary, cleanEnvironment, packageRoot, runBinary, startBinary } from './binary.ts';
import { runBinaryInTerminal } from './terminal.ts';
import { temporaryFolder } from './own.ts';

describe('the built program', () => {
  test('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(await runBinary(['--version'])).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('prints the same help in a terminal', async () => {
    const terminal = await runBinaryInTerminal(['--help'], { columns: 100, rows: 200 });
    onTestFinished(() => terminal.close());
    expect(await terminal.waitFor(/Usage: cachectl/)).toContain('--url <url>');
    expect(await terminal.exitCode()).toBe(0);
  });
});

describe('a run of the program', () => {
  afterEach(() => {
    delete process.env['REDIS_URL'];
    delete process.env['NO_COLOR'];
  });

  test('knows nothing of the environment of the person who runs the tests', () => {
    process.env['REDIS_URL'] = 'redis://elsewhere';
    process.env['NO_COLOR'] = '1';
    const environment = cleanEnvironment('/home/nobody', { CI: 'true' });
    expect(Object.keys(environment).sort()).toEqual(['CI', 'HOME', 'LANG', 'PATH', 'TMPDIR']);
  });

  test('that does not end is killed, and says so', async () => {
    const { child, outcome } = startBinary(['--version'], { timeoutMillis: 1 });
    child.stdin.end();
    await expect(outcome).rejects.toThrow('`cachectl --version` was still running after 1 ms');
  });
});

describe('bin/cachectl', () => {
  /** A package with the program and this text for a bundle. */
  function makePackage(bundle: string | null): string {
    const root = temporaryFolder();
    mkdirSync(join(root, 'bin'));
    mkdirSync(join(root, 'dist'));
    for (const name of ['cachectl', 'package.json'])
      copyFileSync(join(dirname(binary), name), join(root, 'bin', name));
    writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
    if (bundle !== null) writeFileSync(join(root, 'dist', 'main.cjs'), bundle);
    return root;
  }

  function start(root: string, ...nodeOptions: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...nodeOptions, join(root, 'bin', 'cachectl')],
      { encoding: 'utf8' },
    );
    return { status, stdout, stderr };
  }

  test('runs the bundle', () => {
    expect(start(makePackage('process.stdout.write("runs"); process.exitCode = 4'))).toEqual({
      status: 4,
      stdout: 'runs',
      stderr: '',
    });
  });

  test('that was not built yet says what to run', () => {
    expect(start(makePackage(null))).toEqual({
      status: 2,
      stdout: '',
      stderr: 'cachectl: not built yet\nhint: run bin/setup\n',
    });
  });

  test('does not blame the build for a failure inside the bundle', () => {
    expect(start(makePackage('require("./gone.js")')).stderr).toContain('gone.js');
    expect(start(makePackage('throw new Error("broken inside")')).stderr).toContain('broken inside');
  });

  test('refuses a Node that is too old', () => {
    const root = makePackage('process.stdout.write("runs")');
    const disguise = (version: string) => {
      const file = join(root, `node-${version}.cjs`);
      writeFileSync(
        file,
        `Object.defineProperty(process.versions, 'node', { value: '${version}' }); Object.defineProperty(process, 'version', { value: 'v${version}' });`,
      );
      return start(root, '--require', file);
    };
    expect(disguise('20.19.5')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'cachectl: Node 20.20 or newer is needed, and this is v20.19.5\n',
    });
    expect(disguise('18.20.0').status).toBe(2);
    expect(disguise('20.20.0').stdout).toBe('runs');
    expect(disguise('22.1.0').stdout).toBe('runs');
  });
});

describe('bin/setup', () => {
  const setup = join(packageRoot, 'bin', 'setup');
  const run = (args: readonly string[], path: string) =>
    spawnSync('/bin/sh', [setup, ...args], { encoding: 'utf8', input: '', env: { PATH: path } });

  /** A folder of programs, each of which is a line of shell. */
  function makePrograms(programs: Readonly<Record<string, string>>): string {
    const folder = temporaryFolder();
    for (const [name, line] of Object.entries(programs))
      writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
    return folder;
  }

  test('prints its help, and refuses an option it does not know', () => {
    expect(execFileSync('/bin/sh', [setup, '--help'], { encoding: 'utf8' })).toContain('--no-redis');
    expect(run(['--frobnicate'], process.env['PATH'] ?? '')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('`--frobnicate`') as string,
    });
  });

  test('refuses a Node that is too old', () => {
    const programs = makePrograms({ node: 'echo v20.9.0' });
    const outcome = run([], `${programs}:${process.env['PATH'] ?? ''}`);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain(
      `Node 20.20 or newer is needed, and \`${join(programs, 'node')}\` is 20.9.0`,
    );
  });

  test('without any Redis and any way to install one tells the ways out', () => {
    const tools = Object.fromEntries(
      ['dirname', 'id', 'mktemp', 'rm', 'cat', 'date', 'tail', 'sed'].map((name) => [
        name,
        `PATH=/usr/bin:/bin exec ${name} "$@"`,
      ]),
    );
    const node = 'if [ "$1" = --version ]; then echo v20.20.2; else exit 1; fi';
    const outcome = run([], makePrograms({ ...tools, node, npm: 'exit 9' }));
    expect(outcome.status).toBe(1);
    const output = outcome.stdout + outcome.stderr;
    expect(output).toContain('cannot install a Redis server: found none of apt-get, dnf, apk and brew');
    // With Docker the tests have a Redis all the same.
    expect(output).toContain(
      existsSync('/var/run/docker.sock') ? 'the tests will start a container' : 'CACHECTL_TEST_REDIS_URL=',
    );
  });
});
