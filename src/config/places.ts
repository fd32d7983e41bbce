import {
  createScanner,
  type Node,
  parse,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { ConfigError } from './find.ts';
import { statSync, readFileSync } from 'fs';

/** Where something stands in a text; line and column count from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds parts of a JSON text by their paths, and their places; a map may hold a hundred thousand of them. */
export class Places {
  private readonly lineStarts: readonly number[];
  private readonly children = new Map<Node, ReadonlyMap<string, Node>>();

  constructor(
    text: string,
    private readonly tree: Node,
  ) {
    this.lineStarts = lineStartsOf(text);
  }

  positionOf(offset: number): Position {
    return positionIn(this.lineStarts, offset);
  }

  /** What stands at the path, or its nearest parent that is there. */
  nearestNode(path: readonly string[]): Node {
    let node = this.tree;
    for (const step of path) {
      const child = this.childOf(node, step);
      if (child === undefined) return node;
      node = child;
    }
    return node;
  }

  nodeAt(path: readonly string[]): Node | undefined {
    let node: Node | undefined = this.tree;
    for (const step of path) node = node && this.childOf(node, step);
    return node;
  }

  private childOf(node: Node, step: string): Node | undefined {
    let children = this.children.get(node);
    if (children === undefined) {
      children = new Map(namedChildren(node));
      this.children.set(node, children);
    }
    return children.get(step);
  }
}

function namedChildren({ type, children = [] }: Node): [name: string, child: Node][] {
  if (type === 'array') return children.map((child, index) => [String(index), child]);
  return children.flatMap(({ children: [key, value] = [] }): [string, Node][] =>
    key === undefined || value === undefined ? [] : [[String(key.value), value]],
  );
}

/** A map has four levels; a parser that goes down step by step needs an end. */
const deepestNesting = 100;

/** @throws ConfigError where the text is no JSON */
export function treeOf(text: string, file: string): Node {
  const stop = (offset: number, message: string): never => {
    throw new ConfigError(file, [{ path: '', ...positionIn(lineStartsOf(text), offset), message }]);
  };
  const tooDeep = firstBeyond(text, deepestNesting);
  if (tooDeep !== null) stop(tooDeep, `is nested deeper than ${deepestNesting} levels`);
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first === undefined && tree !== undefined) return tree;
  const what =
    first === undefined || text.trim() === ''
      ? 'the file is empty'
      : printParseErrorCode(first.error)
          .replace(/([a-z])([A-Z])/g, '$1 $2')
          .toLowerCase();
  return stop(first?.offset ?? 0, `not JSON: ${what}`);
}

/** True where a text can be parsed without going down too far. */
export function nestsReasonably(text: string): boolean {
  return firstBeyond(text, deepestNesting) === null;
}

/** Where the first bracket stands that opens a level too many. */
function firstBeyond(text: string, levels: number): number | null {
  const scanner = createScanner(text, true);
  let level = 0;
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const offset = scanner.getTokenOffset();
    const first = text.charAt(offset);
    if (first === '{' || first === '[') level++;
    else if (first === '}' || first === ']') level--;
    if (level > levels) return offset;
  }
  return null;
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function positionIn(lineStarts: readonly number[], offset: number): Position {
  let low = 0;
  let high = lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}

/** The names that a map gives to things, each with a few words about it. */
export interface MapNames {
  readonly profile: readonly NamedEntry[];
  readonly namespace: readonly NamedEntry[];
  readonly entity: readonly NamedEntry[];
}

export interface NamedEntry {
  readonly name: string;
  readonly description: string;
}

/**
 * Reads the names alone, without validating: a map with a mistake in it still gives its names, and no validator is
 * loaded, which matters at a shell's TAB. An unreadable file gives none, nor does a pipe, for which a TAB would wait.
 */
export function readMapNames(file: string): MapNames {
  let text: string;
  try {
    text = statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return { profile: [], namespace: [], entity: [] };
  }
  const map: unknown = nestsReasonably(text) ? parse(text, [], { allowTrailingComma: true }) : {};
  return {
    // A URL may hold a password, so a profile is described by its protections only.
    profile: entriesOf(map, 'profiles', (entry) =>
      ['protected', 'readOnly'].filter((flag) => entry[flag] === true).join(', '),
    ),
    namespace: entriesOf(map, 'namespaces', (entry) => [entry['pattern']].flat().join(' ')),
    entity: entriesOf(map, 'entities', (entry) => [entry['patterns']].flat().join(' ')),
  };
}

function entriesOf(
  map: unknown,
  field: string,
  describe: (entry: Readonly<Record<string, unknown>>) => string,
): NamedEntry[] {
  return Object.entries(recordOf(recordOf(map)[field])).map(([name, entry]) => ({
    name,
    description: describe(recordOf(entry)),
  }));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
