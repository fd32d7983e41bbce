import type { Entity, Namespace, NamespaceMap } from '../keyspace/map.ts';
import { type KeyPattern, prefixOf } from '../keyspace/pattern.ts';
import { longestTtlSeconds } from '../keyspace/ttl.ts';

/** A namespace with data of the target under keys that the target cannot find. */
export interface Unreachable {
  readonly namespace: string;
  /** `copies`: the map says that data of the entity is there. `digests`: the pattern has text that no digest has. */
  readonly why: 'copies' | 'digests';
  /** Whether its keys go by themselves, and after how many seconds at most; null where the map does not say. */
  readonly expires: 'never' | { readonly withinSeconds: number } | null;
  /** True where the pattern could mean the namespace; not worth reporting where other keys were found. */
  readonly perhaps: boolean;
}

/** The namespaces that hold data of an entity under hashed keys. */
export function hashedCopies(entity: Entity, map: NamespaceMap): Unreachable[] {
  return entity.hashedIn.map((name) => ({
    namespace: name,
    why: 'copies',
    expires: expiryOf(map.namespaces.find((each) => each.name === name)),
    perhaps: false,
  }));
}

/** The namespaces of hashed keys that a pattern reaches into by its prefix, and none of whose keys it can match. */
export function digestsBeyond(
  pattern: KeyPattern,
  map: NamespaceMap,
): { unreachable: Unreachable[]; futile: boolean } {
  const prefix = prefixOf(pattern);
  const unreachable = map.namespaces
    .filter(
      ({ hashed, patterns }) => hashed && !patterns.some((own) => canOverlap(pattern, own, map.delimiters)),
    )
    .filter(({ patterns }) =>
      patterns.some((own) => prefix.startsWith(prefixOf(own)) || prefixOf(own).startsWith(prefix)),
    )
    .map((namespace): Unreachable => ({
      namespace: namespace.name,
      why: 'digests',
      expires: expiryOf(namespace),
      perhaps: !namespace.patterns.some((own) => prefixOf(own) !== '' && prefix.startsWith(prefixOf(own))),
    }));
  return { unreachable, futile: unreachable.some(({ perhaps }) => !perhaps) };
}

function expiryOf(namespace: Namespace | undefined): Unreachable['expires'] {
  const rule = namespace?.ttl ?? null;
  if (rule === null) return null;
  const seconds = longestTtlSeconds(rule);
  return seconds === null ? 'never' : { withinSeconds: seconds };
}

/** A set of bytes, one bit for each. */
type ByteSet = bigint;

interface Element {
  readonly bytes: ByteSet;
  /** Any number of them, none included. */
  readonly repeats: boolean;
}
const setOf = (accepts: (character: string) => boolean): ByteSet => {
  let set = 0n;
  for (let byte = 0; byte < 256; byte++) if (accepts(String.fromCharCode(byte))) set |= 1n << BigInt(byte);
  return set;
};
const everyByte = setOf(() => true);
const hexadecimal = setOf((character) => /[0-9a-fA-F]/.test(character));

/** For each shaped placeholder bytes that it is made of, and how many it has at least. */
const shapes: Readonly<Record<string, { readonly bytes: ByteSet; readonly least: number }>> = {
  int: { bytes: setOf((character) => /[0-9-]/.test(character)), least: 1 },
  uuid: { bytes: setOf((character) => /[0-9a-fA-F-]/.test(character)), least: 36 },
  hash: { bytes: hexadecimal, least: 16 },
  date: { bytes: setOf((character) => /[0-9-]/.test(character)), least: 10 },
  token: { bytes: setOf((character) => /[A-Za-z0-9_-]/.test(character)), least: 20 },
  email: { bytes: everyByte, least: 5 },
};

/** False where no key can fit both patterns. True promises nothing: shapes are taken for more than they are. */
export function canOverlap(left: KeyPattern, right: KeyPattern, delimiters: readonly string[]): boolean {
  const a = elementsOf(left, delimiters);
  const b = elementsOf(right, delimiters);
  // Pairs of places in the two patterns that one and the same text can have led to.
  const seen = new Set<number>();
  const open: [number, number][] = [[0, 0]];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [i, j] = pair;
    const name = i * (b.length + 1) + j;
    if (seen.has(name)) continue;
    seen.add(name);
    const [x, y] = [a[i], b[j]];
    if (x === undefined && y === undefined) return true;
    if (x?.repeats) open.push([i + 1, j]);
    if (y?.repeats) open.push([i, j + 1]);
    if (x && y && (x.bytes & y.bytes) !== 0n) open.push([x.repeats ? i : i + 1, y.repeats ? j : j + 1]);
  }
  return false;
}

function elementsOf(pattern: KeyPattern, delimiters: readonly string[]): Element[] {
  const segment = setOf((character) => !delimiters.includes(character));
  const some = (bytes: ByteSet, least: number): Element[] => [
    ...Array.from({ length: least }, () => ({ bytes, repeats: false })),
    { bytes, repeats: true },
  ];
  return pattern.parts.flatMap((part): Element[] => {
    switch (part.kind) {
      case 'literal':
        return Array.from(part.bytes, (byte) => ({
          bytes: 1n << BigInt(byte.charCodeAt(0)),
          repeats: false,
        }));
      case 'any':
        return some(everyByte, 0);
      case 'placeholder': {
        const shape = Object.hasOwn(shapes, part.name) ? shapes[part.name] : undefined;
        return shape ? some(shape.bytes, shape.least) : some(segment, 1);
      }
      case 'boundary':
        return [];
    }
  });
}
