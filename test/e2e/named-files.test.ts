import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BinaryOptions, startBinary } from '../server/binary.ts';
import { testUrl } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { temporaryFolder } from '../server/own.ts';

const folder = temporaryFolder();
let pipe: string;
let options: BinaryOptions;
beforeAll(() => {
  pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe, join(folder, 'out')]);
  options = { cwd: folder, env: { REDIS_URL: testUrl() } };
  writeFileSync(join(folder, 'template.json'), '[]');
});

const hasOpen = (pid: number, path: string) =>
  readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === path;
    } catch {
      // Closed since it was listed.
      return false;
    }
  });

/** SIGTERM is caught: the program has begun. */
const catches = (pid: number) => {
  const [, caught = '0'] = /^SigCgt:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number.parseInt(caught.slice(-8), 16) & (1 << 14)) !== 0;
};

/** Waits until the process has begun, and computes no longer: it waits for something then. */
async function rests(pid: number): Promise<void> {
  // Ticks of the processor, 100 a second, behind the name of the program, which is in parentheses.
  const ticks = () =>
    sum(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? []);
  for (let [before, same] = [ticks(), 0]; same < 6 || !catches(pid);) {
    await sleep(50);
    const now = ticks();
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

const sum = (values: readonly number[]) => values.reduce((left, value) => left + value, 0);

/** Starts the program, and sends it one signal once it waits for the pipe; where it reads stdin, once it has read some of it. */
async function interruptReading(args: readonly string[], signal: NodeJS.Signals) {
  const { child, outcome } = startBinary(args, options);
  if (args.includes('-')) {
    // More than a pipe holds, so that it is written when it is read.
    const written = new Promise((resolve) => child.stdin.write('1\n'.repeat(1_000_000), resolve));
    await Promise.race([written, once(child, 'exit')]);
  } else {
    const pid = child.pid ?? 0;
    await until('the pipe is opened', () => child.exitCode !== null || hasOpen(pid, pipe));
  }
  child.kill(signal);
  return outcome;
}

describe.runIf(process.platform === 'linux')('a file that is a pipe without a writer', () => {
  test.each([
    'apply pipe --yes',
    'bench ping --baseline pipe',
    'config trust pipe',
    'config validate pipe',
    'diff pipe',
    'hits --compare pipe',
    'inspect --resume pipe',
    'inspect --since pipe',
    'invalidate user --ids-from - --yes',
    'invalidate user --ids-from pipe --yes',
    'stats --config pipe',
    'stats --password-file pipe',
    'stats --tls-ca pipe',
    'undo pipe --yes',
    'warm -',
    'warm pipe',
    'warm --template template.json --entity user --ids-from pipe',
  ])('is not waited for after one SIGTERM: %s', async (line) => {
    const { exitCode, signal, stderr } = await interruptReading(line.split(' '), 'SIGTERM');
    expect({ exitCode, signal }, stderr).toEqual({ exitCode: 143, signal: null });
    expect(stderr).toMatch(/^error: interrupted /);
  });

  test.each([
    'export * --to out --form ndjson',
    'hits --for 100ms --mode counters --record out',
    'invalidate --pattern named:* --plan-out out',
  ])('that has no reader either is not waited for after one SIGTERM: %s', async (line) => {
    const { child, outcome } = startBinary(line.split(' '), options);
    await rests(child.pid ?? 0);
    child.kill('SIGTERM');
    const { exitCode, signal, stderr } = await outcome;
    expect({ exitCode, signal }, stderr).toEqual({ exitCode: 143, signal: null });
    expect(stderr).toMatch(/interrupted by SIGTERM/);
  });

  test.each([
    ['SIGINT', 130, 'Ctrl-C'],
    ['SIGHUP', 129, 'SIGHUP (the terminal was closed)'],
  ] as const)('is not waited for after one %s', async (name, code, by) => {
    const { exitCode, stdout, stderr } = await interruptReading(
      ['stats', '--config', 'pipe', '-o', 'json'],
      name,
    );
    expect({ exitCode, stderr }).toEqual({
      exitCode: code,
      stderr: `error: interrupted by ${by}: there is no result\n`,
    });
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { kind: 'interrupted', code: name } });
  });
});

test('a pipe whose writer comes late, and writes in parts, is read to its end', async () => {
  const { child, outcome } = startBinary(['config', 'show', '--config', 'pipe', '-o', 'json'], {
    cwd: folder,
  });
  const parts = `printf '{"namespaces": '; sleep 0.2; printf '{"a": {"pattern": "a:*"}}}'`;
  spawn('sh', ['-c', `sleep 0.2; { ${parts}; } > pipe`], { cwd: folder });
  child.stdin.end();
  const { exitCode, stdout, stderr } = await outcome;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ namespaces: [{ name: 'a', patterns: ['a:*'] }] });
});
