import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessFacts } from '../support/processes.ts';

/** This process, and what the system reports about others. */
export function processFacts(): ProcessFacts {
  return { pid: process.pid, hostname: hostname(), lookUp: lookUpProcess };
}

/**
 * Users whose files are as good as one's own: oneself, root, and with sudo the user behind it. Null where files have no
 * owners.
 */
export function trustedOwners(variables: Readonly<Record<string, string | undefined>>): number[] | null {
  const own = process.geteuid?.();
  if (own === undefined) return null;
  const behindSudo = own === 0 ? variables['SUDO_UID'] : undefined;
  return [own, 0, ...(behindSudo !== undefined && /^\d+$/.test(behindSudo) ? [Number(behindSudo)] : [])];
}

function lookUpProcess(pid: number): { startedAt: string | null } | null {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return null;
  }
  const fields = statFields(pid);
  // A process that has ended, and that its parent has not asked about.
  if (fields?.[0] === 'Z' || fields?.[0] === 'X') return null;
  return { startedAt: fields?.[startField - stateField] ?? null };
}

const stateField = 3;
const startField = 22;

/** The fields from the state on, the third; null where there is no /proc. @see proc_pid_stat(5) */
function statFields(pid: number): string[] | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, before it, may hold blanks and brackets.
    return line.slice(line.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
