import { createHash } from 'crypto';
import {
  statSync,
  mkdirSync,
  lstatSync,
  readdirSync,
  rmSync,
  type Dirent,
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'fs';
import { type FileHandle, mkdtemp, open, rm } from 'fs/promises';
import { tmpdir } from 'os';
import { basename, dirname, join } from 'node:path';
import type { ProcessFacts } from './processes.ts';

/**
 * Makes the folder and those above it that are missing, one by one: Node's own recursive way never ends in a folder
 * that takes none, as below /proc.
 * @param mode Of those that are made. @throws Error as the system gives it
 */
export function makeFolder(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = path; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) {
    missing.unshift(at);
    if (dirname(at) === at) break;
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** A link in the place of a file that is to be written: what it leads to was chosen by someone else. */
export class LinkError extends Error {
  override readonly name = 'LinkError';

  constructor() {
    super('it is a link, which is not followed for writing');
  }
}

/**
 * What is at a path that is to be written. A `stream` (a pipe, a device, also behind a link such as /dev/stdout) is written to
 * as it is; nothing else can be put in its place.
 * @throws LinkError for a link to a file, or to nothing; Error as the system gives it
 */
export function writePlaceAt(path: string): 'nothing' | 'file' | 'stream' {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'nothing';
  if (!found.isSymbolicLink()) return found.isFile() ? 'file' : 'stream';
  const target = statSync(path, { throwIfNoEntry: false });
  if (target === undefined || target.isFile() || target.isDirectory()) throw new LinkError();
  return 'stream';
}

/** `FILE.cachectl-HOST-PID-START-RANDOM.tmp`: its writer is in the name, so that a later run can see whether it still runs. */
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
    // It cannot be listed, or is not there yet; a file may be written to it all the same.
    return [];
  }
  return entries.filter((entry) => entry.isFile() && draftName.test(entry.name)).map(({ name }) => name);
}

/** Removes a regular file that is of no use any more. */
export function removeIfPermitted(path: string): void {
  try {
    if (lstatSync(path).isFile()) rmSync(path);
  } catch {
    // It is another user's, or another run was faster; nothing depends on it.
  }
}

/** A file without a name, for data that no later run needs: nothing of it stays on the disk, however the program ends. */
export async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'cachectl-'));
  try {
    return await open(join(folder, 'data'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Writes a whole file: a reader sees the old text or the new one, never a part. It is readable by its owner alone, whatever was
 * there before, and so are the missing folders that are made. Drafts that earlier runs left in the folder are removed.
 * @throws LinkError where the file is a link; Error for what is no regular file (a pipe, a device), and as the system gives it
 */
export function replaceFile(path: string, text: string, processes: ProcessFacts): void {
  replace(path, text, processes, { file: 0o600, folder: 0o700 });
}

/** The same for what must be there also after a crash of the machine: it is on the disk when this returns. */
export function replaceDurably(path: string, text: string, processes: ProcessFacts): void {
  replace(path, text, processes, { file: 0o600, folder: 0o700 }, sync);
  sync(dirname(path));
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The same for a file without keys or values, with the mode of the one before, or a usual one. */
export function replacePublicFile(path: string, text: string, processes: ProcessFacts): void {
  const found = statSync(path, { throwIfNoEntry: false })?.mode;
  replace(path, text, processes, { file: 0o666, folder: 0o777, ...(found !== undefined && { kept: found }) });
}

function replace(
  path: string,
  text: string,
  processes: ProcessFacts,
  mode: { readonly file: number; readonly folder: number; readonly kept?: number },
  written: (draft: string) => void = () => undefined,
): void {
  if (writePlaceAt(path) === 'stream' && !statSync(path).isDirectory())
    throw new Error('it is no regular file');
  makeFolder(dirname(path), mode.folder);
  const draft = newDraftPath(path, processes);
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: mode.file });
    if (mode.kept !== undefined) chmodSync(draft, mode.kept & 0o777);
    written(draft);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/**
 * Where the program keeps what it must remember between runs: journals, notes of changed settings, which maps are trusted. Null where the
 * environment names no home. A relative XDG_STATE_HOME is invalid by its specification, and ignored.
 */
export function stateFolder(
  variables: Readonly<Record<string, string | undefined>>,
  kind: 'journals' | 'notifications' | 'lookups' | 'trusted-maps',
): string | null {
  const { XDG_STATE_HOME: state, HOME: home } = variables;
  if (state?.startsWith('/') === true) return join(state, 'cachectl', kind);
  return home ? join(home, '.local', 'state', 'cachectl', kind) : null;
}

/**
 * Makes a state folder for its owner alone, and takes the rights of others away where it was made otherwise.
 * @throws Error as the system gives it
 */
export function makeStateFolder(folder: string): void {
  makeFolder(folder, 0o700);
  for (const each of [dirname(folder), folder]) {
    if ((statSync(each).mode & 0o077) === 0) continue;
    try {
      chmodSync(each, 0o700);
    } catch {
      // Another user's: the files in it are private all the same.
    }
  }
}
