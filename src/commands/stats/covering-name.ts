/**
 * Finds the row of one tree that holds the keys of another tree's row. Both infer names from the keys they saw, and the
 * one that saw more of them may have joined words (`<any>`, `page_<id>`) that the other still tells apart.
 */
export class CoveringNames {
  private readonly names: ReadonlySet<string>;
  private readonly patterns: readonly { readonly name: string; readonly segments: readonly string[] }[];

  constructor(
    names: Iterable<string>,
    private readonly delimiters: readonly string[],
  ) {
    this.names = new Set(names);
    this.patterns = [...this.names]
      .filter((name) => name.includes('<') || name.endsWith('*'))
      .map((name) => ({ name, segments: segmentsOf(name, delimiters) }));
  }

  /** The name itself where there is a row of it, else that of the only row that can stand for it; null for none. */
  of(name: string): string | null {
    if (this.names.has(name)) return name;
    const segments = segmentsOf(name, this.delimiters);
    const covering = this.patterns.filter((pattern) => covers(pattern.segments, segments));
    return covering.length === 1 ? (covering[0]?.name ?? null) : null;
  }
}

/** The segments of an inferred name, each with the delimiter behind it. */
export function segmentsOf(name: string, delimiters: readonly string[]): string[] {
  const segments: string[] = [];
  let start = 0;
  for (let at = 0; at < name.length; at++) {
    if (!delimiters.includes(name.charAt(at))) continue;
    segments.push(name.slice(start, at + 1));
    start = at + 1;
  }
  return [...segments, name.slice(start)];
}

function covers(pattern: readonly string[], segments: readonly string[]): boolean {
  const open = pattern.at(-1) === '*';
  if (open ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every((segment, index) => coversSegment(segment, segments[index] ?? ''));
}

function coversSegment(pattern: string, segment: string): boolean {
  if (pattern === segment || pattern === '*') return true;
  if (pattern.startsWith('<any>')) return pattern.at(-1) === segment.at(-1) || pattern === '<any>';
  // As in SegmentTree: what the rarer of two forms is taken for.
  if (segment.replace(/^<id>/, '<hash>').replace(/^<text>/, '<token>') === pattern) return true;
  return !segment.includes('<') && segment.replace(/\d+/g, '<id>') === pattern;
}
