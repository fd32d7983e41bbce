import type { ByteString } from '../support/bytes.ts';
import type { KeyColumns } from '../redis/columns.ts';
import type { Namespace, NamespaceMap } from './map.ts';
import { NamespaceTree, type TreeState } from './namespace-tree.ts';
import type { RepeatedKeys } from './repeated-keys.ts';
import type { SamplePlace } from './tally.ts';
import { ttlJudges, type TtlVerdict } from './ttl.ts';

interface CollectorOptions {
  readonly map: NamespaceMap;
  readonly depth: number;
  readonly top: number;
  /** The type of all keys, where only one was asked for. */
  readonly type?: string | undefined;
  /** Keys that it knows to have come before are left out. */
  readonly repeated?: RepeatedKeys;
  /** Milliseconds since the epoch: TTLs are judged by the time at which they are read. */
  readonly now: () => number;
}

/** Takes pages of keys, and sums them up by namespace in bounded memory. */
export class Collector {
  readonly tree: NamespaceTree;
  readonly largest: LargestKeys;
  /** Keys of which more was read than their size. */
  detailedKeys = 0;
  private readonly repeated: RepeatedKeys | undefined;
  private readonly type: string | null;
  private readonly map: NamespaceMap;
  private readonly now: () => number;
  private judges: ReadonlyMap<string, (ttlMillis: number) => TtlVerdict> = new Map();
  private judgedAt = Number.NEGATIVE_INFINITY;

  constructor({ map, depth, top, type, now, repeated }: CollectorOptions) {
    const verdictOn = ({ name }: Namespace, ttlMillis: number) => this.judges.get(name)?.(ttlMillis) ?? null;
    this.tree = new NamespaceTree({ map, depth, verdictOn });
    this.map = map;
    this.repeated = repeated;
    this.now = now;
    this.largest = new LargestKeys(top);
    this.type = type ?? null;
  }

  /** @param weights where keys were chosen to be looked up: one over the chance that each had, 0 where it was not chosen */
  add(
    page: KeyColumns & { readonly keys: readonly ByteString[] },
    place: SamplePlace | null,
    weights: readonly number[] | null = null,
  ): void {
    const { keys, memoryBytes, types, ttlMillis, encodings, idleSeconds, frequencies } = page;
    if ([types, ttlMillis, encodings, idleSeconds, frequencies].some(({ length }) => length > 0))
      this.detailedKeys += weights?.filter((weight) => weight > 0).length ?? keys.length;
    if (ttlMillis.length > 0) this.keepTime();
    keys.forEach((key, index) => {
      if (this.repeated?.isRepeated(key) === true) return;
      const reading = {
        memoryBytes: memoryBytes[index] ?? null,
        overheadBytes: keyOverheadBytes(key.length),
        type: this.type ?? types[index] ?? null,
        ttlMillis: ttlMillis[index] ?? null,
        encoding: encodings[index] ?? null,
        idleSeconds: idleSeconds[index] ?? null,
        frequency: frequencies[index] ?? null,
        weight: weights?.[index] ?? null,
      };
      const isLarge =
        place !== null && (reading.memoryBytes ?? 0) >= (place.largeFrom ?? Number.POSITIVE_INFINITY);
      this.tree.add(key, reading, isLarge ? { ...place, key } : place);
      if (reading.memoryBytes !== null) this.largest.offer(key, reading.memoryBytes, reading.type);
    });
  }

  /** A walk may take hours, and midnight comes closer meanwhile. */
  private keepTime(): void {
    const now = this.now();
    if (now - this.judgedAt < judgeMillis) return;
    this.judgedAt = now;
    this.judges = judgesOf(this.map, now);
  }

  /** What `load` fills an empty collector with; of one that is no sample. */
  save(): CollectorState {
    return { tree: this.tree.save(), largest: this.largest.list(), detailedKeys: this.detailedKeys };
  }

  load({ tree, largest, detailedKeys }: CollectorState): void {
    this.tree.load(tree);
    for (const { key, memoryBytes, type } of largest) this.largest.offer(key, memoryBytes, type);
    this.detailedKeys = detailedKeys;
  }
}

/** In JSON's own types. Keys are byte strings, one character per byte. */
export interface CollectorState {
  readonly tree: TreeState;
  readonly largest: readonly LargeKey[];
  readonly detailedKeys: number;
}

/** Judges are made anew this often. */
const judgeMillis = 5000;

function judgesOf(map: NamespaceMap, now: number): Map<string, (ttlMillis: number) => TtlVerdict> {
  const judgeOf = ttlJudges(now);
  return new Map(
    map.namespaces.flatMap(({ name, ttl, guessedTtl }) => {
      const rule = ttl ?? guessedTtl;
      return rule === null ? [] : [[name, judgeOf(rule)] as const];
    }),
  );
}

export interface LargeKey {
  readonly key: ByteString;
  readonly memoryBytes: number;
  readonly type: string | null;
}

/** Keeps the `limit` largest of any number of keys, one that comes again once. Equal sizes keep the one that came first. */
export class LargestKeys {
  private readonly kept: LargeKey[] = [];
  private smallest = -1;

  constructor(private readonly limit: number) {}

  offer(key: ByteString, memoryBytes: number, type: string | null): void {
    if (memoryBytes <= this.smallest && this.kept.length >= this.limit) return;
    if (this.limit === 0 || this.kept.some((other) => other.key === key)) return;
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

/** Size classes of jemalloc, the allocator of Redis on Linux, in steps of a quarter between powers of two. */
function allocated(bytes: number): number {
  if (bytes <= 8) return 8;
  if (bytes <= 128) return Math.ceil(bytes / 16) * 16;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}
const dictionaryEntryBytes = 24;
const objectBytes = 16;

/**
 * Bytes that a key costs beside its value: its name as a dynamic string, its entry in the dictionary, the header of the
 * value's object. Computed, not measured: MEMORY USAGE gives the sum of these and the value. Exact for Redis 6 and 7 on
 * 64-bit Linux; newer servers save some of it by keeping name and value in one block.
 *
 * @param keyLength of the name, in bytes
 * @see sds.c, object.c (memoryCommand) and dict.h of Redis 7.0; https://jemalloc.net/jemalloc.3.html#size_classes
 */
export function keyOverheadBytes(keyLength: number): number {
  return known[keyLength] ?? computed(keyLength);
}

function computed(keyLength: number): number {
  const header = keyLength < 32 ? 1 : keyLength < 256 ? 3 : keyLength < 65536 ? 5 : 9;
  return allocated(header + keyLength + 1) + dictionaryEntryBytes + objectBytes;
}
const known: readonly number[] = Array.from({ length: 512 }, (_, length) => computed(length));
