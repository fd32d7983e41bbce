/** An error reply (`-NOPERM …`). A value, not an exception: one command of a batch may fail while the others succeed. */
export class ReplyError {
  /** The first word when it is in capitals (`NOPERM`, `WRONGTYPE`), else `ERR`. */
  readonly code: string;

  constructor(readonly message: string) {
    this.code = /^[A-Z][A-Z0-9]*(?= )/.exec(message)?.[0] ?? 'ERR';
  }
}
