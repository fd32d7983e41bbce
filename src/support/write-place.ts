import { lstatSync, statSync } from 'node:fs';

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
