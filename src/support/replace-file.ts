import { chmodSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { newDraftPath } from './draft-file.ts';
import { makeFolder } from './make-folder.ts';
import type { ProcessFacts } from './processes.ts';
import { writePlaceAt } from './write-place.ts';

/**
 * Writes a whole file: a reader sees the old text or the new one, never a part. It is readable by its owner alone, whatever was
 * there before, and so are the missing folders that are made. What is no regular file (a pipe, a device) is written to as it is.
 * A draft that an earlier run has left beside it is removed.
 * @throws LinkError where the file is a link; Error as the system gives it
 */
export function replaceFile(path: string, text: string, processes: ProcessFacts): void {
  replace(path, text, processes, { file: 0o600, folder: 0o700 });
}

/** The same for a file that holds nothing of keys or values, with the mode of the one before, or a usual one. */
export function replacePublicFile(path: string, text: string, processes: ProcessFacts): void {
  const found = statSync(path, { throwIfNoEntry: false })?.mode;
  replace(path, text, processes, { file: 0o666, folder: 0o777, ...(found !== undefined && { kept: found }) });
}

function replace(
  path: string,
  text: string,
  processes: ProcessFacts,
  mode: { readonly file: number; readonly folder: number; readonly kept?: number },
): void {
  if (writePlaceAt(path) === 'stream') {
    writeFileSync(path, text);
    return;
  }
  makeFolder(dirname(path), mode.folder);
  const draft = newDraftPath(path, processes);
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: mode.file });
    if (mode.kept !== undefined) chmodSync(draft, mode.kept & 0o777);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
