import type { ByteString } from '../../support/bytes.ts';

/** The types that every server has; those of modules have no form of their own here. */
export const valueTypes = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const;
export type ValueType = (typeof valueTypes)[number];

/** A value as an application sees it, whatever the server's inner encoding. */
export type Value =
  | { readonly type: 'string'; readonly bytes: ByteString }
  /** Field and value, element, member, score and member: flat, as HSET, RPUSH, SADD and ZADD take them. */
  | {
      readonly type: 'hash' | 'list' | 'set' | 'zset';
      readonly elements: readonly ByteString[];
      /** Of a hash; absent: none of its fields has a TTL of its own; null: not known. */
      readonly fieldExpiries?: FieldExpiries | null;
    }
  | { readonly type: 'stream'; readonly entries: readonly Entry[] };

/** When fields of a hash expire on their own, in milliseconds since the epoch. */
export type FieldExpiries = ReadonlyMap<ByteString, number>;

/** An entry of a stream. */
export interface Entry {
  /** `ms-sequence`; null: not known, for a fixture leaves it to the server. */
  readonly id: ByteString | null;
  /** Field and value in turn. */
  readonly fields: readonly ByteString[];
}

export function isValueType(type: string): type is ValueType {
  return (valueTypes as readonly string[]).includes(type);
}

/** Texts per member in the flat lists. */
export const widths = { hash: 2, list: 1, set: 1, zset: 2 } as const;

/** How many members the value has; of a string, its bytes. */
export function lengthOf(value: Value): number {
  if (value.type === 'string') return value.bytes.length;
  return value.type === 'stream' ? value.entries.length : value.elements.length / widths[value.type];
}
