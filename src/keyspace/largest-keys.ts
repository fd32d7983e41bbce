import type { ByteString } from '../support/bytes.ts';

export interface LargeKey {
  readonly key: ByteString;
  readonly memoryBytes: number;
  readonly type: string | null;
}

/** Keeps the `limit` largest of any number of keys. Equal sizes keep the one that came first. */
export class LargestKeys {
  private readonly kept: LargeKey[] = [];
  private smallest = -1;

  constructor(private readonly limit: number) {}

  offer(key: ByteString, memoryBytes: number, type: string | null): void {
    if (memoryBytes <= this.smallest && this.kept.length >= this.limit) return;
    if (this.limit === 0) return;
    const at = this.kept.findIndex((other) => other.memoryBytes < memoryBytes);
    this.kept.splice(at < 0 ? this.kept.length : at, 0, { key, memoryBytes, type });
    if (this.kept.length > this.limit) this.kept.pop();
    this.smallest = this.kept.at(-1)?.memoryBytes ?? -1;
  }

  /** Largest first. */
  list(): readonly LargeKey[] {
    return this.kept;
  }
}
