import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { binary, cleanEnvironment, packageRoot, requireBundle } from '../server/binary.ts';
import { temporaryFolder } from '../server/own.ts';
import { testUrl } from '../server/redis.ts';

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default: string }>>;
  readonly runs: {
    readonly steps: readonly {
      readonly shell: string;
      readonly env: Readonly<Record<string, string>>;
      readonly run: string;
    }[];
  };
}

const text = readFileSync(join(packageRoot, 'action.yml'), 'utf8');
const { inputs, runs } = parse(text) as Action;

/** Runs the step that checks as a runner does: bash, with the inputs in its environment. */
function check(given: Readonly<Record<string, string>>) {
  requireBundle();
  const home = temporaryFolder();
  const programs = join(home, 'bin');
  mkdirSync(programs);
  symlinkSync(binary, join(programs, 'cachectl'));
  symlinkSync(process.execPath, join(programs, 'node'));
  const { shell = '', env = {}, run = '' } = runs.steps.at(-1) ?? {};
  const values = Object.entries(env).map(([name, value]) => [
    name,
    value.replace(
      /\$\{\{ inputs\.(\w+) \}\}/g,
      (_, input: string) => given[input] ?? inputs[input]?.default ?? '',
    ),
  ]);
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(
      shell,
      ['--noprofile', '--norc', '-eo', 'pipefail', '-c', run],
      {
        cwd: home,
        env: cleanEnvironment(home, {
          ...(Object.fromEntries(values) as Record<string, string>),
          PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}`,
        }),
      },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

test('the action uses the inputs that it declares, and programs that are there', () => {
  const used = [...text.matchAll(/\$\{\{ inputs\.(\w+) \}\}/g)].map(([, name]) => name);
  expect(used.sort()).toEqual(Object.keys(inputs).sort());
  const named = [...text.matchAll(/\$GITHUB_ACTION_PATH\/([\w/]+)/g)].map(([, path = '']) => path);
  expect(named.filter((path) => !existsSync(join(packageRoot, path)))).toEqual([]);
});

test('the step of the action that checks gives annotations, and fails where a check does', async () => {
  const fine = await check({ url: testUrl(), checks: 'connect,round-trip' });
  expect(fine).toMatchObject({ code: 0, stderr: '' });
  const missed = await check({ url: testUrl(), args: '--only latency\n--max-ping 1us --no-write' });
  expect(missed.code).toBe(1);
  expect(missed.stdout).toMatch(/^::error /m);
  expect((await check({ url: 'redis://127.0.0.1:1' })).code).toBe(3);
});

test('the Dockerfile copies files that are there', () => {
  const copied = readFileSync(join(packageRoot, 'Dockerfile'), 'utf8').matchAll(/^COPY (?!--)(.*) \S+$/gm);
  const missing = [...copied]
    .flatMap(([, files = '']) => files.split(' '))
    .filter((file) => !existsSync(join(packageRoot, file)));
  expect(missing).toEqual([]);
});
