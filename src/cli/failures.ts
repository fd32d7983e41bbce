import { ConfigError } from '../config/find.ts';
import { DeclinedError, InterruptedError } from '../commands/context.ts';
import { exitCodes, type ExitCode } from '../commands/exit-codes.ts';
import { InputError } from '../support/failure.ts';
import type { InterruptingSignal } from './io.ts';
import { maskedText } from '../support/masked.ts';
import { grantHint, mayPass, RedisError } from '../redis/errors.ts';
import { printable, printableLines } from '../render/printable.ts';

/** A failure as stderr and JSON show it. */
export interface Failure {
  /** Stable and machine-readable: `usage`, `config`, `connect`, `login`, `lost`, `refused`, `declined`, `interrupted`, `bug`. */
  readonly kind: string;
  /** The server's or the system's code (`NOPERM`, `ECONNREFUSED`), where there is one. */
  readonly code: string | null;
  readonly message: string;
  readonly hint: string | null;
  readonly exitCode: ExitCode;
}

/**
 * The one place where exceptions become exit codes. What a person typed may be quoted, so passwords are masked.
 * @param command that failed, where it is one that connects
 */
export function failureOf(error: unknown, command?: string): Failure {
  const { message, hint, ...failure } = unmaskedFailure(error, command);
  return { ...failure, message: maskedText(message), hint: hint === null ? null : maskedText(hint) };
}

function unmaskedFailure(error: unknown, command: string | undefined): Failure {
  if (error instanceof RedisError) {
    const exitCode = error.failure === 'refused' ? exitCodes.refused : exitCodes.unreachable;
    return {
      kind: error.failure,
      code: error.code,
      message: error.message,
      hint: hintOf(error, command),
      exitCode,
    };
  }
  if (error instanceof InputError) return plain('usage', error.message, error.hint, exitCodes.usage);
  if (error instanceof ConfigError) {
    return plain(
      'config',
      error.message,
      'correct the file, or name another with --config FILE',
      exitCodes.usage,
    );
  }
  if (error instanceof DeclinedError) return plain('declined', error.message, error.hint, exitCodes.declined);
  if (error instanceof InterruptedError)
    return plain('interrupted', error.message, undefined, exitCodes.interrupted);
  const message = error instanceof Error ? error.message : String(error);
  return plain(
    'bug',
    `unexpected: ${message}`,
    'this is a bug in cachectl; CACHECTL_DEBUG=1 shows where',
    exitCodes.bug,
  );
}

const hintOf = ({ hint }: RedisError, command: string | undefined): string | null =>
  hint === grantHint && command !== undefined
    ? `an administrator can grant it: \`cachectl acl ${command}\` prints the rights that it needs`
    : (hint ?? null);

function plain(kind: string, message: string, hint: string | undefined, exitCode: ExitCode): Failure {
  return { kind, code: null, message, hint: hint ?? null, exitCode };
}

/** A run that a signal stopped; what it has done until then is in its result, where there is one. */
export function interruptionOf(signal: InterruptingSignal, hasResult: boolean): Failure {
  const [by, exitCode] = interruptions[signal];
  const message = `interrupted by ${by}: ${hasResult ? 'the result covers what was done until then' : 'there is no result'}`;
  return { kind: 'interrupted', code: signal, message, hint: null, exitCode };
}

/** Of two ends of a run the one that its user brought about: without it, the server would still be waited for. */
export function interruptedFailure(
  signal: InterruptingSignal,
  hasResult: boolean,
  failure: Failure | undefined,
): Failure {
  const interruption = interruptionOf(signal, hasResult);
  if (failure === undefined) return interruption;
  const isWaitedFor = ['lost', 'connect'].includes(failure.kind) || mayPass({ code: failure.code ?? '' });
  // It says what was under way.
  if (failure.message.startsWith('interrupted'))
    return { ...failure, kind: 'interrupted', code: signal, exitCode: interruption.exitCode };
  if (!isWaitedFor) return failure;
  return { ...interruption, hint: `it was waiting for a server: ${failure.message}` };
}

const interruptions: Readonly<Record<InterruptingSignal, readonly [by: string, exitCode: ExitCode]>> = {
  SIGINT: ['Ctrl-C', exitCodes.interrupted],
  SIGTERM: ['SIGTERM', exitCodes.terminated],
  SIGHUP: ['SIGHUP (the terminal was closed)', exitCodes.hungUp],
};

/** The failure as stderr shows it. */
export function failureText(failure: Failure): string {
  const hint = failure.hint === null ? '' : `\nhint: ${printable(failure.hint)}`;
  return `error: ${printableLines(failure.message)}${hint}\n`;
}

/**
 * Messages on stderr. They would tear a screen that is drawn on the same terminal, and wait until it is closed; those about the
 * result wait for it, so that it does not scroll away behind them.
 */
export class Messages {
  private waiting: (() => void)[] | null = null;
  private aboutResult: (() => void)[] = [];
  /** Of the terminal, that those behind the result will take. */
  linesAboutResult = 0;

  writeAfterResult(write: () => void, lines: number): void {
    this.aboutResult.push(write);
    this.linesAboutResult += lines;
  }

  /** The result is printed, or a person is asked before there is one. */
  writeAboutResult(): void {
    this.linesAboutResult = 0;
    for (const write of this.aboutResult.splice(0)) this.write(write);
  }

  hold(): void {
    this.waiting ??= [];
  }

  release(): void {
    const waiting = this.waiting ?? [];
    this.waiting = null;
    for (const write of waiting) write();
  }

  write(write: () => void): void {
    if (this.waiting === null) write();
    else this.waiting.push(write);
  }
}
