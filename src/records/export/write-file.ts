import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { openNamedPlace } from '../../support/named-file.ts';
import { newDraftPath, makeFolder, writePlaceAt } from '../../support/files.ts';
import type { ProcessFacts } from '../../support/processes.ts';

/** A file that gets its name only once it is whole. */
export interface PendingFile {
  /** Bytes on the disk. */
  readonly bytes: number;
  /** Puts it in the place of what had the name before. @throws Error as the system gives it */
  complete(): Promise<void>;
  /** Keeps what there is of it as FILE.partial, and gives that name. @throws Error as the system gives it */
  keepPartial(): Promise<string>;
  /** @throws Error as the system gives it */
  discard(): Promise<void>;
}

/**
 * Writes the chunks next to `path`, readable by its owner alone, for they hold values; compressed where the name ends in
 * .gz. What is no regular file (a pipe, a device) is written to as it is. When writing fails, what was
 * written is lost; after a SIGKILL the next run that writes to the folder removes it.
 * @throws LinkError where the file is a link; Error as the system gives it
 */
export async function writePending(
  path: string,
  chunks: AsyncIterable<Buffer>,
  processes: ProcessFacts,
  signal: AbortSignal,
): Promise<PendingFile> {
  const direct = writePlaceAt(path) === 'stream';
  const draft = direct ? path : newDraftPath(path, processes);
  if (!direct) makeFolder(dirname(path), 0o700);
  const file = direct
    ? await openNamedPlace(path, signal)
    : createWriteStream(draft, { flags: 'wx', mode: 0o600 });
  // A file takes what there is to the end; a pipe may have a reader that takes nothing.
  const limit = direct ? { signal } : {};
  try {
    if (/\.gz$/i.test(path)) await pipeline(chunks, createGzip({ level: 6 }), file, limit);
    else await pipeline(chunks, file, limit);
  } catch (error) {
    if (!direct) await rm(draft, { force: true });
    throw error;
  }
  const bytes = file.bytesWritten;
  if (direct) {
    const nothing = () => Promise.resolve();
    return { bytes, complete: nothing, keepPartial: () => Promise.resolve(path), discard: nothing };
  }
  return {
    bytes,
    complete: () => rename(draft, path),
    keepPartial: async () => {
      await rename(draft, `${path}.partial`);
      return `${path}.partial`;
    },
    discard: () => rm(draft, { force: true }),
  };
}
