import { type Namespace, mapOf, type NamespaceMap } from '../keyspace/map.ts';
import { parsePattern } from '../keyspace/pattern.ts';
import type { TtlRule } from '../keyspace/ttl.ts';
import { parseDuration, parseRatio, parseSize } from '../support/quantity.ts';
import type { ConfigFile, NamespaceConfig, TtlRuleConfig } from './schema.ts';

/** A validated map file, ready for use: texts become patterns, ratios and seconds. */
export function buildMap(config: ConfigFile): NamespaceMap {
  const { minHitRate, maxMemoryRatio, ...plain } = config.thresholds ?? {};
  return mapOf({
    ...(config.delimiters !== undefined && { delimiters: config.delimiters }),
    namespaces: Object.entries(config.namespaces ?? {}).map(([name, entry]) => namespaceOf(name, entry)),
    entities: Object.entries(config.entities ?? {}).map(([name, entity]) => ({
      name,
      patterns: entity.patterns.map(parsePattern),
      hashedIn: entity.hashedIn ?? [],
      index: entity.index === undefined ? null : parsePattern(entity.index),
      generation: entity.generation === undefined ? null : parsePattern(entity.generation),
    })),
    gigabyteHourCost: config.gigabyteHourCost ?? null,
    ignoredRules: config.doctor?.ignore ?? {},
    forbidden: config.forbidden ?? [],
    thresholds: {
      ...plain,
      ...(minHitRate !== undefined && { minHitRate: ratioOf(minHitRate) }),
      ...(maxMemoryRatio !== undefined && { maxMemoryRatio: ratioOf(maxMemoryRatio) }),
    },
  });
}

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
    limits: {
      keys: entry.maxKeys ?? null,
      bytes: typeof entry.maxBytes === 'string' ? parseSize(entry.maxBytes) : (entry.maxBytes ?? null),
      withoutTtlShare: entry.maxWithoutTtl === undefined ? null : ratioOf(entry.maxWithoutTtl),
    },
    missCost: entry.missCost ?? null,
    encoding: entry.encoding ?? null,
    envelopeField: entry.envelopeField ?? 'data',
    hashed: entry.hashed ?? false,
    generation: entry.generation === undefined ? null : parsePattern(entry.generation),
  };
}

function ratioOf(value: number | string): number {
  return typeof value === 'number' ? value : parseRatio(value);
}

export function ttlRuleOf(config: TtlRuleConfig): TtlRule {
  if (config === 'permanent') return { kind: 'permanent' };
  if (typeof config !== 'object') return { kind: 'fixed', seconds: durationSeconds(config) };
  if ('untilMidnight' in config) return { kind: 'untilMidnight', timeZone: config.untilMidnight };
  return { kind: 'range', minSeconds: durationSeconds(config.min), maxSeconds: durationSeconds(config.max) };
}

function durationSeconds(value: number | string): number {
  return typeof value === 'number' ? value : parseDuration(value);
}
