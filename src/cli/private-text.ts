import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { fileFailureText } from '../file-failure.ts';
import { InputError } from '../failure.ts';

/** The longest file of passwords or certificates that is read. */
const maxBytes = 1 << 20;
/** How long a pipe may be silent: what starts beside this run may have to ask a vault. */
const pipeMillis = 5000;
const stepMillis = 20;

const hints = {
  password: 'name a UTF-8 file whose first line is the password, or use --ask-password',
  pem: 'name a PEM file',
} as const;

/**
 * The text of a file or a pipe that a setting names, without the byte order mark that editors put before it.
 * @param what The setting, for messages.
 * @throws InputError saying why it cannot be used
 */
export function readPrivateText(path: string, what: string, kind: keyof typeof hints): string {
  try {
    return textOf(readBytes(path));
  } catch (error) {
    throw new InputError(`${what} \`${path}\` cannot be read: ${fileFailureText(error)}`, hints[kind]);
  }
}

function readBytes(path: string): Buffer {
  // A named pipe to which no one writes would hold up the open call for good, and signals with it.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const isPipe = fstatSync(file).isFIFO();
    const deadline = Date.now() + pipeMillis;
    const buffer = Buffer.alloc(maxBytes);
    let length = 0;
    for (;;) {
      const count = readSome(file, buffer, length);
      if (count === 0 && !(isPipe && length === 0)) return buffer.subarray(0, length);
      length += count ?? 0;
      if (length === maxBytes) throw new Error('it is longer than 1 MiB');
      if (count !== null && count > 0) continue;
      if (Date.now() > deadline) throw new Error(`nothing came from this pipe within ${pipeMillis / 1000} s`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stepMillis);
    }
  } finally {
    closeSync(file);
  }
}

/** Null where nothing has come yet. */
function readSome(file: number, into: Buffer, at: number): number | null {
  try {
    return readSync(file, into, at, into.length - at, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

function textOf(bytes: Buffer): string {
  const [first, second] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || bytes.includes(0)) throw new Error('it is UTF-16 or binary, not UTF-8 text');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8 text');
  }
}
