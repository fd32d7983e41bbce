import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { until } from './until.ts';

export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
export const binary = join(packageRoot, 'bin', 'cachectl');

export interface BinaryOptions {
  /** Added to an environment that holds nothing but PATH, an empty HOME and a UTF-8 locale. */
  readonly env?: Readonly<Record<string, string>>;
  /** What stdin gives; without it stdin is empty. */
  readonly input?: string | Uint8Array;
  /** Default: an empty folder. */
  readonly cwd?: string;
  /** After this time the program is killed, and the run fails. Default: 30 s. */
  readonly timeoutMillis?: number;
}

export interface BinaryOutcome {
  readonly exitCode: number | null;
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `bin/cachectl` to its end. */
export function runBinary(args: readonly string[], options: BinaryOptions = {}): Promise<BinaryOutcome> {
  const { child, outcome } = startBinary(args, options);
  child.stdin.end(options.input ?? '');
  return outcome;
}

export interface RunningBinary {
  /** For signals, and for streams that are read or closed at a moment of the test's choice. */
  readonly child: ChildProcessWithoutNullStreams;
  readonly outcome: Promise<BinaryOutcome>;
}

/** Starts the built `bin/cachectl`, with an open pipe for stdin. @throws Error when the bundle could not be built */
export function startBinary(args: readonly string[], options: BinaryOptions = {}): RunningBinary {
  requireBundle();
  const home = mkdtempSync(join(tmpdir(), 'cachectl-home-'));
  const child = spawn(process.execPath, [binary, ...args], {
    cwd: options.cwd ?? home,
    env: cleanEnvironment(home, options.env),
  });
  // A program that ends without reading its input breaks the pipe; that is no fault of the test.
  child.stdin.on('error', () => undefined);
  return {
    child,
    outcome: collect(child, args, options.timeoutMillis ?? 30_000).finally(() =>
      rmSync(home, { recursive: true, force: true }),
    ),
  };
}

/** An environment in which the program writes a line to stderr for each Ctrl-C that reaches it. */
export const reportsInterrupts = {
  NODE_OPTIONS: `--import=data:text/javascript,process.on('SIGINT',()=>process._rawDebug('interrupted'))`,
};

/**
 * Sends Ctrl-C to a program started with `reportsInterrupts` that cannot end, waits until it was handled, and sends
 * another: the system makes one of two that wait.
 */
export async function interruptTwice({ child, outcome }: RunningBinary): Promise<BinaryOutcome> {
  let isInterrupted = false;
  child.stderr.on('data', (chunk: Buffer) => (isInterrupted ||= chunk.includes('interrupted')));
  child.kill('SIGINT');
  await until('the program has received Ctrl-C', () => isInterrupted || child.exitCode !== null);
  child.kill('SIGINT');
  return outcome;
}

/** Nothing of the environment of the person who runs the tests reaches the program but the way to its tools. */
export function cleanEnvironment(
  home: string,
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: tmpdir(), LANG: 'C.UTF-8', ...added };
}

/** @throws Error when the bundle could not be built */
export function requireBundle(): void {
  const failure = inject('buildFailure');
  if (failure !== null) throw new Error(`the bundle could not be built:\n${failure}`);
}

function collect(
  child: ChildProcessWithoutNullStreams,
  args: readonly string[],
  timeoutMillis: number,
): Promise<BinaryOutcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMillis);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer);
      const outcome = {
        exitCode,
        signal,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      };
      if (!late) resolve(outcome);
      else
        reject(
          new Error(
            `\`cachectl ${args.join(' ')}\` was still running after ${timeoutMillis} ms\n${outcome.stdout}${outcome.stderr}`,
          ),
        );
    });
  });
}
