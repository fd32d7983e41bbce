import type { ByteString } from '../support/bytes.ts';
import { meantText } from '../support/similar.ts';
import { PatternIndex } from './pattern-index.ts';
import type { KeyPattern } from './pattern.ts';
import type { TtlRule } from './ttl.ts';

/** How the values of a namespace are written. */
export type Encoding = 'json' | 'json-envelope' | 'text' | 'integer' | 'binary' | 'pickle' | 'fernet';

export interface Namespace {
  readonly name: string;
  readonly patterns: readonly KeyPattern[];
  /** `state` is never part of a bulk removal. */
  readonly kind: 'cache' | 'state';
  readonly ttl: TtlRule | null;
  /** A rule that no one has confirmed yet; then `ttl` is null, and nothing is enforced. */
  readonly guessedTtl: TtlRule | null;
  /** Share (0 to 1) by which a TTL set here is shortened at random. */
  readonly jitter: number;
  /** Ratio from 0 to 1. */
  readonly hitRateTarget: number | null;
  /** What `check` holds it against; null: nothing. The share is from 0 to 1. */
  readonly limits: {
    readonly keys: number | null;
    readonly bytes: number | null;
    readonly withoutTtlShare: number | null;
  };
  /** What computing a value costs that was missed, in any currency. */
  readonly missCost: number | null;
  readonly encoding: Encoding | null;
  readonly envelopeField: string;
  /** Keys are digests and hold none of the ids they were made from. */
  readonly hashed: boolean;
  /** A counter that is a part of the keys. */
  readonly generation: KeyPattern | null;
}

export interface Entity {
  readonly name: string;
  /** Patterns with `<id>`. */
  readonly patterns: readonly KeyPattern[];
  /** Namespaces that hold this entity's data where no id can find it. */
  readonly hashedIn: readonly string[];
  /** A set or sorted set of the keys of an id. */
  readonly index: KeyPattern | null;
  /** A counter that is a part of the keys of an id. */
  readonly generation: KeyPattern | null;
}

/** What `check` holds the server against; undefined: no limit. */
export interface Thresholds {
  /** Ratio from 0 to 1, and so `maxMemoryRatio`. */
  readonly minHitRate?: number;
  readonly maxMemoryRatio?: number;
  readonly maxPingMillis?: number | undefined;
  readonly maxFragmentation?: number | undefined;
  readonly maxEvictedKeys?: number | undefined;
  readonly maxClients?: number | undefined;
  readonly maxReplicationLagSeconds?: number | undefined;
  readonly maxUnmappedKeys?: number | undefined;
}

/** The map of one cache, ready for use. Without a file it is empty, and namespaces are inferred from the keys. */
export interface NamespaceMap {
  readonly isEmpty: boolean;
  readonly delimiters: readonly string[];
  readonly namespaces: readonly Namespace[];
  readonly entities: readonly Entity[];
  readonly thresholds: Thresholds;
  /** What a gigabyte of memory costs in an hour, in the currency of `missCost`. */
  readonly gigabyteHourCost: number | null;
  /** Rules of `doctor` that are not to be put, with the reason of each. */
  readonly ignoredRules: Readonly<Record<string, string>>;
  /** Patterns that no key may match. */
  readonly forbidden: readonly string[];
  /** The namespace whose most specific pattern matches the whole key, or null. */
  readonly classify: (key: ByteString) => Namespace | null;
}

/** The parts of a map, with a `classify` made of them. */
export function mapOf({
  delimiters = [':'],
  namespaces = [],
  entities = [],
  thresholds = {},
  gigabyteHourCost = null,
  ignoredRules = {},
  forbidden = [],
}: Partial<Omit<NamespaceMap, 'isEmpty' | 'classify'>>): NamespaceMap {
  const index = new PatternIndex(
    namespaces.flatMap((value) => value.patterns.map((pattern) => ({ pattern, value }))),
    delimiters,
  );
  const isEmpty = namespaces.length === 0;
  const classify = (key: ByteString) => index.find(key);
  return {
    ...{ isEmpty, delimiters, namespaces, entities, thresholds, gigabyteHourCost },
    ...{ ignoredRules, forbidden, classify },
  };
}

export const emptyMap: NamespaceMap = mapOf({});

/** The keys that no namespace takes. */
export const unmappedName = '(unmapped)';

/** Those of the map, for a name that none of them has. */
export function entitiesText(name: string, { entities }: NamespaceMap): string {
  const names = entities.map((each) => each.name);
  return `${meantText(name, names)}entities are: ${names.join(', ')}`;
}
