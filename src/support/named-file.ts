import {
  constants,
  createReadStream,
  createWriteStream,
  fstat,
  open,
  statSync,
  type WriteStream,
} from 'node:fs';
import { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty, ReadStream as TerminalStream, WriteStream as TerminalWriter } from 'node:tty';
import { promisify } from 'node:util';
import { isAbort, fileFailureText } from './failure.ts';
import { replaceFile, writePlaceAt } from './files.ts';
import type { ProcessFacts } from './processes.ts';

const openFile = promisify(open);
const statOf = promisify(fstat);

/** The longest text that fits into one string of Node, in bytes. */
const mostBytes = 512 * 2 ** 20 - 24;

/** A file as a person named it, opened. */
interface NamedFile {
  /** Its bytes. Destroying the stream closes the file. */
  readonly stream: NodeJS.ReadableStream;
  /** True for a pipe, a terminal or another device: its bytes come when they come. */
  readonly mayWait: boolean;
}

/**
 * Opens a file that a person named. Reading it never delays a signal: a pipe is opened without waiting for its writer, and the
 * event loop waits for bytes, not a thread.
 * @throws Error as the system gives it; for a folder only its stream does
 */
export async function openNamedFile(path: string): Promise<NamedFile> {
  const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;
  const file = await openFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  const stats = await statOf(file);
  if (stats.isFIFO())
    return { stream: new Socket({ fd: file, readable: true, writable: false }), mayWait: true };
  if (isatty(file)) return { stream: new TerminalStream(file), mayWait: true };
  const stream = createReadStream(path, { fd: file, highWaterMark: 1 << 20 });
  return { stream, mayWait: !stats.isFile() };
}

/**
 * The whole content of a file that a person named.
 * @param failure makes the error from the cause, which is a text for the end of a sentence
 * @throws what `failure` gives; AbortError where bytes are waited for when the signal is aborted
 */
export async function readNamedFile(
  path: string,
  signal: AbortSignal,
  failure: (cause: string) => Error,
  most = mostBytes,
): Promise<Buffer> {
  return readWhole(() => openNamedFile(path), signal, failure, most);
}

/** The same for a file of JSON, whose content the caller checks. */
export async function readNamedJson<T>(
  path: string,
  signal: AbortSignal,
  failure: (cause: string) => Error,
): Promise<T> {
  const bytes = await readNamedFile(path, signal, failure);
  try {
    return JSON.parse(bytes.toString()) as T;
  } catch (error) {
    throw failure(fileFailureText(error));
  }
}

/** The same for a stream such as stdin, which is closed once the signal is aborted. */
export async function readWhole(
  open: () => NamedFile | Promise<NamedFile>,
  signal: AbortSignal,
  failure: (cause: string) => Error,
  most = mostBytes,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const collect = async (source: AsyncIterable<Buffer | string>) => {
    for await (const chunk of source) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      length += bytes.length;
      if (length > most) throw new Error(`it is longer than ${Math.ceil(most / 2 ** 20)} MiB`);
      chunks.push(bytes);
    }
  };
  try {
    const { stream, mayWait } = await open();
    await pipeline(stream, collect, mayWait ? { signal } : {});
    return Buffer.concat(chunks, length);
  } catch (error) {
    throw isAbort(error) ? error : failure(fileFailureText(error));
  }
}

/** How often a pipe is tried whose reader is not there yet. */
const readerPollMillis = 50;
/** How long a reader may take for what is written after the signal that ended the work. */
const lastWordMillis = 1000;

/**
 * Opens a pipe or a device that a person named, to write to it. A pipe without a reader is waited for, and as with
 * `openNamedFile` nothing delays a signal.
 * @throws AbortError; Error as the system gives it
 */
export async function openNamedPlace(path: string, signal: AbortSignal): Promise<Socket | WriteStream> {
  const { O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
  for (;;) {
    try {
      const file = await openFile(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
      if ((await statOf(file)).isFIFO()) return new Socket({ fd: file, readable: false, writable: true });
      return isatty(file) ? new TerminalWriter(file) : createWriteStream(path, { fd: file });
    } catch (error) {
      const hasNoReader = (error as NodeJS.ErrnoException).code === 'ENXIO' && statSync(path).isFIFO();
      if (!hasNoReader) throw error;
    }
    await sleep(readerPollMillis, undefined, { signal });
  }
}

/** Ends what waits for a reader: at the signal, or a moment later where it came before there was anything to write. */
export const writeSignal = (signal: AbortSignal): AbortSignal =>
  signal.aborted ? AbortSignal.timeout(lastWordMillis) : signal;

/**
 * Writes a whole text to where a person named. A pipe or a device is written to as it is, and a file by `replace`.
 * @param failure as with `readNamedFile`
 * @throws what `failure` gives; AbortError where a reader is waited for
 */
export async function writeNamedFile(
  path: string,
  text: string,
  { processes, signal }: { readonly processes: ProcessFacts; readonly signal: AbortSignal },
  failure: (cause: string) => Error,
  replace: typeof replaceFile = replaceFile,
): Promise<void> {
  try {
    if (writePlaceAt(path) !== 'stream') replace(path, text, processes);
    else {
      const limit = writeSignal(signal);
      await pipeline([text], await openNamedPlace(path, limit), { signal: limit });
    }
  } catch (error) {
    throw isAbort(error) ? error : failure(fileFailureText(error));
  }
}
