/** What a wait throws that was given up because a signal was aborted. */
export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

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
