import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Measured {
  readonly seconds: number;
  /** Peak resident memory of the process, from the kernel's own high-water mark. */
  readonly peakBytes: number;
  readonly exitCode: number | null;
}

/** Runs a command to its end with its output thrown away, and measures the whole process. */
export async function measure(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Measured> {
  const { output: _, ...measured } = await run(command, args, env, 'ignore');
  return measured;
}

/** The same, and what it wrote to stdout. */
export function measureWithOutput(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Measured & { readonly output: string }> {
  return run(command, args, env, 'pipe');
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdout: 'ignore' | 'pipe',
): Promise<Measured & { output: string }> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', stdout, 'inherit'], env });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    let peakBytes = 0;
    let seconds = 0;
    const poll = setInterval(() => (peakBytes = Math.max(peakBytes, highWaterMark(child.pid))), 25);
    child.on('error', (error) => {
      clearInterval(poll);
      reject(error);
    });
    child.on('exit', () => {
      clearInterval(poll);
      seconds = (performance.now() - startedAt) / 1000;
    });
    child.on('close', (exitCode) =>
      resolve({ seconds, peakBytes, exitCode, output: Buffer.concat(chunks).toString('utf8') }),
    );
  });
}

function highWaterMark(pid: number | undefined): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    // The process has just ended, or this is no Linux.
    return 0;
  }
}

/** The memory of a process is looked at every 25 ms: a shorter run leaves nothing. @returns MB */
export function peakText(runs: readonly Pick<Measured, 'peakBytes'>[]): string {
  const peakBytes = Math.max(...runs.map((each) => each.peakBytes));
  return peakBytes === 0 ? '–' : (peakBytes / 1e6).toFixed(0);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** One line of text on stdout; these programs print for people. */
export function say(line: string): void {
  process.stdout.write(line + '\n');
}
