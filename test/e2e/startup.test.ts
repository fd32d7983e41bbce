import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { packageRoot, runBinary } from '../server/binary.ts';
import { temporaryFolder } from '../server/own.ts';

/** Texts that stand in a library and nowhere else. */
const marks = {
  ioredis: 'Command queue state error',
  inquirer: 'User force closed the prompt',
  ora: 'cli-spinners',
  zod: 'ZodError',
  chalk: 'ansi256',
  'cli-table3': 'bottom-mid',
};

const chunksWith = (mark: string): string[] =>
  readdirSync(join(packageRoot, 'dist', 'chunks')).filter((name) =>
    readFileSync(join(packageRoot, 'dist', 'chunks', name), 'utf8').includes(mark),
  );

/** Runs the program, and gives the names of its files that were loaded, as V8 reports them. */
async function loadedBy(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  const outcome = await runBinary(args, { env: { NODE_V8_COVERAGE: folder, ...env } });
  const scripts = readdirSync(folder).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: { url: string }[] };
    return result.map(({ url }) => basename(url));
  });
  return { ...outcome, scripts };
}

/** Counts whoever connects. */
async function listener(): Promise<{ readonly url: string; readonly visits: () => number }> {
  let visits = 0;
  const server = createServer((socket) => {
    visits++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return { url: `redis://127.0.0.1:${port}`, visits: () => visits };
}

describe.each([
  ['--version', ['--version'], 0],
  ['--help', ['--help'], 0],
  ['help of a command', ['help', 'inspect'], 0],
  ['no argument', [], 0],
  ['a flag that does not exist', ['stats', '--nope'], 2],
  ['a value that cannot be', ['inspect', '--depth', 'deep'], 2],
])('%s', (_what, args, exitCode) => {
  test('opens no connection, and loads neither the prompts nor the validator, and the client for no help', async () => {
    const { url, visits } = await listener();
    const outcome = await loadedBy(args, { REDIS_URL: url });
    expect(outcome.exitCode, outcome.stderr).toBe(exitCode);
    expect(visits()).toBe(0);
    expect(outcome.scripts).toContain('main.cjs');
    for (const [library, mark] of Object.entries(marks)) {
      // To say what is wrong in JSON takes the fields of the command, and so its code.
      if (library === 'ioredis' && exitCode === 2) continue;
      const chunks = chunksWith(mark);
      expect(chunks.length, library).toBeGreaterThan(0);
      expect(
        outcome.scripts.filter((script) => chunks.includes(script)),
        library,
      ).toEqual([]);
    }
  });
});

test.each([[['--help']], [['-h']], [['inspect', '--help']], [['config', 'init', '-h']]])(
  '%j loads what describes commands, and nothing that runs them',
  async (args) => {
    const { exitCode, scripts } = await loadedBy(args);
    expect(exitCode).toBe(0);
    expect(scripts.filter((script) => /^execute-|^help-request-/.test(script))).toEqual([]);
  },
);

test('a command that asks a server loads the client, and no more than it needs', async () => {
  const { url, visits } = await listener();
  const { exitCode, scripts } = await loadedBy(['stats', '-o', 'json'], { REDIS_URL: url });
  expect(exitCode).toBe(3);
  expect(visits()).toBeGreaterThan(0);
  expect(chunksWith(marks.ioredis).some((chunk) => scripts.includes(chunk))).toBe(true);
  for (const library of ['inquirer', 'ora', 'zod', 'chalk', 'cli-table3'] as const)
    expect(
      chunksWith(marks[library]).filter((chunk) => scripts.includes(chunk)),
      library,
    ).toEqual([]);
});

/** A text of a library that one command alone needs. */
const marksOfOne = {
  mcp: 'notifications/initialized',
  metrics: 'Invalid metric name',
  report: 'squarify',
};

test('the SDK of the protocol, the registry of metrics and the layout of treemaps are loaded by who needs them', async () => {
  const { url } = await listener();
  const chunksOf = Object.entries(marksOfOne).map(([owner, mark]) => [owner, chunksWith(mark)] as const);
  for (const command of ['stats', 'check', 'doctor', 'help mcp', ...Object.keys(marksOfOne)]) {
    const { scripts } = await loadedBy(command.split(' '), { REDIS_URL: url });
    for (const [owner, chunks] of chunksOf) {
      const loaded = scripts.filter((script) => chunks.includes(script));
      expect(loaded.length > 0, `${owner}, by ${command}`).toBe(command === owner);
    }
  }
});

test('the program reads a map, with all that the parser of it needs', async () => {
  const map = join(packageRoot, 'examples/education/cachectl.config.json');
  const outcome = await runBinary(['--config', map, 'config', 'validate']);
  expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(await runBinary(['--version'])).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

test('--help goes to stdout, lists the commands and the exit codes', async () => {
  const { exitCode, stdout, stderr } = await runBinary(['--help']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const text of ['stats', 'inspect', 'keys', 'get', 'ttl', 'Exit codes:', '130', '--password-file'])
    expect(stdout).toContain(text);
});

test.each([['stats'], ['inspect'], ['keys'], ['get'], ['ttl']])(
  'the help of %s has examples that its own options allow',
  async (command) => {
    const { stdout, exitCode } = await runBinary([command, '--help']);
    expect(exitCode).toBe(0);
    const options = new Set(stdout.match(/(?<=^ {2}(?:-\w, )?)--[a-z-]+/gm));
    const examples = stdout.split('Examples:')[1]?.match(/\$ cachectl .*?(?= {3}|$)/gm) ?? [];
    expect(examples.length).toBeGreaterThan(0);
    const global = new Set(['--output']);
    for (const example of examples)
      for (const flag of example.match(/(?<= )--[a-z-]+/g) ?? []) {
        const positive = flag.replace('--no-', '--');
        expect(options.has(flag) || options.has(positive) || global.has(flag), `${example}: ${flag}`).toBe(
          true,
        );
      }
  },
);

test('an unknown command names the nearest one, and exits 2', async () => {
  const { exitCode, stdout, stderr } = await runBinary(['inspct']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^error: unknown command 'inspct'\n\(Did you mean inspect\?\)\nhint: /);
});
