import { createReadStream, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ArchiveError, type ArchiveFrame, type ArchiveHeader } from '../records/archive/format.ts';
import { readArchive } from '../records/archive/reader.ts';
import type { ByteString } from '../support/bytes.ts';

/** What earlier runs of one plan have done, as their journals say it. */
export interface EarlierRuns {
  /** Oldest first; those before a run that came to its end are left out, and that run too. */
  readonly journals: readonly string[];
  /** The keys that these runs set about, with when the TTL ends that soft mode gave them, in milliseconds since the epoch. */
  readonly touched: ReadonlyMap<ByteString, number | null>;
  /** When the last run began that came to its end with nothing left, ISO 8601. */
  readonly completedAt: string | null;
}

/**
 * Reads the journals of a plan: `*.journal` in the folder of journals, and the file that is named, with those in its
 * folder. A run that was killed leaves a journal without an end, which holds at least the keys that it removed.
 */
export async function readEarlierRuns(
  plan: string,
  { folder, file }: { readonly folder: string | null; readonly file: string | null },
): Promise<EarlierRuns> {
  const folders = [folder, file && dirname(file)].filter((each) => each !== null);
  const paths = [...folders.flatMap(journalsIn), ...(file === null ? [] : [file])];
  const found = (await readJournals(paths)).filter(({ header }) => header.plan === plan);
  let journals: string[] = [];
  let completedAt: string | null = null;
  const touched = new Map<ByteString, number | null>();
  for (const { path, header } of found) {
    if (await readRun(path, touched)) {
      completedAt = header.createdAt;
      journals = [];
      touched.clear();
    } else journals.push(path);
  }
  return { journals, touched, completedAt };
}

/** A file with what its header says. */
export interface Journal {
  readonly path: string;
  readonly header: ArchiveHeader;
}

/** Those of the files that are journals, oldest first. */
export async function readJournals(paths: readonly string[]): Promise<Journal[]> {
  const found: Journal[] = [];
  for (const path of new Set(paths)) {
    const header = await headerOf(path);
    if (header?.kind === 'journal') found.push({ path, header });
  }
  return found.sort((left, right) => left.header.createdAt.localeCompare(right.header.createdAt));
}

export function journalsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.journal'))
      .map((name) => join(folder, name));
  } catch {
    // There was no run yet.
    return [];
  }
}

async function headerOf(path: string): Promise<ArchiveHeader | null> {
  // A journal is a file; a pipe of such a name would be waited for.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return null;
  const stream = createReadStream(path, { highWaterMark: 4096 });
  try {
    return (await readArchive(stream)).header;
  } catch {
    // No journal, or none that can be read: not one of this plan.
    return null;
  } finally {
    stream.destroy();
  }
}

/** True where the run came to its end, and left nothing undone. */
async function readRun(path: string, touched: Map<ByteString, number | null>): Promise<boolean> {
  const { frames } = await readArchive(createReadStream(path, { highWaterMark: 1_048_576 }));
  try {
    for await (const frame of frames) {
      if (frame.kind === 'end') return frame.summary['failed'] === 0 && frame.summary['notAttempted'] === 0;
      note(frame, touched);
    }
  } catch (error) {
    // What comes before the damage was done all the same.
    if (!(error instanceof ArchiveError)) throw error;
  }
  return false;
}

function note(frame: Exclude<ArchiveFrame, { kind: 'end' }>, touched: Map<ByteString, number | null>): void {
  if (frame.kind === 'damaged') return;
  if (frame.kind === 'stays') touched.delete(frame.key);
  else touched.set(frame.key, frame.kind === 'ttl' ? (frame.shortenedToMillis ?? null) : null);
}
