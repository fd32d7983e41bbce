import type { KeyReading } from '../../keyspace/key-statistics.ts';
import { keyText } from '../../keyspace/key-text.ts';
import type { OnKey } from '../../keyspace/namespace-tree.ts';
import { recognise } from '../../records/decode/decode.ts';
import { refusal } from '../../redis/errors.ts';
import { lengthCommands } from '../../redis/key-conditions.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { ByteString } from '../../support/bytes.ts';
import { groupBy } from '../../support/collections.ts';
import { say } from '../../support/phrase.ts';
import { type Known, Missing } from './rule.ts';

/** What a walk over the keys found, as far as the rules read it. */
export interface KeyFacts {
  /** Of all that were read, or estimated. */
  readonly keys: number;
  /** False: what is said of namespaces is estimated from a sample. */
  readonly exact: boolean;
  readonly namespaces: readonly NamespaceFacts[];
  /** Why the TTLs were not read; null: they were. */
  readonly refusedTtl: string | null;
  readonly refusedMemory: string | null;
  readonly largest: readonly LargestKey[];
  readonly herds: readonly Herd[];
  readonly unstable: readonly UnstableKeys[];
  readonly values: Known<readonly RecognisedValues[]>;
  /** Keys with the highest counters of an LFU policy; null under any other. */
  readonly hottest: readonly HotKey[] | null;
}

/** The part of a NamespaceSummary that rules read; see there. */
export interface NamespaceFacts {
  readonly namespace: string;
  readonly kind: 'cache' | 'state' | null;
  readonly keys: number;
  readonly memoryBytes: number | null;
  readonly withoutTtl: number | null;
  readonly withoutTtlMemoryBytes: number | null;
  readonly ttlRule: {
    readonly rule: string;
    readonly guessed: boolean;
    readonly missing: number;
    readonly tooLong: number;
    readonly unexpected: number;
    readonly drifting: number;
    readonly fallsShort: boolean;
  } | null;
  /** Shortest and longest TTL at the last use, of so many keys; null where it was not read. */
  readonly ttlAtUse: {
    readonly minSeconds: number;
    readonly maxSeconds: number;
    readonly keys: number;
  } | null;
}

export interface LargestKey {
  readonly key: string;
  readonly memoryBytes: number;
  readonly type: string | null;
  /** Null of what is no collection, and where it may not be asked. */
  readonly elements: number | null;
}

/** Keys that expire within two seconds. */
export interface Herd {
  /** Of the map; null: of none. */
  readonly namespace: string | null;
  readonly example: string;
  readonly keys: number;
  /** Of the keys with a TTL that were read. */
  readonly share: number;
  /** ISO 8601. */
  readonly at: string;
}

/** Keys that no other process can name again. */
export interface UnstableKeys {
  /** Of the map; null: of none. */
  readonly namespace: string | null;
  readonly kind: 'object-address' | 'process-hash';
  readonly keys: number;
  readonly example: string;
}

export interface RecognisedValues {
  readonly namespace: string;
  readonly sampled: number;
  readonly pickled: number;
}

export interface HotKey {
  readonly key: string;
  readonly counter: number;
}

/** More seconds than this are not held apart. */
const mostSeconds = 100_000;

const mostHot = 5;

/** Each costs a lookup. */
const mostValues = 200;
const valuesOfNamespace = 3;

/** What starts a value that is recognised by its start. */
const startBytes = 64;

/** `<Foo object at 0x7f3c2a1b4d90>`, as languages print an object that has no text of its own; `Foo@1b6d3586` is Java's. */
const objectAddress = /\bat 0x[0-9a-f]{6,16}\b|[A-Za-z_$][\w.$]*@[0-9a-f]{6,8}(?![0-9a-z])/;

/** `hash()` of Python is a signed number of 64 bits, and another one in each process. */
const processHash = /(?:^|[^0-9A-Za-z])-\d{16,19}(?![0-9A-Za-z])/;

/** So many keys, of which this was the first. */
interface Seen {
  readonly key: ByteString;
  count: number;
}

/** Keeps what rules want to know of single keys while they are read, in bounded memory. */
export class KeyCollector {
  /** By namespace, then by second. */
  private readonly seconds = new Map<string, { total: number; at: Map<number, Seen> }>();
  private distinctSeconds = 0;
  private readonly unstable = new Map<string, Seen>();
  private readonly starts = new Map<string, ByteString[]>();
  private hot: { key: ByteString; counter: number }[] | null = null;

  constructor(private readonly now: () => number) {}

  readonly onKey: OnKey = (key, reading, namespace) => {
    const name = namespace?.name ?? '';
    if (reading.ttlMillis !== null && reading.ttlMillis > 0) this.noteExpiry(name, key, reading.ttlMillis);
    this.noteName(name, key);
    if (reading.type === 'string') this.noteString(name, key);
    this.noteFrequency(key, reading);
  };

  /** @param leastShare of the keys of a namespace that have a TTL */
  herds(fewest: number, leastShare: number): Herd[] {
    return [...this.seconds].flatMap(([name, { total, at }]) => {
      let best: { second: number; keys: number; key: ByteString } | null = null;
      for (const [second, { count, key }] of at) {
        const keys = count + (at.get(second + 1)?.count ?? 0);
        if (keys > (best?.keys ?? 0)) best = { second, keys, key };
      }
      const share = (best?.keys ?? 0) / total;
      return best === null || best.keys < fewest || share < leastShare
        ? []
        : {
            namespace: name || null,
            example: keyText(best.key),
            ...{ keys: best.keys, share, at: new Date(best.second * 1000).toISOString() },
          };
    });
  }

  /** The most first. */
  unstableKeys(): UnstableKeys[] {
    const found = [...this.unstable].sort(([, left], [, right]) => right.count - left.count);
    return found.map(([id, { key, count }]) => {
      const [kind = '', name = ''] = id.split('\0');
      return {
        namespace: name || null,
        kind: kind as UnstableKeys['kind'],
        ...{ keys: count, example: keyText(key) },
      };
    });
  }

  hottest(): HotKey[] | null {
    return this.hot && this.hot.map(({ key, counter }) => ({ key: keyText(key), counter }));
  }

  /**
   * Reads the start of some strings of each namespace.
   * @param nameOf the row that holds a key, where the map has no namespace for it
   * @throws RedisError when the connection is lost
   */
  async readValues(
    server: RedisServer,
    nameOf: (key: ByteString) => string,
  ): Promise<Known<RecognisedValues[]>> {
    const keys = [...this.starts].flatMap(([name, list]) => list.map((key) => ({ name, key })));
    const starts = await Promise.all(
      keys.slice(0, mostValues).map(async ({ name, key }) => {
        const [start] = await server.nodeFor(key).batch([['GETRANGE', key, 0, startBytes - 1]]);
        return { namespace: name || nameOf(key), start: start ?? '' };
      }),
    );
    const refused = starts.map(({ start }) => start).find((start) => start instanceof ReplyError);
    const read = starts.filter(({ start }) => typeof start === 'string' && start !== '');
    if (read.length === 0 && refused !== undefined)
      return new Missing(say`\`GETRANGE\` is refused (${refusal(refused, 'GETRANGE', server.address).code})`);
    return [...groupBy(read, ({ namespace }) => namespace)].map(([namespace, values]) => ({
      namespace,
      sampled: values.length,
      pickled: values.filter(({ start }) => recognise(start as ByteString) === 'pickle').length,
    }));
  }

  private noteExpiry(name: string, key: ByteString, ttlMillis: number): void {
    const second = Math.floor((this.now() + ttlMillis) / 1000);
    const of = this.seconds.get(name) ?? { total: 0, at: new Map<number, Seen>() };
    this.seconds.set(name, of);
    of.total++;
    const seen = of.at.get(second);
    if (seen !== undefined) seen.count++;
    else if (this.distinctSeconds++ < mostSeconds) of.at.set(second, { key, count: 1 });
  }

  private noteName(name: string, key: ByteString): void {
    const kind = objectAddress.test(key) ? 'object-address' : processHash.test(key) ? 'process-hash' : null;
    if (kind === null) return;
    const id = `${kind}\0${name}`;
    const seen = this.unstable.get(id) ?? { key, count: 0 };
    seen.count++;
    this.unstable.set(id, seen);
  }

  /** Without a map all keys count as of one namespace: some more of them. */
  private noteString(name: string, key: ByteString): void {
    const list = this.starts.get(name) ?? [];
    if (list.length < (name === '' ? mostValues / 4 : valuesOfNamespace)) list.push(key);
    this.starts.set(name, list);
  }

  private noteFrequency(key: ByteString, { frequency = null }: KeyReading): void {
    if (frequency === null) return;
    const hot = (this.hot ??= []);
    if (hot.length === mostHot && frequency <= (hot.at(-1)?.counter ?? 0)) return;
    hot.push({ key, counter: frequency });
    hot.sort((left, right) => right.counter - left.counter);
    hot.length = Math.min(hot.length, mostHot);
  }
}

/** The largest keys with the numbers of their elements. @throws RedisError when the connection is lost */
export async function withElements(
  server: RedisServer,
  largest: readonly {
    readonly key: ByteString;
    readonly memoryBytes: number;
    readonly type: string | null;
  }[],
): Promise<LargestKey[]> {
  return Promise.all(
    largest.map(async ({ key, memoryBytes, type }) => {
      const command = type === null ? undefined : lengthCommands[type];
      const [length] = command === undefined ? [] : await server.nodeFor(key).batch([[command, key]]);
      return { key: keyText(key), memoryBytes, type, elements: typeof length === 'number' ? length : null };
    }),
  );
}
