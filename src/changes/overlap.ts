import type { KeyPattern } from '../keyspace/pattern.ts';

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
