import { setMaxListeners } from 'node:events';

/** What a wait throws that was given up because a signal was aborted. */
export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** Calls `act` once the signal is aborted; any number may listen to one. @returns what ends the listening */
export function onAbort(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal === undefined) return () => undefined;
  // Node would warn of a leak at the eleventh connection that is being opened.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', act);
  return () => signal.removeEventListener('abort', act);
}

/** What a person gave (an argument, a file, a record) cannot be used. The message names it; the hint is the way out. */
export class InputError extends Error {
  override readonly name = 'InputError';

  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** True for an error of the file system. */
export function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EMFILE: 'too many files are open',
};

/**
 * Why a file could not be read or written, in plain words for the end of a sentence. An error that does not come from
 * the file system keeps its own message.
 */
export function fileFailureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error.message;
  // `EIO: i/o error, read`: without the code, the call and the path.
  return causes[code] ?? error.message.replace(/^E[A-Z0-9]+: /, '').replace(/,.*$/s, '');
}
