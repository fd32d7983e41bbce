import { chmodSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { newDraftPath } from './draft-file.ts';
import { makeFolder } from './make-folder.ts';
import type { ProcessFacts } from './traffic/notifications/processes.ts';

/**
 * Writes a whole file: a reader sees the old text or the new one, never a part. Missing folders are made. What is no
 * regular file (a pipe, a device) is written to as it is.
 * A draft that an earlier run has left beside it is removed.
 * @throws Error as the system gives it
 */
export function replaceFile(path: string, text: string, processes: ProcessFacts): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    writeFileSync(path, text);
    return;
  }
  makeFolder(dirname(path));
  const draft = newDraftPath(path, processes);
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    if (found !== undefined) chmodSync(draft, found.mode);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
