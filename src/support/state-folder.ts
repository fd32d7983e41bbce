import { chmodSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from './make-folder.ts';

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
