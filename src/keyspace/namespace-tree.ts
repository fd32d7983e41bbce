import type { KeyColumns } from '../redis/columns.ts';
import type { ByteString } from '../support/bytes.ts';
import { keyOverheadBytes } from './key-memory.ts';
import {
  type KeyReading,
  KeyStatistics,
  type KeyStatisticsFields,
  sumOfStatistics,
} from './key-statistics.ts';
import type { Namespace, NamespaceMap } from './map.ts';
import type { RepeatedKeys } from './repeated-keys.ts';
import { type SegmentRow, SegmentTree } from './segment-tree.ts';
import { pick } from '../support/collections.ts';
import type { SegmentTreeState } from './tree-node.ts';
import type { SamplePlace } from './tally.ts';
import { TopKeys } from './top-keys.ts';
import { ttlJudges, type TtlVerdict } from './ttl.ts';

interface NamespaceTreeOptions {
  readonly map: NamespaceMap;
  /** Levels that are distinguished, see SegmentTree. */
  readonly depth: number;
  /** How many of the largest keys to keep (default: none). */
  readonly top?: number;
  readonly versionedPrefixes?: ReadonlySet<string>;
  /** The type of all keys, where only one was asked for. */
  readonly type?: string | undefined;
  /** Of a key on this server, from the length of its name (default: on Redis). */
  readonly overheadOf?: (keyLength: number) => number;
  /** Keys that it knows to have come before are left out. */
  readonly repeated?: RepeatedKeys;
  /** Milliseconds since the epoch: TTLs are judged by the time at which they are read. */
  readonly now?: () => number;
  /** Called for each key with what was read of it; the namespace is that of the map. */
  readonly onKey?: OnKey | undefined;
}

export type OnKey = (key: ByteString, reading: KeyReading, namespace: Namespace | null) => void;

/** A set of keys that belong together. The rows of one tree are disjoint and add up to its total. */
export interface NamespaceRow extends Omit<SegmentRow<KeyStatistics>, 'leaf'> {
  readonly statistics: KeyStatistics;
}

/** To be written as JSON. Keys are byte strings, one character per byte. */
export interface TreeState {
  readonly tree: SegmentTreeState<KeyStatisticsFields>;
  readonly largest: readonly LargeKey[];
  readonly detailedKeys: number;
}

/** Groups keys by namespace in bounded memory, and sums up what is read of them. */
export class NamespaceTree {
  /** Keys that were added. */
  keys = 0;
  /** Keys of which more was read than their size. */
  detailedKeys = 0;
  readonly largest: TopKeys<LargeKey>;
  private readonly tree: SegmentTree<KeyStatistics>;
  private judges: ReadonlyMap<string, (ttlMillis: number) => TtlVerdict> = new Map();
  private judgedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: NamespaceTreeOptions) {
    const { top = 0 } = options;
    const shape = pick(options, ['map', 'depth', 'versionedPrefixes']);
    this.tree = new SegmentTree({ ...shape, newLeaf: () => new KeyStatistics() });
    this.largest = new TopKeys(top, ({ memoryBytes }) => memoryBytes);
  }

  /** @param place the place of the key in a sample; null where every key is read */
  add(key: ByteString, reading: KeyReading, place: SamplePlace | null = null): void {
    this.keys++;
    const { map } = this.options;
    const namespace = map.isEmpty ? null : map.classify(key);
    const judge = namespace && this.judges.get(namespace.name);
    const verdict = judge && reading.ttlMillis !== null ? judge(reading.ttlMillis) : null;
    this.tree.leafOf(key, namespace).add(reading, verdict, place);
    this.options.onKey?.(key, reading, namespace);
  }

  /** @param weights where keys were chosen to be looked up: one over the chance that each had, 0 where it was not chosen */
  addPage(
    page: KeyColumns & { readonly keys: readonly ByteString[] },
    place: SamplePlace | null,
    weights: readonly number[] | null = null,
  ): void {
    const { keys, memoryBytes, types, ttlMillis, encodings, idleSeconds, frequencies } = page;
    const { repeated, type = null, overheadOf = keyOverheadBytes } = this.options;
    if ([types, ttlMillis, encodings, idleSeconds, frequencies].some(({ length }) => length > 0))
      this.detailedKeys += weights?.filter((weight) => weight > 0).length ?? keys.length;
    if (ttlMillis.length > 0) this.keepTime();
    keys.forEach((key, index) => {
      if (repeated?.isRepeated(key) === true) return;
      const reading = {
        memoryBytes: memoryBytes[index] ?? null,
        overheadBytes: overheadOf(key.length),
        nameBytes: key.length,
        type: type ?? types[index] ?? null,
        ttlMillis: ttlMillis[index] ?? null,
        encoding: encodings[index] ?? null,
        idleSeconds: idleSeconds[index] ?? null,
        frequency: frequencies[index] ?? null,
        weight: weights?.[index] ?? null,
      };
      const isLarge =
        place !== null && (reading.memoryBytes ?? 0) >= (place.largeFrom ?? Number.POSITIVE_INFINITY);
      this.add(key, reading, isLarge ? { ...place, key } : place);
      const bytes = reading.memoryBytes;
      if (bytes !== null && this.largest.admits(bytes))
        this.largest.offer({ key, memoryBytes: bytes, type: reading.type });
    });
  }

  /** The sums over all keys. */
  total(): KeyStatistics {
    return sumOfStatistics(this.tree.leaves());
  }

  /** The disjoint sets of keys as they are distinguished so far. */
  leaves(): Generator<KeyStatistics> {
    return this.tree.leaves();
  }

  /** The disjoint rows in order; those beyond `limit` are summed up in `(other)`, the last. */
  rows(limit = Number.POSITIVE_INFINITY, compare = bySize): NamespaceRow[] {
    const rows = this.tree.rows(limit, compare);
    return rows.map(({ leaf: statistics, ...row }) => ({ ...row, statistics }));
  }

  /** The name of the row that holds the key. Asked for once `rows` was. */
  nameOf(key: ByteString): Pick<NamespaceRow, 'namespace' | 'pattern'> | null {
    const { map } = this.options;
    return this.tree.nameOf(key, map.isEmpty ? null : map.classify(key));
  }

  /** What `load` fills an empty tree with, once it has been JSON; of one that is no sample. */
  save(): TreeState {
    const { largest, detailedKeys } = this;
    return { tree: this.tree.save(), largest: largest.list(), detailedKeys };
  }

  load({ tree, largest, detailedKeys }: TreeState): void {
    this.tree.load(tree, (statistics, saved) => statistics.merge(saved));
    for (const each of largest) this.largest.offer(each);
    this.keys = this.total().keys;
    this.detailedKeys = detailedKeys;
  }

  /** How many sets of keys are held apart, see SegmentTree. */
  get size(): number {
    return this.tree.size;
  }

  /** A walk may take hours, and midnight comes closer meanwhile. */
  private keepTime(): void {
    const { map, now = Date.now } = this.options;
    const time = now();
    if (time - this.judgedAt < judgeMillis) return;
    this.judgedAt = time;
    this.judges = judgesOf(map, time);
  }
}

/** Largest first: by bytes, then keys. */
const bySize = (left: KeyStatistics, right: KeyStatistics): number =>
  right.memoryBytes - left.memoryBytes || right.keys - left.keys;

/** Judges of TTLs are made anew this often. */
const judgeMillis = 5000;

function judgesOf(map: NamespaceMap, now: number): Map<string, (ttlMillis: number) => TtlVerdict> {
  const judgeOf = ttlJudges(now);
  const judged = ({ name, ttl, guessedTtl }: Namespace) => {
    const rule = ttl ?? guessedTtl;
    return rule === null ? [] : [[name, judgeOf(rule)] as const];
  };
  return new Map(map.namespaces.flatMap(judged));
}

export interface LargeKey {
  readonly key: ByteString;
  readonly memoryBytes: number;
  readonly type: string | null;
}
