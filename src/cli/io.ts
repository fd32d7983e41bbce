import { delimiter, dirname, isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../commands/exit-codes.ts';

/** A stream that results or messages go to. */
export interface Output {
  write(text: string | Buffer, callback?: (error?: Error | null) => void): boolean;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  off(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** All that a run of the program knows of its process; tests hand in their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly packageRoot: string;
  /** What runs the program again from here: `cachectl`, or its path where that is not on PATH. */
  readonly program: string;
  readonly now: () => number;
  readonly random: () => number;
  /** Aborted with `Interruption` as its reason. */
  readonly signal: AbortSignal;
}

/** Why a run was told to stop: a signal, a reader of stdout that went away, or a disk that is full (`EWRITE`). */
export type Interruption = InterruptingSignal | 'EPIPE' | 'EWRITE';
export type InterruptingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * The process as it is, with its signals turned into one AbortSignal. A second Ctrl-C or SIGTERM ends the process at once. A
 * terminal that goes away sends SIGHUP more than once (the shell does, and the system), so that a second one does not.
 */
export function processIo(): Io {
  const controller = new AbortController();
  let interrupted = false;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interrupted) {
        process.removeAllListeners(name);
        process.kill(process.pid, name);
      }
      interrupted = true;
      controller.abort(name satisfies Interruption);
    });
  }
  process.on('SIGHUP', () => controller.abort('SIGHUP' satisfies Interruption));
  const onWriteError = (error: NodeJS.ErrnoException) => {
    if (controller.signal.aborted) return;
    if (error.code === 'EPIPE') {
      controller.abort('EPIPE' satisfies Interruption);
      return;
    }
    controller.abort('EWRITE' satisfies Interruption);
    process.stderr.write(`error: the result cannot be written: ${error.message}\n`);
    // By the time the system reports it, the run may be over, and its exit code given.
    process.exitCode = exitCodes.negative;
  };
  process.stdout.on('error', onWriteError);
  process.stderr.on('error', onWriteError);
  return {
    // Opened where it is read: that takes some milliseconds.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    variables: process.env,
    workingDirectory: process.cwd(),
    // This file is two folders below the package, and so is what the bundle makes of it: dist/chunks.
    packageRoot: fileURLToPath(new URL('../..', import.meta.url)),
    program: programName(process.argv[1] ?? '', process.env['PATH'] ?? '', process.cwd()),
    now: Date.now,
    random: Math.random,
    signal: controller.signal,
  };
}

/** Runs work that a Ctrl-C ends alone, and not the run around it; a second one ends that too. */
export async function interruptible<T>(io: Io, work: (io: Io) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const before = process.listeners('SIGINT');
  const onInterrupt = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) for (const listener of before) listener(name);
    controller.abort('SIGINT' satisfies Interruption);
  };
  process.removeAllListeners('SIGINT').on('SIGINT', onInterrupt);
  try {
    return await work({ ...io, signal: AbortSignal.any([io.signal, controller.signal]) });
  } finally {
    process.off('SIGINT', onInterrupt);
    for (const listener of before) process.on('SIGINT', listener);
  }
}

function programName(file: string, path: string, workingDirectory: string): string {
  if (path.split(delimiter).includes(dirname(file))) return 'cachectl';
  const below = relative(workingDirectory, file);
  if (below.startsWith('..') || isAbsolute(below)) return file;
  return below.includes('/') ? below : `./${below}`;
}
