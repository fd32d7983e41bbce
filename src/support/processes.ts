/** What is known of this process and of others on its machine. */
export interface ProcessFacts {
  readonly pid: number;
  readonly hostname: string;
  /**
   * Null where no such process runs. `startedAt` differs for a later process with the same number; null where the
   * system does not report it. It is only compared.
   */
  lookUp(pid: number): { readonly startedAt: string | null } | null;
}

/** The process that a note or a lock belongs to. */
export interface Holder {
  readonly pid: number;
  readonly hostname: string;
  readonly startedAt: string | null;
}

export function holderOf(facts: ProcessFacts): Holder {
  const { pid, hostname } = facts;
  return { pid, hostname, startedAt: facts.lookUp(pid)?.startedAt ?? null };
}

/** True while the holder runs. One of another machine, which shares the folder, is taken to run. */
export function isRunning(holder: Holder, facts: ProcessFacts): boolean {
  if (holder.hostname !== facts.hostname) return true;
  const found = facts.lookUp(holder.pid);
  if (found === null) return false;
  return found.startedAt === null || holder.startedAt === null || found.startedAt === holder.startedAt;
}

/** The holder in a text that was read, or null where it does not name one. */
export function parseHolder(value: unknown): Holder | null {
  if (typeof value !== 'object' || value === null) return null;
  const { pid, hostname, startedAt } = value as Partial<Record<keyof Holder, unknown>>;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || typeof hostname !== 'string')
    return null;
  return { pid, hostname, startedAt: typeof startedAt === 'string' ? startedAt : null };
}
