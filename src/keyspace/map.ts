import { parseRatio } from '../config/quantity.ts';
import type { ConfigFile, NamespaceConfig, ThresholdsConfig } from '../config/schema.ts';
import type { ByteString } from '../redis/bytes.ts';
import { PatternIndex } from './pattern-index.ts';
import { type KeyPattern, parsePattern } from './pattern.ts';
import { type TtlRule, ttlRuleOf } from './ttl.ts';

export type Encoding = NonNullable<NamespaceConfig['encoding']>;

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

/** Ratios from 0 to 1; undefined: no limit. */
export interface Thresholds extends Omit<ThresholdsConfig, 'minHitRate' | 'maxMemoryRatio'> {
  readonly minHitRate?: number;
  readonly maxMemoryRatio?: number;
}

/** The map of one cache, ready for use. Without a file it is empty, and namespaces are inferred from the keys. */
export interface NamespaceMap {
  readonly isEmpty: boolean;
  readonly delimiters: readonly string[];
  readonly namespaces: readonly Namespace[];
  readonly entities: readonly Entity[];
  readonly thresholds: Thresholds;
  /** The namespace whose most specific pattern matches the whole key, or null. */
  readonly classify: (key: ByteString) => Namespace | null;
}

export function buildMap(config: ConfigFile): NamespaceMap {
  const delimiters = config.delimiters ?? [':'];
  const namespaces = Object.entries(config.namespaces ?? {}).map(([name, entry]) => namespaceOf(name, entry));
  const index = new PatternIndex(
    namespaces.flatMap((value) => value.patterns.map((pattern) => ({ pattern, value }))),
    delimiters,
  );
  const { minHitRate, maxMemoryRatio, ...plain } = config.thresholds ?? {};
  return {
    isEmpty: namespaces.length === 0,
    delimiters,
    namespaces,
    entities: Object.entries(config.entities ?? {}).map(([name, entity]) => ({
      name,
      patterns: entity.patterns.map(parsePattern),
      hashedIn: entity.hashedIn ?? [],
      index: entity.index === undefined ? null : parsePattern(entity.index),
      generation: entity.generation === undefined ? null : parsePattern(entity.generation),
    })),
    thresholds: {
      ...plain,
      ...(minHitRate !== undefined && { minHitRate: ratioOf(minHitRate) }),
      ...(maxMemoryRatio !== undefined && { maxMemoryRatio: ratioOf(maxMemoryRatio) }),
    },
    classify: (key) => index.find(key),
  };
}

export const emptyMap: NamespaceMap = buildMap({});

function namespaceOf(name: string, entry: NamespaceConfig): Namespace {
  const ttl = entry.ttl === undefined ? null : ttlRuleOf(entry.ttl);
  return {
    name,
    patterns: [entry.pattern].flat().map(parsePattern),
    kind: entry.kind ?? 'cache',
    ttl: entry.ttlGuessed === true ? null : ttl,
    guessedTtl: entry.ttlGuessed === true ? ttl : null,
    jitter: ratioOf(entry.jitter ?? 0),
    hitRateTarget: entry.hitRateTarget === undefined ? null : ratioOf(entry.hitRateTarget),
    encoding: entry.encoding ?? null,
    envelopeField: entry.envelopeField ?? 'data',
    hashed: entry.hashed ?? false,
    generation: entry.generation === undefined ? null : parsePattern(entry.generation),
  };
}

function ratioOf(value: number | string): number {
  return typeof value === 'number' ? value : parseRatio(value);
}
