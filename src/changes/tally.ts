import { InputError } from '../support/failure.ts';
import { dealFrom } from '../keyspace/deal.ts';
import type { ByteString } from '../support/bytes.ts';
import type { ExcludedNamespace, InvalidationPlan, PlannedNamespace } from './plan.ts';
import type { Verdict } from './scope.ts';

/** A JavaScript Set ends at 2^24 entries, and so does a plan. */
const mostKeys = 16_000_000;
/** Inferred namespaces are as many as there are different words in the keys. */
const mostNamespaces = 500;
const otherName = '(other)';
const sampleSize = 10;

interface Row {
  keys: number;
  bytes: number;
  sized: boolean;
  readonly sample: ByteString[];
}

/** Gathers the keys of a plan one by one. */
export class Tally {
  private readonly seen = new Set<ByteString>();
  private readonly keys: ByteString[] = [];
  private readonly planned = new Map<string, Row>();
  private readonly excluded = new Map<string, { keys: number; reason: ExcludedNamespace['reason'] }>();

  /** True the first time a key comes: SCAN may give it twice. @throws InputError where a plan cannot hold more */
  isNew(key: ByteString): boolean {
    if (this.seen.has(key)) return false;
    if (this.seen.size >= mostKeys) {
      throw new InputError(
        `more than ${mostKeys.toLocaleString('en-US')} keys match, which is more than one plan can hold`,
        'split it with narrower patterns, or with --only',
      );
    }
    this.seen.add(key);
    return true;
  }

  has(key: ByteString): boolean {
    return this.seen.has(key);
  }

  /** @param memoryBytes Null where the size is not known. */
  remove(key: ByteString, { namespace }: Verdict, memoryBytes: number | null): void {
    this.keys.push(key);
    let row = this.planned.get(namespace);
    if (row === undefined) {
      const name = this.planned.size < mostNamespaces ? namespace : otherName;
      row = this.planned.get(name) ?? { keys: 0, bytes: 0, sized: false, sample: [] };
      this.planned.set(name, row);
    }
    row.keys++;
    if (memoryBytes !== null) {
      row.bytes += memoryBytes;
      row.sized = true;
    }
    if (row.sample.length < sampleSize) row.sample.push(key);
  }

  keep({ namespace }: Verdict, reason: ExcludedNamespace['reason']): void {
    const known = this.excluded.get(namespace);
    if (known) known.keys++;
    else {
      const name = this.excluded.size < mostNamespaces ? namespace : otherName;
      this.excluded.set(name, { keys: (this.excluded.get(name)?.keys ?? 0) + 1, reason });
    }
  }

  result(): Pick<InvalidationPlan, 'keys' | 'memoryBytes' | 'namespaces' | 'excluded' | 'sample'> {
    const namespaces = [...this.planned]
      .map(([namespace, { keys, bytes, sized }]): PlannedNamespace => ({
        namespace,
        keys,
        memoryBytes: sized ? bytes : null,
      }))
      .sort(
        (left, right) =>
          (right.memoryBytes ?? 0) - (left.memoryBytes ?? 0) ||
          right.keys - left.keys ||
          (left.namespace < right.namespace ? -1 : 1),
      );
    const sizes = namespaces.flatMap(({ memoryBytes }) => memoryBytes ?? []);
    return {
      keys: this.keys,
      memoryBytes:
        sizes.length > 0 || this.keys.length === 0 ? sizes.reduce((sum, each) => sum + each, 0) : null,
      namespaces,
      excluded: [...this.excluded]
        .map(([namespace, { keys, reason }]) => ({ namespace, keys, reason }))
        .sort((left, right) => right.keys - left.keys),
      sample: dealFrom(
        namespaces.map(({ namespace }) => this.planned.get(namespace)?.sample ?? []),
        sampleSize,
      ),
    };
  }
}
