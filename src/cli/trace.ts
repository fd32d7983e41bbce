import { constants, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Trace, TracedExchange } from '../redis/trace.ts';
import { printableLines } from '../render/printable.ts';
import { formatCell } from '../render/units.ts';
import { fileFailureText, InputError } from '../support/failure.ts';
import { maskedText } from '../support/masked.ts';
import type { Io } from './io.ts';
import type { GlobalOptions } from './options.ts';

/**
 * The lines of --verbose and --log, one for each write to a server. Undefined where neither is given.
 * @param show Writes a line to stderr.
 * @throws InputError where the file cannot be written
 */
export function traceOf(
  io: Io,
  { verbose, log }: GlobalOptions,
  show: (line: string) => void,
): Trace | undefined {
  const append = log === undefined ? undefined : appender(log, io);
  if (verbose !== true && append === undefined) return undefined;
  return (exchange) => {
    const line = lineOf(exchange);
    if (verbose === true) show(`> ${line}\n`);
    append?.(`${new Date(io.now()).toISOString()} ${line}\n`);
  };
}

const lineOf = ({ address, commands, millis, isLost }: TracedExchange) =>
  printableLines(
    maskedText(`${address} ${formatCell(millis, 'millis')} ${isLost ? '(lost) ' : ''}${commands}`),
  );

/** A link is not followed, as for everything else that is written. */
function appender(name: string, { workingDirectory }: Io): (line: string) => void {
  const path = resolve(workingDirectory, name);
  try {
    const flags = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW;
    const file = openSync(path, flags, 0o600);
    return (line) => void writeSync(file, line);
  } catch (error) {
    throw new InputError(
      `--log \`${name}\` cannot be written: ${fileFailureText(error)}`,
      'name another file',
    );
  }
}
