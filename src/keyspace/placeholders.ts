/**
 * What stands for a variable part of a key: in the names of inferred namespaces, in patterns and in the map. One list for the whole
 * program; docs/inspection.md explains it. In a pattern those with a shape match text of that shape only, `<id>`, `<text>` and every
 * other name one whole segment.
 */
export const shapes: Readonly<Record<string, string>> = {
  /** In patterns alone: what is inferred of a number is `<id>`. */
  int: '-?[0-9]+',
  uuid: '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
  hash: '(?:[0-9a-fA-F]{2}){8,64}',
  date: '[0-9]{4}-[0-9]{2}-[0-9]{2}',
  email: '[^@]+@[^@]+\\.[^@]+',
  ip: '(?:[0-9]{1,3}\\.){3}[0-9]{1,3}',
  token: '[A-Za-z0-9_-]{20,}',
};

/** What inference writes for a number, and for text of which nothing is known but that it varies. */
export const id = '<id>';
export const text = '<text>';

/** True for a segment that has text of the keys, with placeholders or without; false for a placeholder, its delimiter behind it, and `*`. */
export function isWord(segment: string): boolean {
  return segment !== '*' && !/^<[a-z]+>\W?$/.test(segment);
}
