/** Events in the order in which they came, for one reader that takes them one by one. */
export class EventQueue<Event> implements AsyncIterable<Event> {
  private readonly events: Event[] = [];
  private failure: { readonly error: unknown } | null = null;
  private wake: (() => void) | null = null;

  get isEmpty(): boolean {
    return this.events.length === 0;
  }

  push(event: Event): void {
    this.events.push(event);
    this.wake?.();
  }

  /** The reader gets the error once it has taken what came before. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void> {
    for (;;) {
      const event = this.events.shift();
      if (event !== undefined) {
        yield event;
        continue;
      }
      if (this.failure) throw this.failure.error;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
