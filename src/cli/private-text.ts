import { InputError } from '../support/failure.ts';
import { readNamedFile } from '../support/named-file.ts';

/** The longest file of passwords or certificates that is read. */
const maxBytes = 1 << 20;
/** How long a pipe may be silent: what starts beside this run may have to ask a vault. */
const pipeMillis = 5000;

const hints = {
  password: 'name a UTF-8 file whose first line is the password, or use --ask-password',
  pem: 'name a PEM file',
} as const;

/**
 * The text of a file or a pipe that a setting names, without the byte order mark that editors put before it.
 * @param what The setting, for messages.
 * @throws InputError saying why it cannot be used; AbortError once the signal is aborted
 */
export async function readPrivateText(
  path: string,
  what: string,
  kind: keyof typeof hints,
  signal: AbortSignal,
): Promise<string> {
  const failure = (cause: string) =>
    new InputError(`${what} \`${path}\` cannot be read: ${cause}`, hints[kind]);
  const late = AbortSignal.timeout(pipeMillis);
  try {
    const bytes = await readNamedFile(path, AbortSignal.any([signal, late]), failure, maxBytes);
    return textOf(bytes, failure);
  } catch (error) {
    if (signal.aborted || !late.aborted || error instanceof InputError) throw error;
    throw failure(`nothing came from this pipe within ${pipeMillis / 1000} s`);
  }
}

function textOf(bytes: Buffer, failure: (cause: string) => InputError): string {
  const [first, second] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || bytes.includes(0)) throw failure('it is UTF-16 or binary, not UTF-8 text');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw failure('it is not UTF-8 text');
  }
}
