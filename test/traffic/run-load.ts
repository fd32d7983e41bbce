import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundled } from '../server/program.ts';
import { begunLine, type Load } from './load-kinds.ts';
import type { LoadTruth } from './truth.ts';

const program = fileURLToPath(new URL('load.ts', import.meta.url));

export interface RunningLoad {
  /** Its traffic has begun. */
  readonly begun: Promise<void>;
  /** What it did in the end. @throws Error with what it said when it fails */
  readonly truth: Promise<LoadTruth>;
  /** Lets a steady load end now; another one runs to its end. */
  stop(): Promise<LoadTruth>;
}

/** Starts a load in a process of its own. */
export async function startLoad(load: Load): Promise<RunningLoad> {
  const child = spawn(process.execPath, [await bundled(program), JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  const begun = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr.push(chunk);
      if (chunk.includes(begunLine)) resolve();
    });
  });
  const truth = new Promise<LoadTruth>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      if (exitCode === 0) resolve(JSON.parse(Buffer.concat(stdout).toString()) as LoadTruth);
      else reject(new Error(`the load failed: ${Buffer.concat(stderr).toString()}`));
    });
  });
  truth.catch(() => undefined);
  return {
    begun: Promise.race([begun, truth.then(() => undefined)]),
    truth,
    stop: () => {
      child.kill('SIGTERM');
      return truth;
    },
  };
}

/** Runs a load to its end. @throws Error with what it said when it fails */
export const runLoad = async (load: Load): Promise<LoadTruth> => (await startLoad(load)).truth;
