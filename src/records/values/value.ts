import type { ByteString } from '../../support/bytes.ts';

/** The types that every server has; those of modules have no form of their own here. */
export const valueTypes = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const;
export type ValueType = (typeof valueTypes)[number];

/** A value as an application sees it, whatever the server's inner encoding. */
export type Value =
  | { readonly type: 'string'; readonly bytes: ByteString }
  | Elements
  | { readonly type: 'stream'; readonly entries: readonly Entry[] };

export interface Elements {
  readonly type: 'hash' | 'list' | 'set' | 'zset';
  /** Field and value, element, member, score and member: flat, as HSET, RPUSH, SADD and ZADD take them. */
  readonly elements: readonly ByteString[];
  /** Of a hash; absent: none of its fields has a TTL of its own; null: not known. */
  readonly fieldExpiries?: FieldExpiries | null;
}

/** A value that is written by adding elements. */
export type Collection = Exclude<Value, { readonly type: 'string' }>;

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

/** How a member lies in the flat lists: its texts, and which of them names it; a list may hold an element twice. */
export const memberForms = {
  hash: { width: 2, nameAt: 0 },
  list: { width: 1, nameAt: null },
  set: { width: 1, nameAt: 0 },
  zset: { width: 2, nameAt: 1 },
} as const;

/** How many members the value has; of a string, its bytes. */
export function lengthOf(value: Value): number {
  if (value.type === 'string') return value.bytes.length;
  return value.type === 'stream'
    ? value.entries.length
    : value.elements.length / memberForms[value.type].width;
}

/** Some of the members, by their places; of a string, of its bytes. */
export function sliceOf(value: Value, from: number, to = lengthOf(value)): Value {
  if (value.type === 'string') return { type: 'string', bytes: value.bytes.slice(from, to) as ByteString };
  if (value.type === 'stream') return { type: 'stream', entries: value.entries.slice(from, to) };
  const { width } = memberForms[value.type];
  const elements = value.elements.slice(from * width, to * width);
  if (!value.fieldExpiries) return { ...value, elements };
  const names = new Set(fieldNames(elements));
  return withFields({ ...value, elements }, (name) => names.has(name));
}

/** Its texts, without the ids of entries. */
export function textsOf(value: Value): readonly ByteString[] {
  if (value.type === 'string') return [value.bytes];
  return value.type === 'stream' ? value.entries.flatMap(({ fields }) => fields) : value.elements;
}

/** Field and value in turn: the fields. */
export const fieldNames = (elements: readonly ByteString[]) => elements.filter((_, index) => index % 2 === 0);

/** A hash with those of its fields that are to stay, and the moments of these. */
export function withFields(hash: Elements, stays: (name: ByteString) => boolean): Elements {
  const { fieldExpiries } = hash;
  return {
    ...hash,
    elements: hash.elements.filter((_, index) => stays(hash.elements[index - (index % 2)] as ByteString)),
    ...(fieldExpiries && { fieldExpiries: new Map([...fieldExpiries].filter(([name]) => stays(name))) }),
  };
}

/** Of a hash, the fields that another one has too; any other value as it is. */
export function membersOf(value: Value, other: Value): Value {
  if (value.type !== 'hash' || other.type !== 'hash') return value;
  const names = new Set(fieldNames(other.elements));
  return withFields(value, (name) => names.has(name));
}

/** What of a value is there at a moment: fields that have expired by then are not. */
export function aliveAt(value: Value, nowMillis: number): Value {
  if (value.type !== 'hash' || !value.fieldExpiries) return value;
  const { fieldExpiries } = value;
  return withFields(value, (name) => (fieldExpiries.get(name) ?? Number.POSITIVE_INFINITY) > nowMillis);
}
