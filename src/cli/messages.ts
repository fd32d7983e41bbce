/** Messages on stderr, which would tear a screen that is drawn on the same terminal: they wait until it is closed. */
export class Messages {
  private waiting: (() => void)[] | null = null;

  hold(): void {
    this.waiting ??= [];
  }

  release(): void {
    const waiting = this.waiting ?? [];
    this.waiting = null;
    for (const write of waiting) write();
  }

  tell(write: () => void): void {
    if (this.waiting === null) write();
    else this.waiting.push(write);
  }
}
