import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, rmSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ProcessFacts } from './processes.ts';

/** `FILE.cachectl-HOST-PID-START-RANDOM.tmp`: who writes it is in the name, so that a later run can tell whether it still does. */
const draftName = /\.cachectl-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}\.tmp$/;

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);

/**
 * Where a file is written before it gets its name. Drafts that runs of this program have left in the same folder are removed
 * first: those of this machine whose process has ended. A draft of another machine, with which the folder is shared, stays.
 */
export function newDraftPath(path: string, processes: ProcessFacts): string {
  removeAbandoned(dirname(path), processes);
  const { hostname, pid } = processes;
  const startedAt = digest(processes.lookUp(pid)?.startedAt ?? '');
  const random = crypto.randomUUID().slice(0, 8);
  return join(
    dirname(path),
    `${basename(path)}.cachectl-${digest(hostname)}-${pid}-${startedAt}-${random}.tmp`,
  );
}

function removeAbandoned(folder: string, processes: ProcessFacts): void {
  const here = digest(processes.hostname);
  for (const name of draftsIn(folder)) {
    const [, host, pid, startedAt] = draftName.exec(name) ?? [];
    if (host !== here) continue;
    const found = processes.lookUp(Number(pid));
    // A later process may have the same number.
    const writes = found !== null && digest(found.startedAt ?? '') === startedAt;
    if (!writes) removeIfPermitted(join(folder, name));
  }
}

function draftsIn(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    // It cannot be listed, or is not there yet: what is to be written may still go into it.
    return [];
  }
  return entries.filter((entry) => entry.isFile() && draftName.test(entry.name)).map(({ name }) => name);
}

function removeIfPermitted(path: string): void {
  try {
    rmSync(path);
  } catch {
    // It is another user's, or another run was faster: what is to be written does not depend on it.
  }
}

/** A file for data that no later run needs: it has no name, so nothing of it stays on the disk, however the program ends. */
export async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'cachectl-'));
  try {
    return await open(join(folder, 'data'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
