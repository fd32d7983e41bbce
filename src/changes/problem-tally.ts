import { keyFields } from '../keyspace/key-text.ts';
import type { ByteString } from '../support/bytes.ts';

/** Keys that failed for one reason, with one of them. */
export interface Problem {
  readonly reason: string;
  readonly keys: number;
  readonly example: { readonly key: string; readonly keyBase64?: string };
}

/** Counts keys that failed, by reason. */
export class ProblemTally {
  private readonly byCode = new Map<string, { reason: string; keys: number; example: ByteString }>();

  /** @param code Failures with the same code are one problem, in the words of the first. */
  add(keys: readonly ByteString[], code: string, reason: string): void {
    const [example] = keys;
    if (example === undefined) return;
    const known = this.byCode.get(code);
    if (known) known.keys += keys.length;
    else this.byCode.set(code, { reason, keys: keys.length, example });
  }

  get total(): number {
    return [...this.byCode.values()].reduce((sum, { keys }) => sum + keys, 0);
  }

  /** Most keys first. */
  get list(): Problem[] {
    return [...this.byCode.values()]
      .sort((left, right) => right.keys - left.keys)
      .map((problem) => ({ ...problem, example: keyFields(problem.example) }));
  }
}
