import { execFile } from 'node:child_process';
import { binary, cleanEnvironment, requireBundle } from '../server/binary.ts';
import { temporaryFolder } from '../server/own.ts';

export interface ShellOutcome {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a line of bash in an empty folder, in which `cachectl` is the built program; a pipe fails where a part of it does. */
export function shell(line: string, env: Readonly<Record<string, string>> = {}): Promise<ShellOutcome> {
  requireBundle();
  const home = temporaryFolder();
  const script = `cachectl() { "$NODE" "$CACHECTL" "$@"; }\n${line}`;
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-o', 'pipefail', '-c', script],
      {
        cwd: home,
        env: cleanEnvironment(home, { NODE: process.execPath, CACHECTL: binary, ...env }),
        encoding: 'buffer',
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode: code, stdout, stderr: stderr.toString() });
      },
    );
  });
}
