import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HitsResult } from '../../src/commands/hits/result.ts';
import { watchMarks } from './observation-marks.ts';

const binary = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));
/** Ticks in which Linux counts CPU; the same on all of its usual machines. */
const ticksPerSecond = 100;
const pollMillis = 20;
/** One when it subscribes, one when the window begins, and one within the window. */
const marksUntilWithin = 3;

export interface HitsOutcome {
  readonly exitCode: number | null;
  readonly report: HitsResult;
  readonly stderr: string;
  /** CPU of the process, from its start; 0 where /proc does not tell. */
  readonly cpuSeconds: number;
  /** Its peak resident memory, by the kernel's own mark. */
  readonly peakBytes: number;
}

/** The built `cachectl hits`, in its window. */
export interface HitsProcess {
  /** Lets the window end; all that has happened until now is in it. @returns what it reported */
  interrupt(): Promise<HitsOutcome>;
  /** Waits for the end of the window. */
  readonly outcome: Promise<HitsOutcome>;
}

/**
 * Starts `cachectl hits` on the server at this port, and resolves when its window has begun. It ends by itself after the
 * time in `args`, or when it is asked to.
 */
export async function startHits(port: number, args: readonly string[]): Promise<HitsProcess> {
  const begun = watchMarks(port, marksUntilWithin);
  await begun.listening;
  const home = mkdtempSync(join(tmpdir(), 'cachectl-hits-'));
  const url = `redis://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [binary, 'hits', '--url', url, '--output', 'json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8' },
  });
  const outcome = outcomeOf(child).finally(() => rmSync(home, { recursive: true, force: true }));
  outcome.catch(() => undefined);
  try {
    await Promise.race([
      begun.seen,
      outcome.then(({ stderr }) => {
        throw new Error(`the observation ended before it began: ${stderr}`);
      }),
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    begun.close();
  }
  return {
    outcome,
    interrupt: async () => {
      // The window ends with a mark. One that is on its way now may have been made before.
      const next = watchMarks(port, 1);
      try {
        await next.listening;
        await Promise.race([next.seen, outcome]);
      } finally {
        next.close();
        child.kill('SIGINT');
      }
      return outcome;
    },
  };
}

function outcomeOf(child: ChildProcess): Promise<HitsOutcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  let use = { cpuSeconds: 0, peakBytes: 0 };
  const poll = setInterval(() => (use = useOf(child.pid) ?? use), pollMillis);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      clearInterval(poll);
      const text = Buffer.concat(stderr).toString();
      try {
        const report = JSON.parse(Buffer.concat(stdout).toString()) as HitsResult;
        resolve({ exitCode, report, stderr: text, ...use });
      } catch {
        reject(new Error(`\`cachectl hits\` gave no JSON, and exit code ${exitCode ?? 'none'}: ${text}`));
      }
    });
  });
}

/** Null where the process has just ended, or this is no Linux. */
function useOf(pid: number | undefined): { cpuSeconds: number; peakBytes: number } | null {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1];
    // Behind the name in parentheses: state, and then numbers; user and system time are fields 14 and 15.
    const fields =
      readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    if (kib === undefined) return null;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      peakBytes: Number(kib) * 1024,
    };
  } catch {
    return null;
  }
}
