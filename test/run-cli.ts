import { PassThrough, Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Io } from '../src/cli/io.ts';
import { runCli } from '../src/cli/program.ts';

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly url?: string;
  /** Environment variables; nothing is inherited from the test's own process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The content of stdin. */
  readonly input?: string | Buffer;
  readonly signal?: AbortSignal;
  /** True: stdout claims to be a terminal of 100 columns, so the default output is the table. */
  readonly terminal?: boolean;
  /** Such a terminal, of another width. */
  readonly columns?: number;
  /** Lines of the terminal; none: it does not say. */
  readonly rows?: number;
  readonly now?: () => number;
  readonly random?: () => number;
  /** Called with the text each time something is written to stdout. */
  readonly onOutput?: (text: string) => void;
}

/** Runs a command line in this process, and gives what a caller of the program would see. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const stdout = capture(
    options.terminal ?? options.columns !== undefined,
    options.columns,
    options.onOutput,
    options.rows,
  );
  const stderr = capture(false, options.columns);
  const io: Io = {
    stdin:
      options.input === undefined
        ? Object.assign(new PassThrough().end(), { isTTY: false })
        : Readable.from([options.input]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    variables: {
      LANG: 'C.UTF-8',
      ...(options.url !== undefined && { REDIS_URL: options.url }),
      ...options.env,
    },
    workingDirectory: options.cwd ?? '/',
    packageRoot: fileURLToPath(new URL('..', import.meta.url)),
    program: 'cachectl',
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    signal: options.signal ?? new AbortController().signal,
  };
  const exitCode = await runCli(args, io);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

/** The one JSON object on stdout; fails where there is anything else. */
export function jsonOf(result: CliResult): Record<string, unknown> {
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

function capture(
  isTTY: boolean,
  columns = 100,
  onOutput?: (text: string) => void,
  rows?: number,
): { stream: Io['stdout']; text: () => string } {
  const chunks: Buffer[] = [];
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      onOutput?.(String(chunk));
      done();
    },
  });
  return {
    stream: Object.assign(writable, { isTTY, columns, ...(rows !== undefined && { rows }) }),
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
