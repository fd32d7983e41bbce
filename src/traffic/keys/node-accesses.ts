import { type AccessKind, AccessSample } from '../../curves/access-sample.ts';
import type { SampleLimits } from '../../curves/sample-limits.ts';
import { asBytes } from '../../support/bytes.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisNode } from '../../redis/server.ts';
import type { SeenKey } from './key-history.ts';
import type { NamespaceRows } from './namespace-rows.ts';

/** Longer names are not kept: their keys count with the mean size. */
const longestName = 1024;

/** Keys whose size is asked for at a time. */
const batchKeys = 100;

/** A sample of the accesses of one node since the window began, with the size of each key. */
export class NodeAccesses {
  sample: AccessSample;
  /** Why the server gives no sizes. */
  refusal: string | null = null;
  private beganMillis: number | null = null;

  constructor(
    readonly node: RedisNode,
    private readonly rows: NamespaceRows,
    private readonly limits: SampleLimits,
  ) {
    this.sample = new AccessSample(limits);
  }

  /** The window begins here. */
  begin(nowMillis: number): void {
    this.beganMillis = nowMillis;
    this.sample = new AccessSample(this.limits);
  }

  pass(kind: AccessKind, seen: SeenKey, bytes: Buffer, start: number, end: number, ttlMillis = 0): void {
    if (this.beganMillis === null || seen.row === this.rows.marks) return;
    const index = this.sample.pass(kind, seen, seen.nowMillis - this.beganMillis, ttlMillis);
    if (index < 0 || seen.database !== this.node.database || end - start > longestName) return;
    this.sample.setName(index, bytes.toString('latin1', start, end));
  }

  missed(seen: SeenKey): void {
    if (this.beganMillis === null || seen.row === this.rows.marks) return;
    this.sample.missed(seen, seen.nowMillis - this.beganMillis);
  }

  stored({ high, low }: SeenKey): void {
    this.sample.stored(high, low);
  }

  gone({ high, low, nowMillis }: SeenKey): void {
    if (this.beganMillis !== null) this.sample.gone(high, low, nowMillis - this.beganMillis);
  }

  flush(nowMillis: number): void {
    if (this.beganMillis !== null) this.sample.flush(nowMillis - this.beganMillis);
  }

  /**
   * Asks the server how large keys are whose size is not known. MEMORY USAGE counts no lookups. A key that is gone by then has no size.
   * @param most keys to ask for @throws RedisError when the connection is lost
   */
  async readSizes(most: number): Promise<void> {
    const keys = this.sample.unsized(most);
    for (let at = 0; at < keys.length && this.refusal === null; at += batchKeys) {
      const asked = keys.slice(at, at + batchKeys);
      const replies = await this.node.batch(asked.map(({ name }) => ['MEMORY', 'USAGE', asBytes(name)]));
      asked.forEach(({ high, low }, place) => {
        const reply = replies[place];
        // The sample may have changed meanwhile.
        const index = this.sample.find(high, low);
        if (typeof reply === 'number' && index >= 0) this.sample.setBytes(index, reply);
        else if (index >= 0) this.sample.forgetName(index);
        if (reply instanceof ReplyError) this.refusal ??= reply.message;
      });
    }
  }
}
